"""Whose state this is: a ContextVar, or the request. Never an attribute of something shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import flask

from errors import NoUser

EVERYONE = "everyone"
_user: ContextVar[str | None] = ContextVar("stateroom_user", default=None)
_lent: ContextVar[list[Any] | None] = ContextVar("stateroom_lent", default=None)
OwnerOf = Callable[[], str]


def current_user() -> str:
    """The owner of the state this code may see. Raises NoUser outside a request and outside `user_context`."""
    explicit = _user.get()
    if explicit is not None:
        return explicit
    if flask.has_request_context():
        layer = flask.current_app.extensions.get("stateroom")
        if "stateroom_user" not in flask.g and layer is not None:
            flask.g.stateroom_user = layer.owner()
        if "stateroom_user" in flask.g:
            return str(flask.g.stateroom_user)
    raise NoUser("No user: state is read and written inside a request, or inside `with sm.user_context(user_id)`.")


@contextmanager
def user_context(user_id: str) -> Iterator[None]:
    """Act for `user_id` inside this block, in this thread or task only."""
    token, lent = _user.set(user_id), _lent.set([])
    try:
        yield
    finally:
        _user.reset(token)
        _lent.reset(lent)


def set_user_context(user_id: str) -> None:
    """Act for `user_id` from here on: to the end of the request, or of this thread's or task's context."""
    if flask.has_request_context():
        flask.g.stateroom_user = user_id
    else:
        _user.set(user_id)


def keep_alive(value: Any) -> None:
    """Hold a lent table until the request or `user_context` ends.

    A copy-on-write view of read-only memory copies itself before a write only while the original is alive; the cache
    may drop the original at any time.
    """
    if flask.has_request_context():
        flask.g.setdefault("stateroom_lent", []).append(value)
    elif (lent := _lent.get()) is not None:
        lent.append(value)
