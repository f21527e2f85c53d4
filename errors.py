"""Every error Stateroom raises on purpose. One handler turns each into one JSON body (`api/problems.py`)."""

from __future__ import annotations

from typing import Any, ClassVar


class AppError(Exception):
    """An error with a message for the person who caused it. `status` is the HTTP status it becomes."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, **fields: Any) -> None:
        """`detail` says what happened and what to do; `fields` name what it concerns and are shown to the caller."""
        super().__init__(detail)
        self.detail = detail
        self.fields = fields

    @property
    def type(self) -> str:
        """A stable name for programs, e.g. `state-conflict`."""
        name = type(self).__name__
        return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")


class SettingsError(AppError):
    title = "A setting is wrong"


class BadRequest(AppError):
    status = 400
    title = "The request cannot be read"


class NotSignedIn(AppError):
    status = 401
    title = "No session"


class ForeignOrigin(AppError):
    status = 403
    title = "The request comes from another site"


class NotFound(AppError):
    status = 404
    title = "Not found"


class Invalid(AppError):
    """The request is readable and wrong; `fields` name the part."""

    status = 422
    title = "Not valid"


class TookTooLong(AppError):
    status = 503
    title = "This took too long and was stopped"


class UnreadableTable(AppError):
    """A file that cannot become a table; `fields` give the file and, where known, the row."""

    status = 422
    title = "The file cannot be read as a table"


class StateError(AppError):
    """Root of what the state layer raises."""

    title = "State"


class NoUser(StateError):
    """State was asked for outside a request and outside `user_context`."""

    status = 401
    title = "Nobody is signed in"


class BadKey(StateError):
    status = 400
    title = "Not a valid name"


class StateMissing(StateError):
    status = 404
    title = "Never set"


class StateExpired(StateMissing):
    status = 410
    title = "Expired"


class StateConflict(StateError):
    """The value changed since it was read; `fields['current_tag']` is the tag it has now (None: it is gone)."""

    status = 409
    title = "Changed meanwhile"


class StateUnavailable(StateError):
    status = 503
    title = "The state store does not answer"


class StateTooLarge(StateError):
    status = 413
    title = "Too large to keep"


class StateUnsupported(StateError, TypeError):
    """A value that cannot be kept exactly; the message names the place in the value."""

    status = 422
    title = "A value of this type cannot be kept"


class StateInBrowser(StateError):
    """The store is in client mode: its value is in the browser and the server has no copy."""

    status = 409
    title = "Kept in the browser"
