"""Keys: which column finds a person in every table, which one a visit, and how often a key repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domain.data.description import Table
from domain.data.engine import Engine
from errors import Invalid

SUBJECTS = (
    "participant_id participantid participant subject_id subjectid subject sub_id sub subj seqn ursi eid "
    "src_subject_id subjectkey individual_id patient_id patient pid record_id case_id bblid guid id"
).split()
SESSIONS = (
    "session_id session ses ses_id visit_id visit wave timepoint time_point eventname event_name redcap_event_name"
).split()
Shape = Literal["cross-sectional", "longitudinal", "one-to-many"]


@dataclass(frozen=True)
class Keys:
    """The proposed key columns; `subject` is None when no column is in all of the tables and looks like one."""

    subject: str | None
    session: str | None


@dataclass(frozen=True)
class TableKeys:
    """How the key behaves in one table: `rows` = `distinct` + `duplicates` + `missing`."""

    table: str
    rows: int
    distinct: int
    duplicates: int
    missing: int
    shape: Shape


def propose(tables: Sequence[Table]) -> Keys:
    """The key columns that most of `tables` have, by well-known names first, else a shared column without repeats."""
    counts = Counter(column.name for table in tables for column in table.columns)
    subject = _best(SUBJECTS, counts) or _unique(tables, counts)
    session = _best(SESSIONS, Counter({name: n for name, n in counts.items() if name != subject}))
    return Keys(subject, session if session and _varies(tables, session) else None)


def key_report(engine: Engine, tables: Sequence[Table], subject: str, session: str | None = None) -> list[TableKeys]:
    """How the keys behave in each table. Raises Invalid when a table has no column `subject`."""
    return [_of_table(engine, table, subject, session) for table in tables]


def _best(known: Sequence[str], counts: Counter[str]) -> str | None:
    places = {name: known.index(_plain(name)) for name in counts if _plain(name) in known}
    return min(places, key=lambda name: (-counts[name], places[name], name), default=None)


def _plain(name: str) -> str:
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _unique(tables: Sequence[Table], counts: Counter[str]) -> str | None:
    """A column of all tables that repeats in none, or at least not in the first."""
    for wanted in (tables, tables[:1]):
        for column in tables[0].columns if tables else ():
            shared = counts[column.name] == len(tables)
            if shared and column.type != "number" and all(_is_unique(table, column.name) for table in wanted):
                return column.name
    return None


def _is_unique(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and 0 < column.distinct == table.rows - column.missing


def _varies(tables: Sequence[Table], session: str) -> bool:
    return any(column.distinct > 1 for table in tables if (column := table.column(session)))


def _of_table(engine: Engine, table: Table, subject: str, session: str | None) -> TableKeys:
    place = table.position(subject)
    if place is None:
        raise Invalid(
            f"keys: the table {table.name!r} has no column {subject!r}.", part="keys/subject", table=table.name
        )
    visit = table.position(session) if session else None
    names = [f"c{place}"] + ([] if visit is None else [f"c{visit}"])
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    sql = (
        f"SELECT coalesce(sum(n), 0), count(*), count(DISTINCT c{place}) FROM "  # noqa: S608 - names of our own
        f"(SELECT {', '.join(names)}, count(*) AS n FROM read_parquet($1) WHERE {present} GROUP BY ALL)"
    )
    keyed, distinct, subjects = engine.fetch(sql, [str(table.path)])[0]
    varies = visit is not None and table.columns[visit].distinct > 1
    shape: Shape = "longitudinal" if varies or distinct > subjects else "cross-sectional"
    if keyed > distinct:
        shape = "one-to-many"
    return TableKeys(table.name, table.rows, distinct, int(keyed) - distinct, table.rows - int(keyed), shape)
