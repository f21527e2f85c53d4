from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from domain.data.tables import Catalogue, Table, table_names
from errors import NotFound

ROOT = Path(__file__).parents[3]


def read(catalogue: Catalogue, name: str) -> pd.DataFrame:
    table = catalogue.table(name)
    return pd.read_parquet(table.path).set_axis([column.name for column in table.columns], axis=1)


def types(table: Table) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def ingested(folder: Path, catalogue: Catalogue, content: str | bytes, name: str = "x.csv") -> Table:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert catalogue.refused() == []
    return catalogue.tables()[0]


def refusal(folder: Path, catalogue: Catalogue, content: bytes, name: str = "x.csv") -> tuple[str, int | None]:
    (folder / name).write_bytes(content)
    (refused,) = catalogue.refused()
    assert refused.filename == name
    return refused.reason, refused.row


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\r\n"x, y","say ""hi"""\r\n\xc3\xa9,2\r\n',
        b'\xef\xbb\xbfa,b\n"x, y","say ""hi"""\n\xc3\xa9,2\n',
        b'a,b\n"x, y","say ""hi"""\n\xe9,2',
        'a,b\n"x, y","say ""hi"""\né,2\n'.encode("utf-16"),
        'a;b\n"x, y";"say ""hi"""\né;2\n'.encode(),
        b'a,b\r"x, y","say ""hi"""\r\xc3\xa9,2\r',
    ],
)
def test_encodings_line_ends_and_quotes_make_no_difference(folder: Path, catalogue: Catalogue, content: bytes) -> None:
    ingested(folder, catalogue, content)
    assert read(catalogue, "x").to_numpy().tolist() == [["x, y", 'say "hi"'], ["é", "2"]]


def test_a_cell_may_hold_a_line_break(folder: Path, catalogue: Catalogue) -> None:
    ingested(folder, catalogue, 'a,"b\nc"\n1,"two\nlines"\n')
    assert read(catalogue, "x").to_dict("list") == {"a": [1], "b\nc": ["two\nlines"]}


def test_every_spelling_of_missing_is_missing(folder: Path, catalogue: Catalogue) -> None:
    table = ingested(
        folder, catalogue, 'a\tb\n1\t""\n2\tn/a\n3\tN/A\n4\tNA\n5\tNaN\n6\tnan\n7\tNULL\n8\tnull\n9\tx\n', "x.tsv"
    )
    assert [column.missing for column in table.columns] == [0, 8]


def test_a_header_alone_is_a_table_without_rows(folder: Path, catalogue: Catalogue) -> None:
    for content in ("a,b", "a,b\n", "a,b\n\n"):
        table = ingested(folder, catalogue, content)
        assert (table.rows, types(table)) == (0, {"a": "text", "b": "text"})


@pytest.mark.parametrize(
    ("content", "reason", "row"),
    [
        (b"", "empty", None),
        (b"\n\n", "empty", None),
        (b"a,b\n1,2\n3\n", "Row 3 has 1 cells", 3),
        (b"a,b\n1,2\n3,4\n5,6,7\n", "Row 4 has 3 cells", 4),
        (b"a,b,a\n1,2,3\n", "Two columns are called 'a'", 1),
        (b"a,b\n1,\x002\n", "NUL", None),
        (b'a,b\n1,"2\n3,4\n', "never closed", None),
        (b"\xff\xfea", "utf-16", None),
        (b"a," * 10_001 + b"b\n", "columns", 1),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(
    folder: Path, catalogue: Catalogue, content: bytes, reason: str, row: int | None
) -> None:
    found, place = refusal(folder, catalogue, content)
    assert reason in found
    assert place == row


def test_a_late_ragged_row_is_found_in_a_long_file(folder: Path, catalogue: Catalogue) -> None:
    _, row = refusal(folder, catalogue, b"a,b\n" + b"1,2\n" * 300_000 + b"3\n")
    assert row == 300_002


def test_a_bad_file_does_not_harm_the_good_ones(folder: Path, catalogue: Catalogue) -> None:
    (folder / "good.csv").write_text("a\n1\n")
    (folder / "bad.csv").write_text("")
    (folder / "junk.parquet").write_bytes(b"not parquet")
    (folder / "junk.xlsx").write_bytes(b"not a workbook")
    assert [table.name for table in catalogue.tables()] == ["good"]
    assert [refused.filename for refused in catalogue.refused()] == ["bad.csv", "junk.parquet", "junk.xlsx"]
    assert list((catalogue.store).glob(".new-*")) == []


def test_columns_that_differ_in_case_only_are_two(folder: Path, catalogue: Catalogue) -> None:
    ingested(folder, catalogue, "age,Age,file_row_number\n1,2,9\n")
    assert read(catalogue, "x").to_dict("list") == {"age": [1], "Age": [2], "file_row_number": [9]}


def test_five_thousand_columns_are_read(folder: Path, catalogue: Catalogue) -> None:
    table = ingested(folder, catalogue, ",".join(f"v{n}" for n in range(5_000)) + "\n" + ",".join("1" * 5_000) + "\n")
    assert len(table.columns) == 5_000
    assert {column.type for column in table.columns} == {"integer"}


def test_a_dictionary_gives_labels_and_levels(folder: Path, catalogue: Catalogue) -> None:
    words = {
        "MeasurementToolMetadata": {"Description": "The tool"},
        "race": {"Description": "Race", "Levels": {"1.0": "One", "2": "Two", "9": {"Description": "Other"}}},
        "age": {"LongName": "Age", "Units": "years"},
    }
    (folder / "x.json").write_text(json.dumps(words))
    table = ingested(folder, catalogue, "race\tage\tsex\n1\t30\tF\n2\t40.5\tM\n", "x.tsv")
    race, age, sex = table.columns
    assert (table.title, race.label, dict(race.levels)) == ("The tool", "Race", {"1": "One", "2": "Two", "9": "Other"})
    assert (age.label, age.type, age.min, age.max) == ("Age [years]", "number", 30.0, 40.5)
    assert dict(sex.levels) == {"F": "F", "M": "M"}


@pytest.mark.filterwarnings("default")
def test_a_broken_dictionary_is_left_out(folder: Path, catalogue: Catalogue) -> None:
    for text in ("[]", "{", "[" * 100_000, '{"a": 3, "b": {"Levels": 4, "Description": []}}'):
        (folder / "x.json").write_text(text)
        assert ingested(folder, catalogue, "a,b\n1,2\n").column("a").label == ""  # type: ignore[union-attr]


def test_a_changed_file_or_dictionary_has_a_new_hash(folder: Path, catalogue: Catalogue) -> None:
    hashes = [ingested(folder, catalogue, "a\n1\n").hash, ingested(folder, catalogue, "a\n22\n").hash]
    (folder / "x.json").write_text('{"a": {"Description": "A"}}')
    hashes.append(catalogue.tables()[0].hash)
    assert len(set(hashes)) == 3
    assert len(list(catalogue.store.glob("*.parquet"))) == 3


def test_an_unchanged_file_is_not_read_again(folder: Path, catalogue: Catalogue) -> None:
    first = ingested(folder, catalogue, "a\n1\n")
    stat = (folder / "x.csv").stat()
    (folder / "x.csv").write_text("a\n2\n")  # the same size, and made to look the same age
    os.utime(folder / "x.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert catalogue.tables()[0].hash == first.hash
    assert Catalogue(folder, catalogue.store).tables()[0].hash == first.hash


def test_a_removed_file_is_no_table(folder: Path, catalogue: Catalogue) -> None:
    ingested(folder, catalogue, "a\n1\n")
    (folder / "x.csv").unlink()
    assert catalogue.tables() == []
    with pytest.raises(NotFound):
        catalogue.table("x")


def test_a_lost_or_broken_manifest_or_store_is_made_again(folder: Path, catalogue: Catalogue) -> None:
    first = ingested(folder, catalogue, "a\n1\n")
    for path in catalogue.store.glob("*"):
        path.write_text("{") if path.name.startswith("manifest") else path.unlink()
    (again,) = Catalogue(folder, catalogue.store).tables()
    assert again == first
    assert again.path.exists()


def test_originals_are_never_written(folder: Path, catalogue: Catalogue) -> None:
    (folder / "x.csv").write_text("a\n1\n")
    (folder / "x.csv").chmod(0o400)
    folder.chmod(0o500)
    before = (folder / "x.csv").stat()
    assert len(catalogue.tables()) == 1
    folder.chmod(0o700)
    after = (folder / "x.csv").stat()
    assert (before.st_mtime_ns, before.st_ino, before.st_size) == (after.st_mtime_ns, after.st_ino, after.st_size)
    assert sorted(path.name for path in folder.iterdir()) == ["x.csv"]


def test_hidden_files_and_links_that_lead_out_are_left_out(folder: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "in.csv").write_text("a\n1\n")
    (folder / "also.csv").symlink_to(folder / "in.csv")
    (folder / ".hidden.csv").write_text("a\n1\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.csv").write_text("a\n1\n")
    (folder / "all").symlink_to(tmp_path)
    assert [table.name for table in catalogue.tables()] == ["also", "in"]


def test_a_missing_folder_has_no_tables(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "none", tmp_path / "store").tables() == []


def test_names_are_safe_unique_and_do_not_depend_on_the_order() -> None:
    sources = ["a/x.tsv", "b/x.tsv", "b/x.csv", "Größe [cm].csv", "../y.csv", "___.csv", "z.csv"]
    names = table_names(sources)
    assert names == table_names(sources[::-1])
    assert len(set(names.values())) == len(sources)
    assert [names[source] for source in sources[:3]] == ["a_x", "b_x_tsv", "b_x_csv"]
    assert names["Größe [cm].csv"] == "Gr_e_cm"
    assert names["z.csv"] == "z"


def test_file_names_may_hold_anything(folder: Path, catalogue: Catalogue) -> None:
    for name in ("it's *[1]?.csv", "a'; DROP TABLE x; --.csv", "naïve.csv", "n" * 200 + ".csv"):
        (folder / name).write_text("a\n1\n")
    pd.DataFrame({"a": [1]}).to_parquet(folder / "p'*[1].parquet")
    assert len(catalogue.tables()) == 5


def test_parquet_types_become_ours(folder: Path, catalogue: Catalogue) -> None:
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None], "Int16"),
            "f": [1.5, float("nan")],
            "b": [True, False],
            "s": ["007", None],
            "c": pd.Categorical(["x", "y"]),
            "t": pd.to_datetime(["2024-01-01T10:00", None]),
            'odd "name"': [1, 2],
        }
    )
    frame.to_parquet(folder / "x.parquet")
    (table,) = catalogue.tables()
    assert list(types(table).values()) == ["integer", "number", "boolean", "text", "text", "datetime", "integer"]
    assert [column.missing for column in table.columns] == [1, 1, 0, 1, 0, 1, 0]


def test_a_nested_parquet_column_is_refused_by_name(folder: Path, catalogue: Catalogue) -> None:
    pd.DataFrame({"a": [1], "lists": [[1, 2]]}).to_parquet(folder / "x.parquet")
    assert "'lists'" in catalogue.refused()[0].reason


def test_a_guard_before_a_formula_is_taken_away_again(folder: Path, catalogue: Catalogue) -> None:
    ingested(folder, catalogue, "'=a,b\n'=1+1,5\n''-x,'quoted'\n'plain,'\n")
    assert read(catalogue, "x").to_dict("list") == {"=a": ["=1+1", "'-x", "'plain"], "b": ["5", "'quoted'", "'"]}


def test_two_processes_read_one_folder_at_once(folder: Path, tmp_path: Path) -> None:
    for n in range(8):
        (folder / f"t{n}.csv").write_text("id,x\n" + "\n".join(f"{i},{i * n}" for i in range(5_000)))
    program = (
        "import sys; from pathlib import Path; from domain.data.tables import Catalogue\n"
        "print([(t.name, t.hash, t.rows) for t in Catalogue(Path(sys.argv[1]), Path(sys.argv[2])).tables()])"
    )
    command = [sys.executable, "-c", program, str(folder), str(tmp_path / "store")]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate(timeout=60)[0] for process in running}
    assert len(answers) == 1
    assert answers.pop().count("5000") == 8
    assert len(list((tmp_path / "store").glob("*.parquet"))) == 8


def test_a_file_that_looks_unchanged_is_not_read_again(folder: Path, tmp_path: Path) -> None:
    file, store = folder / "t.csv", tmp_path / "store"
    file.write_text("a\n1\n")
    before, first = file.stat(), Catalogue(folder, store).tables()
    file.write_text("a\n2\n")  # as long as before, and as old: only a reader would see it
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Catalogue(folder, store).tables() == first
    os.utime(file)
    assert Catalogue(folder, store).tables()[0].hash != first[0].hash
