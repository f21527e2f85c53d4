"""The application as a real process, for tests that need a real server: `python app.py`, or gunicorn with workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import app
from tests.servers import free_port

PROGRAM = [sys.executable, "app.py"]
GUNICORN = [str(Path(sys.executable).with_name("gunicorn")), "-c", "gunicorn.conf.py", "app:create_server()"]
KEPT = ("PATH", "HOME", "LANG")


@contextmanager
def served(
    command: list[str], home: Path, port: int | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen, str]]:
    """The process and its address, once it answers; `variables` are its settings in the environment."""
    port = port or free_port()
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PORT": str(port), "STATEROOM_HOME": str(home), **variables}
    process = subprocess.Popen(
        command, cwd=app.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def wait_until_ready(process: subprocess.Popen, address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, process.stdout.read()
        try:
            fetch(f"{address}/readyz")
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer in time")


def fetch(address: str, cookie: str = "") -> tuple[str, str]:
    """Body and cookie of an answer."""
    request = urllib.request.Request(address, headers={"Cookie": cookie} if cookie else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), (answer.headers["Set-Cookie"] or "").partition(";")[0]
