"""Cohorts: how many people a recipe keeps, its merged rows, a page of them, and all of them as CSV."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from domain.data import export, grid
from domain.data.compile import Compiler, ResultColumn
from domain.data.conditions import Parameters
from domain.data.description import Kind, Table
from domain.data.engine import Engine
from domain.data.profile import literal, plain
from domain.data.recipe import Filter, Recipe, filter_to_dict, recipe_hash
from domain.data.tables import Catalogue
from errors import Invalid, NotFound

logger = logging.getLogger(__name__)
MOST_ROWS_AT_ONCE = 1_000
MOST_SORTS = 20
COLUMNS_AT_ONCE = 200
EXACT_IN_A_BROWSER = 2**53


@dataclass(frozen=True)
class Step:
    """What one filter did, in subjects: `remaining` have a row that passes it and all before.

    Of the others, `missing` had no value in any row they had left; `failed` had one that does not pass.
    """

    filter: Filter
    remaining: int
    failed: int
    missing: int


@dataclass(frozen=True)
class Count:
    participants: int
    rows: int
    steps: list[Step]

    def to_dict(self) -> dict[str, Any]:
        steps = [{**asdict(step), "filter": filter_to_dict(step.filter)} for step in self.steps]
        return {"participants": self.participants, "rows": self.rows, "steps": steps}


@dataclass(frozen=True)
class Result:
    """Merged rows that are kept in a file. Whoever asks for one by id must have been found entitled to it."""

    result_id: str
    rows: int
    participants: int
    columns: list[ResultColumn]


@dataclass(frozen=True)
class Rows:
    """A page of rows, ready for JSON, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


class Cohorts:
    """Answers recipes on the tables of `catalogue`; results are Parquet files in `results`, named by content."""

    def __init__(self, engine: Engine, catalogue: Catalogue, results: Path, result_rows_max: int = 20_000_000) -> None:
        self.engine = engine
        self.catalogue = catalogue
        self.results = results
        self.result_rows_max = result_rows_max

    def recipe(self, document: object) -> Recipe:
        """The recipe in a JSON document, checked against the tables as they are now. Raises Invalid."""
        return Recipe.from_dict(document, self.catalogue.tables())

    def input_hashes(self, recipe: Recipe) -> dict[str, str]:
        """The content hashes of the recipe's tables as they are now; a table that is gone is left out."""
        return {table.name: table.hash for table in self.catalogue.tables() if table.name in recipe.tables}

    def stale(self, recipe: Recipe, input_hashes: Mapping[str, str]) -> bool:
        """Whether a table changed, or went, since it had one of `input_hashes`."""
        now = self.input_hashes(recipe)
        return any(now.get(name) != input_hashes.get(name) for name in recipe.tables)

    def count(self, recipe: Recipe) -> Count:
        """Participants, rows and what each filter removed. Raises NotFound (a table is gone) and TookTooLong."""
        return self._count(recipe, self._tables(recipe))

    def merge(self, recipe: Recipe) -> Result:
        """The merged rows, made once and kept. Raises Invalid when there would be more than `result_rows_max`."""
        tables = self._tables(recipe)
        result_id = recipe_hash(recipe, {name: table.hash for name, table in tables.items()})
        try:
            return self.result(result_id)
        except NotFound:
            count = self._count(recipe, tables)
        if count.rows > self.result_rows_max:
            raise Invalid(self._too_many(recipe, tables, count), rows=count.rows, most=self.result_rows_max)
        compiler = Compiler(recipe, tables)
        self._materialise(result_id, compiler)
        result = Result(result_id, count.rows, count.participants, compiler.columns())
        self._describe(result)
        return result

    def result(self, result_id: str) -> Result:
        """A result that was merged before; raises NotFound when it was not, or was swept."""
        path = self._path(result_id).with_suffix(".json")
        try:
            document = json.loads(path.read_text("utf-8"))
            os.utime(path.with_suffix(".parquet"))  # the sweep removes what was not used for longest
        except FileNotFoundError as error:
            raise NotFound("There is no such result; merge again.", result=result_id) from error
        columns = [ResultColumn(**column) for column in document.pop("columns")]
        return Result(columns=columns, **document)

    def rows(
        self,
        result: Result,
        offset: int = 0,
        limit: int = 100,
        sort: Sequence[tuple[str, bool]] = (),
        filters: Mapping[str, Any] | None = None,
    ) -> Rows:
        """The rows `offset` to `offset + limit` (at most 1,000) in the order of `sort`: pairs (column, descending).

        Missing values come last, equal rows stay in the order of the merge. `filters` is an AG Grid filter model.
        Raises Invalid for an unknown column or an impossible filter.
        """
        columns = {c.name: (_column(n), c.type) for n, c in enumerate(result.columns)}
        parameters = Parameters()
        table = exp.func("read_parquet", parameters.add(str(self._path(result.result_id))))
        found = exp.select(*(column for column, _ in columns.values())).from_(exp.alias_(table, "r", table=True))
        found = found.where(*grid.where(filters or {}, columns, parameters))
        total = self._total(found, parameters, result, bool(filters))
        page = found.order_by(*_order(sort, columns)).limit(_whole(limit, MOST_ROWS_AT_ONCE)).offset(_whole(offset))
        rows = self.engine.fetch(page.sql(dialect="duckdb"), parameters.values)
        return Rows([dict(zip(columns, map(shown, row), strict=True)) for row in rows], total)

    def export_csv(self, result: Result) -> Iterator[bytes]:
        """The whole result as CSV, in pieces; see `export.csv_lines`."""
        return export.csv_lines(self.engine, str(self._path(result.result_id)), result.columns)

    def sweep(self, keep_bytes: int) -> int:
        """Remove the results unused for longest until the rest is at most `keep_bytes`; how many were removed."""
        files = [(path.stat(), path) for path in self.results.glob("*.parquet")]
        kept, removed = 0, 0
        for stat, path in sorted(files, key=lambda found: found[0].st_mtime_ns, reverse=True):
            kept += stat.st_size
            if kept > keep_bytes:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _tables(self, recipe: Recipe) -> dict[str, Table]:
        tables = {table.name: table for table in self.catalogue.tables() if table.name in recipe.tables}
        Recipe.from_dict(recipe.to_dict(), tables.values())  # the files may have changed since it was checked
        return tables

    def _count(self, recipe: Recipe, tables: Mapping[str, Table]) -> Count:
        query = Compiler(recipe, tables).count()
        ends = {code: (subjects, rows) for code, subjects, rows in self.engine.fetch(query.sql, query.values)}
        subjects = {code: found for code, (found, _) in ends.items()}
        remaining, steps = sum(subjects.values()), []
        for n, item in enumerate(recipe.filters):
            missing, failed = subjects.get(2 * n, 0), subjects.get(2 * n + 1, 0)
            remaining -= missing + failed
            steps.append(Step(item, remaining, failed, missing))
        _, rows = ends.get(2 * len(recipe.filters), (0, 0))
        return Count(remaining, int(rows or 0), steps)

    def _too_many(self, recipe: Recipe, tables: Mapping[str, Table], count: Count) -> str:
        largest = max(table.rows for table in tables.values())
        return (
            f"The merge would have {count.rows:,} rows; the most is {self.result_rows_max:,}. The largest table has "
            f"{largest:,}: several tables have many rows for one {recipe.subject!r}, and every row of one meets every "
            "row of the other. Choose a session key, leave a table out, or filter first."
        )

    def _materialise(self, result_id: str, compiler: Compiler) -> None:
        """Write the rows. Joins of many columns take much memory: these are made in parts and laid side by side."""
        self.results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.results, prefix=".new-") as folder:
            parts = []
            for first in range(0, len(compiler.columns()), COLUMNS_AT_ONCE):
                parts.append(f"{folder}/part{first}.parquet")
                query = compiler.merged(first, COLUMNS_AT_ONCE)
                self._copy(query.sql, query.values, parts[-1])
            if len(parts) > 1:
                beside = " POSITIONAL JOIN ".join(f"read_parquet({literal(part)})" for part in parts)
                parts.append(f"{folder}/whole.parquet")
                self._copy(f"FROM {beside}", [], parts[-1])
            os.replace(parts[-1], self._path(result_id))

    def _copy(self, sql: str, values: list[Any], place: str) -> None:
        self.engine.fetch(f"COPY ({sql}) TO {literal(place)} (FORMAT parquet, COMPRESSION lz4)", values)

    def _describe(self, result: Result) -> None:
        target = self._path(result.result_id).with_suffix(".json")
        with tempfile.TemporaryDirectory(dir=self.results, prefix=".new-") as folder:
            draft = Path(folder) / "result.json"
            draft.write_text(json.dumps(asdict(result), ensure_ascii=False), "utf-8")
            os.replace(draft, target)

    def _path(self, result_id: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{32}", result_id):
            raise NotFound("There is no such result.")
        return self.results / f"{result_id}.parquet"

    def _total(self, found: exp.Select, parameters: Parameters, result: Result, is_filtered: bool) -> int:
        if not is_filtered:
            return result.rows
        counted = found.select("count(*)", append=False)
        total: int = self.engine.fetch(counted.sql(dialect="duckdb"), parameters.values)[0][0]
        return total


def shown(value: Any) -> Any:
    """A value as JSON and a browser keep it: a whole number they would round becomes text."""
    if isinstance(value, int) and abs(value) > EXACT_IN_A_BROWSER:
        return str(value)
    return plain(value)


def _column(n: int) -> exp.Expr:
    return exp.column(f"c{n}", quoted=True)


def _order(sort: Sequence[tuple[str, bool]], columns: Mapping[str, tuple[exp.Expr, Kind]]) -> list[exp.Expr]:
    order: list[exp.Expr] = []
    for name, descending in list(sort)[:MOST_SORTS]:
        if name not in columns:
            raise Invalid(f"The result has no column {str(name)[:100]!r} to sort by.", part="sort")
        order.append(exp.Ordered(this=columns[name][0].copy(), desc=bool(descending), nulls_first=False))
    return [*order, exp.Ordered(this=exp.column("file_row_number"), nulls_first=False)]


def _whole(value: int, most: int = 2**53) -> int:
    if not isinstance(value, int) or value < 0:
        raise Invalid("offset and limit must be whole numbers, not negative.", part="offset")
    return min(value, most)
