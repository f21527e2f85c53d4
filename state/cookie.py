"""An identity for a Dash app that has no sessions: a random id per browser, in a signed, HttpOnly cookie."""

from __future__ import annotations

import functools
import secrets

import flask
from itsdangerous import BadSignature, URLSafeSerializer

from errors import NotSignedIn
from state.base import ABSENT, Backend, new_tag
from state.codec import Bytes, decode
from state.keys import Key

NAME = "stateroom_id"
MINTED = "stateroom.minted"
SECRET = Key("stateroom", "app", "cookie-secret")
YEARS_MS = 10 * 365 * 24 * 3600 * 1000


class CookieIdentity:
    """Mints the identity with the page, so that the page's first callbacks, sent side by side, share one."""

    def __init__(self, server: flask.Flask, backend: Backend) -> None:
        self._server = server
        self._backend = backend
        self._serializer: URLSafeSerializer | None = None
        self._verified = functools.lru_cache(4096)(lambda cookie: str(self._signer().loads(cookie)))
        server.after_request(self._mint)

    def owner(self) -> str:
        """The owner of this request. Raises NotSignedIn for a callback that comes without a valid cookie."""
        owner = self._known() or flask.request.environ.get(MINTED)
        if owner is None and flask.request.method == "GET":
            owner = flask.request.environ[MINTED] = _new_owner()
        if owner is None:
            raise NotSignedIn("This browser has no identity here yet. Reload the page.")
        return str(owner)

    def _known(self) -> str | None:
        cookie = flask.request.cookies.get(NAME, "")
        try:
            return self._verified(cookie) if cookie else None
        except BadSignature:
            return None

    def _mint(self, response: flask.Response) -> flask.Response:
        owner = flask.request.environ.get(MINTED)
        if owner is None and response.mimetype == "text/html" and self._known() is None:
            owner = _new_owner()
        if owner is not None:
            value = self._signer().dumps(owner)
            secure = flask.request.is_secure
            response.set_cookie(NAME, value, max_age=365 * 24 * 3600, httponly=True, samesite="Lax", secure=secure)
        return response

    def _signer(self) -> URLSafeSerializer:
        if self._serializer is None:
            secret = self._server.secret_key or self._shared_secret()
            self._serializer = URLSafeSerializer(secret, salt="stateroom-identity")
        return self._serializer

    def _shared_secret(self) -> bytes:
        """A key that all workers agree on, kept in the backend; of this process only where nothing is shared."""
        fresh = Bytes("bytes/1", secrets.token_bytes(32))
        if not self._backend.shared:
            return fresh.body
        self._backend.put(SECRET, new_tag(), fresh, YEARS_MS, ABSENT)
        found = self._backend.fetch(SECRET)
        return bytes(decode(found[0].codec, found[1])) if found else fresh.body


def _new_owner() -> str:
    return f"b-{secrets.token_urlsafe(18)}"
