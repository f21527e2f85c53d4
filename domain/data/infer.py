"""Types of columns that were read as text. A type is given only where it loses nothing.

`007` stays text, for 7 would match another subject; so do whole numbers that do not fit 64 bits and times with a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from math import isfinite

import duckdb

from domain.data.description import SQL_TYPES, Kind

SAMPLE_ROWS = 2_000
QUESTIONS_AT_ONCE = 100
INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
TOO_EXACT = re.compile(r"[+-]?\d{16,}", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


def _is_integer(text: str) -> bool:
    return INTEGER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and not TOO_EXACT.fullmatch(text) and isfinite(float(text))


def _is_date(text: str) -> bool:
    return DATE.fullmatch(text) is not None and _reads(date.fromisoformat, text)


def _is_datetime(text: str) -> bool:
    return DATETIME.fullmatch(text) is not None and _reads(datetime.fromisoformat, text.partition(".")[0])


def _reads(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


# The same rules twice: in Python for a sample, which settles most, and in SQL for whatever the sample leaves open.
RULES: Mapping[Kind, Callable[[str], bool]] = {
    "boolean": lambda text: text.lower() in ("true", "false"),
    "integer": _is_integer,
    "number": _is_number,
    "date": _is_date,
    "datetime": _is_datetime,
}
SQL_RULES: Mapping[Kind, str] = {
    "boolean": "lower(COLUMN) IN ('true', 'false')",
    "integer": "coalesce(CAST(TRY_CAST(COLUMN AS BIGINT) AS VARCHAR) = COLUMN, false)",
    "number": f"regexp_full_match(COLUMN, '{NUMBER.pattern}') "
    "AND coalesce(isfinite(TRY_CAST(COLUMN AS DOUBLE)), false) "
    f"AND NOT (length(COLUMN) > 15 AND regexp_full_match(COLUMN, '{TOO_EXACT.pattern}'))",
    "date": f"regexp_full_match(COLUMN, '{DATE.pattern}') AND TRY_CAST(COLUMN AS DATE) IS NOT NULL",
    "datetime": f"regexp_full_match(COLUMN, '{DATETIME.pattern}') AND TRY_CAST(COLUMN AS TIMESTAMP) IS NOT NULL",
}


def types(db: duckdb.DuckDBPyConnection, relation: str, columns: int) -> list[Kind]:
    """The type of each of the text columns `c0`, `c1`, … of the SQL `relation`, in order; all missing is text."""
    sample = db.execute(f"SELECT * FROM {relation} LIMIT {SAMPLE_ROWS}").fetchall()  # noqa: S608 - our names only
    candidates = [_of_sample([row[n] for row in sample]) for n in range(columns)]
    if len(sample) == SAMPLE_ROWS:
        candidates = _proved(db, relation, candidates)
    return [kinds[0] if 0 < len(kinds) < len(RULES) else "text" for kinds in candidates]


def _of_sample(values: Sequence[str | None]) -> list[Kind]:
    """The types that all of `values` have; every type where there is no value."""
    present = [value for value in values if value is not None]
    return [kind for kind, rule in RULES.items() if all(map(rule, present))]


def _proved(db: duckdb.DuckDBPyConnection, relation: str, candidates: Sequence[Sequence[Kind]]) -> list[list[Kind]]:
    questions = [(n, kind) for n, kinds in enumerate(candidates) for kind in kinds]
    batches = [questions[n : n + QUESTIONS_AT_ONCE] for n in range(0, len(questions), QUESTIONS_AT_ONCE)]
    answers = chain.from_iterable(_answers(db, relation, batch) for batch in batches)
    kept: list[list[Kind]] = [[] for _ in candidates]
    for (n, kind), passed in zip(questions, answers, strict=True):
        if passed:
            kept[n].append(kind)
    return kept


def _answers(db: duckdb.DuckDBPyConnection, relation: str, questions: Sequence[tuple[int, Kind]]) -> tuple[bool, ...]:
    asked = []
    for n, kind in questions:
        rule = SQL_RULES[kind].replace("COLUMN", f"c{n}")
        asked.append(f"coalesce(bool_and({rule}) FILTER (WHERE c{n} IS NOT NULL), true)")
    answer: tuple[bool, ...] = db.execute(f"SELECT {', '.join(asked)} FROM {relation}").fetchall()[0]  # noqa: S608
    return answer


def cast(kind: Kind, column: str) -> str:
    """SQL that turns the text `column` into `kind`."""
    if kind == "boolean":
        return f"lower({column}) = 'true'"
    return column if kind == "text" else f"CAST({column} AS {SQL_TYPES[kind]})"
