"""Which columns of the chosen tables tell age, sex, site and session, found by name, label and levels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.data.description import Column, Table

ROLES = ("age", "sex", "site", "session")
NAMES = {
    "age": (
        "age age_years ageyears age_at_scan age_at_visit age_at_baseline agecog_w1 agemri_w1 ridageyr interview_age"
    ).split(),
    "sex": "sex gender sex_at_birth riagendr".split(),
    "site": "site site_id siteid scanner_site center centre study_site scannerserialnumber island".split(),
    "session": "session_id session ses ses_id visit visit_id wave timepoint time_point eventname".split(),
}
LABELS = {
    "age": re.compile(r"^\W*(\d+\w?\.\s*)?(age\b(?!.*\b(first|onset|when)\b)|age in years)", re.IGNORECASE),
    "sex": re.compile(r"^\W*(\d+\w?\.\s*)?(sex|gender)\b", re.IGNORECASE),
    "site": re.compile(r"^\W*(study |scanner |collection )?(site|centre|center)\b", re.IGNORECASE),
}
SEXES = {"f", "m", "female", "male", "woman", "man", "w"}
MOST_SITES = 100


@dataclass(frozen=True)
class Found:
    """`column` of `table` plays `role`."""

    role: str
    table: str
    column: Column


def demographics(tables: Sequence[Table], subject: str | None, session: str | None) -> list[Found]:
    """For each role at most one column, in the order of ROLES: the best by name, then by label, then by levels.

    Of equal ones the first table's is taken. The session key, where there is one, is the session.
    """
    found = [best for role in ROLES[:3] if (best := _best(role, tables, {subject, session}))]
    if session:
        holding = [(table, column) for table in tables if (column := table.column(session))]
        found += [Found("session", table.name, column) for table, column in holding[:1]]
        return found
    visit = _best("session", tables, {subject})
    return [*found, visit] if visit else found


def _best(role: str, tables: Iterable[Table], keys: set[str | None]) -> Found | None:
    ranked = [
        (rank, n, Found(role, table.name, column))
        for n, table in enumerate(tables)
        for column in table.columns
        if column.name not in keys and (rank := _rank(role, column)) is not None
    ]
    return min(ranked, key=lambda item: item[:2])[2] if ranked else None


def _rank(role: str, column: Column) -> int | None:
    """The smaller, the likelier; None where it cannot be."""
    if not _suits(role, column):
        return None
    name = re.sub(r"[^a-z0-9]+", "_", column.name.casefold()).strip("_")
    if name in NAMES[role]:
        return NAMES[role].index(name)
    if role == "age" and re.match(r"age_.*(year|bin)", name):
        return 50
    if role in LABELS and LABELS[role].match(column.label):
        return 100
    values = {label.casefold() for label in column.levels.values()}
    return 200 if role == "sex" and values and values <= SEXES else None


def _suits(role: str, column: Column) -> bool:
    if role == "age":
        return column.distinct > 1 and (column.type in ("integer", "number") or len(column.levels) > 0)
    if role == "sex":
        return column.type in ("integer", "number", "text", "boolean") and 0 < column.distinct <= 10
    return 1 < column.distinct <= MOST_SITES
