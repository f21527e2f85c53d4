"""What a fault does: a lost reply, a fork, a full memory, a start of many at once."""

import multiprocessing
import os
import re
import subprocess
import sys

import pytest

from errors import StateUnavailable
from state import StateManager
from state.base import new_tag
from state.codec import Bytes
from state.keys import make_key
from state.open import open_backend
from tests import servers
from tests.state.proxy import proxy


@pytest.fixture(params=["postgres", "postgres with files", "redis"])
def through_proxy(request, tmp_path):
    """A backend whose server is reached through a proxy, and the word that its writes carry."""
    kind = request.param.split()[0]
    url = request.getfixturevalue(f"{kind}_url")
    port = int(re.search(r":(\d+)/", url)[1])
    with proxy(port) as between:
        url = url.replace(f":{port}/", f":{between.port}/")
        if kind == "redis":
            backend, word = open_backend("redis", redis_url=url), b"EVALSHA"
        else:
            bodies = tmp_path / "bodies" if "files" in request.param else None
            backend = open_backend("database", database_url=url, bodies_directory=bodies, inline_bytes=1000)
            word = b"INSERT INTO state_values"
        yield backend, between, word
        backend.close()


@pytest.mark.parametrize("size", [10, 50_000], ids=["inline", "large"])
def test_a_write_whose_reply_was_lost_is_applied_once(through_proxy, owner, size):
    backend, between, word = through_proxy
    key = make_key(owner, "n")
    backend.put(make_key(owner, "warm"), new_tag(), Bytes("bytes/1", b"w"), 60_000)
    between.lose_reply_to, tag, body = word, new_tag(), b"x" * size
    assert backend.put(key, tag, Bytes("bytes/1", body), 60_000).done
    assert between.lost == 1
    head, kept = backend.fetch(key)
    assert (head.tag, bytes(kept)) == (tag, body)


def test_a_write_whose_server_went_away_with_its_reply_is_whole_when_it_is_back(through_proxy, owner):
    backend, between, word = through_proxy
    key, body = make_key(owner, "n"), b"x" * 50_000
    backend.put(make_key(owner, "warm"), new_tag(), Bytes("bytes/1", b"w"), 60_000)
    between.then_refuse, between.lose_reply_to = True, word
    with pytest.raises(StateUnavailable):
        backend.put(key, new_tag(), Bytes("bytes/1", body), 60_000)
    assert between.lost == 1
    between.then_refuse = False
    assert bytes(backend.fetch(key)[1]) == body  # it had been applied


def test_an_update_whose_reply_was_lost_counts_once(through_proxy, owner):
    backend, between, word = through_proxy
    sm, calls = StateManager(backend), []

    def add_one(value):
        calls.append(value)
        if value == 1:
            between.lose_reply_to = b"UPDATE state_values" if word != b"EVALSHA" else None
        return value + 1

    with sm.user_context(owner):
        sm.set_store_data("n", 0)
        for _ in range(3):
            sm.update("n", add_one)
        assert sm.get_store_data("n") == 3
    assert calls == [0, 1, 2]
    assert between.lost == (0 if word == b"EVALSHA" else 1)


def read_own(backend, key, expected, times, answers):
    wrong = 0
    for _ in range(times):
        found = backend.fetch(key)
        wrong += found is None or bytes(found[1]) != expected
    answers.put(wrong)


def test_children_of_a_fork_do_not_get_each_others_answers(backend_name, backend_options, owner):
    backend = open_backend(**backend_options)
    keys = [make_key(f"{owner}-{n}", "v") for n in range(2)]
    for key in keys:
        backend.put(key, new_tag(), Bytes("bytes/1", key.owner.encode()), 60_000)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=read_own, args=(backend, k, k.owner.encode(), 300, answers)) for k in keys]
    for child in children:
        child.start()
    assert [answers.get(timeout=30) for _ in children] == [0, 0]
    for child in children:
        child.join(10)
    assert backend.fetch(keys[0]) is not None, backend_name
    backend.close()


def was_kept(backend, key):
    try:
        return backend.put(key, new_tag(), Bytes("bytes/1", os.urandom(20_000)), 60_000).done
    except StateUnavailable:
        return False


def test_a_full_redis_refuses_writes_and_keeps_what_it_has(owner):
    with servers.redis_server("--maxmemory", "12mb", "--maxmemory-policy", "noeviction") as url:
        backend, kept = open_backend("redis", redis_url=url), 0
        while kept < 2000 and was_kept(backend, make_key(owner, f"v{kept}")):
            kept += 1
        assert 0 < kept < 1000
        assert bytes(backend.fetch(make_key(owner, "v0"))[1])
        for number in range(kept // 2):
            backend.delete(make_key(owner, f"v{number}"))
        assert backend.put(make_key(owner, "again"), new_tag(), Bytes("bytes/1", b"x"), 60_000).done
        backend.close()


def test_a_redis_that_evicts_stops_the_start():
    from errors import SettingsError

    with (
        servers.redis_server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as url,
        pytest.raises(SettingsError, match="noeviction"),
    ):
        open_backend("redis", redis_url=url)


def test_many_processes_may_open_a_new_database_at_once(tmp_path):
    program = (
        "import sys; from state.open import open_backend; open_backend('database', database_url=sys.argv[1]).stats()"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path}/state.db"]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
