"""The Data page as two researchers use it: from opening tables to the file on disk, side by side, on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

import app
from settings import Data as DataSettings
from settings import Settings, State
from tests.browser.conftest import RECORD
from tests.servers import free_port
from tests.serving import GUNICORN, served
from ui.ids import Data

pytestmark = pytest.mark.browser

MISSING = ["", "n/a", "N/A", "NA", "NaN", "nan", "NULL", "null"]
UCLA = "ds000030_ucla_cnp"
EVIL = "<img src=x onerror=window.hit=1>"


@dataclass
class Person:
    """A researcher with a browser of their own, and everything that went wrong in it."""

    context: BrowserContext
    address: str
    troubles: list[str] = field(default_factory=list)

    def open(self) -> Page:
        """The Data page in a new tab."""
        page = self.context.new_page()
        page.add_init_script(RECORD)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda m: self.troubles.append(m.text) if m.type == "error" else None)
        page.goto(f"{self.address}/data")
        expect(page.locator(".data-table").first).to_be_visible(timeout=60_000)
        return page


def part(page: Page, name: str | dict[str, Any]) -> Any:
    text = name if isinstance(name, str) else json.dumps(name, sort_keys=True, separators=(",", ":"))
    return page.locator(f"[id='{text}']")


def choose(page: Page, *tables: str) -> None:
    for n, name in enumerate(tables, 1):
        part(page, Data.TABLES_SEARCH).fill(name)
        part(page, Data.choose(name)).check()
        expect(part(page, Data.TABLES_CHOSEN)).to_contain_text(f"{n} of")
    part(page, Data.TABLES_SEARCH).fill("")


def participants(page: Page, number: int) -> None:
    expect(page.locator(".data-figure")).to_have_text(f"{number:,}")


def counted(page: Page, name: str) -> None:
    """The row of a new filter says how many remain: a person has seen it before they change it."""
    expect(part(page, Data.row("step", name))).to_contain_text("remain")


def merge(page: Page) -> None:
    part(page, Data.MERGE).click()
    expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()


def download(page: Page) -> pd.DataFrame:
    with page.expect_download() as started:
        part(page, Data.DOWNLOAD).click()
    return read(started.value.path())


def read(path: Path, separator: str = ",") -> pd.DataFrame:
    return pd.read_csv(path, sep=separator, keep_default_na=False, na_values=MISSING)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted.reset_index(drop=True), check_dtype=False)


def ucla(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """participants, and participants with the columns of the Barratt scale."""
    people = read(folder / UCLA / "participants.tsv", "\t")
    scale = read(folder / UCLA / "phenotype" / "barratt.tsv", "\t")
    return people, people.merge(scale, on="participant_id", how="left")


def test_two_researchers_build_cohorts_side_by_side(research: Path, browser: Browser, tmp_path: Path) -> None:
    people, merged = ucla(research)
    port, data = free_port(), {"STATEROOM_DATA_DIRECTORY": str(research / UCLA), "STATEROOM_SERVER_WORKERS": "2"}
    address = f"http://127.0.0.1:{port}"
    ada, ben = Person(browser.new_context(), address), Person(browser.new_context(), address)
    with served(GUNICORN, tmp_path, port, **data):
        hers, his = ada.open(), ben.open()
        choose(hers, "participants", "barratt")
        participants(hers, 272)
        expect(his.locator(".data-figure")).to_have_count(0)

        part(hers, Data.add_filter("demographics", "participants", "age")).click()
        counted(hers, "f1")
        part(hers, Data.row("high", "f1")).fill("35")
        young = merged[merged.age.between(21, 35)]
        participants(hers, len(young))
        part(hers, Data.add_filter("demographics", "participants", "gender")).click()
        counted(hers, "f2")
        part(hers, Data.row("chosen", "f2")).get_by_label("M").uncheck()
        women = young[young.gender == "F"]
        participants(hers, len(women))
        part(hers, Data.FILTERS_SEARCH).fill("bis_factor1_ci")
        part(hers, Data.add_filter("search", "barratt", "bis_factor1_ci")).click()
        counted(hers, "f3")
        part(hers, Data.row("low", "f3")).fill("7")
        women = women[women.bis_factor1_ci >= 7]
        participants(hers, len(women))
        merge(hers)
        same(download(hers), women)

        choose(his, "participants")
        part(his, Data.add_filter("search", "participants", "diagnosis")).click()
        counted(his, "f1")
        part(his, Data.row("chosen", "f1")).get_by_label("CONTROL").uncheck()
        patients = people[people.diagnosis != "CONTROL"]
        participants(his, len(patients))
        merge(his)
        same(download(his), patients)
        participants(hers, len(women))

        hers.reload()
        second = ada.open()
        for page in (hers, second):
            participants(page, len(women))
            expect(part(page, Data.row("high", "f1"))).to_have_value("35")
            page.bring_to_front()
            expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    with served(GUNICORN, tmp_path, port, **data):
        for page, wanted in ((hers, women), (his, patients)):
            page.reload()
            participants(page, len(wanted))
            same(download(page), wanted)
            assert page.evaluate("window.violations") == []
    assert ada.troubles == []
    assert ben.troubles == []


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server in this process on a folder of odd tables, and the folder."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "study"
    folder.mkdir()
    lines = [f"s{n},{n},{n % 3},{EVIL},{'да' if n % 2 else 'нет'}" for n in range(250)]
    (folder / "people.csv").write_text("\n".join([f"id,age,a.b,{EVIL},ключ", *lines]) + "\n")
    (folder / "visits.csv").write_text("id,score\n" + "".join(f"s{n // 2},{n}\n" for n in range(100)))
    (folder / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n")
    settings = Settings(home=home, state=State(backend="memory"), data=DataSettings(directory=str(folder)))
    server = make_server("127.0.0.1", 0, app.create_server(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def person(browser: Browser, small: tuple[str, Path]) -> Iterator[Person]:
    context = browser.new_context(color_scheme="light")
    person = Person(context, small[0])
    yield person
    context.close()
    assert person.troubles == []


def test_markup_in_names_and_cells_is_text_and_every_column_can_be_a_filter(person: Person) -> None:
    page = person.open()
    expect(page.get_by_text("ragged.csv")).to_be_visible()
    choose(page, "people")
    for n, name in enumerate(("age", "a.b", EVIL, "ключ"), 1):
        part(page, Data.add_filter("search", "people", name)).click()
        expect(page.locator(".data-filter")).to_have_count(n)
    participants(page, 250)
    part(page, Data.look_into("people")).click()
    expect(page.locator("#" + Data.CONTENT_LIST).get_by_text(EVIL).first).to_be_visible()
    page.keyboard.press("Escape")
    merge(page)
    assert page.evaluate("window.hit") is None
    assert page.evaluate("window.violations") == []


def test_the_focus_stays_where_somebody_types_or_chooses(person: Person) -> None:
    page = person.open()
    choose(page, "people")
    part(page, Data.add_filter("search", "people", "age")).click()
    low = part(page, Data.row("low", "f1"))
    low.fill("100")
    participants(page, 150)
    expect(low).to_be_focused()
    op = part(page, Data.row("op", "f1"))
    op.focus()
    op.select_option("is_missing")
    participants(page, 0)
    expect(op).to_be_focused()
    op.select_option("ge")
    part(page, Data.row("one", "f1")).fill("200")
    participants(page, 50)


def test_what_a_table_shows_is_out_of_date_after_a_change_until_it_is_undone(person: Person) -> None:
    page = person.open()
    choose(page, "people", "visits")
    expect(page.get_by_text("visits has several rows for the same person")).to_be_visible()
    merge(page)
    notice, download_button = part(page, Data.RESULT_NOTICE), part(page, Data.DOWNLOAD)
    expect(download_button).to_be_visible()
    part(page, Data.add_filter("search", "visits", "score")).click()
    participants(page, 50)
    expect(notice).to_contain_text("out of date")
    expect(download_button).to_be_hidden()
    part(page, Data.FILTERS_UNDO).click()
    expect(notice).to_be_empty()
    expect(download_button).to_be_visible()
    part(page, Data.choose("visits")).uncheck()
    expect(notice).to_contain_text("out of date")


def test_a_changed_file_makes_the_table_out_of_date(person: Person, small: tuple[str, Path]) -> None:
    page = person.open()
    (small[1] / "more.csv").write_text("id,x\ns1,1\n")
    part(page, Data.TABLES_LOOK_AGAIN).click()
    choose(page, "more")
    merge(page)
    (small[1] / "more.csv").write_text("id,x\ns1,1\ns2,2\n")
    page.reload()
    expect(part(page, Data.RESULT_NOTICE)).to_contain_text("out of date")
    expect(part(page, Data.RESULT_BOX)).to_contain_text("have changed since")
    merge(page)
    expect(part(page, Data.RESULT_BOX)).to_contain_text("2 rows")
    (small[1] / "more.csv").unlink()
    page.reload()
    expect(page.get_by_text("is not in the folder any more")).to_be_visible()
    part(page, Data.choose("more")).uncheck()
    expect(page.get_by_text("is not in the folder any more")).to_be_visible()
    expect(part(page, Data.TABLES_CHOSEN)).to_have_text("No table is chosen yet.")


def test_the_grid_is_sorted_filtered_and_scrolled_on_the_server(person: Person) -> None:
    page = person.open()
    choose(page, "people")
    merge(page)
    first = page.locator(".ag-pinned-left-cols-container .ag-row[row-index='0']")
    expect(first).to_have_text("s0")
    head = page.locator(".ag-header-cell[col-id='c1'] .ag-header-cell-label")
    head.click()
    head.click()
    expect(first).to_have_text("s249")
    page.evaluate("document.querySelector('.ag-body-viewport').scrollTop = 1e6")
    expect(page.locator(".ag-pinned-left-cols-container .ag-row[row-index='249']")).to_have_text("s0")


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_window(person: Person, width: int, scheme: Any) -> None:
    page = person.open()
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    choose(page, "people", "visits")
    part(page, Data.add_filter("search", "people", EVIL)).click()
    merge(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(person: Person) -> None:
    page = person.open()
    choose(page, "people")
    for name in ("age", "ключ"):
        part(page, Data.add_filter("search", "people", name)).click()
    expect(page.locator(".data-filter")).to_have_count(2)
    nameless = page.evaluate(
        """[...document.querySelectorAll("main input, main select, main textarea")]
           .filter(e => !e.closest(".ag-root-wrapper") && !e.labels.length && !e.getAttribute("aria-label"))
           .map(e => e.outerHTML)"""
    )
    assert nameless == []
