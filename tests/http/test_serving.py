"""The two ways to serve: `python app.py`, and gunicorn with several workers. As real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import app
from tests.servers import free_port
from tests.serving import GUNICORN, PROGRAM, fetch, served


def test_the_program_starts_says_where_and_stops(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with served(PROGRAM, home) as (process, address):
        page, cookie = fetch(f"{address}/")
        assert "<title>Stateroom</title>" in page
        name = fetch(f"{address}/api/v1/account", cookie)[0]
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert re.findall(r"http://\S+", said) == [address]
    assert "Traceback" not in said
    assert (home / "data" / "participants.tsv").is_file()
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    with served(PROGRAM, home) as (_, address):
        assert fetch(f"{address}/api/v1/account", cookie)[0] == name


def test_workers_of_gunicorn_share_everything(tmp_path: Path) -> None:
    with served(GUNICORN, tmp_path, STATEROOM_SERVER_WORKERS="3") as (process, address):
        _, cookie = fetch(f"{address}/")
        with ThreadPoolExecutor(8) as pool:
            names = set(pool.map(lambda _: fetch(f"{address}/api/v1/account", cookie)[0], range(60)))
        assert len(names) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "STATEROOM_HOME": str(tmp_path), "STATEROOM_SERVER_THREADS": "many"}
    for command, code in ((PROGRAM, 2), (GUNICORN, 2)):
        done = subprocess.run(command, cwd=app.ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code
        assert done.stderr.strip() == (
            "Stateroom cannot start. STATEROOM_SERVER_THREADS must be a whole number, not 'many'."
        )


def test_a_store_that_does_not_answer_stops_the_start_with_one_line(tmp_path: Path) -> None:
    address = f"redis://127.0.0.1:{free_port()}/0"
    environment = {**os.environ, "STATEROOM_HOME": str(tmp_path), "STATE_BACKEND": "redis", "STATE_REDIS_URL": address}
    done = subprocess.run(PROGRAM, cwd=app.ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Redis" in done.stderr


def test_a_named_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    environment = {**os.environ, "STATEROOM_HOME": str(tmp_path), "STATEROOM_DATA_DIRECTORY": "/nowhere/at/all"}
    done = subprocess.run(PROGRAM, cwd=app.ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "/nowhere/at/all" in done.stderr
