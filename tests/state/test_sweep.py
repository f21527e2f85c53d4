"""What expired is freed beside the requests, not too often, and by one thread at a time."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import StateUnavailable
from state.sweep import Sweep


class Rubbish:
    """As much of a backend as a sweep uses."""

    def __init__(self) -> None:
        self.sweeps, self.down, self.swept = 0, False, threading.Semaphore(0)

    def sweep(self) -> int:
        self.sweeps += 1
        self.swept.release()
        if self.down:
            raise StateUnavailable("The state store does not answer.")
        return 1


@pytest.fixture
def rubbish() -> Rubbish:
    return Rubbish()


def test_nothing_is_swept_before_its_time(rubbish: Rubbish) -> None:
    sweep = Sweep(rubbish, every_seconds=3600)
    sweep.due = time.monotonic() + 60
    sweep.start_if_due()
    assert not rubbish.swept.acquire(timeout=0.1)


def test_of_many_requests_one_starts_the_sweep(rubbish: Rubbish) -> None:
    sweep, together = Sweep(rubbish, every_seconds=3600), threading.Barrier(16)
    sweep.due = 0

    def request(_: int) -> None:
        together.wait()
        sweep.start_if_due()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(request, range(16)))
    assert rubbish.swept.acquire(timeout=10)
    time.sleep(0.05)
    assert rubbish.sweeps == 1


def test_the_next_one_comes_when_it_is_due(rubbish: Rubbish) -> None:
    sweep = Sweep(rubbish, every_seconds=0.05)
    for _ in range(3):
        time.sleep(0.06)
        sweep.start_if_due()
        assert rubbish.swept.acquire(timeout=10)


def test_a_store_that_is_down_is_swept_later(rubbish: Rubbish, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rubbish.down, sweep = True, Sweep(rubbish, every_seconds=0)
    for _ in range(2):
        sweep.start_if_due()
        assert rubbish.swept.acquire(timeout=10)
        for thread in threading.enumerate():
            if thread.name == "state-sweep":
                thread.join(10)
    assert "the next sweep will" in caplog.text
