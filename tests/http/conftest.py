"""Whole applications for the HTTP tests: each its own, on the memory backend unless a test says otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

import app
from settings import Server, Settings, State

Make = Callable[..., flask.Flask]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", state=State(backend="memory"))


@pytest.fixture
def make(settings: Settings) -> Make:
    """A server with other `[server]` values."""

    def make_server(secret_key: str = "", **values: Any) -> flask.Flask:
        changed = dataclasses.replace(settings, server=Server(**values), secret_key=secret_key)
        return app.create_server(changed)

    return make_server


@pytest.fixture
def server(make: Make) -> flask.Flask:
    return make()


@pytest.fixture
def one(server: flask.Flask) -> FlaskClient:
    return server.test_client()


@pytest.fixture
def two(server: flask.Flask) -> FlaskClient:
    return server.test_client()
