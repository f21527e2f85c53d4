"""The Data page as two researchers use it: from opening tables to the file on disk, side by side, on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import CHROMIUM_FLAGS
from tests.servers import free_port
from tests.serving import GUNICORN, served
from ui.ids import Data

pytestmark = pytest.mark.browser

MISSING = ["", "n/a", "N/A", "NA", "NaN", "nan", "NULL", "null"]
UCLA = "ds000030_ucla_cnp"
RECORD = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


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
        part(hers, Data.row("high", "f1")).fill("35")
        young = merged[merged.age.between(21, 35)]
        participants(hers, len(young))
        part(hers, Data.add_filter("demographics", "participants", "gender")).click()
        part(hers, Data.row("chosen", "f2")).get_by_label("M").uncheck()
        women = young[young.gender == "F"]
        participants(hers, len(women))
        part(hers, Data.FILTERS_SEARCH).fill("bis_factor1_ci")
        part(hers, Data.add_filter("search", "barratt", "bis_factor1_ci")).click()
        part(hers, Data.row("low", "f3")).fill("7")
        women = women[women.bis_factor1_ci >= 7]
        participants(hers, len(women))
        merge(hers)
        same(download(hers), women)

        choose(his, "participants")
        part(his, Data.add_filter("search", "participants", "diagnosis")).click()
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
