"""Fixtures for all tests: real servers, one backend fixture for all server backends, the public data if there."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from state.base import Backend
from state.open import open_backend
from tests import servers

BACKENDS = ("memory", "sqlite", "postgres", "redis")
RESEARCH = Path(__file__).parents[2] / "shared" / "data" / "research"
_numbers = itertools.count()


def pytest_setup_options():  # dash[testing]
    from selenium.webdriver.chrome.options import Options

    options = Options()
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    return options


CHROMIUM_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with servers.postgres_server() as url:
        yield url


@pytest.fixture(params=BACKENDS)
def backend_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def backend_options(backend_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Arguments for `open_backend` that name the same place in every process of the test."""
    if backend_name == "redis":
        return {"name": "redis", "redis_url": request.getfixturevalue("redis_url")}
    if backend_name == "postgres":
        return {"name": "database", "database_url": request.getfixturevalue("postgres_url")}
    if backend_name == "sqlite":
        return {"name": "database", "database_url": f"sqlite:///{tmp_path}/state.db"}
    return {"name": "memory"}


@pytest.fixture
def backend(backend_options: dict[str, str]) -> Iterator[Backend]:
    """An open backend. Servers are shared by the session's tests, so a test uses `owner` for its own keys."""
    opened = open_backend(**backend_options)
    yield opened
    opened.close()


@pytest.fixture
def owner() -> str:
    """An owner no other test uses."""
    return f"user-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def research() -> Path:
    """The folder of public data sets beside the checkout."""
    if not RESEARCH.is_dir():
        pytest.skip(f"the public data sets are not there: no folder {RESEARCH.relative_to(RESEARCH.parents[3])}")
    return RESEARCH


def pytest_terminal_summary(terminalreporter) -> None:  # type: ignore[no-untyped-def]
    """Name what ran, so that nobody takes a run without a backend or a browser for a whole one."""
    ran: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        file, _, name = report.nodeid.partition("::")
        ran[Path(file).parts[1].removesuffix(".py")] += 1
        for backend in BACKENDS:
            ran[f"backend {backend}"] += f"[{backend}" in name or f"-{backend}" in name
    listing = ", ".join(f"{name}: {count}" for name, count in sorted(ran.items()) if count)
    terminalreporter.write_line(f"passed by part: {listing}")
    for name in BACKENDS:
        if not ran[f"backend {name}"]:
            terminalreporter.write_line(f"NOT RUN: the {name} backend")
    if not ran["browser"]:
        terminalreporter.write_line("NOT RUN: the browser tests")
