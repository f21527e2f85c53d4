"""Is it alive, and can it work? `/healthz` touches nothing; `/readyz` asks the backends."""

from __future__ import annotations

import time

from flask import Blueprint, Response, current_app, jsonify

from errors import StateUnavailable
from state.base import Backend

SLOW_SECONDS = 0.25

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> Response:
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> tuple[Response, int]:
    """200 while every backend answers, slowly or not; 503 when one is down."""
    backend: Backend = current_app.extensions["stateroom-backend"]
    found = {"state": ping(backend)}
    down = "down" in found.values()
    return jsonify(status="down" if down else "ok", backends=found), 503 if down else 200


def ping(backend: Backend) -> str:
    """`ok`, `slow` or `down`."""
    start = time.monotonic()
    try:
        backend.ping()
    except StateUnavailable:
        return "down"
    return "slow" if time.monotonic() - start > SLOW_SECONDS else "ok"
