"""Public studies: counts, steps, rows and values equal what pandas computes from the files on its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from domain.data.cohort import Cohorts
from domain.data.keys import key_report, propose
from tests.domain.data.conftest import PUBLIC, cohorts_on

Open = Callable[[str], Cohorts]
MISSING = ["", "n/a", "N/A", "NA", "NaN", "nan", "NULL", "null"]
TESTS: dict[str, Callable[[pd.Series, Any], pd.Series]] = {
    "between": lambda c, v: c.between(*v),
    "in": lambda c, v: c.isin(v),
    "not_in": lambda c, v: c.notna() & ~c.isin(v),
    "eq": lambda c, v: c == v,
    "ne": lambda c, v: c.notna() & (c != v),
    "ge": lambda c, v: c >= v,
    "lt": lambda c, v: c < v,
    "is_missing": lambda c, v: c.isna(),
    "not_missing": lambda c, v: c.notna(),
}


def load(path: Path, key: str) -> pd.DataFrame:
    separator = "\t" if path.suffix == ".tsv" else ","
    return pd.read_csv(
        path, sep=separator, na_values=MISSING, keep_default_na=False, dtype={key: "str"}, low_memory=False
    )


def merged(frames: dict[str, pd.DataFrame], keys: list[str], how: str) -> pd.DataFrame:
    """Tables joined one after the other; rows without a key match nothing, which pandas does otherwise."""
    (_, result), *others = frames.items()
    for name, frame in others:
        clashes = {c: f"{c}__{name}" for c in frame.columns if c in result.columns and c not in keys}
        on = [key for key in keys if key in result.columns and key in frame.columns]
        keyed, lost = frame.dropna(subset=on), frame[frame[on].isna().any(axis=1)]
        joined = result.merge(keyed.rename(columns=clashes), on=on, how=how)
        result = pd.concat([joined, lost.rename(columns=clashes)]) if how == "outer" else joined
    return result


def steps_of(rows: pd.DataFrame, subject: str, items: list[tuple[str, str, Any]]) -> tuple[pd.DataFrame, list[Any]]:
    steps = []
    for column, op, value in items:
        kept = rows[TESTS[op](rows[column], value).fillna(False).astype(bool)]
        before, after = set(rows[subject].dropna()), set(kept[subject].dropna())
        lost = rows[rows[subject].isin(before - after)]
        missing = int(lost[column].isna().groupby(lost[subject]).all().sum())
        steps.append((len(after), len(before - after) - missing, missing))
        rows = kept
    return rows, steps


def check(cohorts: Cohorts, frames: dict[str, pd.DataFrame], keys: dict[str, str], how: str, items: list[Any]) -> None:
    """`items` are (table, column, op, value); the first frame is the base."""
    names = list(frames)
    filters = [dict(zip(("table", "column", "op", "value"), item, strict=True)) for item in items]
    document = {"tables": names, "keys": keys, "base": names[0], "how": how, "filters": filters}
    recipe = cohorts.recipe(document)
    count, result = cohorts.count(recipe), cohorts.merge(recipe)
    whole = merged(frames, list(keys.values()), how)
    merged_names = [(f"{c}__{t}" if f"{c}__{t}" in whole.columns else c, op, value) for t, c, op, value in items]
    expected, steps = steps_of(whole, keys["subject"], merged_names)
    assert [(step.remaining, step.failed, step.missing) for step in count.steps] == steps
    assert (count.rows, count.participants) == (len(expected), expected[keys["subject"]].nunique())
    assert (result.rows, result.participants) == (count.rows, count.participants)
    found = pd.read_parquet(cohorts.results / f"{result.result_id}.parquet")
    found.columns = [column.name for column in result.columns]
    others = [column for column in expected.columns if column not in keys.values()]
    assert list(found.columns) == [*keys.values(), *others]
    compare(found, expected[list(found.columns)], ordered=how == "left")


def compare(found: pd.DataFrame, expected: pd.DataFrame, ordered: bool) -> None:
    found, expected = plain(found), plain(expected)
    if not ordered:
        found, expected = (frame.sort_values(list(frame.columns)[:12], kind="stable") for frame in (found, expected))
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for name in frame.columns:
        column = frame[name]
        is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        columns[name] = column.astype("float64") if is_number else column.astype("str").where(column.notna(), "")
        if column.isna().all():
            columns[name] = pd.Series([""] * len(column), index=column.index)
    return pd.DataFrame(columns)


CNP = "ds000030_ucla_cnp"
CNP_RECIPES: list[tuple[list[str], str, list[Any]]] = [
    (["participants"], "left", []),
    (["participants"], "left", [("participants", "diagnosis", "in", ["CONTROL", "SCHZ"])]),
    (
        ["participants", "demographics"],
        "left",
        [("participants", "age", "between", [21, 40]), ("demographics", "school_yrs", "ge", 14)],
    ),
    (["demographics", "participants"], "inner", [("participants", "gender", "ne", "F")]),
    (
        ["participants", "hopkins", "barratt", "bart"],
        "inner",
        [
            ("hopkins", "hopkins_globalseverity", "lt", 1.0),
            ("participants", "bart", "not_missing", None),
            ("bart", "bart_blueexplosions", "between", [1, 9]),
            ("participants", "diagnosis", "not_in", ["ADHD"]),
        ],
    ),
    (["participants", "hamilton", "ymrs", "saps"], "outer", [("participants", "T1w", "is_missing", None)]),
    (["wais", "wms"], "left", []),
]


@pytest.mark.parametrize("recipe", CNP_RECIPES, ids=lambda recipe: "-".join([*recipe[0], recipe[1]]))
def test_ucla_cnp_recipes_equal_pandas(public_cohorts: Open, recipe: tuple[list[str], str, list[Any]]) -> None:
    names, how, items = recipe
    cohorts = public_cohorts(CNP)
    sources = {table.name: PUBLIC / CNP / table.source for table in cohorts.catalogue.tables()}
    frames = {name: load(sources[name], "participant_id") for name in names}
    check(cohorts, frames, {"subject": "participant_id"}, how, items)


def test_ucla_cnp_is_read_whole(public_cohorts: Open) -> None:
    tables = public_cohorts(CNP).catalogue.tables()
    assert len(tables) == len(list((PUBLIC / CNP).rglob("*.tsv")))
    assert {table.rows for table in tables} == {272}
    assert propose(tables).subject == "participant_id"
    smoking = next(t for t in tables if t.name == "demographics").column("cigs")
    assert smoking is not None
    assert smoking.levels == {"0": "No", "1": "Yes current", "2": "Yes past"}


def test_all_tables_of_ucla_cnp_merge_at_once(public_cohorts: Open) -> None:
    cohorts = public_cohorts(CNP)
    names = [table.name for table in cohorts.catalogue.tables()]
    recipe = cohorts.recipe({"tables": names, "keys": {"subject": "participant_id"}, "base": "participants"})
    result = cohorts.merge(recipe)
    assert (result.rows, result.participants) == (272, 272)
    assert len(result.columns) == 1 + sum(len(table.columns) - 1 for table in cohorts.catalogue.tables())


@pytest.mark.parametrize("how", ["left", "inner", "outer"])
def test_nhanes_one_to_many_medications_equal_pandas(public_cohorts: Open, how: str) -> None:
    cohorts = public_cohorts("nhanes_2013_2014")
    frames = {n: load(PUBLIC / "nhanes_2013_2014" / f"{n}.csv", "SEQN") for n in ("demographic", "medications")}
    items = [
        ("demographic", "RIDAGEYR", "ge", 40),
        ("demographic", "DMDEDUC2", "in", [4, 5]),
        ("medications", "RXDDRUG", "not_missing", None),
        ("medications", "RXDDAYS", "between", [30, 3_650]),
    ]
    check(cohorts, frames, {"subject": "SEQN"}, how, items)


def test_nhanes_keys_are_proposed_and_medications_are_one_to_many(public_cohorts: Open) -> None:
    cohorts = public_cohorts("nhanes_2013_2014")
    tables = cohorts.catalogue.tables()
    assert propose(tables).subject == "SEQN"
    people, medicines = key_report(cohorts.engine, tables, "SEQN")
    assert (people.shape, people.distinct, people.duplicates) == ("cross-sectional", 10_175, 0)
    assert (medicines.shape, medicines.distinct, medicines.duplicates) == ("one-to-many", 10_175, 10_019)


@pytest.mark.parametrize("how", ["left", "inner", "outer"])
def test_penguins_whose_ids_repeat_equal_pandas(public_cohorts: Open, tmp_path: Path, how: str) -> None:
    public_cohorts("palmerpenguins")
    raw = load(PUBLIC / "palmerpenguins" / "penguins_raw.csv", "Individual ID")
    study = tmp_path / "penguins"
    study.mkdir()
    raw.to_csv(study / "birds.csv", index=False)
    raw[raw.Sex.eq("FEMALE")].to_csv(study / "females.csv", index=False)
    cohorts = cohorts_on(study, tmp_path)
    frames = {name: load(study / f"{name}.csv", "Individual ID") for name in ("birds", "females")}
    items = [
        ("birds", "Body Mass (g)", "ge", 3_500),
        ("females", "Island", "ne", "Dream"),
        ("females", "Delta 15 N (o/oo)", "between", [8.0, 9.0]),
    ]
    check(cohorts, frames, {"subject": "Individual ID"}, how, items)
    assert propose(cohorts.catalogue.tables()).subject == "Individual ID"
    assert {keys.shape for keys in key_report(cohorts.engine, cohorts.catalogue.tables(), "Individual ID")} == {
        "one-to-many"
    }


@pytest.mark.parametrize("how", ["left", "inner", "outer"])
def test_dallas_waves_in_long_form_equal_pandas(public_cohorts: Open, tmp_path: Path, how: str) -> None:
    public_cohorts("ds004856_dlbs")
    people = load(PUBLIC / "ds004856_dlbs" / "participants.tsv", "participant_id")
    study = tmp_path / "dallas"
    study.mkdir()
    people[["participant_id", "Sex", "Race", "EduComp"]].to_csv(study / "people.csv", index=False)
    for name, columns in (("mmse", ["MMSE"]), ("scan", ["AgeMRI"])):
        waves = [
            people[["participant_id", *(f"{c}_W{n}" for c in columns)]]
            .set_axis(["participant_id", *columns], axis=1)
            .assign(wave=f"W{n}")
            .dropna(subset=columns)
            for n in (1, 2, 3)
        ]
        pd.concat(waves).to_csv(study / f"{name}.csv", index=False)
    cohorts = cohorts_on(study, tmp_path)
    tables = cohorts.catalogue.tables()
    keys = {"subject": "participant_id", "session": "wave"}
    assert propose(tables).session == "wave"
    assert {k.table: k.shape for k in key_report(cohorts.engine, tables, "participant_id", "wave")} == {
        "mmse": "longitudinal",
        "people": "cross-sectional",
        "scan": "longitudinal",
    }
    frames = {name: load(study / f"{name}.csv", "participant_id") for name in ("mmse", "scan", "people")}
    items = [("mmse", "wave", "in", ["W1", "W2"]), ("people", "Sex", "eq", "f"), ("scan", "AgeMRI", "ge", 50)]
    check(cohorts, frames, keys, how, items)
