"""Small random tables against a merge and filter written plainly, one row at a time."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.data.cohort import Cohorts
from errors import Invalid, NotFound
from tests.domain.data.conftest import cohorts_on

Row = dict[str, Any]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda x, v: x == v,
    "ne": lambda x, v: x != v,
    "lt": lambda x, v: x < v,
    "le": lambda x, v: x <= v,
    "gt": lambda x, v: x > v,
    "ge": lambda x, v: x >= v,
    "between": lambda x, v: v[0] <= x <= v[1],
    "in": lambda x, v: x in v,
    "not_in": lambda x, v: x not in v,
    "not_missing": lambda x, v: True,
}
IDS = st.sampled_from(["1", "2", "3", "01", None])
VISITS = st.sampled_from(["a", "b", None])
NUMBERS = st.one_of(st.none(), st.integers(-3, 3))


def tables() -> st.SearchStrategy[dict[str, list[Row]]]:
    with_visit = st.fixed_dictionaries({"id": IDS, "visit": VISITS, "x": NUMBERS, "y": NUMBERS})
    without = st.fixed_dictionaries({"id": IDS, "x": NUMBERS, "z": NUMBERS})
    rows = st.one_of(st.lists(with_visit, min_size=1, max_size=6), st.lists(without, min_size=1, max_size=6))
    return st.tuples(rows, rows, rows).map(lambda found: dict(zip(("base", "two", "three"), found, strict=True)))


def filters() -> st.SearchStrategy[list[Row]]:
    number = st.integers(-3, 3)
    one = st.tuples(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]), number)
    some = st.tuples(st.sampled_from(["in", "not_in"]), st.lists(number, max_size=3))
    between = st.tuples(st.just("between"), st.lists(number, min_size=2, max_size=2))
    none = st.tuples(st.sampled_from(["is_missing", "not_missing"]), st.none())
    place = st.tuples(st.sampled_from(["base", "two", "three"]), st.just("x"), st.one_of(one, some, between, none))
    return st.lists(place.map(lambda p: {"table": p[0], "column": p[1], "op": p[2][0], "value": p[2][1]}), max_size=3)


def joined(left: list[Row], right: list[Row], keys: list[str], how: str) -> list[Row]:
    def meets(a: Row, b: Row) -> bool:
        return all(a.get(key) is not None and a.get(key) == b.get(key) for key in keys)

    rows = [{**b, **a} for a in left for b in right if meets(a, b)]
    if how != "inner":
        rows += [dict(a) for a in left if not any(meets(a, b) for b in right)]
    if how == "outer":
        rows += [dict(b) for b in right if not any(meets(a, b) for a in left)]
    return rows


def naive_merge(study: dict[str, list[Row]], how: str) -> list[Row]:
    merged: list[Row] = []
    known: set[str] = set()
    for table, rows in study.items():
        named = [{k if k in ("id", "visit") else f"{k}@{table}": v for k, v in row.items()} for row in rows]
        columns = {key for row in named for key in row}
        keys = [key for key in ("id", "visit") if key in known and key in columns]
        merged = joined(merged, named, keys, how) if known else named
        known |= columns
    return [{column: row.get(column) for column in sorted(known)} for row in merged]


def passes(row: Row, item: Row) -> bool:
    value = row.get(f"{item['column']}@{item['table']}")
    if item["op"] == "is_missing" or value is None:
        return item["op"] == "is_missing" and value is None
    return COMPARE[item["op"]](value, item["value"])


def naive_count(rows: list[Row], items: list[Row]) -> tuple[list[Row], list[tuple[int, int, int]]]:
    steps = []
    for item in items:
        before = {row["id"] for row in rows} - {None}
        kept = [row for row in rows if passes(row, item)]
        after = {row["id"] for row in kept} - {None}
        place = f"{item['column']}@{item['table']}"
        missing = {p for p in before - after if all(row.get(place) is None for row in rows if row["id"] == p)}
        steps.append((len(after), len(before - after - missing), len(missing)))
        rows = kept
    return rows, steps


def write(folder: Path, study: dict[str, list[Row]]) -> None:
    folder.mkdir(parents=True)
    for name, rows in study.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def recipe_of(study: dict[str, list[Row]], how: str, items: list[Row]) -> Row:
    has_visit = any("visit" in rows[0] for rows in study.values())
    keys = {"subject": "id", **({"session": "visit"} if has_visit else {})}
    kept = [item if item["value"] is not None else {k: v for k, v in item.items() if k != "value"} for item in items]
    return {"tables": list(study), "keys": keys, "base": "base", "how": how, "filters": kept}


def as_text(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted((k, v) for k, v in row.items() if v is not None)) for row in rows)


def renamed(row: Row, study: dict[str, list[Row]]) -> Row:
    """The names of a result as the plain merge has them: `x__two` is `x@two`, `y` is the first table's that has it."""
    names = {}
    for key in row:
        column, _, table = key.partition("__")
        first = next(name for name, rows in study.items() if column in rows[0])
        names[key] = key if key in ("id", "visit") else f"{column}@{table or first}"
    return {names[key]: value for key, value in row.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(study=tables(), how=st.sampled_from(["left", "inner", "outer"]), items=filters())
def test_counts_steps_and_rows_equal_a_plain_merge(study: dict[str, list[Row]], how: str, items: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as work:
        write(Path(work) / "study", study)
        cohorts = cohorts_on(Path(work) / "study", Path(work))
        # a column without any value is text, and cannot be compared with a number
        types = {table.name: table.column("x").type for table in cohorts.catalogue.tables()}  # type: ignore[union-attr]
        items = [item for item in items if types[item["table"]] == "integer" or item["op"].endswith("missing")]
        recipe = cohorts.recipe(recipe_of(study, how, items))
        count, result = cohorts.count(recipe), cohorts.merge(recipe)
        rows, steps = naive_count(naive_merge(study, how), items)
        assert [(step.remaining, step.failed, step.missing) for step in count.steps] == steps
        assert (count.rows, count.participants) == (len(rows), len({row["id"] for row in rows} - {None}))
        assert (result.rows, result.participants) == (count.rows, count.participants)
        found = [renamed(row, study) for row in cohorts.rows(result, 0, 1_000).rows]
        assert as_text(found) == as_text(rows)


@pytest.fixture
def study(folder: Path) -> Path:
    (folder / "people.csv").write_text("id,age,sex\n007,30,F\n7,40,M\n8,,F\n,50,M\n")
    (folder / "visits.csv").write_text("id,visit,score,age\n007,a,1,31\n007,b,2,32\n8,a,,33\n9,a,4,34\n")
    (folder / "scans.csv").write_text("id,visit,age,age__visits\n007,b,x,y\n8,a,z,\n")
    return folder


def document(*names: str, **parts: Any) -> Row:
    return {"tables": list(names), "keys": {"subject": "id"}, "base": names[0], "how": "left", "filters": [], **parts}


def rows_of(cohorts: Cohorts, document: Row, **page: Any) -> list[Row]:
    return cohorts.rows(cohorts.merge(cohorts.recipe(document)), **page).rows


def test_a_padded_id_is_another_subject(cohorts: Cohorts, study: Path) -> None:
    rows = rows_of(cohorts, document("people", "visits"))
    assert [(row["id"], row["score"]) for row in rows] == [
        ("007", 1),
        ("007", 2),
        ("7", None),
        ("8", None),
        (None, None),
    ]


def test_columns_of_one_name_are_kept_apart(cohorts: Cohorts, study: Path) -> None:
    keys = {"subject": "id", "session": "visit"}
    rows = rows_of(cohorts, document("people", "visits", "scans", keys=keys))
    assert list(rows[0]) == ["id", "visit", "age", "sex", "score", "age__visits", "age__scans", "age__visits__scans"]
    assert rows[1] == dict(zip(rows[0], ["007", "b", 30, "F", 2, 32, "x", "y"], strict=True))


def test_chosen_columns_keep_the_names_they_have_among_all(cohorts: Cohorts, study: Path) -> None:
    chosen = {"people": ["sex"], "visits": ["age"]}
    rows = rows_of(cohorts, document("people", "visits", columns=chosen))
    assert list(rows[0]) == ["id", "sex", "age__visits"]


def test_an_outer_merge_finds_a_subject_that_only_later_tables_have(cohorts: Cohorts, folder: Path) -> None:
    (folder / "a.csv").write_text("id,a\n1,1\n")
    (folder / "b.csv").write_text("id,b\n2,2\n")
    (folder / "c.csv").write_text("id,c\n1,10\n2,20\n3,30\n")
    rows = rows_of(cohorts, document("a", "b", "c", how="outer"))
    assert [tuple(row.values()) for row in rows] == [("1", 1, None, 10), ("2", None, 2, 20), ("3", None, None, 30)]


def test_a_number_key_is_compared_as_a_number_by_its_filter(cohorts: Cohorts, folder: Path) -> None:
    (folder / "a.csv").write_text("id,a\n" + "\n".join(f"{n},{n}" for n in range(1, 21)))
    (folder / "b.csv").write_text("id,b\n2,2\nx,3\n")
    wanted = [{"table": "a", "column": "id", "op": "between", "value": [2, 11]}]
    assert cohorts.count(cohorts.recipe(document("a", "b", filters=wanted))).participants == 10


def test_steps_tell_failed_from_missing(cohorts: Cohorts, study: Path) -> None:
    items = [
        {"table": "people", "column": "age", "op": "ge", "value": 30},
        {"table": "visits", "column": "score", "op": "gt", "value": 1},
    ]
    count = cohorts.count(cohorts.recipe(document("people", "visits", filters=items)))
    assert count.to_dict() == {
        "participants": 1,
        "rows": 1,
        "steps": [
            {"filter": items[0], "remaining": 2, "failed": 0, "missing": 1},
            {"filter": items[1], "remaining": 1, "failed": 0, "missing": 1},
        ],
    }


def test_a_result_is_made_once_and_named_by_content(cohorts: Cohorts, study: Path) -> None:
    recipe = cohorts.recipe(document("people", notes="first"))
    result = cohorts.merge(recipe)
    made = (cohorts.results / f"{result.result_id}.parquet").stat().st_ino
    assert cohorts.merge(cohorts.recipe(document("people", notes="second"))) == result
    assert (cohorts.results / f"{result.result_id}.parquet").stat().st_ino == made
    assert not cohorts.stale(recipe, hashes := cohorts.input_hashes(recipe))
    (study / "people.csv").write_text("id,age,sex\n1,30,F\n")
    assert cohorts.stale(recipe, hashes)
    assert cohorts.merge(recipe).result_id != result.result_id


def test_a_recipe_whose_table_lost_a_column_is_refused(cohorts: Cohorts, study: Path) -> None:
    recipe = cohorts.recipe(document("people", columns={"people": ["sex"]}))
    (study / "people.csv").write_text("id,age\n1,30\n")
    with pytest.raises(Invalid, match="sex"):
        cohorts.merge(recipe)


def test_a_merge_that_would_blow_up_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    for name in "ab":
        (folder / f"{name}.csv").write_text("id,x\n" + "1,5\n" * 100_000)
    cohorts = cohorts_on(folder, tmp_path, result_rows_max=1_000_000)
    recipe = cohorts.recipe(document("a", "b", filters=[{"table": "b", "column": "x", "op": "eq", "value": 5}]))
    assert cohorts.count(recipe).rows == 10**10
    with pytest.raises(Invalid, match="10,000,000,000 rows"):
        cohorts.merge(recipe)


def test_pages_are_sorted_stable_and_end_with_the_missing(cohorts: Cohorts, folder: Path) -> None:
    (folder / "a.csv").write_text("id,g,v\n" + "\n".join(f"{n},{n % 3 or ''},{n}" for n in range(2_500)))
    result = cohorts.merge(cohorts.recipe(document("a")))
    for descending in (False, True):
        pages: Iterator[Row] = (
            row for start in range(0, 2_500, 999) for row in cohorts.rows(result, start, 999, [("g", descending)]).rows
        )
        found = [(row["g"], row["v"]) for row in pages]
        expected = [(n % 3 or None, n) for n in range(2_500)]
        expected.sort(key=lambda pair: (pair[0] is None, -(pair[0] or 0) if descending else pair[0] or 0))
        assert found == expected
    assert len(cohorts.rows(result, 0, 10**9).rows) == 1_000
    assert cohorts.rows(result, 5_000, 10).rows == []


@pytest.mark.parametrize("sort", [[("nope", True)], [('v" DESC; --', False)], [(None, True)]])
def test_a_sort_by_an_unknown_column_is_refused(cohorts: Cohorts, study: Path, sort: Any) -> None:
    with pytest.raises(Invalid):
        rows_of(cohorts, document("people"), sort=sort)


def test_rows_are_ready_for_json(cohorts: Cohorts, folder: Path) -> None:
    (folder / "a.csv").write_text("id,d,t,b,n,big\n1,2024-01-31,2024-01-31T10:00,true,1.50,9007199254740993\n")
    assert rows_of(cohorts, document("a")) == [
        {"id": "1", "d": "2024-01-31", "t": "2024-01-31T10:00:00", "b": True, "n": 1.5, "big": "9007199254740993"}
    ]


def test_a_merge_of_very_many_columns_lines_its_parts_up(cohorts: Cohorts, folder: Path) -> None:
    for name in "abc":
        header = "id," + ",".join(f"{name}{n}" for n in range(180))
        lines = [f"{i}," + ",".join(str(i * n) for n in range(180)) for i in range(50)]
        (folder / f"{name}.csv").write_text("\n".join([header, *(lines if name != "b" else lines[::-1])]))
    rows = rows_of(cohorts, document("a", "b", "c", how="inner"))
    assert len(rows[0]) == 541
    assert all(row["b179"] == row["a179"] == row["c179"] == int(row["id"]) * 179 for row in rows)


def test_the_sweep_keeps_what_was_used_last(cohorts: Cohorts, study: Path) -> None:
    first, second = (cohorts.merge(cohorts.recipe(document(name))) for name in ("people", "visits"))
    cohorts.result(first.result_id)
    size = (cohorts.results / f"{first.result_id}.parquet").stat().st_size
    assert cohorts.sweep(size + 1) == 1
    assert cohorts.result(first.result_id) == first
    with pytest.raises(NotFound):
        cohorts.result(second.result_id)


@pytest.mark.parametrize("result_id", ["../../etc/passwd", "", "A" * 32, "0" * 32, "0" * 31 + "\n"])
def test_a_result_is_not_found_by_a_path(cohorts: Cohorts, result_id: str) -> None:
    with pytest.raises(NotFound):
        cohorts.result(result_id)
