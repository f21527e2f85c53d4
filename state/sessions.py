"""Sessions: who is calling, decided by the server. A cookie holds a random id, the backend holds the identity.

A session is one value of the state backend, owned by `session-<hash of the id>`, so a reader of the store cannot
become anybody. It holds identity and nothing else: requests of one user run side by side, and what they write
belongs under keys of its own. Laws, each with a test in `tests/state/test_sessions.py`:

- A session that was not changed is not written. A new one is put only where there is none, a known one only
  over the tag that was read; when it is gone meanwhile the write is dropped, so a logout wins over what was in flight.
- An id that is not known is never adopted: whoever sent it gets another one.
- A new one is short until its cookie has come back, and an error makes none.
- Reading is msgpack of one typed record. Anything else counts as absent.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from flask import Flask, Request, Response, current_app, has_request_context, request, session
from flask_session.base import ServerSideSession, ServerSideSessionInterface

from errors import NotSignedIn, StateUnavailable
from state.base import ABSENT, Backend, new_tag
from state.identity import pack, session_key, unpack
from state.names import checked_name, new_name
from state.sweep import Sweep

log = logging.getLogger(__name__)

STATIC_PATHS = re.compile(r"/(assets/|_dash-component-suites/|_favicon\.ico|favicon\.ico|_reload-hash|healthz|readyz)")
"""Answered without a look at the session: they work while the store is down."""
CALLBACK_PATHS = frozenset({"/_dash-update-component", "/_dash-layout", "/_dash-dependencies"})
"""Need a session and never make one: six first callbacks at once would make six."""

SID_BYTES = 32
SID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
SLIDES_PER_TTL = 10
FIRST_SECONDS = 600.0
"""Whoever keeps no cookie, as crawlers and health checks, leaves a session behind with every page."""
ENDED = "Your session has ended. Reload the page."


class SafeSession(ServerSideSession):
    """`flask.session`, with what is needed to write it back over the very value it was read from."""

    def __init__(self, initial: dict[str, Any] | None = None, sid: str = "", tag: str = ABSENT) -> None:
        super().__init__(initial, sid)
        self.tag = tag
        self.loaded = dict(initial or {})
        self.age_ms = 0
        self.ttl_ms = 0
        self.ended = False
        self.trouble: StateUnavailable | None = None

    @property
    def is_new(self) -> bool:
        """Whether it was made in this request."""
        return not self.loaded

    def changes(self) -> dict[str, Any]:
        return {key: value for key, value in self.items() if self.loaded.get(key) != value}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds without a user's action, and in all, after which a session ends; `first`: until its cookie came back."""

    idle: float
    absolute: float
    first: float = FIRST_SECONDS


class SafeSessionInterface(ServerSideSessionInterface):
    """Flask-Session's interface on the verbs of our own backends, without its races."""

    session_class = SafeSession

    def __init__(self, app: Flask, backend: Backend, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        super().__init__(app, sid_length=SID_BYTES)
        self.serializer = None  # its decoder falls back to pickle
        self.backend = backend
        self.limits = limits
        self.clock = clock
        self.sweep = Sweep(backend)

    # What Flask calls

    def open_session(self, app: Flask, request: Request) -> SafeSession:
        """The caller's session; an empty one when there is none, when it is not needed or cannot be read."""
        sid = request.cookies.get(self.get_cookie_name(app), "")
        if STATIC_PATHS.match(request.path) or not SID.fullmatch(sid):
            return SafeSession()
        try:
            return self._retrieve_session_data(sid) or SafeSession()
        except StateUnavailable as error:
            found = SafeSession()
            found.trouble = error
            return found

    def save_session(self, app: Flask, session: SafeSession, response: Response) -> None:
        if session.accessed:
            response.vary.add("Cookie")
        if session.ended or (session.modified and not session):
            self._forget(app, session, response)
        elif session.modified:
            if response.status_code < 400 or not session.is_new:
                self._write(app, session, response)
        elif session.tag and response.status_code < 400:
            self._slide(session)

    # What the application calls

    def mint(self, session: SafeSession) -> None:
        """Give an empty session an identity of its own."""
        session.sid = self._generate_sid(SID_BYTES)
        session.update(user_id="u_" + secrets.token_urlsafe(18), name=new_name(), rights=(), created=self.clock())

    def regenerate(self, session: SafeSession) -> None:
        """Move the session to a new id, at a change of rights. The old id never works again.

        Raises NotSignedIn when the session was ended meanwhile: a logout is not to be undone.
        """
        if session.tag and not self._delete_session(session.sid):
            raise NotSignedIn(ENDED)
        session.sid, session.tag = self._generate_sid(SID_BYTES), ABSENT
        session.modified = True

    def end(self, sid: str) -> None:
        """Log out: this id never works again, requests in flight included."""
        self._delete_session(sid)
        if has_request_context() and caller().sid == sid:
            caller().ended = True

    # Parts

    def _retrieve_session_data(self, sid: str) -> SafeSession | None:
        key = session_key(sid)
        found = self.backend.fetch(key)
        if found is None:
            return None
        head, body = found
        record = unpack(head.codec, body)
        if record is None:
            log.warning("A session that is not one of ours was found in the store and is ignored.")
            return None
        if self._left_ms(record.created) <= 0:
            self.backend.delete(key, head.tag)
            return None
        session = SafeSession(msgspec.structs.asdict(record), sid, head.tag)
        session.age_ms, session.ttl_ms = head.age_ms, head.ttl_ms
        return session

    def _delete_session(self, sid: str) -> bool:
        return self.backend.delete(session_key(sid)).done

    def _upsert_session(self, session_lifetime: Any, session: Any, store_id: str) -> None:
        raise NotImplementedError("A write that asks for nothing is what loses writes; see _write.")

    def _write(self, app: Flask, session: SafeSession, response: Response) -> None:
        """Put the session where it was read; merge what we changed onto what another request wrote meanwhile."""
        key, changes, values = session_key(session.sid), session.changes(), dict(session)
        while True:
            ttl_ms = self._ttl_ms(values["created"], session.is_new)
            put = self.backend.put(key, new_tag(), pack(values), ttl_ms, session.tag)
            if put.done:
                break
            current = self._retrieve_session_data(session.sid) if put.current_tag else None
            if current is None:
                log.info("A session that ended meanwhile is not written.")
                return
            session.tag, values = current.tag, {**current, **changes}
        self.sweep.start_if_due()
        if session.is_new or request.cookies.get(self.get_cookie_name(app)) != session.sid:
            self._set_cookie(app, session, response)

    def _slide(self, session: SafeSession) -> None:
        """Start the idle time anew: when the cookie first comes back, then for a user's action once per tenth of it."""
        ttl_ms = self._ttl_ms(session["created"])
        is_back = session.ttl_ms < ttl_ms
        due = session.age_ms * SLIDES_PER_TTL >= self.limits.idle * 1000 and ttl_ms > session.ttl_ms - session.age_ms
        if not is_back and (not due or only_polls()):
            return
        try:
            self.backend.touch(session_key(session.sid), session.tag, ttl_ms)
            self.sweep.start_if_due()
        except StateUnavailable:
            log.warning("A session was not prolonged: the state store does not answer.")

    def _forget(self, app: Flask, session: SafeSession, response: Response) -> None:
        if session.sid and not session.ended:
            self._delete_session(session.sid)
        response.delete_cookie(self.get_cookie_name(app), path="/", secure=self.get_cookie_secure(app), httponly=True)
        response.vary.add("Cookie")

    def _set_cookie(self, app: Flask, session: SafeSession, response: Response) -> None:
        response.set_cookie(
            self.get_cookie_name(app),
            session.sid,
            max_age=max(1, self._left_ms(session["created"]) // 1000),
            path="/",
            secure=self.get_cookie_secure(app),
            httponly=True,
            samesite="Lax",
        )
        response.vary.add("Cookie")

    def _left_ms(self, created: float) -> int:
        return int((created + self.limits.absolute - self.clock()) * 1000)

    def _ttl_ms(self, created: float, is_new: bool = False) -> int:
        idle = min(self.limits.idle, self.limits.first) if is_new else self.limits.idle
        return max(1, min(int(idle * 1000), self._left_ms(created)))


def only_polls() -> bool:
    """Whether a timer sent this request, and nobody pressed anything."""
    if request.path != "/_dash-update-component":
        return False
    body = request.get_json(silent=True)
    changed = body.get("changedPropIds") if isinstance(body, dict) else None
    if not isinstance(changed, list) or not changed:
        return False
    return all(isinstance(prop, str) and prop.endswith(".n_intervals") for prop in changed)


def install(app: Flask, backend: Backend, limits: Limits) -> SafeSessionInterface:
    """Use sessions of ours in this server, and see to it that every page and API request has an identity."""
    interface = SafeSessionInterface(app, backend, limits)
    app.session_interface = interface
    app.before_request(identify)
    return interface


def identify() -> None:
    """Before a request: refuse it while the store is down, else make sure that somebody is calling."""
    if STATIC_PATHS.match(request.path) or request.routing_exception is not None:
        return
    trouble = caller().trouble
    if trouble is not None:
        raise trouble
    if session.get("user_id"):
        return
    if request.path in CALLBACK_PATHS:
        raise NotSignedIn(ENDED)
    cast(SafeSessionInterface, current_app.session_interface).mint(caller())


def caller() -> SafeSession:
    """`flask.session` under its own type."""
    return cast(SafeSession, session)


def current_user_id() -> str:
    """The id of the person who is calling. It stays on the server. Raises NotSignedIn outside a request of theirs."""
    return _identity("user_id")


def current_name() -> str:
    """The display name of the person who is calling."""
    return _identity("name")


def rename(name: Any) -> None:
    """Change the caller's display name. Raises Invalid for one that is empty, too long or not printable."""
    session["name"] = checked_name(name)


def _identity(field: str) -> str:
    found = session.get(field) if has_request_context() else None
    if not found:
        raise NotSignedIn("There is no session here. Reload the page.")
    return str(found)
