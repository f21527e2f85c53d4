"""Many users at once, each with a table of their own: calls per second, the slow ones, the servers' memory."""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.client import Client
from bench.servers import Server, serve


@dataclass
class Crowd:
    per_second: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    memory: list[dict[str, int]] = field(default_factory=list)
    idle: dict[str, int] = field(default_factory=dict)

    @property
    def calls_per_second(self) -> float:
        return statistics.median(self.per_second)

    def ms(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    @property
    def cpu_ms(self) -> float:
        """Processor time of the server per call."""
        return self.cpu_seconds / len(self.seconds) * 1000

    def bytes(self, part: str) -> int:
        return max(memory[part] for memory in self.memory)


def measure(names: list[str], chosen: argparse.Namespace, folder: Path, redis_url: str) -> dict[str, Crowd]:
    """Contenders take turns; each is measured on a server of its own that serves nobody else meanwhile."""
    found = {name: Crowd() for name in names}
    with serve(names, chosen.crowd_rows, folder / "crowd", redis_url) as servers:
        users = {name: enter(servers[name], chosen.users, found[name]) for name in names}
        for _ in range(chosen.turns):
            for name in names:
                before = servers[name].cpu_seconds()
                run(users[name], chosen.seconds, found[name])
                found[name].cpu_seconds += servers[name].cpu_seconds() - before
                found[name].memory.append(servers[name].memory())
    return found


def enter(server: Server, users: int, crowd: Crowd) -> list[Client]:
    crowd.idle = server.memory()
    clients = [Client(server.port) for _ in range(users)]
    for client in clients:
        client.load()
        client.read()
    return clients


def run(clients: list[Client], seconds: float, crowd: Crowd) -> None:
    """All of them read, without a pause, for `seconds`."""
    start = threading.Barrier(len(clients) + 1)
    done: list[list[float]] = [[] for _ in clients]
    failures: list[Exception] = []

    def read(client: Client, times: list[float]) -> None:
        start.wait()
        end = time.perf_counter() + seconds
        expected: Any = None
        try:
            while time.perf_counter() < end:
                call = client.read()
                times.append(call.seconds)
                expected = expected or call.value
                if call.value != expected:
                    raise RuntimeError(f"A read answered {call.value} and not {expected}")
        except Exception as failure:  # noqa: BLE001 - a thread's failure is told after the join
            failures.append(failure)

    threads = [threading.Thread(target=read, args=pair) for pair in zip(clients, done, strict=True)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    crowd.per_second.append(sum(map(len, done)) / (time.perf_counter() - began))
    crowd.seconds += [taken for times in done for taken in times]
