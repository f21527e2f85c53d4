"""Every fault known of server-side sessions, each with the test that it is not ours. On all backends."""

from __future__ import annotations

import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import flask
import pytest

from api import problems
from errors import NotFound, NotSignedIn, StateUnavailable
from state import sessions
from state.base import ABSENT, ANY, Backend, new_tag
from state.identity import Packed, session_key
from state.memory import MemoryBackend
from state.sessions import Limits, SafeSessionInterface

DAY = Limits(idle=24 * 3600, absolute=30 * 24 * 3600)
POLL = {"output": "x.y", "inputs": [], "changedPropIds": ["timer.n_intervals"]}
CLICK = {"output": "x.y", "inputs": [], "changedPropIds": ["timer.n_intervals", "button.n_clicks"]}


class Counting:
    """A backend that counts what is asked of it, and can be down."""

    def __init__(self, inner: Backend) -> None:
        self._inner, self.calls, self.down = inner, [], False

    def __getattr__(self, name: str):
        method = getattr(self._inner, name)

        def call(*args, **kwargs):
            self.calls.append(name)
            if self.down:
                raise StateUnavailable("The state store does not answer.")
            return method(*args, **kwargs)

        return call if callable(method) else method

    def count(self, name: str) -> int:
        return self.calls.count(name)


class Room:
    """A small server with our sessions, and a door that keeps requests in flight until a test opens it."""

    def __init__(self, backend: Backend, limits: Limits = DAY) -> None:
        self.backend = Counting(backend)
        self.server = flask.Flask("room")
        self.server.config.update(SESSION_COOKIE_NAME="sid", SECRET_KEY="test")
        problems.install(self.server)
        self.interface: SafeSessionInterface = sessions.install(self.server, self.backend, limits)
        self.inside, self.door = threading.Semaphore(0), threading.Event()
        for path in ("/", "/api/me", "/_dash-update-component", "/_dash-layout", "/healthz", "/assets/a.css"):
            self.server.add_url_rule(path, path, self.me, methods=["GET", "POST"])
        views = (self.write, self.slow_read, self.slow_write, self.regenerate, self.logout)
        for view in (*views, self.refuse, self.move_and_refuse):
            self.server.add_url_rule(f"/{view.__name__}", view.__name__, view, methods=["GET", "POST"])

    def me(self):
        if sessions.STATIC_PATHS.match(flask.request.path):
            return "static"
        return {"user": sessions.current_user_id(), "name": sessions.current_name()}

    def wait_at_the_door(self) -> None:
        self.inside.release()
        assert self.door.wait(10)

    def write(self):
        for key, value in flask.request.args.items():
            flask.session[key] = (value,) if key == "rights" else value
        return "written"

    def slow_write(self):
        answer = self.write()
        self.wait_at_the_door()
        return answer

    def slow_read(self):
        name = sessions.current_name()
        self.wait_at_the_door()
        return name

    def regenerate(self):
        self.interface.regenerate(flask.session)
        return "moved"

    def refuse(self):
        raise NotFound("There is nothing here.")

    def move_and_refuse(self):
        self.regenerate()
        self.refuse()

    def logout(self):
        self.interface.end(flask.session.sid)
        return "bye"

    def client(self, sid: str | None = None) -> flask.testing.FlaskClient:
        client = self.server.test_client()
        if sid:
            client.set_cookie("sid", sid)
        return client

    def newcomer(self) -> str:
        """Somebody whose browser has loaded a page and sent the cookie back."""
        client = self.client()
        client.get("/")
        client.get("/_dash-layout")
        return sid_of(client)

    def stored(self, sid: str) -> bool:
        return self.backend.fetch(session_key(sid)) is not None


def sid_of(client: flask.testing.FlaskClient) -> str:
    cookie = client.get_cookie("sid")
    return cookie.value if cookie else ""


@pytest.fixture
def room(backend: Backend) -> Room:
    return Room(backend)


@pytest.fixture
def quick() -> Room:
    return Room(MemoryBackend(), Limits(idle=0.8, absolute=2))


def in_flight(room: Room, sid: str, paths: list[str]) -> tuple[ThreadPoolExecutor, list]:
    """Requests that have read the session and stand at the door."""
    pool = ThreadPoolExecutor(len(paths))
    running = [pool.submit(lambda p=path: room.client(sid).get(p)) for path in paths]
    for _ in paths:
        assert room.inside.acquire(timeout=10)
    return pool, running


def let_in(room: Room, pool: ThreadPoolExecutor, running: list) -> list:
    room.door.set()
    answers = [future.result(10) for future in running]
    pool.shutdown()
    return answers


# The faults


def test_parallel_requests_that_change_different_parts_lose_nothing(room: Room) -> None:
    for _ in range(10):
        sid = room.newcomer()
        room.door.clear()
        let_in(room, *in_flight(room, sid, ["/slow_write?name=New", "/slow_write?rights=admin"]))
        with room.server.test_request_context(headers={"Cookie": f"sid={sid}"}):
            assert dict(flask.session, user_id=None, created=None) == {
                "user_id": None,
                "created": None,
                "name": "New",
                "rights": ("admin",),
            }


def test_a_slow_reader_does_not_revert_a_newer_write(room: Room) -> None:
    for round_ in range(10):
        sid = room.newcomer()
        room.door.clear()
        flying = in_flight(room, sid, ["/slow_read"])
        room.client(sid).get(f"/write?name=Newer{round_}")
        let_in(room, *flying)
        assert room.client(sid).get("/api/me").json["name"] == f"Newer{round_}"


@pytest.mark.parametrize("path", ["/slow_read", "/slow_write?name=Zombie"])
def test_a_request_in_flight_does_not_undo_a_logout(room: Room, path: str) -> None:
    for _ in range(20):
        sid = room.newcomer()
        room.door.clear()
        flying = in_flight(room, sid, [path])
        assert room.client(sid).get("/logout").status_code == 200
        (answer,) = let_in(room, *flying)
        assert "Set-Cookie" not in answer.headers
        assert not room.stored(sid)
        assert room.client(sid).get("/_dash-layout").status_code == 401


@pytest.mark.parametrize("path", ["/slow_read", "/slow_write?name=Zombie"])
def test_a_request_in_flight_does_not_revive_a_regenerated_id(room: Room, path: str) -> None:
    for _ in range(20):
        sid = room.newcomer()
        user = room.client(sid).get("/api/me").json["user"]
        room.door.clear()
        flying = in_flight(room, sid, [path])
        mover = room.client(sid)
        mover.get("/regenerate")
        let_in(room, *flying)
        assert sid_of(mover) != sid
        assert not room.stored(sid)
        assert room.client(sid).get("/_dash-layout").status_code == 401
        assert mover.get("/api/me").json["user"] == user


def test_regenerating_does_not_undo_a_logout(room: Room) -> None:
    sid = room.newcomer()
    with room.server.test_request_context(headers={"Cookie": f"sid={sid}"}):
        assert flask.session["user_id"]
        room.client(sid).get("/logout")
        with pytest.raises(NotSignedIn):
            room.interface.regenerate(flask.session)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("codec", ["session", "pickle"])
def test_a_planted_pickle_runs_no_code_and_counts_as_absent(
    room: Room, codec: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sid, trap = room.newcomer(), tmp_path / "sprung"
    planted = Packed(pickle.dumps(Trap(trap)), codec)
    room.backend.put(session_key(sid), new_tag(), planted, 60_000, ANY)
    assert room.client(sid).get("/_dash-layout").status_code == 401
    assert room.client(sid).get("/").status_code == 200
    assert not trap.exists()
    assert "not one of ours" in caplog.text


def test_an_identity_is_made_once_on_the_page_and_never_in_a_callback(room: Room) -> None:
    with ThreadPoolExecutor(6) as pool:
        first = list(pool.map(lambda _: room.client().post("/_dash-update-component", json=CLICK), range(6)))
    assert {answer.status_code for answer in first} == {401}
    assert all(answer.mimetype == "application/problem+json" and "Set-Cookie" not in answer.headers for answer in first)
    assert room.backend.count("put") == 0
    sid = room.newcomer()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: room.client(sid).post("/_dash-update-component", json=CLICK), range(6)))
    assert len({answer.json["user"] for answer in answers}) == 1
    assert room.backend.count("put") == 1


def test_assets_and_health_work_while_the_store_is_down(room: Room) -> None:
    sid = room.newcomer()
    room.backend.down = True
    room.backend.calls.clear()
    for path in ("/assets/a.css", "/healthz"):
        assert room.client(sid).get(path).status_code == 200
    assert room.backend.calls == []
    for path in ("/", "/api/me", "/_dash-layout"):
        answer = room.client(sid).get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
    room.backend.down = False
    assert room.client(sid).get("/api/me").status_code == 200


def test_a_newcomer_is_told_when_the_store_is_down(room: Room) -> None:
    room.backend.down = True
    answer = room.client().get("/")
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (503, None)


def test_polling_does_not_keep_a_session_alive(quick: Room) -> None:
    sid, end = quick.newcomer(), time.monotonic() + 1
    while time.monotonic() < end:
        quick.client(sid).post("/_dash-update-component", json=POLL)
        time.sleep(0.03)
    assert quick.client(sid).post("/_dash-update-component", json=POLL).status_code == 401


def test_actions_keep_a_session_alive_up_to_the_absolute_limit(quick: Room) -> None:
    sid, start = quick.newcomer(), time.monotonic()
    while time.monotonic() - start < 1.6:
        assert quick.client(sid).post("/_dash-update-component", json=CLICK).status_code == 200
        time.sleep(0.03)
    while time.monotonic() - start < 2.1:
        quick.client(sid).post("/_dash-update-component", json=CLICK)
        time.sleep(0.03)
    assert quick.client(sid).post("/_dash-update-component", json=CLICK).status_code == 401


def test_the_absolute_limit_holds_also_for_a_session_the_store_still_has(room: Room) -> None:
    sid, start = room.newcomer(), time.time()
    room.interface.clock = lambda: start + DAY.absolute + 1
    assert room.client(sid).get("/_dash-layout").status_code == 401
    assert not room.stored(sid)


def test_limits_of_days_are_not_cut_to_seconds_of_a_day(room: Room) -> None:
    room.interface.limits = Limits(timedelta(days=1).total_seconds(), timedelta(days=30).total_seconds())
    client = room.client()
    cookie = client.get("/").headers["Set-Cookie"]
    client.get("/_dash-layout")
    (head,) = room.backend.heads([session_key(sid_of(client))])
    assert head.ttl_ms == 24 * 3600 * 1000
    age = int(cookie.split("Max-Age=")[1].split(";")[0])
    assert 30 * 24 * 3600 - 5 <= age <= 30 * 24 * 3600


# Whoever does not come back


@pytest.fixture
def brief() -> Room:
    return Room(MemoryBackend(), Limits(idle=60, absolute=3600, first=0.3))


def test_whoever_keeps_no_cookie_is_soon_forgotten(room: Room) -> None:
    client = room.client()
    client.get("/")
    (head,) = room.backend.heads([session_key(sid_of(client))])
    assert head.ttl_ms == 600 * 1000


def test_a_cookie_that_comes_back_in_time_keeps_its_session(brief: Room) -> None:
    gone, back = brief.client(), brief.client()
    gone.get("/")
    back.get("/")
    user = back.get("/api/me").json["user"]
    time.sleep(0.4)
    assert gone.get("/_dash-layout").status_code == 401
    assert back.get("/_dash-layout").status_code == 200
    assert back.get("/api/me").json["user"] == user


def test_six_first_callbacks_at_once_keep_the_session(brief: Room) -> None:
    client = brief.client()
    client.get("/")
    sid = sid_of(client)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: brief.client(sid).post("/_dash-update-component", json=CLICK), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    time.sleep(0.4)
    (answer,) = {a.json["user"] for a in answers}
    assert brief.client(sid).get("/api/me").json["user"] == answer


@pytest.mark.parametrize("path", ["/write?name=Ada", "/regenerate"])
def test_what_changes_a_session_that_came_back_gives_it_the_whole_time(brief: Room, path: str) -> None:
    client = brief.client()
    client.get("/")
    client.get(path)
    (head,) = brief.backend.heads([session_key(sid_of(client))])
    assert head.ttl_ms == 60_000


def test_also_a_timer_brings_the_cookie_back(brief: Room) -> None:
    client = brief.client()
    client.get("/")
    client.post("/_dash-update-component", json=POLL)
    (head,) = brief.backend.heads([session_key(sid_of(client))])
    assert head.ttl_ms == 60_000


def test_an_error_makes_no_session(room: Room) -> None:
    client = room.client()
    answer = client.get("/refuse")
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (404, None)
    assert room.backend.count("put") == 0


def test_an_error_does_not_lose_a_session_that_moved(room: Room) -> None:
    client = room.client(room.newcomer())
    user = client.get("/api/me").json["user"]
    assert client.get("/move_and_refuse").status_code == 404
    assert client.get("/api/me").json["user"] == user


def test_sessions_that_expired_are_freed_by_those_that_come(quick: Room) -> None:
    for _ in range(5):
        quick.newcomer()
    assert quick.backend.stats().bytes > 0
    time.sleep(1)
    quick.interface.sweep.due = 0
    quick.client().get("/")
    for thread in threading.enumerate():
        if thread.name == "state-sweep":
            thread.join(10)
    assert quick.backend.count("sweep") == 1
    assert quick.backend.sweep() == 0


# What it costs


def test_reading_writes_nothing_and_asks_the_store_once(room: Room) -> None:
    sid = room.newcomer()
    room.backend.calls.clear()
    room.client(sid).get("/api/me")
    assert room.backend.calls == ["fetch"]


def test_the_expiry_slides_at_most_once_per_tenth(room: Room) -> None:
    room.interface.limits = Limits(idle=2, absolute=3600)
    sid = room.newcomer()
    room.backend.calls.clear()
    for _ in range(5):
        room.client(sid).get("/api/me")
    assert room.backend.count("touch") == 0
    time.sleep(0.25)
    for _ in range(5):
        room.client(sid).get("/api/me")
    assert room.backend.count("touch") == 1


# Ids


@pytest.mark.parametrize("sid", ["x", "A" * 43, "../../etc", "'; drop table", "ü" * 43, "A" * 3000])
def test_an_unknown_id_is_never_adopted(room: Room, sid: str) -> None:
    client = room.client(sid)
    client.get("/")
    assert sid_of(client) != sid
    assert len(sid_of(client)) >= 43
    assert not room.stored(sid)


def test_the_id_itself_is_not_in_the_store(room: Room) -> None:
    sid = room.newcomer()
    assert sid not in str(session_key(sid))
    _, body = room.backend.fetch(session_key(sid))
    assert sid.encode() not in bytes(body)


def test_nothing_but_identity_fits_into_a_session(room: Room) -> None:
    sid = room.newcomer()
    assert room.client(sid).get("/write?cart=1").status_code == 500
    assert room.client(sid).get("/api/me").status_code == 200


def test_nobody_is_the_current_user_outside_a_request(room: Room) -> None:
    with pytest.raises(NotSignedIn):
        sessions.current_user_id()
    with room.server.test_request_context("/"), pytest.raises(NotSignedIn):
        sessions.current_user_id()


def test_a_name_is_drawn_for_everybody_and_can_be_changed(room: Room) -> None:
    one, two = room.client(), room.client()
    assert one.get("/api/me").json["user"] != two.get("/api/me").json["user"]
    one.get("/write?name=Ada")
    assert one.get("/api/me").json["name"] == "Ada"
    assert two.get("/api/me").json["name"] != "Ada"


def test_a_new_session_never_overwrites_one(room: Room) -> None:
    sid = room.newcomer()
    put = room.backend.put(session_key(sid), new_tag(), Packed(b"x"), 60_000, ABSENT)
    assert not put.done
