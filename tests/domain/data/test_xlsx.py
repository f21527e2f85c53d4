from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from domain.data.tables import Catalogue

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write(path: Path, sheet: str, **more: bytes) -> None:
    """A workbook of one sheet, by hand."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPE}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets><sheet name="One" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in more.items():
            archive.writestr(name, content)


def row(number: int, *cells: str | float | None) -> str:
    parts = []
    for n, cell in enumerate(cells):
        place = f'r="{chr(65 + n)}{number}"'
        if isinstance(cell, str):
            parts.append(f'<c {place} t="inlineStr"><is><t>{cell}</t></is></c>')
        elif cell is not None:
            parts.append(f"<c {place}><v>{cell}</v></c>")
    return f'<row r="{number}">{"".join(parts)}</row>'


def test_a_sheet_becomes_a_table(folder: Path, catalogue: Catalogue) -> None:
    write(folder / "x.xlsx", row(1, "id", "n", "x") + row(2, "007", 3.0, 1.5) + row(4, "008", None, "n/a"))
    (table,) = catalogue.tables()
    assert table.rows == 2
    assert [(c.name, c.type, c.missing) for c in table.columns] == [
        ("id", "text", 0),
        ("n", "integer", 1),
        ("x", "number", 1),
    ]


def refusal(catalogue: Catalogue) -> str:
    (refused,) = catalogue.refused()
    return refused.reason


def test_one_far_cell_is_refused(folder: Path, catalogue: Catalogue) -> None:
    write(folder / "x.xlsx", row(1, "a") + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    assert "1048576" in refusal(catalogue)


def test_a_zip_bomb_is_refused(folder: Path, catalogue: Catalogue) -> None:
    write(folder / "x.xlsx", row(1, "a"), bomb=b"\0" * 50_000_000)
    assert "100 times" in refusal(catalogue)


def test_a_workbook_of_too_many_parts_is_refused(folder: Path, catalogue: Catalogue) -> None:
    write(folder / "x.xlsx", row(1, "a"), **{f"p{n}": b"x" for n in range(300)})
    assert "parts" in refusal(catalogue)


@pytest.mark.parametrize("sheet", ["", "<row", "</sheetData>" * 3, '<row r="1"><c r="1A"><v>x</v></c></row>'])
def test_a_damaged_or_empty_sheet_is_refused(folder: Path, catalogue: Catalogue, sheet: str) -> None:
    write(folder / "x.xlsx", sheet)
    assert refusal(catalogue)


def test_a_column_without_a_heading_gets_a_name(folder: Path, catalogue: Catalogue) -> None:
    write(folder / "x.xlsx", row(1, "a", "b") + row(2, 1, 2) + row(3, 1, 2, 3))
    (table,) = catalogue.tables()
    assert [(column.name, column.missing) for column in table.columns] == [("a", 0), ("b", 0), ("column_3", 1)]
