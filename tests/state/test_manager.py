"""StateManager over every server backend."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from errors import BadKey, NoUser, StateConflict, StateExpired, StateInBrowser, StateMissing, StateUnsupported
from state import MISSING, StateManager, Store
from state.client import ClientBackend


@pytest.fixture
def sm(backend):
    return StateManager(backend)


@pytest.fixture
def me(sm, owner):
    with sm.user_context(owner):
        yield owner


def frame(rows=20_000):
    return pd.DataFrame({"a": np.arange(rows, dtype=float), "b": np.arange(rows), "c": ["x", "y"] * (rows // 2)})


def test_without_a_user_there_is_an_error(sm):
    with pytest.raises(NoUser):
        sm.get_store_data("filters")


def test_a_value_comes_back_and_is_only_mine(sm, owner):
    with sm.user_context(f"{owner}-a"):
        sm.set_store_data("filters", {"age": (18, 65)})
    with sm.user_context(f"{owner}-b"):
        assert sm.get_store_data("filters") is None
        assert sm.get_store_data("filters", default=MISSING) is MISSING
    with sm.user_context(f"{owner}-a"):
        assert sm.get_store_data("filters") == {"age": (18, 65)}


def test_missing_and_expired_and_none_are_told_apart(sm, me):
    with pytest.raises(StateMissing) as never:
        sm.read("a")
    assert not isinstance(never.value, StateExpired)
    sm.set_store_data("a", 1, ttl=0.03)
    time.sleep(0.05)
    with pytest.raises(StateExpired):
        sm.read("a")
    sm.set_store_data("a", None)
    assert sm.get_store_data("a", default=7) is None


def test_an_expected_tag_that_is_not_the_tag_is_refused_with_the_tag(sm, me):
    first = sm.set_store_data("a", 1, expected_tag="")
    second = sm.set_store_data("a", 2, expected_tag=first.tag)
    with pytest.raises(StateConflict) as caught:
        sm.set_store_data("a", 3, expected_tag=first.tag)
    assert caught.value.fields["current_tag"] == second.tag == sm.get_ref("a").tag
    with pytest.raises(StateConflict):
        sm.delete("a", expected_tag=first.tag)
    assert sm.get_store_data("a") == 2


def test_update_loses_no_concurrent_write(sm, owner):
    def add(number):
        with sm.user_context(owner):
            sm.update("list", lambda value: [*value, number], default=[])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(60)))
    with sm.user_context(owner):
        assert sorted(sm.get_store_data("list")) == list(range(60))


class Counting:
    """The real backend, with its calls counted."""

    def __init__(self, backend):
        self.backend, self.calls = backend, []

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append(name)
            return getattr(self.backend, name)(*args, **kwargs)

        return call if name in {"heads", "fetch", "put", "touch", "delete"} else getattr(self.backend, name)


@pytest.mark.parametrize("value", [frame(), {"small": 1}, np.arange(50_000), b"x" * 100_000], ids=type)
def test_a_warm_read_looks_at_the_head_only(backend, owner, value):
    counting = Counting(backend)
    sm = StateManager(counting)
    with sm.user_context(owner):
        sm.set_store_data("table", value)
        sm.get_store_data("table")
        counting.calls.clear()
        for _ in range(3):
            sm.get_store_data("table")
        assert counting.calls == ["heads"] * 3


def test_several_stores_are_looked_at_together(backend, owner):
    counting = Counting(backend)
    sm = StateManager(counting)
    with sm.user_context(owner):
        for name in "abc":
            sm.set_store_data(name, name)
        sm.read_many(["a", "b", "c"])
        counting.calls.clear()
        assert sm.read_many(["c", "never", "a"]) == {"c": "c", "never": MISSING, "a": "a"}
        assert counting.calls == ["heads"]


def test_another_workers_write_is_seen_at_once(backend, owner):
    here, there = StateManager(backend), StateManager(backend)
    with here.user_context(owner):
        here.set_store_data("table", frame(1000))
        there.get_store_data("table")
        here.set_store_data("table", frame(2000))
        assert len(there.get_store_data("table")) == 2000


def test_what_is_read_may_be_changed_without_changing_the_store(sm, me):
    sm.set_store_data("table", frame())
    sm.set_store_data("array", np.arange(50_000))
    sm.set_store_data("json", {"a": [1]})
    for _ in range(2):
        table, array, json = (sm.get_store_data(name) for name in ("table", "array", "json"))
        table.loc[0, "a"] = -1.0
        table["b"] = 0
        array[0] = -1
        json["a"].append(2)
    assert_frame_equal(sm.get_store_data("table"), frame())
    assert sm.get_store_data("array")[0] == 0
    assert sm.get_store_data("json") == {"a": [1]}


def test_a_table_changed_after_it_was_stored_is_stored_as_it_was(sm, me):
    table = frame()
    sm.set_store_data("table", table)
    table.loc[0, "a"] = -1.0
    assert_frame_equal(sm.get_store_data("table"), frame())


def test_a_read_table_may_be_changed_after_the_cache_let_it_go(backend, owner):
    sm = StateManager(backend, cache_bytes=1_000_000)
    with sm.user_context(owner):
        sm.set_store_data("table", frame())
        table = sm.get_store_data("table")
        sm.set_store_data("table", frame(10))
        sm.get_store_data("table")
        table.loc[0, "a"] = -1.0
        assert table.loc[0, "a"] == -1.0


def test_a_table_with_objects_may_be_changed_in_every_column(sm, me):
    table = pd.DataFrame(
        {"list": pd.Series([[1], [2]], dtype=object), "a": [1.0, 2.0], "t": pd.to_datetime(["2024"] * 2)}
    )
    sm.set_store_data("table", table.assign(z=table["t"].dt.tz_localize("UTC")))
    for _ in range(2):
        read = sm.get_store_data("table")
        read.loc[0, "a"] = -1.0
        read.loc[0, "t"] = read.loc[0, "t"] + pd.Timedelta("1D")
        read.loc[0, "z"] = read.loc[0, "z"] + pd.Timedelta("1D")
        read["list"].iloc[0].append(9)
        assert read.loc[0, "a"] == -1.0
    assert_frame_equal(sm.get_store_data("table").drop(columns="z"), table)


def test_the_cache_stays_within_its_bytes(backend, owner):
    sm = StateManager(backend, cache_bytes=1_500_000)
    with sm.user_context(owner):
        for number in range(8):
            sm.set_store_data(f"t{number}", frame())
            sm.get_store_data(f"t{number}")
        assert 0 < sm.cache.bytes <= 1_500_000


def test_reading_keeps_a_value_alive(backend, owner):
    sm = StateManager(backend, stores={"a": Store(ttl=1.2)})
    with sm.user_context(owner):
        sm.set_store_data("a", 1)
        for _ in range(4):
            time.sleep(0.4)
            assert sm.get_store_data("a") == 1
        time.sleep(1.4)
        assert sm.get_store_data("a") is None


def test_the_lifetime_is_written_at_most_once_per_tenth(backend, owner):
    counting = Counting(backend)
    sm = StateManager(counting)
    with sm.user_context(owner):
        sm.set_store_data("a", 1, ttl=60)
        for _ in range(50):
            sm.get_store_data("a")
    assert "touch" not in counting.calls


def test_list_delete_and_purge_are_mine_only(sm, owner):
    for user in (f"{owner}1", f"{owner}10"):
        with sm.user_context(user):
            sm.set_store_data("a", 1), sm.set_store_data("b", 2)
    with sm.user_context(f"{owner}1"):
        assert [ref.store for ref in sm.list()] == ["a", "b"]
        assert sm.delete("a")
        assert not sm.delete("a")
        assert sm.purge() == 1
    with sm.user_context(f"{owner}10"):
        assert sm.get_store_data("a") == 1


def test_a_value_that_cannot_be_kept_is_refused_and_the_old_one_stays(sm, me):
    sm.set_store_data("a", 1)
    with pytest.raises(StateUnsupported):
        sm.set_store_data("a", {"x": object()})
    assert sm.get_store_data("a") == 1


def test_hostile_store_and_user_names_are_refused(sm, me):
    for name in ("a:b", "*", "../k", "", "x" * 300, "a\0"):
        with pytest.raises(BadKey):
            sm.set_store_data(name, 1)
        with sm.user_context(name), pytest.raises(BadKey):
            sm.get_store_data("a")


def test_each_thread_has_its_own_user(sm, owner):
    barrier = threading.Barrier(20)

    def work(number):
        with sm.user_context(f"{owner}-{number}"):
            for value in range(10):
                sm.set_store_data("a", [number, value])
                barrier.wait(20)
                assert sm.get_store_data("a") == [number, value]
        return True

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(work, range(20)))


def test_without_isolation_all_share_one_state(backend, owner):
    sm = StateManager(backend, user_isolation=False)
    with sm.user_context(f"{owner}-a"):
        sm.set_store_data(owner, 1)
    with sm.user_context(f"{owner}-b"):
        assert sm.get_store_data(owner) == 1
        sm.delete(owner)


def test_the_client_backend_says_that_the_browser_has_the_value():
    sm = StateManager(ClientBackend())
    with sm.user_context("me"):
        for work in (lambda: sm.get_store_data("a"), lambda: sm.set_store_data("a", 1), lambda: sm.delete("a")):
            with pytest.raises(StateInBrowser):
                work()


def test_a_write_now_and_then_frees_what_expired(backend, owner):
    sm = StateManager(backend, sweep_seconds=0)
    with sm.user_context(owner):
        sm.set_store_data("old", b"x" * 100_000, ttl=0.01)
        time.sleep(0.03)
        sm.set_store_data("new", 1)
        for thread in threading.enumerate():
            if thread.name == "state-sweep":
                thread.join(10)
        assert backend.sweep() == 0
        assert [ref.store for ref in sm.list()] == ["new"]


def test_what_is_read_shares_no_part_that_can_be_changed_in_place(sm, me):
    frame = pd.DataFrame(
        {"list": pd.Series([[1], [2]], dtype=object), "plain": [1.0, 2.0], "masked": pd.array([1, None])}
    )
    frame["zoned"] = pd.date_range("2024", periods=2, tz="Europe/Berlin")
    frame["category"] = pd.Categorical(["a", "b"])
    for columns in (["list", "plain"], ["plain", "masked", "zoned", "category"]):
        sm.set_store_data("table", frame[columns])
        expected = frame[columns].copy()
        for _ in range(2):
            read = sm.get_store_data("table")
            for column in columns:
                change_in_place(read[column])
        assert_frame_equal(sm.get_store_data("table"), expected.assign(**new_lists(columns)))


def new_lists(columns):
    return {"list": pd.Series([[1], [2]], dtype=object)} if "list" in columns else {}


def change_in_place(column):
    """Past pandas' own copy-on-write; what refuses is as good as what copies."""
    if column.dtype == object:
        column.iloc[0].append(99)
        return
    with contextlib.suppress(ValueError):  # "assignment destination is read-only"
        column.array[0] = column.array[1]


def test_a_table_over_the_callers_own_memory_is_stored_as_it_was(sm, me):
    array = np.arange(40_000.0)
    sm.set_store_data("table", pd.DataFrame(array.reshape(-1, 2), columns=["a", "b"], copy=False))
    array[:] = -1
    assert sm.get_store_data("table").iloc[0, 1] == 1.0


def test_a_user_said_for_the_thread_gives_way_to_a_block_and_is_gone_elsewhere(sm, owner):
    def work():
        sm.set_user_context(f"{owner}-thread")
        sm.set_store_data("a", "thread")
        with sm.user_context(f"{owner}-block"):
            assert sm.get_store_data("a") is None
        table = frame()
        sm.set_store_data("table", table)
        read = sm.get_store_data("table")
        sm.purge()
        read.loc[0, "a"] = -1.0
        return read.loc[0, "a"]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == -1.0
    with pytest.raises(NoUser):
        sm.get_store_data("a")
