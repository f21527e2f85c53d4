"""Whose state this is. A block wins over the request, the request over what a script has said for its thread.

What belongs to a request lies in the request itself, not in `flask.g`: that belongs to the app context, which outlives
the request where somebody has pushed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import flask

from errors import NoUser

EVERYONE = "everyone"
USER = "stateroom.user"
LENT = "stateroom.lent"
_block: ContextVar[str | None] = ContextVar("stateroom_user_of_block", default=None)
_loose: ContextVar[str | None] = ContextVar("stateroom_user_of_thread", default=None)
_lent: ContextVar[list[Any] | None] = ContextVar("stateroom_lent", default=None)


def current_user() -> str:
    """The owner of the state this code may see. Raises NoUser outside a request and outside `user_context`."""
    in_block = _block.get()
    if in_block is not None:
        return in_block
    if flask.has_request_context():
        return _user_of_request()
    loose = _loose.get()
    if loose is None:
        raise _nobody()
    return loose


@contextmanager
def user_context(user_id: str) -> Iterator[None]:
    """Act for `user_id` inside this block, in this thread or task only."""
    token, lent = _block.set(user_id), _lent.set([])
    try:
        yield
    finally:
        _block.reset(token)
        _lent.reset(lent)


def set_user_context(user_id: str) -> None:
    """Act for `user_id` from here on: to the end of the request, or outside one, of this thread's or task's context."""
    if flask.has_request_context():
        flask.request.environ[USER] = user_id
    else:
        _loose.set(user_id)


def keep_alive(value: Any) -> bool:
    """Hold a lent table until the request or the block ends; False where there is neither.

    A copy-on-write view of read-only memory copies itself before a write only while the original is alive; the cache
    may drop the original at any time.
    """
    held = flask.request.environ.setdefault(LENT, []) if flask.has_request_context() else _lent.get()
    if held is None:
        return False
    held.append(value)
    return True


def _user_of_request() -> str:
    environment = flask.request.environ
    if USER not in environment:
        layer = flask.current_app.extensions.get("stateroom")
        if layer is None:
            raise _nobody()
        environment[USER] = layer.owner()
    return str(environment[USER])


def _nobody() -> NoUser:
    return NoUser("No user: state is read and written inside a request, or inside `with sm.user_context(user_id)`.")
