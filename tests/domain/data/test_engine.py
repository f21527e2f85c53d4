from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from domain.data.cohort import Cohorts
from domain.data.engine import Engine
from errors import Invalid, NotFound, TookTooLong

HOSTILE = [
    "read_csv('/etc/passwd')",
    "'; DROP TABLE people; --",
    "x' OR 1=1 --",
    "\"; COPY (SELECT 1) TO '/tmp/out'; --",
    "../../etc/passwd",
    "a\0b",
    "$1",
    "💥" * 100,
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine([tmp_path], tmp_path / "temp", memory_limit="200MB", threads=1, query_seconds=0.3)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '/tmp/stateroom-escape.csv'",
        "ATTACH '/tmp/stateroom-escape.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 64",
        "SELECT getenv('HOME')",
        "SELECT * FROM engine",
        "SELECT * FROM read_parquet('../escape.parquet')",
    ],
)
def test_sql_cannot_leave_its_folders(engine: Engine, sql: str) -> None:
    with pytest.raises((duckdb.Error, NotFound)):
        engine.fetch(sql)


def test_a_runaway_query_is_stopped_and_the_next_one_runs(engine: Engine) -> None:
    started = time.monotonic()
    with pytest.raises(TookTooLong, match="stopped after"):
        engine.fetch("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3")
    assert time.monotonic() - started < 3
    assert engine.fetch("SELECT 1") == [(1,)]


def test_a_file_that_went_away_is_not_found(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        engine.fetch("SELECT * FROM read_parquet($1)", [str(tmp_path / "gone.parquet")])


def test_a_fork_opens_its_own_database(engine: Engine) -> None:
    engine.fetch("CREATE TABLE parents AS SELECT 1")
    child = os.fork()
    if child == 0:
        try:
            found = engine.fetch("SELECT count(*) FROM duckdb_tables()")
            os._exit(0 if found == [(0,)] else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert engine.fetch("SELECT count(*) FROM duckdb_tables()") == [(1,)]


def test_eight_threads_share_one_engine(cohorts: Cohorts, folder: Path) -> None:
    (folder / "people.csv").write_text("id,x\n" + "\n".join(f"{n},{n % 100}" for n in range(20_000)))
    cohorts.catalogue.tables()
    wrong: list[Any] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        item = {"table": "people", "column": "x", "op": "lt", "value": number}
        recipe = cohorts.recipe({"tables": ["people"], "keys": {"subject": "id"}, "filters": [item]})
        barrier.wait()
        for _ in range(10):
            if cohorts.count(recipe).participants != 200 * number or cohorts.merge(recipe).rows != 200 * number:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_that_merge_the_same_recipe_agree(cohorts: Cohorts, folder: Path) -> None:
    (folder / "people.csv").write_text("id,x\n" + "\n".join(f"{n},{n}" for n in range(50_000)))
    recipe = cohorts.recipe({"tables": ["people"], "keys": {"subject": "id"}})
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(cohorts.merge(recipe))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(result == found[0] for result in found)
    assert cohorts.rows(found[0], 49_999, 10).rows == [{"id": "49999", "x": 49_999}]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_is_only_text(cohorts: Cohorts, folder: Path, text: str) -> None:
    safe = text.replace("\0", "0")
    (folder / "people.csv").write_text(f'id,x\n1,"{safe.replace(chr(34), chr(34) * 2)}"\n2,b\n')
    for op, value, kept in (
        ("eq", safe, 1),
        ("eq", text, int(text == safe)),
        ("not_in", [safe, "b"], 0),
        ("ne", "b", 1),
    ):
        item = {"table": "people", "column": "x", "op": op, "value": value}
        recipe = cohorts.recipe({"tables": ["people"], "keys": {"subject": "id"}, "filters": [item]})
        assert cohorts.count(recipe).participants == kept
        assert cohorts.merge(recipe).rows == kept


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_column_name_is_only_a_name(cohorts: Cohorts, folder: Path, name: str) -> None:
    name = name.replace("\0", "0")
    (folder / "people.csv").write_text(f'id,"{name.replace(chr(34), chr(34) * 2)}"\n1,5\n2,6\n')
    item = {"table": "people", "column": name, "op": "gt", "value": 5}
    recipe = cohorts.recipe({"tables": ["people"], "keys": {"subject": "id"}, "filters": [item]})
    result = cohorts.merge(recipe)
    assert cohorts.rows(
        result, sort=[(name, True)], filters={name: {"filterType": "number", "type": "equals", "filter": 6}}
    ).rows == [{"id": "2", name: 6}]
    with pytest.raises(Invalid):
        cohorts.rows(result, filters={name + " ": {"type": "blank"}})


def test_a_large_export_takes_no_more_memory_than_a_small_one(cohorts: Cohorts, folder: Path) -> None:
    wide = ",".join(["some text that is not short at all"] * 10)
    header = "id," + ",".join(f"c{n}" for n in range(10))
    (folder / "people.csv").write_text(header + "\n" + "\n".join(f"{n},{wide}" for n in range(200_000)))
    result = cohorts.merge(cohorts.recipe({"tables": ["people"], "keys": {"subject": "id"}}))
    pieces = cohorts.export_csv(result)
    next(pieces), next(pieces)
    before, size = psutil.Process().memory_info().rss, 0
    for number, piece in enumerate(pieces):
        size += len(piece)
        if number % 10 == 0:
            assert psutil.Process().memory_info().rss - before < 60_000_000
    assert size > 65_000_000
