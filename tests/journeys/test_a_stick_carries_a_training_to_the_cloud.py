"""No network at the ground: written on the tablet, uploaded in the office, the answer brought back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.domain import Role
from hub.store import ledger
from hub.syncing.enrolment import enrol
from tests.browser import Watch, browser
from tests.cloud.conftest import PASSWORD, claim, run, server, template, url
from tests.cloud.serving import Serving
from tests.web.conftest import PASSWORD as HUB_PASSWORD
from tests.web.conftest import add_user
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served

__all__ = ["browser", "claim", "server", "template", "url"]

pytestmark = pytest.mark.browser

SIZES = {"tablet": (1024, 768), "phone": (390, 844), "desktop": (1440, 900)}
PICTURES = os.environ.get("PICTURES")  # a folder, where somebody wants to look


@pytest.fixture
def cloud(url: str, tmp_path: Path) -> Iterator[str]:
    serving = Serving({"DATABASE_URL": url, "TOUCHLINE_DATA": str(tmp_path / "cloud")})
    try:
        assert serving.is_ready.wait(60), serving.lines
        yield serving.origin
    finally:
        assert serving.end(signal.SIGTERM) == 0, serving.lines


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SmallHub]:
    made = SmallHub(tmp_path / "hub")
    yield made
    made.close()


def look(page: Page, name: str) -> None:
    """Nothing is wider than the screen; in every size a picture, where one is wanted."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, (name, size)
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{size}.png", full_page=True)
    page.set_viewport_size({"width": 1024, "height": 768})


def signed_in(browser: Browser, origin: str, field: str, name: str, password: str) -> tuple[Page, Watch]:
    page = browser.new_context(viewport={"width": 1024, "height": 768}).new_page()
    watch = Watch(page, origin)
    page.goto(f"{origin}/sign-in")
    page.fill(f"[name={field}]", name)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{origin}/")
    return page, watch


def test_a_stick_carries_a_training_to_the_cloud_and_the_answer_back(
    browser: Browser, cloud: str, hub: SmallHub, tmp_path: Path, claim: object
) -> None:
    code = claim("Rovers")  # type: ignore[operator]
    run(enrol(hub.database, tmp_path / "hub" / "hub.key", cloud, code, "1"))
    run(hub.add_squad(4))
    run(hub.train(4, 20))
    add_user(hub, "coach", Role.ADMIN)
    (tmp_path / "hub" / "media" / "BLUE").mkdir(parents=True)
    with Served(hub) as served:
        tablet, tablet_watch = signed_in(browser, served.origin, "name", "coach", HUB_PASSWORD)
        office, office_watch = signed_in(browser, cloud, "email", "Rovers@example.org", PASSWORD)

        tablet.goto(f"{served.origin}/sync")
        tablet.get_by_role("link", name="No network?").click()
        expect(tablet.get_by_text("BLUE")).to_be_visible()
        look(tablet, "hub-before")
        tablet.get_by_role("button", name="Write").last.click()
        save = tablet.get_by_role("link", name="Save the bundle")
        expect(save).to_be_visible(timeout=10_000)
        look(tablet, "hub-written")
        with tablet.expect_download() as saved:
            save.click()
        bundle = tmp_path / saved.value.suggested_filename
        saved.value.save_as(bundle)

        office.get_by_role("navigation").get_by_role("link", name="Bundles").click()
        expect(office.get_by_role("heading", name="No bundle yet")).to_be_visible()
        look(office, "cloud-empty")
        office.set_input_files("[name=file]", [bundle, Path(__file__)])
        office.get_by_role("button", name="Upload").click()
        result = office.locator(".result.is-taken")
        expect(result).to_contain_text("New here: 26 edits and 4 recordings.", timeout=15_000)
        expect(office.locator(".result.is-refused")).to_contain_text("it is no bundle of Touchline")
        look(office, "cloud-taken")
        with office.expect_download() as saved:
            result.get_by_role("link", name="Save the answer").click()
        answer = tmp_path / saved.value.suggested_filename
        saved.value.save_as(answer)

        tablet.set_input_files("[name=file]", answer)
        tablet.get_by_role("button", name="Take answer").click()
        expect(tablet.locator(".done")).to_contain_text("edits confirmed")
        expect(tablet.locator("#bundle")).to_contain_text("Nothing waits")
        look(tablet, "hub-answered")
        assert hub.database.read_now(ledger.sync_ledger).pending == 0
        for watch in (tablet_watch, office_watch):
            assert (watch.elsewhere, watch.complaints) == ([], [])
