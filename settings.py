"""Typed settings: `config.toml`, overridden by the environment, frozen after start.

Every setting is a field of one of the tables below. The environment variable of `[table] key` is
`STATEROOM_TABLE_KEY`; the state layer's keep their known names (`STATE_BACKEND`), as do `HOST` and `PORT`.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from errors import SettingsError


@dataclass(frozen=True)
class Server:
    host: str = "127.0.0.1"
    port: int = 8050
    workers: int = 1
    threads: int = 8
    production: bool = False
    debug: bool = False
    max_request_bytes: int = 10 * 1024 * 1024
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    backend: Literal["client", "memory", "redis", "database"] = "database"
    ttl_default: int = 3600
    enable_user_isolation: bool = True
    redis_url: str = "redis://localhost:6379/0"
    database_url: str = ""
    bodies_directory: str = ""
    inline_bytes: int = 64 * 1024
    max_value_bytes: int = 1024 * 1024 * 1024
    cache_bytes: int = 256 * 1024 * 1024
    sync: Literal["normal", "full"] = "normal"


@dataclass(frozen=True)
class Sessions:
    idle_seconds: int = 24 * 3600
    absolute_seconds: int = 30 * 24 * 3600


@dataclass(frozen=True)
class Data:
    directory: str = ""
    memory_limit: str = "1GB"
    threads: int = 2
    query_seconds: int = 30
    result_rows_max: int = 20_000_000
    results_bytes: int = 10_000_000_000
    state_ttl_seconds: int = 7 * 24 * 3600


@dataclass(frozen=True)
class Settings:
    home: Path
    server: Server = field(default_factory=Server)
    state: State = field(default_factory=State)
    sessions: Sessions = field(default_factory=Sessions)
    data: Data = field(default_factory=Data)
    secret_key: str = field(default="", repr=False)

    @property
    def state_database_url(self) -> str:
        return self.state.database_url or f"sqlite:///{self.home / 'state.db'}"

    @property
    def data_directory(self) -> Path:
        return Path(self.data.directory) if self.data.directory else self.home / "data"


TABLES: dict[str, type] = {"server": Server, "state": State, "sessions": Sessions, "data": Data}
PLAIN_VARIABLES = {"STATEROOM_HOME", "STATEROOM_CONFIG"}
OWN_NAMES = {("server", "host"): "HOST", ("server", "port"): "PORT"}


def variable(table: str, key: str) -> str:
    """The environment variable of `[table] key`."""
    if (table, key) in OWN_NAMES:
        return OWN_NAMES[table, key]
    return f"STATE_{key.upper()}" if table == "state" else f"STATEROOM_{table.upper()}_{key.upper()}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the file named by STATEROOM_CONFIG (default: `config.toml` beside this module) and `environ`.

    Raises SettingsError naming the first key that is unknown, ill-typed or out of range.
    """
    environ = os.environ if environ is None else environ
    path = Path(environ.get("STATEROOM_CONFIG") or Path(__file__).with_name("config.toml"))
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"STATEROOM_CONFIG names {path}, and there is no such file.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name} is not valid TOML: {error}.") from error
    _refuse_unknown(document, environ, path.name)
    tables = {name: _table(cls, name, document.get(name, {}), environ) for name, cls in TABLES.items()}
    home = Path(environ.get("STATEROOM_HOME") or Path(__file__).with_name("var")).absolute()
    return Settings(home=home, secret_key=environ.get("SECRET_KEY", ""), **tables)


def get_state_manager_config(settings: Settings | None = None) -> dict[str, Any]:
    """The `[state]` table as a dictionary, by the names of the environment variables (`STATE_BACKEND`, …)."""
    state = (settings or load()).state
    return {variable("state", key): value for key, value in dataclasses.asdict(state).items()}


def _refuse_unknown(document: Mapping[str, Any], environ: Mapping[str, str], file: str) -> None:
    known = {variable(name, f.name) for name, cls in TABLES.items() for f in fields(cls)} | PLAIN_VARIABLES
    for name in environ:
        if name.startswith(("STATEROOM_", "STATE_")) and name not in known:
            raise SettingsError(f"The environment variable {name} is not a setting. See docs/settings.md.")
    for name, content in document.items():
        if name not in TABLES or not isinstance(content, dict):
            raise SettingsError(f"{file}: [{name}] is not a table of settings; known: {', '.join(TABLES)}.")
        for key in content:
            if key not in {f.name for f in fields(TABLES[name])}:
                raise SettingsError(f"{file}: [{name}] {key} is not a setting. See docs/settings.md.")


def _table(cls: type, name: str, content: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    hints = get_type_hints(cls)
    values = {}
    for f in fields(cls):
        where, label = variable(name, f.name), f"[{name}] {f.name}"
        if environ.get(where):
            values[f.name] = _from_text(environ[where], hints[f.name], where)
        elif f.name in content:
            values[f.name] = _checked(content[f.name], hints[f.name], label)
    return cls(**values)


def _from_text(text: str, hint: Any, label: str) -> Any:
    if hint is bool:
        if text.lower() not in {"true", "false", "1", "0", "yes", "no"}:
            raise SettingsError(f"{label} must be true or false, not {text!r}.")
        return text.lower() in {"true", "1", "yes"}
    if hint is int:
        try:
            return _checked(int(text), hint, label)
        except ValueError as error:
            raise SettingsError(f"{label} must be a whole number, not {text!r}.") from error
    if get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return _checked(text, hint, label)


def _checked(value: Any, hint: Any, label: str) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingsError(f"{label} must be one of {', '.join(get_args(hint))}, not {value!r}.")
        return value
    if get_origin(hint) is tuple:
        if not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise SettingsError(f"{label} must be a list of texts, not {value!r}.")
        return tuple(value)
    if type(value) is not hint:
        words = {int: "a whole number", bool: "true or false", str: "a text"}
        raise SettingsError(f"{label} must be {words[hint]}, not {value!r}.")
    if hint is int and value < 0:
        raise SettingsError(f"{label} must not be negative, not {value}.")
    return value
