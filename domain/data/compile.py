"""A recipe becomes SQL for DuckDB. Names are ours (`t<n>.c<n>`), values are bound, nothing of the caller's is text.

Each table is read from its Parquet file with the columns `k` (subject), `s` (session) and `r` (row number). A
missing key equals nothing, so its row is matched by no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from domain.data.conditions import PASSED, Parameters, condition, state
from domain.data.description import SQL_TYPES, Kind, Table
from domain.data.recipe import Filter, Recipe


@dataclass(frozen=True)
class Source:
    """One table of the recipe as `alias` in the SQL."""

    alias: str
    table: Table
    subject: int
    session: int | None

    @property
    def is_unique(self) -> bool:
        """Whether no subject has two rows."""
        column = self.table.columns[self.subject]
        return column.distinct == self.table.rows - column.missing

    def col(self, name: str) -> exp.Expr:
        return exp.column(name, table=self.alias, quoted=True)


@dataclass(frozen=True)
class ResultColumn:
    """A column of the result. `table` is empty for the keys; `source` is its position in the table."""

    name: str
    type: Kind
    label: str
    table: str
    source: int = -1


@dataclass
class Query:
    """A statement and the values bound in it."""

    sql: str
    values: list[Any] = field(default_factory=list)


class Compiler:
    """Compiles one recipe against the tables as they are now."""

    def __init__(self, recipe: Recipe, tables: Mapping[str, Table]) -> None:
        self.recipe = recipe
        self.sources = [self._source(n, tables[name]) for n, name in enumerate(recipe.ordered())]
        self.parameters = Parameters()
        subjects = {source.table.columns[source.subject].type for source in self.sources}
        # Whole numbers are equal exactly when their texts are, and compare faster.
        self.subject_type: Kind = "integer" if subjects == {"integer"} else "text"
        sessions = {s.table.columns[s.session].type for s in self.sources if s.session is not None}
        self.session_type: Kind = "integer" if sessions == {"integer"} else "text"

    def merged(self, first: int = 0, count: int | None = None) -> Query:
        """The merged, filtered rows in a stable order; columns `c0`, `c1`, … are those of `columns()`.

        `first` and `count` ask for a part of the columns, under the same names and in the same rows.
        """
        self.parameters = Parameters()
        chosen = list(enumerate(self.columns()))[first : None if count is None else first + count]
        selected = [_as(self._output(column), f"c{n}") for n, column in chosen]
        shown = {column.table for _, column in chosen}
        sources = [s for s in self.sources if s.table.name in shown or not self._is_idle(s)]
        reads = {source.alias: self._read(source) for source in sources}
        query = self._joined(exp.select(*selected), sources, reads)
        for item in self.recipe.filters:
            value, kind = self._filtered(item)
            query = query.where(condition(value, kind, item, self.parameters), copy=False)
        ordered = [exp.Ordered(this=source.col("r"), nulls_first=False) for source in self._ordering()]
        return self._query(query.order_by(*ordered, copy=False))

    def count(self) -> Query:
        """Rows of (code, subjects, rows), one for each way to end: 2k for all k filters passed; 2(n-1) for those
        lost at filter n because the value is missing in every row they had left, 2(n-1)+1 because they failed.
        """
        self.parameters = Parameters()
        sources = [source for source in self.sources if not self._is_idle(source)]
        states = [self._state(item, n) for n, item in enumerate(self.recipe.filters)]
        reads = {source.alias: self._reduced(source) for source in sources}
        weight = _product([exp.func("coalesce", source.col("n"), number(1)) for source in self._repeating(sources)])
        code = _code(states)
        rows = exp.select(
            exp.alias_(self._key("k", sources), "subject"), exp.alias_(code, "code"), exp.alias_(weight, "n")
        )
        query = _by_code(self._joined(rows, sources, reads), 2 * len(states), self._has_one_row_each())
        return self._query(query)

    def columns(self) -> list[ResultColumn]:
        """The columns of the result: keys, then the base's, then each other table's, in the table's own order."""
        found, used = self._key_columns(), {self.recipe.subject, self.recipe.session or self.recipe.subject}
        for source in self.sources:
            wanted = self.recipe.columns.get(source.table.name) or None
            for n, column in enumerate(source.table.columns):
                if n in (source.subject, source.session):
                    continue
                name = _free(column.name, source.table.name, used)
                used.add(name)
                if wanted is None or column.name in wanted:
                    found.append(ResultColumn(name, column.type, column.label, source.table.name, n))
        return found

    def _source(self, n: int, table: Table) -> Source:
        subject = table.position(self.recipe.subject)
        session = table.position(self.recipe.session) if self.recipe.session else None
        return Source(f"t{n}", table, -1 if subject is None else subject, session)

    def _key_columns(self) -> list[ResultColumn]:
        names = [self.recipe.subject, *([self.recipe.session] if self.recipe.session else [])]
        labels = [next((c.label for s in self.sources if (c := s.table.column(name))), "") for name in names]
        return [ResultColumn(name, "text", label, "") for name, label in zip(names, labels, strict=True)]

    def _output(self, column: ResultColumn) -> exp.Expr:
        if not column.table:
            return exp.cast(self._key("k" if column.name == self.recipe.subject else "s", self.sources), "VARCHAR")
        source = next(source for source in self.sources if source.table.name == column.table)
        return source.col(f"c{column.source}")

    def _ordering(self) -> list[Source]:
        """Those whose row number decides the order; a partner that is single adds nothing."""
        base, *others = self.sources
        if self.recipe.how == "outer":
            return self.sources
        return [base, *(source for source in others if not source.is_unique)]

    def _has_one_row_each(self) -> bool:
        return self.recipe.how != "outer" and all(source.is_unique for source in self.sources)

    def _is_idle(self, source: Source) -> bool:
        """Whether the table only adds columns: leaving it out changes no row and no filter."""
        if self.recipe.how != "left" or source is self.sources[0] or not source.is_unique or source.session is not None:
            return False
        return all(item.table != source.table.name for item in self.recipe.filters)

    def _repeating(self, sources: Sequence[Source]) -> list[Source]:
        return [source for source in sources if not source.is_unique]

    def _is_key(self, item: Filter) -> bool:
        return item.column in (self.recipe.subject, self.recipe.session)

    def _filtered(self, item: Filter) -> tuple[exp.Expr, Kind]:
        """What a filter looks at: a column of its table, or the merged key."""
        source = next(source for source in self.sources if source.table.name == item.table)
        position = source.table.position(item.column)
        kind = source.table.columns[position or 0].type
        if not self._is_key(item):
            return source.col(f"c{position}"), kind
        name, key_type = ("k", self.subject_type) if item.column == self.recipe.subject else ("s", self.session_type)
        key = self._key(name, self.sources)
        return (key if key_type == kind else exp.TryCast(this=key, to=exp.DataType.build(SQL_TYPES[kind]))), kind

    def _state(self, item: Filter, n: int) -> exp.Expr:
        if self._is_key(item):
            value, kind = self._filtered(item)
            return state(value, kind, item, self.parameters)
        source = next(source for source in self.sources if source.table.name == item.table)
        return exp.func("coalesce", source.col(f"f{n}"), number(PASSED if item.op == "is_missing" else 0))

    def _read(self, source: Source, columns: Sequence[exp.Expr] | None = None) -> exp.Select:
        """The table with `k`, `s`, and either its row number and all columns or `columns`."""
        keys = [_as(self._text(source, source.subject, self.subject_type), "k")]
        if source.session is not None:
            keys.append(_as(self._text(source, source.session, self.session_type), "s"))
        wanted = [exp.column("file_row_number").as_("r"), exp.Star()] if columns is None else columns
        table = exp.func("read_parquet", self.parameters.add(str(source.table.path)))
        return exp.select(*keys, *wanted).from_(exp.alias_(table, "p", table=True))

    def _text(self, source: Source, position: int, kind: Kind) -> exp.Expr:
        column = exp.column(f"c{position}", quoted=True)
        return column if source.table.columns[position].type == kind else exp.cast(column, SQL_TYPES[kind])

    def _reduced(self, source: Source) -> exp.Select:
        """The keys and the states of the table's filters, equal rows counted in `n` where a subject may repeat."""
        states = []
        for n, item in enumerate(self.recipe.filters):
            if item.table == source.table.name and not self._is_key(item):
                column = exp.column(f"c{source.table.position(item.column)}", quoted=True)
                kind = source.table.columns[source.table.position(item.column) or 0].type
                states.append(_as(state(column, kind, item, self.parameters), f"f{n}"))
        if source.is_unique:
            return self._read(source, states)
        counted = self._read(source, [*states, _as(exp.cast(exp.Count(this=exp.Star()), "HUGEINT"), "n")])
        groups = len(counted.selects) - 1
        return counted.group_by(*(number(n + 1) for n in range(groups)), copy=False)

    def _key(self, name: str, sources: Sequence[Source]) -> exp.Expr:
        """The merged subject (`k`) or session (`s`) of a row of the joined `sources`."""
        having = [source for source in sources if name == "k" or source.session is not None]
        if self.recipe.how != "outer" and (name == "k" or having[0] is sources[0]):
            return having[0].col(name)
        keys = [source.col(name) for source in having]
        return keys[0] if len(keys) == 1 else exp.func("coalesce", *keys)

    def _joined(self, query: exp.Select, sources: Sequence[Source], reads: Mapping[str, exp.Select]) -> exp.Select:
        kind = {"left": "left", "inner": "inner", "outer": "full"}[self.recipe.how]
        query = query.from_(reads[sources[0].alias].subquery(sources[0].alias), copy=False)
        for n, source in enumerate(sources[1:], 1):
            matched = exp.EQ(this=self._key("k", sources[:n]), expression=source.col("k"))
            on: exp.Expr = matched
            if source.session is not None and any(earlier.session is not None for earlier in sources[:n]):
                on = exp.and_(matched, exp.EQ(this=self._key("s", sources[:n]), expression=source.col("s")))
            query = query.join(reads[source.alias].subquery(source.alias), on=on, join_type=kind, copy=False)
        return query

    def _query(self, query: exp.Expr) -> Query:
        return Query(query.sql(dialect="duckdb"), self.parameters.values)


def number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _as(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(expression, name, quoted=True)


def _product(factors: Sequence[exp.Expr]) -> exp.Expr:
    result: exp.Expr = exp.cast(number(1), "HUGEINT")
    for factor in factors:
        result = exp.Mul(this=result, expression=factor)
    return result


def _code(states: Sequence[exp.Expr]) -> exp.Expr:
    code = exp.Case()
    for n, value in enumerate(states):
        stopped = exp.NEQ(this=value, expression=number(PASSED))
        code = code.when(stopped, exp.Add(this=number(2 * n), expression=value.copy()), copy=False)
    return code.else_(number(2 * len(states)), copy=False) if states else number(0)


def _by_code(rows: exp.Select, passed: int, one_row_each: bool) -> exp.Select:
    """A subject ends where the best of its rows ends."""
    if not one_row_each:
        best = exp.select("subject", "max(code) AS code", _as(_rows_passed(passed), "n"))
        best = best.from_(rows.subquery("merged")).group_by("subject", copy=False)
        return exp.select("code", "count(subject)", "sum(n)").from_(best.subquery("best")).group_by("code")
    counts = exp.select("code", "count(subject)", _rows_passed(passed))
    return counts.from_(rows.subquery("merged")).group_by("code")


def _rows_passed(passed: int) -> exp.Expr:
    condition = exp.EQ(this=exp.column("code"), expression=number(passed))
    return exp.func("sum", exp.Case(ifs=[exp.If(this=condition, true=exp.column("n"))], default=number(0)))


def _free(name: str, table: str, used: set[str]) -> str:
    """`name`, or `name__table` where an earlier table has it, or that with a number."""
    candidate = name if name not in used else f"{name}__{table}"
    number, first = 2, candidate
    while candidate in used:
        candidate, number = f"{first}_{number}", number + 1
    return candidate
