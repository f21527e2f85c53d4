"""Slow runs on every backend, by `make test-load`: many users at once, and the model over thousands of steps."""

import random
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from state.base import new_tag
from state.codec import Bytes
from state.keys import make_key
from state.open import open_backend
from tests.state.test_model import machine

USERS, OPERATIONS, PROCESSES = 10, 100_000, 2
LARGE = 80_000


def visit(backend, owners, seed, operations):
    """Random verbs for random users; how many answers held another user's value, or none of anybody's."""
    dice, foreign = random.Random(seed), 0
    for _ in range(operations):
        owner = dice.choice(owners)
        key = make_key(owner, dice.choice("abcd"))
        verb = dice.random()
        if verb < 0.45:
            found = backend.fetch(key)
            foreign += found is not None and not bytes(found[1]).startswith(owner.encode() + b"|")
        elif verb < 0.8:
            padding = b"." * (LARGE if dice.random() < 0.01 else 20)
            backend.put(key, new_tag(), Bytes("bytes/1", owner.encode() + b"|" + padding), 600_000)
        elif verb < 0.9:
            backend.delete(key)
        else:
            foreign += sum(found.owner != owner for found, _ in backend.list(owner))
    return foreign


def visit_in_process(options, owners, seed, operations):
    backend = open_backend(**options)
    try:
        return visit(backend, owners, seed, operations)
    finally:
        backend.close()


def test_a_hundred_thousand_visits_see_no_foreign_value(backend_name, backend_options, backend, owner):
    owners = [f"{owner}{'0' * n}" for n in range(USERS)]  # each the beginning of the next
    began = time.perf_counter()
    if backend.shared:
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            share = OPERATIONS // PROCESSES
            foreign = list(
                pool.map(
                    visit_in_process,
                    *zip(*[(backend_options, owners, n, share) for n in range(PROCESSES)], strict=True),
                )
            )
    else:
        with ThreadPoolExecutor(8) as pool:
            foreign = list(pool.map(lambda n: visit(backend, owners, n, OPERATIONS // 8), range(8)))
    print(f"{backend_name}: {OPERATIONS} visits, {sum(foreign)} foreign, {time.perf_counter() - began:.0f} s")
    assert sum(foreign) == 0


@pytest.mark.parametrize("examples", [300])
def test_a_backend_is_a_dictionary_for_long(backend, examples):
    thorough = settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine(backend), settings=thorough)
