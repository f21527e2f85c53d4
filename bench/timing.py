"""One user at a time: how long load, first read, warm read and replace take, contenders taking turns."""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.client import Call, Client
from bench.servers import Server

IN_A_ROW = 3
SLOW_SECONDS = 2.0
"""A contender that has spent this long on one step of its turn goes on to the next."""
TOLERANCE = 1e-5


@dataclass
class Timings:
    """Seconds and bytes per operation: `load`, `first` (the first read of a new value), `read`, `replace`."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    body_bytes: dict[str, int] = field(default_factory=dict)
    total_bytes: dict[str, int] = field(default_factory=dict)
    turns: int = 0

    def add(self, operation: str, call: Call) -> None:
        self.seconds[operation].append(call.seconds)
        self.body_bytes[operation] = max(self.body_bytes.get(operation, 0), call.body_bytes)
        self.total_bytes[operation] = max(self.total_bytes.get(operation, 0), call.total_bytes)

    def ms(self, operation: str) -> float:
        return statistics.median(self.seconds[operation]) * 1000


Results = dict[tuple[str, int], Timings]


def measure(servers: dict[str, Server], repeat: int, reads: int) -> dict[str, Timings]:
    """`repeat` rounds; in each, every contender has its turn, in another order every time."""
    clients = {name: Client(server.port) for name, server in servers.items()}
    for client in clients.values():
        turn(client, Timings(), 1)
    found = {name: Timings() for name in clients}
    for number in range(repeat):
        order = random.Random(number).sample(list(clients), len(clients))
        answers = {name: turn(clients[name], found[name], reads) for name in order}
        if max(answers.values()) - min(answers.values()) > TOLERANCE:
            raise RuntimeError(f"The contenders do not agree: {answers}")
    for client in clients.values():
        client.close()
    return found


def turn(client: Client, timings: Timings, reads: int) -> float:
    """Load and read, IN_A_ROW times; read again; replace, IN_A_ROW times. The first answer.

    In a row, because the first one after others' turns mostly measures how the machine finds memory pages.
    """
    client.clicks = 100 * timings.turns  # so that the value is fresh
    timings.turns += 1
    answers = []
    for _ in until_slow(IN_A_ROW):
        timings.add("load", client.load())
        first = client.read()
        timings.add("first", first)
        answers.append(float(first.value))
    for _ in until_slow(reads):
        again = client.read()
        timings.add("read", again)
        if again.value != first.value:
            raise RuntimeError(f"A read answered {again.value} and then {first.value}")
    for _ in until_slow(IN_A_ROW):
        timings.add("replace", client.replace())
    return answers[0]


def until_slow(times: int) -> Iterator[int]:
    """So many times, at least once, but not on after SLOW_SECONDS."""
    deadline = time.perf_counter() + SLOW_SECONDS
    for number in range(times):
        if number and time.perf_counter() > deadline:
            return
        yield number
