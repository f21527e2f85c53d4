"""What only a browser shows of the frame: the policy is kept, the theme is remembered, a failure is not silent."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import dash
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

import app
from settings import Settings, State
from tests.browser.conftest import RECORD
from ui.ids import Shell

pytestmark = pytest.mark.browser

DRAWN = re.compile(r"^[A-Z][a-z]+ [A-Z][a-z]+$")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), state=State(backend="memory"))
    app.provide_study(settings)
    server = make_server("127.0.0.1", 0, app.create_server(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.add_init_script(RECORD)
    page.errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
    page.goto(address)
    page.wait_for_selector(f"#{Shell.MAIN} h1")
    expect(page.locator(f"#{Shell.ACCOUNT_NAME}")).to_have_text(DRAWN)
    yield page
    context.close()


def rename(page: Page, name: str) -> None:
    if not page.locator(f"#{Shell.NAME_INPUT}").is_visible():
        page.locator(f"#{Shell.ACCOUNT_MENU} summary").click()
    page.fill(f"#{Shell.NAME_INPUT}", name)
    page.click(f"#{Shell.NAME_SAVE}")


def test_no_page_breaks_the_policy_or_asks_another_host(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in [entry["path"] for entry in dash.page_registry.values()]:
        page.goto(f"{address}{path}")
        page.wait_for_selector(f"#{Shell.MAIN} h1")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.violations") == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_name_is_kept_and_its_markup_is_text(page: Page, browser: Browser, address: str) -> None:
    name = "<img src=x onerror=window.hit=1>"
    rename(page, name)
    page.get_by_text("Saved.").wait_for()
    page.reload()
    expect(page.locator(f"#{Shell.ACCOUNT_NAME}")).to_have_text(name)
    assert page.evaluate("window.hit") is None
    other = browser.new_context().new_page()
    other.goto(address)
    expect(other.locator(f"#{Shell.ACCOUNT_NAME}")).to_have_text(DRAWN)
    other.context.close()


def test_a_failed_callback_is_shown(page: Page) -> None:
    rename(page, "   ")
    page.get_by_role("alert").get_by_text("1 to 60 printable characters").wait_for()
    page.get_by_role("button", name="Close").click()
    assert not page.get_by_role("alert").is_visible()


def test_an_ended_session_asks_for_a_reload(page: Page) -> None:
    page.context.clear_cookies()
    rename(page, "Ada")
    page.get_by_role("alert").get_by_text("Your session has ended").wait_for()
    page.get_by_role("button", name="Reload").click()
    expect(page.locator(f"#{Shell.ACCOUNT_NAME}")).to_have_text(DRAWN)
    assert not page.get_by_role("alert").is_visible()
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_server_that_is_gone_is_told(page: Page) -> None:
    page.route("**/_dash-update-component*", lambda route: route.abort())
    rename(page, "Ada")
    page.get_by_role("alert").get_by_text("does not answer").wait_for()


def test_the_theme_follows_the_system_until_somebody_chooses(page: Page) -> None:
    def theme() -> str:
        return page.evaluate("document.documentElement.dataset.bsTheme")

    assert theme() == "light"
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.click(f"#{Shell.THEME_BUTTON}")
    assert theme() == "light"
    page.reload()
    page.wait_for_selector(f"#{Shell.MAIN} h1")
    assert theme() == "light"


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == Shell.MAIN


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(page: Page, tmp_path: Path, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"home-{scheme}-{width}.png")
