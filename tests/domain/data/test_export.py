from __future__ import annotations

import csv
import io
from pathlib import Path

from domain.data.cohort import Cohorts
from tests.domain.data.test_cohort import document, rows_of


def test_an_empty_table_merges_to_nothing(cohorts: Cohorts, folder: Path) -> None:
    (folder / "a.csv").write_text("id,x\n")
    result = cohorts.merge(cohorts.recipe(document("a")))
    assert (result.rows, result.participants) == (0, 0)
    assert b"".join(cohorts.export_csv(result)) == b"id,x\r\n"


def test_the_export_defuses_formulas_and_reads_back_the_same(cohorts: Cohorts, folder: Path) -> None:
    cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "''=y", "''", 'say "hi", you', "two\nlines", "plain", "-", ""]
    with (folder / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "=head", "n"], *([f"p{n}", cell, -n] for n, cell in enumerate(cells))])
    (original,) = cohorts.catalogue.tables()
    before = rows_of(cohorts, document("a"))
    text = b"".join(cohorts.export_csv(cohorts.merge(cohorts.recipe(document("a"))))).decode()
    header, *exported = csv.reader(io.StringIO(text, newline=""))
    assert header == ["id", "'=head", "n"]
    assert [row[1] for row in exported][:7] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "''=y"]
    assert [row[2] for row in exported] == [str(-n) for n in range(len(cells))]
    (folder / "a.csv").write_text(text, newline="")
    assert rows_of(cohorts, document("a")) == before
    assert cohorts.catalogue.tables()[0].rows == original.rows
