"""All that a process has to answer for the Data page and its API; made once, opened at first use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.data.choices import Choice, choices
from domain.data.cohort import Cohorts, Count, Result
from domain.data.description import Column, Table
from domain.data.engine import Engine
from domain.data.kept import Kept
from domain.data.keys import Keys, TableKeys, key_report, propose
from domain.data.recipe import Recipe, recipe_hash
from domain.data.selection import Selection
from domain.data.tables import Catalogue
from errors import AppError, Invalid

Document = dict[str, Any]


class Workbench:
    """The catalogue, the engine and the cohorts, with the latest answers kept: they depend on content only."""

    def __init__(
        self,
        directory: Path,
        home: Path,
        *,
        memory_limit: str = "1GB",
        threads: int = 2,
        query_seconds: float = 30,
        result_rows_max: int = 20_000_000,
        results_bytes: int = 10_000_000_000,
    ) -> None:
        """Tables are those of `directory`; what is made of them is kept in `home`."""
        store, results = home / "tables", home / "results"
        for folder in (store, results):
            folder.mkdir(parents=True, exist_ok=True)
        self.catalogue = Catalogue(directory, store, memory_limit, threads)
        self.engine = Engine([store, results], home / "temp", memory_limit, threads, query_seconds)
        self.cohorts = Cohorts(self.engine, self.catalogue, results, result_rows_max)
        self._results_bytes = results_bytes
        self._counts: Kept[Count] = Kept(200)
        self._keys: Kept[TableKeys] = Kept(2_000)
        self._choices: Kept[list[Choice]] = Kept(500)

    def recipe(self, selection: Selection) -> Recipe:
        """The recipe of what was chosen, checked. Raises Invalid naming the part that is wrong."""
        return self.cohorts.recipe(selection.document(self.catalogue.tables()))

    def count(self, recipe: Recipe) -> Count:
        key = recipe_hash(recipe, self.cohorts.input_hashes(recipe))
        return self._counts.get(key, lambda: self.cohorts.count(recipe))

    def key_report(self, tables: Sequence[Table], subject: str, session: str | None) -> list[TableKeys]:
        """How these keys behave in each table. Raises Invalid when one has no column `subject`."""
        return [self._of_table(table, subject, session) for table in tables]

    def shape(self, table: Table) -> tuple[Keys, TableKeys | None]:
        """The keys that the table by itself suggests, and how they behave."""
        keys = propose([table])
        return keys, self._of_table(table, keys.subject, keys.session) if keys.subject else None

    def choices(self, table: Table, column: Column) -> list[Choice]:
        key = (table.hash, column.name, tuple(column.levels.items()))
        return self._choices.get(key, lambda: choices(self.engine, table, column))

    def merged(self, recipe: Recipe) -> Document:
        """Merge, and what is to be remembered of it: the value of the fourth store."""
        result = self.cohorts.merge(recipe)
        self.cohorts.sweep(self._results_bytes)
        found = {"rows": result.rows, "participants": result.participants, "columns": len(result.columns)}
        return {**self.named(recipe), **found}

    def named(self, recipe: Recipe) -> Document:
        """The value of the fourth store for a result that nobody has looked at yet."""
        inputs = self.cohorts.input_hashes(recipe)
        return {"recipe": recipe.to_dict(), "inputs": inputs, "result_id": recipe_hash(recipe, inputs)}

    def result(self, merged: object) -> Result:
        """The result that the fourth store tells of. It is found by its recipe: an id from outside opens nothing.

        Raises Invalid when the recipe is not possible any more, or the tables have changed since.
        """
        parts = merged if isinstance(merged, dict) else {}
        recipe = self.cohorts.recipe(parts.get("recipe"))
        if self._inputs_changed(recipe, parts.get("inputs")):
            raise Invalid("The tables behind this result have changed since. Merge again.", part="result")
        return self.cohorts.merge(recipe)

    def is_stale(self, merged: object, selection: Selection) -> bool:
        """Whether merging now would give another result than the fourth store tells of; False if it tells of none."""
        if not isinstance(merged, dict):
            return False
        try:
            then, now = self.cohorts.recipe(merged.get("recipe")), self.recipe(selection)
        except AppError:
            return True
        inputs = self.cohorts.input_hashes(now)
        if self._inputs_changed(then, merged.get("inputs")):
            return True
        return recipe_hash(then, inputs) != recipe_hash(now, inputs)

    def _inputs_changed(self, recipe: Recipe, inputs: object) -> bool:
        return not isinstance(inputs, dict) or self.cohorts.stale(recipe, inputs)

    def _of_table(self, table: Table, subject: str, session: str | None) -> TableKeys:
        key = (table.hash, table.name, subject, session)
        return self._keys.get(key, lambda: key_report(self.engine, [table], subject, session)[0])
