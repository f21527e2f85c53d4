"""What every request must meet, and what every response carries."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

import app
from api import security
from errors import Invalid, SettingsError
from settings import Server, Settings, State
from tests.http.conftest import Make

CALLBACK = "/_dash-update-component"
NAME = "/api/v1/account"
NAME_OUTPUT = "..shell-account-name.children...shell-name-input.value...shell-name-status.children.."
NAME_CALL = {
    "output": NAME_OUTPUT,
    "outputs": [
        {"id": "shell-account-name", "property": "children"},
        {"id": "shell-name-input", "property": "value"},
        {"id": "shell-name-status", "property": "children"},
    ],
    "inputs": [
        {"id": "shell-name-save", "property": "n_clicks", "value": 1},
        {"id": "shell-name-input", "property": "n_submit", "value": None},
    ],
    "state": [{"id": "shell-name-input", "property": "value", "value": "Ada"}],
    "changedPropIds": ["shell-name-save.n_clicks"],
}


# Cookies


def test_the_cookie_is_for_this_server_and_no_script(one: FlaskClient) -> None:
    cookie = one.get("/").headers["Set-Cookie"]
    assert re.match(r"sid=[\w-]{43,};", cookie)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    assert "Set-Cookie" not in one.get("/").headers


def test_in_production_the_cookie_is_bound_to_the_host_and_to_tls(make: Make) -> None:
    client = make(secret_key="k" * 40, production=True, allowed_hosts=("room.example",)).test_client()
    answer = client.get("/", base_url="https://room.example")
    assert re.match(r"__Host-sid=[\w-]{43,};", answer.headers["Set-Cookie"])
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert (
        client.get(NAME, base_url="https://room.example").json == client.get(NAME, base_url="https://room.example").json
    )


def test_a_foreign_cookie_is_replaced(server: flask.Flask) -> None:
    client = server.test_client()
    client.set_cookie("sid", "A" * 43)
    client.get("/")
    assert client.get_cookie("sid").value != "A" * 43


# Headers


@pytest.mark.parametrize(
    ("path", "status", "cache"),
    [
        ("/", 200, "no-store"),
        ("/nowhere", 404, "no-store"),
        (NAME, 200, "no-store"),
        ("/_dash-layout", 200, "no-store"),
        ("/healthz", 200, "no-store"),
        ("/readyz", 200, "no-store"),
        ("/assets/stateroom.css", 200, "no-cache"),
        ("/assets/stateroom.css?m=1", 200, "public, max-age=31536000, immutable"),
        ("/assets/nowhere.css?m=1", 404, "no-store"),
    ],
)
def test_every_response_carries_the_headers(one: FlaskClient, path: str, status: int, cache: str) -> None:
    one.get("/")
    answer = one.get(path, buffered=True)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cache-Control"] == cache
    policy = answer.headers["Content-Security-Policy"]
    for rule in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy


def test_the_policy_knows_every_inline_script_of_the_page(one: FlaskClient) -> None:
    import base64
    import hashlib

    page = one.get("/")
    inline = re.findall(r"<script(?: id=\"_dash-renderer\" type=\"[^\"]*\")?>(.*?)</script>", page.text, re.DOTALL)
    assert len(inline) >= 2
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_what_has_a_fingerprint_is_kept_for_good_and_comes_from_here(one: FlaskClient) -> None:
    addresses = re.findall(r"(?:src|href)=\"([^\"]*)\"", one.get("/").text)
    assert len(addresses) > 10
    for address in addresses:
        assert address.startswith("/")
        answer = one.get(address, buffered=True)
        assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True)


def test_the_page_does_not_tell_versions(one: FlaskClient) -> None:
    import platform

    import dash

    text = one.get("/").text
    for version in (dash.__version__, dash.__version__.replace(".", "_"), platform.python_version()):
        assert version not in text
    assert "python_version" not in text


def test_developer_tools_are_off(one: FlaskClient, server: flask.Flask) -> None:
    assert server.debug is False
    text = one.get("/").text
    assert '"ui":false' in text
    assert "hot_reload" not in text
    for path in ("/_mcp", "/_reload-hash/x", "/console"):
        assert one.get(path).status_code == 404


def test_debug_is_on_when_asked(make: Make) -> None:
    assert '"ui":true' in make(debug=True).test_client().get("/").text


# Addresses and hosts


def test_an_unknown_page_is_not_found(one: FlaskClient) -> None:
    page = one.get("/nowhere", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    problem = one.get("/api/v1/nowhere")
    assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")
    assert one.get("/_dash-component-suites/os/path.js").status_code == 404
    assert one.get("/_dash-component-suites/dash/nowhere.js").status_code == 404
    assert one.get("/assets/../app.py").status_code == 404
    assert one.get("/assets/%2e%2e/app.py").status_code == 404


def test_an_unknown_page_makes_no_session(one: FlaskClient) -> None:
    assert "Set-Cookie" not in one.get("/nowhere").headers


def test_what_is_not_found_makes_no_session(one: FlaskClient, server: flask.Flask) -> None:
    for _ in range(3):
        answer = one.get("/api/v1/tables/nowhere")
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (404, None)
    assert server.extensions["stateroom-backend"].stats().keys == 0


def test_a_method_that_is_not_there_is_told_with_those_that_are(one: FlaskClient) -> None:
    answer = one.delete(NAME)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "PUT" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("values", "host", "status"),
    [
        ({}, "127.0.0.1:8050", 200),
        ({}, "localhost", 200),
        ({}, "[::1]:8050", 200),
        ({}, "evil.example", 400),
        ({}, "[::1", 400),
        ({}, "", 400),
        ({"host": "0.0.0.0"}, "10.1.2.3:8050", 200),
        ({"host": "0.0.0.0", "allowed_hosts": ("room.example",)}, "room.example:8443", 200),
        ({"host": "0.0.0.0", "allowed_hosts": ("room.example",)}, "localhost:8050", 200),
        ({"host": "0.0.0.0", "allowed_hosts": ("room.example",)}, "room.example.evil.example", 400),
    ],
)
def test_only_our_own_names_are_answered(make: Make, values: dict, host: str, status: int) -> None:
    client = make(**values).test_client()
    assert client.get("/", headers={"Host": host}).status_code == status
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_in_production_loopback_is_a_name_like_any_other(make: Make) -> None:
    client = make(secret_key="k" * 40, production=True, allowed_hosts=("room.example",)).test_client()
    assert client.get("/", headers={"Host": "localhost"}).status_code == 400
    assert client.get("/", headers={"Host": "room.example"}).status_code == 200


# Requests from elsewhere


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:8051"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)
@pytest.mark.parametrize("path", [CALLBACK, NAME])
def test_another_site_changes_nothing(one: FlaskClient, path: str, headers: dict, status: int) -> None:
    before = one.get(NAME).json["name"]
    send = one.post if path == CALLBACK else one.put
    answer = send(path, json=NAME_CALL if path == CALLBACK else {"name": "Ada"}, headers=headers)
    assert answer.status_code == status
    assert one.get(NAME).json["name"] == ("Ada" if status == 200 else before)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
@pytest.mark.parametrize("path", [CALLBACK, NAME])
def test_a_body_that_a_foreign_form_could_send_is_refused(one: FlaskClient, path: str, kind: str) -> None:
    before = one.get(NAME).json
    send = one.post if path == CALLBACK else one.put
    assert send(path, data='{"name": "Ada"}', content_type=kind).status_code == 415
    assert one.get(NAME).json == before


def test_too_large_is_told_before_it_is_read(make: Make) -> None:
    client = make(max_request_bytes=1000).test_client()
    answer = client.put(NAME, json={"name": "x" * 2000})
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("path", [CALLBACK, "/_dash-layout", "/_dash-dependencies"])
def test_dash_needs_a_session_and_makes_none(server: flask.Flask, path: str) -> None:
    client = server.test_client()
    answer = client.post(path, json=NAME_CALL) if path == CALLBACK else client.get(path)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({}, 400),
        ({"output": "a.b"}, 400),
        ({"output": 7, "inputs": []}, 404),
        ({"output": "a.b", "inputs": []}, 404),
    ],
)
def test_a_forged_callback_is_refused(one: FlaskClient, body: object, status: int) -> None:
    one.get("/")
    assert one.post(CALLBACK, json=body).status_code == status


# Errors


def test_an_unexpected_error_is_in_the_log_and_not_in_the_answer(
    server: flask.Flask, one: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    @server.get("/api/broken")
    def broken() -> str:
        raise RuntimeError("/home/secret/file of u_12345")

    answer = one.get("/api/broken")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    for word in ("secret", "u_12345", "Traceback", "RuntimeError", "home"):
        assert word not in answer.text
    (record,) = [r for r in caplog.records if answer.json["error_id"] in r.getMessage()]
    assert record.exc_info[0] is RuntimeError


def test_our_own_errors_say_what_to_do(server: flask.Flask, one: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    @server.get("/api/wrong")
    def wrong() -> str:
        raise Invalid("Choose a table.", part="tables", status="mine")

    answer = one.get("/api/wrong")
    assert answer.status_code == 422
    assert answer.json["detail"] == "Choose a table."
    assert (answer.json["part"], answer.json["type"], answer.json["status"]) == ("tables", "invalid", 422)
    assert answer.json["error_id"] in caplog.text


def test_an_error_in_a_callback_is_answered_like_any_other(one: FlaskClient) -> None:
    one.get("/")
    call = {**NAME_CALL, "state": [{"id": "shell-name-input", "property": "value", "value": " "}]}
    answer = one.post(CALLBACK, json=call)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert "1 to 60" in answer.json["detail"]


def test_markup_in_an_error_page_stays_text(server: flask.Flask, one: FlaskClient) -> None:
    @server.get("/wrong")
    def wrong() -> str:
        raise Invalid("<script>alert(1)</script>")

    page = one.get("/wrong", headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert "<script>alert" not in page.text


def test_health_says_whether_the_store_answers(one: FlaskClient) -> None:
    assert one.get("/healthz").json == {"status": "ok"}
    assert one.get("/readyz").json == {"status": "ok", "backends": {"state": "ok"}}
    assert one.get_cookie("sid") is None


def test_readiness_tells_a_store_that_is_down(tmp_path: Path) -> None:
    from tests.servers import redis_server

    with redis_server() as url:
        settings = Settings(home=tmp_path, state=State(backend="redis", redis_url=url))
        client = app.create_server(settings).test_client()
        assert client.get("/readyz").status_code == 200
        client.get("/")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["backends"]) == (503, {"state": "down"})
    assert client.get("/healthz").status_code == 200
    assert client.get("/assets/stateroom.css", buffered=True).status_code == 200
    page = client.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "Retry-After" in page.headers


def test_with_state_in_the_browser_sessions_are_still_on_the_server(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, state=State(backend="client"))
    client = app.create_server(settings).test_client()
    before = client.get(NAME).json
    assert client.get("/readyz").status_code == 200
    again = app.create_server(settings).test_client()
    again.set_cookie("sid", client.get_cookie("sid").value)
    assert again.get(NAME).json == before


def test_with_state_in_the_browser_sessions_are_freed_too(tmp_path: Path) -> None:
    server = app.create_server(Settings(home=tmp_path, state=State(backend="client")))
    sessions, kept = server.session_interface, server.extensions["stateroom-backend"]
    sessions.limits = dataclasses.replace(sessions.limits, first=0.05)
    for _ in range(5):
        server.test_client().get("/")
    before = kept.stats().bytes
    time.sleep(0.1)
    sessions.sweep.due = 0
    server.test_client().get("/")
    for thread in threading.enumerate():
        if thread.name == "state-sweep":
            thread.join(10)
    assert 0 < kept.stats().bytes < before / 2


# The secret key


def test_the_secret_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: security.kept_key(path), range(64)))
    assert keys == {path.read_text()}
    assert len(keys.pop()) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret_key"]


def test_processes_that_race_agree_on_the_secret_key(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys; from pathlib import Path; from api.security import kept_key; print(kept_key(Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "secret_key")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=app.ROOT) for _ in range(3)]
    assert len({racer.communicate()[0] for racer in racers}) == 1


def test_production_needs_a_key_from_the_environment(settings: Settings, make: Make) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        make(production=True)
    assert not (settings.home / "secret_key").exists()
    assert make(production=True, secret_key="from outside").secret_key == "from outside"
    assert not (settings.home / "secret_key").exists()


def test_settings_that_cannot_work_together_are_refused(tmp_path: Path, make: Make) -> None:
    with pytest.raises(SettingsError, match="one process"):
        make(workers=2)
    with pytest.raises(SettingsError, match="debug"):
        make(production=True, debug=True, secret_key="k")
    state = State(backend="database")
    assert app.create_server(Settings(home=tmp_path, server=Server(workers=2), state=state))


def test_two_applications_in_one_process_both_work(make: Make) -> None:
    for client in (make().test_client(), make().test_client()):
        client.get("/")
        assert client.post(CALLBACK, json=NAME_CALL).json["response"]["shell-account-name"]["children"] == "Ada"
