from __future__ import annotations

from pathlib import Path

import pytest

from domain.data.tables import Catalogue
from tests.domain.data.test_tables import ingested, read, types


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "0"], "integer"),
        (["007", "1"], "text"),
        (["007", "1.5"], "text"),
        (["+1", "2"], "number"),
        (["9223372036854775807", "-9223372036854775808"], "integer"),
        (["9223372036854775808"], "text"),
        (["12345678901234567", "0.5"], "text"),
        (["1", "2.50", "n/a"], "number"),
        (["1e5", "-.5", "3."], "number"),
        (["inf"], "text"),
        (["1e999"], "text"),
        (["true", "FALSE"], "boolean"),
        (["T", "F"], "text"),
        (["2024-02-29"], "date"),
        (["2023-02-29"], "text"),
        (["2024-01-01", "2024-01-01T10:00"], "text"),
        (["2024-01-01T10:00", "2024-01-01 10:00:01.5"], "datetime"),
        (["2024-01-01T10:00Z"], "text"),
        ([" 5"], "text"),
        (["٣"], "text"),
        (["NA", "n/a", "NULL", "nan"], "text"),
    ],
)
def test_a_column_has_the_type_all_of_its_values_have(
    folder: Path, catalogue: Catalogue, values: list[str], kind: str
) -> None:
    many = [*["" for _ in range(2_100)], *values]  # beyond the sample, so that SQL decides
    for number, written in enumerate((values, many)):
        lines = [f"{n},{value}" for n, value in enumerate(written)]
        (folder / f"t{number}.csv").write_text("\n".join(["n,x", *lines]), "utf-8")
    assert [types(table)["x"] for table in catalogue.tables()] == [kind, kind]


def test_whole_numbers_cast_back_to_the_text_they_were(folder: Path, catalogue: Catalogue) -> None:
    written = ["0", "-7", "10", "9007199254740993"]
    ingested(folder, catalogue, "x\n" + "\n".join(written))
    assert read(catalogue, "x")["x"].astype(str).tolist() == written
