"""A filter as a form: what a column offers, and what was typed as a condition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.data.choices import Choice, choices
from domain.data.cohort import Cohorts
from domain.data.demographics import demographics
from domain.data.description import Column, Table
from domain.data.forms import changed_condition, first_condition, form
from errors import Invalid

AGE = Column("age", "integer", min=18, max=85, distinct=60)
SEX = Column("sex", "text", levels={"F": "Female", "M": "Male"}, distinct=2)
CODE = Column("code", "number", levels={"1": "One", "2": "Two", "9": "Nine"}, min=1.0, max=2.0, distinct=2)
NAME = Column("name", "text", distinct=1_000)
DAY = Column("day", "date", min="2024-01-01", max="2024-12-31", distinct=300)
SURE = Column("sure", "boolean", distinct=2)
TABLE = Table("t", "t", "t.csv", "hash", 100, Path("t"), (AGE, SEX, CODE, NAME, DAY, SURE))
SEXES = [Choice("F", "Female", 3), Choice("M", "Male", 2)]
CODES = [Choice(1.0, "One", 3), Choice(2.0, "Two", 2), Choice(9, "Nine", 0)]


@pytest.mark.parametrize(
    ("column", "listed", "condition"),
    [
        (AGE, [], {"op": "between", "value": [18, 85]}),
        (SEX, SEXES, {"op": "in", "value": ["F", "M"]}),
        (CODE, CODES, {"op": "in", "value": [1.0, 2.0]}),
        (NAME, [], {"op": "not_missing"}),
        (DAY, [], {"op": "between", "value": ["2024-01-01", "2024-12-31"]}),
    ],
)
def test_a_new_filter_leaves_out_only_who_has_no_value(column: Column, listed: Any, condition: Any) -> None:
    assert first_condition(TABLE, column, listed) == {"table": "t", "column": column.name, **condition}


@pytest.mark.parametrize(
    ("column", "typed", "condition"),
    [
        (AGE, {"op": "between", "low": 20, "high": 30}, {"op": "between", "value": [20, 30]}),
        (AGE, {"op": "between", "low": None, "high": ""}, {"op": "between", "value": [18, 85]}),
        (AGE, {"op": "ge", "low": 20, "high": 30}, {"op": "ge", "value": 18}),
        (AGE, {"op": "le"}, {"op": "le", "value": 85}),
        (AGE, {"op": "ge", "one": 40}, {"op": "ge", "value": 40}),
        (AGE, {"op": "in", "lines": " 1\n\n2 "}, {"op": "in", "value": [1, 2]}),
        (AGE, {"op": "is_missing", "low": 20}, {"op": "is_missing"}),
        (SEX, {"op": "in", "chosen": ["M", "F"]}, {"op": "in", "value": ["F", "M"]}),
        (SEX, {"op": "not_in"}, {"op": "not_in", "value": []}),
        (SEX, {"op": "eq", "one": None}, {"op": "eq", "value": ""}),
        (CODE, {"op": "in", "chosen": ["2", "9"]}, {"op": "in", "value": [2, 9]}),
        (NAME, {"op": "in", "lines": "a, b\nc"}, {"op": "in", "value": ["a, b", "c"]}),
        (SURE, {"op": "in", "chosen": ["true"]}, {"op": "in", "value": [True]}),
        (
            DAY,
            {"op": "between", "low": "2024-02-01", "high": None},
            {"op": "between", "value": ["2024-02-01", "2024-12-31"]},
        ),
    ],
)
def test_what_was_typed_becomes_a_condition(column: Column, typed: Any, condition: Any) -> None:
    listed = {"sex": SEXES, "code": CODES, "sure": [Choice(False, "false", 1), Choice(True, "true", 1)]}
    found = changed_condition({"table": "t"}, column, typed, listed.get(column.name, []))
    assert found == {"table": "t", "column": column.name, **condition}


@pytest.mark.parametrize(
    ("column", "typed"),
    [
        (AGE, {"op": "like"}),
        (AGE, {"op": ["ge"]}),
        (AGE, {"op": "between", "low": "abc", "high": 3}),
        (AGE, {"op": "between", "low": True, "high": 3}),
        (AGE, {"op": "ge", "one": None}),
        (AGE, {"op": "in", "lines": "1\nabc"}),
        (AGE, {"op": "in", "lines": 5}),
        (AGE, {"op": "in", "lines": "1" * 20_000}),
        (SEX, {"op": "in", "chosen": "F"}),
        (SEX, {"op": "in", "chosen": [1]}),
        (DAY, {"op": "ge", "one": "yesterday"}),
        (SURE, {"op": "ge", "one": True}),
    ],
)
def test_what_cannot_be_is_refused(column: Column, typed: Any) -> None:
    with pytest.raises(Invalid):
        changed_condition({"table": "t"}, column, typed, [])


def test_a_value_that_is_no_choice_is_shown_all_the_same() -> None:
    shown = form({"id": "f1", "table": "t", "column": "sex", "op": "in", "value": ["X"]}, SEX, SEXES)
    assert [choice.value for choice in shown.choices] == ["F", "M", "X"]


def test_a_filter_on_a_column_that_is_gone_has_no_controls() -> None:
    assert form({"id": "f1", "table": "t", "column": "x", "op": "ge", "value": 1}, None).kind == "gone"


def test_choices_have_labels_counts_and_unused_levels(cohorts: Cohorts, folder: Path) -> None:
    (folder / "t.csv").write_text("id,sex,n\na,1,1.5\nb,2,\nc,1,2\n")
    (folder / "t.json").write_text('{"sex": {"Levels": {"1": "Female", "2": "Male", "3": "Other"}}}')
    (table,) = cohorts.catalogue.tables()
    found = choices(cohorts.engine, table, table.columns[1])
    assert found == [Choice(1, "Female", 2), Choice(2, "Male", 1), Choice(3, "Other", 0)]
    assert choices(cohorts.engine, table, table.columns[2]) == [Choice(1.5, "1.5", 1), Choice(2.0, "2", 1)]


@pytest.mark.parametrize(
    ("study", "names", "wanted"),
    [
        ("ds000030_ucla_cnp", ["participants"], {"age": "age", "sex": "gender", "site": "ScannerSerialNumber"}),
        ("nhanes_2013_2014", ["demographic", "medications"], {"age": "RIDAGEYR", "sex": "RIAGENDR"}),
        ("ds004856_dlbs", ["participants"], {"age": "AgeCog_W1", "sex": "Sex"}),
        ("ds000221_lemon", ["participants"], {"age": "age (5-year bins)", "sex": "gender"}),
        ("palmerpenguins", ["penguins"], {"sex": "sex", "site": "island"}),
    ],
)
def test_demographics_are_found_in_public_studies(
    public_cohorts: Callable[[str], Cohorts], study: str, names: list[str], wanted: dict[str, str]
) -> None:
    tables = [public_cohorts(study).catalogue.table(name) for name in names]
    assert {found.role: found.column.name for found in demographics(tables, None, None)} == wanted
