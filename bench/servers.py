"""The servers of one measurement: each contender behind its own gunicorn, all with the same settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.apps import ONE_PROCESS
from bench.client import Client
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
WORKERS = 2
THREADS = 8


class Server:
    """A running gunicorn."""

    def __init__(self, contender: str, rows: int, folder: Path, redis_url: str) -> None:
        self.contender = contender
        self.port = free_port()
        self._folder = folder
        self._workers = 1 if contender in ONE_PROCESS else WORKERS
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "BENCH_ROWS": str(rows), "BENCH_FOLDER": str(folder), "BENCH_REDIS": redis_url}
        environment["PYTHONPATH"] = str(ROOT)  # and not the working directory, whose gunicorn.conf.py would count
        options = f"--workers {self._workers} --threads {THREADS} --worker-class gthread --bind 127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "gunicorn", *options.split(), "--keep-alive", "600", "--timeout", "300"]
        command += ["--no-control-socket", "--log-level", "warning", f"bench.apps:create({contender!r})"]
        self._process = subprocess.Popen(command, cwd=folder, env=environment)

    def wait(self) -> None:
        """Return when every worker is ready."""
        for _ in range(600):
            if len(list(self._folder.parent.glob(f"{self._folder.name}.*"))) == self._workers:
                Client(self.port).close()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{self.contender} did not start")

    def processes(self) -> list[int]:
        """The master and its workers."""
        master = self._process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def memory(self) -> dict[str, int]:
        """PSS in bytes, summed over the processes: all of it, and the parts that are anonymous and of mapped files."""
        total = {"Pss": 0, "Pss_Anon": 0, "Pss_File": 0}
        for process in self.processes():
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in total:
                    total[name] += int(value.split()[0]) * 1024
        return total

    def cpu_seconds(self) -> float:
        """Processor time so far, of user and kernel; less noisy than a clock where others use the machine too."""
        fields = [Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split() for process in self.processes()]
        return sum(int(part[11]) + int(part[12]) for part in fields) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                os.kill(process, signal.SIGKILL)
            self._process.wait()


@contextmanager
def serve(contenders: list[str], rows: int, folder: Path, redis_url: str) -> Iterator[dict[str, Server]]:
    """Start one server per contender, and stop exactly those."""
    running: dict[str, Server] = {}
    try:
        for contender in contenders:
            running[contender] = Server(contender, rows, folder / f"{contender}-{rows}", redis_url)
        for server in running.values():
            server.wait()
        yield running
    finally:
        for server in running.values():
            server.stop()
