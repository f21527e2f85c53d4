"""Settings are typed, named when wrong, and documented; so are pages and addresses."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import dash
import flask
import pytest

import app
import settings
from errors import SettingsError
from settings import PLAIN_VARIABLES, TABLES, Settings, State, load, variable

ROOT = Path(settings.__file__).parent
KEYS = [(table, field) for table, cls in TABLES.items() for field in dataclasses.fields(cls)]


def write(folder: Path, text: str) -> dict[str, str]:
    """An environment that names a configuration file with this text."""
    (folder / "config.toml").write_text(text)
    return {"STATEROOM_CONFIG": str(folder / "config.toml"), "STATEROOM_HOME": str(folder)}


def test_the_file_lists_every_setting_with_its_default_and_a_line_of_help() -> None:
    text = (ROOT / "config.toml").read_text()
    document = tomllib.loads(text)
    for table, cls in TABLES.items():
        defaults = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(cls()).items()}
        assert document[table] == defaults
    helped = re.findall(r"^(\w+) = .*?# \S.*[.;)]$", text, re.MULTILINE)
    assert helped == [field.name for _, field in KEYS]


def test_the_shipped_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load({"STATEROOM_HOME": str(tmp_path)}) == Settings(home=tmp_path)


@pytest.mark.parametrize(("table", "field"), KEYS, ids=lambda part: getattr(part, "name", part))
def test_every_setting_is_documented_with_its_variable(table: str, field: dataclasses.Field) -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    section = text.split(f"## [{table}]")[1].split("\n## ")[0]
    shipped = re.search(rf"^{field.name} = (.*?)\s*#", (ROOT / "config.toml").read_text().split(f"[{table}]")[1], re.M)
    assert f"| `{field.name}` | `{variable(table, field.name)}` | `{shipped[1]}` |" in section


@pytest.mark.parametrize("name", [*sorted(PLAIN_VARIABLES), "SECRET_KEY"])
def test_every_other_variable_is_documented(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs" / "settings.md").read_text()


def test_the_documentation_names_no_setting_that_is_not_there() -> None:
    documented = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert documented == [(field.name, variable(table, field.name)) for table, field in KEYS]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> flask.Flask:
    return app.create_server(Settings(home=tmp_path_factory.mktemp("home"), state=State(backend="memory")))


def test_every_page_and_address_is_documented(server: flask.Flask) -> None:
    text = (ROOT / "docs" / "http.md").read_text()
    ours = {rule.rule for rule in server.url_map.iter_rules() if not is_dash(rule.rule)}
    assert {"/healthz", "/api/v1/account"} <= ours
    for address in ours | {page["path"] for page in dash.page_registry.values()}:
        assert f"| `{address}` |" in text


def is_dash(rule: str) -> bool:
    return rule in {"/<path:path>", "/assets/<path:filename>", "/_favicon.ico"} or rule.startswith(
        ("/_dash", "/_reload")
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nprot = 1", r"\[server\] prot"),
        ("[sever]\nport = 1", r"\[sever\]"),
        ("port = 1", r"\[port\]"),
        ("[server]\nport = '1'", r"\[server\] port must be a whole number"),
        ("[server]\nport = -1", r"\[server\] port must not be negative"),
        ("[server]\nport = 1.5", r"\[server\] port"),
        ("[server]\ndebug = 1", r"\[server\] debug must be true or false"),
        ("[server]\nallowed_hosts = 'a'", r"\[server\] allowed_hosts must be a list"),
        ("[server]\nallowed_hosts = [1]", r"\[server\] allowed_hosts must be a list"),
        ("[server]\nhost = 5", r"\[server\] host must be a text"),
        ("[state]\nbackend = 'mongo'", r"\[state\] backend must be one of"),
        ("[data]\nthreads = true", r"\[data\] threads"),
        ("[server", r"config.toml is not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(write(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("STATEROOM_SERVER_PROT", "1", "STATEROOM_SERVER_PROT is not a setting"),
        ("STATE_BAKEND", "memory", "STATE_BAKEND is not a setting"),
        ("STATE_BACKEND", "mongo", "STATE_BACKEND must be one of"),
        ("STATE_TTL_DEFAULT", "1h", "STATE_TTL_DEFAULT must be a whole number"),
        ("STATE_TTL_DEFAULT", "-1", "STATE_TTL_DEFAULT must not be negative"),
        ("PORT", "http", "PORT must be a whole number"),
        ("STATEROOM_SERVER_PRODUCTION", "maybe", "STATEROOM_SERVER_PRODUCTION must be true or false"),
        ("STATEROOM_CONFIG", "/nowhere/config.toml", "STATEROOM_CONFIG names /nowhere/config.toml"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(tmp_path: Path, name: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load({"STATEROOM_HOME": str(tmp_path), name: value})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environment = write(tmp_path, "[server]\nport = 1\nthreads = 3\n[state]\nbackend = 'redis'")
    found = load({**environment, "PORT": "9", "STATE_BACKEND": "memory", "STATEROOM_SERVER_ALLOWED_HOSTS": "a, b"})
    assert (found.server.port, found.server.threads, found.state.backend) == (9, 3, "memory")
    assert found.server.allowed_hosts == ("a", "b")


def test_the_secret_key_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    found = load({"STATEROOM_HOME": str(tmp_path), "SECRET_KEY": "hush"})
    assert found.secret_key == "hush"
    assert "hush" not in repr(found)


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load({"STATEROOM_HOME": str(tmp_path)}).server.port = 1  # type: ignore[misc]
