"""One suite for all server backends: the laws of `state/base.py`."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import BadKey, StateTooLarge
from state.base import ABSENT, ANY, new_tag
from state.codec import Bytes
from state.keys import make_key
from state.open import open_backend

TTL = 60_000
LARGE = b"x" * 200_000


def value(body: bytes) -> Bytes:
    return Bytes("bytes/1", body)


def put(backend, key, body=b"v", ttl_ms=TTL, expected=ANY):
    tag = new_tag()
    return tag if backend.put(key, tag, value(body), ttl_ms, expected).done else None


def body_of(backend, key):
    found = backend.fetch(key)
    return None if found is None else bytes(found[1])


@pytest.fixture(params=[b"small", LARGE], ids=["inline", "large"])
def body(request):
    return request.param


def test_what_was_never_set_is_missing(backend, owner):
    key = make_key(owner, "a")
    assert backend.heads([key]) == [None]
    assert backend.fetch(key) is None


def test_head_and_body_come_back(backend, owner, body):
    key, tag = make_key(owner, "a"), new_tag()
    assert backend.put(key, tag, value(body), TTL).done
    (head,) = backend.heads([key])
    assert (head.tag, head.codec, head.size, head.expired) == (tag, "bytes/1", len(body), False)
    assert body_of(backend, key) == body


def test_heads_come_in_the_order_asked_for(backend, owner):
    keys = [make_key(owner, name) for name in "abc"]
    tags = [put(backend, key) for key in keys]
    asked = [keys[2], make_key(owner, "never"), keys[0], make_key(f"{owner}x", "a"), keys[1]]
    assert [head and head.tag for head in backend.heads(asked)] == [tags[2], None, tags[0], None, tags[1]]


def test_a_put_replaces_the_value_whatever_its_size(backend, owner):
    key = make_key(owner, "a")
    for content in (b"1", LARGE, b"2", LARGE + b"!", LARGE + b"?"):
        put(backend, key, content)
        assert body_of(backend, key) == content


def test_a_stale_put_is_refused_and_told_the_tag(backend, owner, body):
    key = make_key(owner, "a")
    first = put(backend, key, body)
    second = put(backend, key, body, expected=first)
    answer = backend.put(key, new_tag(), value(body), TTL, first)
    assert (answer.done, answer.current_tag) == (False, second)
    assert backend.heads([key])[0].tag == second


def test_absent_means_no_live_value(backend, owner):
    key = make_key(owner, "a")
    assert put(backend, key, b"1", ttl_ms=30, expected=ABSENT)
    assert put(backend, key, b"2", expected=ABSENT) is None
    time.sleep(0.05)
    assert put(backend, key, b"3", expected=ABSENT)
    assert body_of(backend, key) == b"3"


def test_a_tag_that_never_was_does_not_match(backend, owner):
    key = make_key(owner, "a")
    assert put(backend, key, expected=new_tag()) is None
    assert backend.heads([key]) == [None]


def test_a_value_expires_and_is_told_from_one_never_set(backend, owner, body):
    key = make_key(owner, "a")
    put(backend, key, body, ttl_ms=40)
    assert body_of(backend, key) == body
    time.sleep(0.06)
    assert backend.fetch(key) is None
    assert backend.heads([key])[0].expired


def test_touch_keeps_a_value_alive(backend, owner, body):
    key = make_key(owner, "a")
    tag = put(backend, key, body, ttl_ms=800)
    for _ in range(4):
        time.sleep(0.3)
        assert backend.touch(key, tag, 800)
    assert body_of(backend, key) == body
    assert backend.touch(key, tag, 20)
    time.sleep(0.05)
    assert backend.fetch(key) is None


def test_touch_of_another_tag_or_an_expired_value_does_nothing(backend, owner):
    key = make_key(owner, "a")
    tag = put(backend, key, ttl_ms=30)
    assert not backend.touch(key, new_tag(), TTL)
    time.sleep(0.05)
    assert not backend.touch(key, tag, TTL)
    assert not backend.touch(make_key(owner, "never"), tag, TTL)


def test_an_old_tag_does_not_fit_a_value_made_anew_after_expiry(backend, owner):
    key = make_key(owner, "a")
    old = put(backend, key, ttl_ms=20)
    time.sleep(0.04)
    put(backend, key, b"new")
    assert put(backend, key, b"late", expected=old) is None
    assert not backend.delete(key, old).done
    assert body_of(backend, key) == b"new"


def test_delete_forgets_if_the_tag_fits(backend, owner, body):
    key = make_key(owner, "a")
    tag = put(backend, key, body)
    refused = backend.delete(key, new_tag())
    assert (refused.done, refused.current_tag) == (False, tag)
    assert backend.delete(key, tag).done
    assert backend.heads([key]) == [None]
    assert not backend.delete(key).done


def test_list_and_purge_keep_to_one_owner(backend, owner):
    ones, tens = make_key(owner, "a"), make_key(f"{owner}0", "a")
    put(backend, ones), put(backend, tens), put(backend, make_key(owner, "b"), LARGE)
    put(backend, make_key(owner, "c", "session")), put(backend, make_key(owner, "gone"), ttl_ms=1)
    time.sleep(0.02)
    assert [key.store for key, _ in backend.list(owner)] == ["c", "a", "b"]
    assert [key.store for key, _ in backend.list(owner, "user")] == ["a", "b"]
    assert backend.purge(owner) == 3
    assert backend.list(owner) == []
    assert backend.fetch(tens) is not None


def test_scopes_do_not_mix(backend, owner):
    put(backend, make_key(owner, "a", "user"), b"user")
    put(backend, make_key(owner, "a", "session"), b"session")
    assert body_of(backend, make_key(owner, "a", "user")) == b"user"


def test_hostile_names_are_refused_or_distinct(backend, owner):
    for name in ("a:b", "*", "../k", "a b", "a\0", "", "x" * 300, "é", "a{b}", None, 7):
        with pytest.raises(BadKey):
            make_key(owner, name)
        with pytest.raises(BadKey):
            make_key(name, "store")
    first, second = make_key(f"{owner}-a", "b-c"), make_key(f"{owner}-a-b", "c")
    put(backend, first, b"1"), put(backend, second, b"2")
    assert (body_of(backend, first), body_of(backend, second)) == (b"1", b"2")


def test_an_overwrite_frees_the_old_body(backend, owner):
    key = make_key(owner, "a")
    before = backend.stats()
    for _ in range(50):
        put(backend, key, LARGE)
    after = backend.stats()
    assert (after.keys - before.keys, after.bytes - before.bytes) == (1, len(LARGE))


def test_a_sweep_frees_what_expired_and_nothing_else(backend, owner):
    dead, live = make_key(owner, "dead"), make_key(owner, "live")
    put(backend, dead, LARGE, ttl_ms=1), put(backend, live, LARGE)
    time.sleep(0.02)
    backend.sweep()
    assert backend.heads([dead])[0].expired
    assert body_of(backend, live) == LARGE
    put(backend, dead, b"again")
    assert body_of(backend, dead) == b"again"


def test_a_value_over_the_limit_is_refused(backend_options, owner):
    backend = open_backend(**backend_options, max_value_bytes=1000)
    with pytest.raises(StateTooLarge):
        put(backend, make_key(owner, "a"), b"x" * 1001)
    assert put(backend, make_key(owner, "a"), b"x" * 1000)
    backend.close()


def race(work, count=16):
    """The results of `count` threads that start at one barrier."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_puts_at_one_tag_exactly_one_wins(backend, owner, body):
    key = make_key(owner, "a")
    tag = put(backend, key, body)
    for round_number in range(15):
        won = [t for t in race(lambda n, tag=tag: put(backend, key, body + b"%d" % n, expected=tag)) if t]
        assert len(won) == 1, round_number
        tag = won[0]
        assert backend.heads([key])[0].tag == tag


def test_of_many_puts_where_nothing_is_exactly_one_wins(backend, owner):
    for number in range(10):
        key = make_key(owner, f"a{number}")
        assert sum(t is not None for t in race(lambda _, key=key: put(backend, key, expected=ABSENT))) == 1


def test_of_many_deletes_exactly_one_is_done(backend, owner):
    for number in range(10):
        key = make_key(owner, f"a{number}")
        tag = put(backend, key)
        assert sum(race(lambda _, key=key, tag=tag: backend.delete(key, tag).done)) == 1


def test_readers_beside_writers_never_see_a_torn_value(backend, owner):
    key, stop = make_key(owner, "a"), threading.Event()
    contents = {size: bytes([65 + size % 26]) * size for size in (10, 70_000, 150_000)}
    put(backend, key, contents[10])

    def write():
        while not stop.is_set():
            for content in contents.values():
                put(backend, key, content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(150):
            head, body = backend.fetch(key)
            assert bytes(body) == contents[head.size]
    finally:
        stop.set()
        writer.join()


def increment(options, owner, times):
    """Run in another process: add one, `times` times, by compare-and-set."""
    backend, key, done = open_backend(**options), make_key(owner, "n"), 0
    while done < times:
        head, body = backend.fetch(key)
        done += backend.put(key, new_tag(), value(b"%08x" % (int(bytes(body), 16) + 1)), TTL, head.tag).done
    backend.close()


def test_two_processes_lose_no_write(backend_name, backend_options, owner):
    if backend_name == "memory":
        assert not open_backend(**backend_options).shared  # declares itself as serving one process only
        return
    backend, key = open_backend(**backend_options), make_key(owner, "n")
    put(backend, key, b"%08x" % 0)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=increment, args=(backend_options, owner, 60)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert int(body_of(backend, key), 16) == 120
    backend.close()


def test_what_is_kept_survives_the_process_that_wrote_it(backend, backend_options, owner, body):
    if not backend.durable:
        assert backend.name == "memory"
        return
    key = make_key(owner, "a")
    put(backend, key, body)
    backend.close()
    again = open_backend(**backend_options)
    assert body_of(again, key) == body
    again.close()
