"""What every request must meet and every response carries: hosts, origins, types, sizes, headers. The secret key."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from api.bodies import json_body
from api.signatures import Signatures
from errors import BadRequest, ForeignOrigin, NotFound, SettingsError
from settings import Server, Settings

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
LOOPBACK = ("localhost", "127.0.0.1", "::1")
UPLOAD_PATHS = frozenset({"/api/v1/tables", "/api/files/upload-json", "/api/files/upload-and-process"})
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
YEAR_SECONDS = 365 * 24 * 3600
CSP = (
    "default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def install(server: Flask, settings: Server) -> None:
    """Check every request of this server before anything else looks at it, and put the headers on every response."""
    server.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    server.config.update(SESSION_COOKIE_NAME="__Host-sid" if settings.production else "sid")
    server.config.update(SESSION_COOKIE_SECURE=settings.production)
    hosts = trusted_hosts(settings)

    @server.before_request
    def guard() -> None:
        check_host(hosts)
        check_size(settings.max_request_bytes)
        if request.method not in SAFE_METHODS:
            check_origin()
            check_content_type()

    @server.after_request
    def dress(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers.setdefault("Content-Security-Policy", CSP.format(scripts="'self'"))
        if settings.production:
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}; includeSubDomains"
        set_caching(response)
        return response


def install_pages(
    server: Flask,
    paths: Callable[[], Container[str]],
    callbacks: Callable[[], Mapping[str, Any]],
    hashes: Callable[[], Sequence[str]],
) -> None:
    """The part that needs to know Dash: its catch-all route, its callbacks, the hashes of its inline scripts."""
    signatures = Signatures(callbacks)

    @server.before_request
    def known() -> None:
        if request.endpoint == "/<path:path>" and request.path.strip("/") not in paths():
            raise NotFound("There is no page at this address.")
        if request.path == "/_dash-update-component":
            signatures.check(json_body())

    @server.after_request
    def allow_inline_scripts(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = CSP.format(scripts=" ".join(["'self'", *hashes()]))
        return response


def trusted_hosts(settings: Server) -> list[str] | None:
    """The host names we answer to. None: any, which is so only where we listen to the network and none are set.

    Listening on loopback we answer to loopback names, so that no foreign page can reach us by renaming us in its DNS.
    """
    loopback = () if settings.production else LOOPBACK
    if settings.allowed_hosts:
        return [*(name.lower() for name in settings.allowed_hosts), *loopback]
    return list(LOOPBACK) if settings.host in LOOPBACK else None


def check_host(hosts: list[str] | None) -> None:
    if hosts is None or request.path in HEALTH_PATHS:
        return
    if not (name := split(f"//{request.host}").hostname) or name not in hosts:
        raise BadRequest("This server does not answer to that host name. An administrator can add it to allowed_hosts.")


def check_size(most: int) -> None:
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge(f"The request is larger than {most:,} bytes.")


def check_origin() -> None:
    """Refuse what another site makes a browser send. A client that sends neither header is no browser."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise ForeignOrigin("This request comes from another site.")
    if origin is not None and split(origin).netloc != request.host:
        raise ForeignOrigin("This request comes from another site.")


def split(url: str) -> SplitResult:
    """The parts of an address; no parts for what is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def check_content_type() -> None:
    """A body is JSON, which a foreign form cannot send; or multipart where files are uploaded."""
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return
    if request.is_json or (request.mimetype == "multipart/form-data" and request.path in UPLOAD_PATHS):
        return
    raise UnsupportedMediaType("Send application/json.")


def set_caching(response: Response) -> None:
    """Nothing personal is kept by anybody; what has a fingerprint in its address is kept for good."""
    if response.mimetype in {"text/html", "application/json", "application/problem+json"}:
        response.headers.setdefault("Cache-Control", "no-store")
    fingerprinted = request.path.startswith("/assets/") and "m" in request.args
    if response.status_code == 200 and (fingerprinted or response.cache_control.max_age == YEAR_SECONDS):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"


def secret_key(settings: Settings) -> str:
    """The key Flask and Dash sign with: from the environment, else made on first start and kept in our home."""
    if settings.secret_key:
        return settings.secret_key
    if settings.server.production:
        raise SettingsError("SECRET_KEY must be set in the environment when [server] production = true.")
    return kept_key(settings.home / "secret_key")


def kept_key(path: Path) -> str:
    """The key in this file, made if there is none. Processes that race agree: a link is made once, whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".secret_key.{secrets.token_hex(8)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            log.info("Another process made the secret key.")
        finally:
            draft.unlink()
    key = path.read_text("ascii").strip()
    if not key:
        raise SettingsError("The file secret_key in STATEROOM_HOME is empty. Delete it, and a new one is made.")
    return key


def check_settings(settings: Settings) -> None:
    """Refuse, before anything is opened, settings that cannot work together."""
    secret_key(settings)
    if settings.server.production and settings.server.debug:
        raise SettingsError("[server] debug = true shows source code to visitors: not with production = true.")
    if settings.server.workers > 1 and settings.state.backend == "memory":
        raise SettingsError(
            '[state] backend = "memory" serves one process: set [server] workers = 1, or use database or redis.'
        )
