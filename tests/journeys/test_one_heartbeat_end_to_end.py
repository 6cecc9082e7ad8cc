"""The whole path as a new user walks it: first page of a new hub to the insight that came back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Watch
from tests.devices.exports.fit_writer import run_file
from tests.journeys.world import COACH, PASSWORD, Ground, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]
NAMES = ("Ada", "Bo", "Cleo")


def test_from_first_page_to_the_insight_that_came_back(ground: Ground, browser: Browser) -> None:
    ground.start_pitch("--athletes", "3", "--speed", "20")
    ground.start_cloud()
    ground.start_hub()
    page = browser.new_page(viewport={"width": 1024, "height": 768}, base_url=ground.hub_url)
    page.set_default_timeout(15_000)
    watch = Watch(page, ground.hub_url)

    set_up(page, ground)
    for number, name in enumerate(NAMES, 1):
        add_athlete(page, number, name)
    give_strap(page, 1)
    give_strap(page, 2)
    sees_tiles_change(page)
    join_club(page, ground)
    session = start_assign_and_end(page)
    reads_the_load(page)
    imports_a_file(page)
    wait_for("all is in the cloud", lambda: ground.health()["sync"]["pending"] == 0, 40)
    sees_both_in_the_cloud(browser, ground, session)
    reads_the_insight(page)
    assert watch.elsewhere == []
    assert watch.complaints == []
    page.close()


def set_up(page: Page, ground: Ground) -> None:
    hub = ground.hub
    assert hub is not None
    code = wait_for("the set-up code is printed", lambda: hub.said(r"set-up code is (\S+)"))
    page.goto("/")
    page.get_by_label("Set-up code").fill(code)
    page.get_by_label("Your name").fill("Kim")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=repeated]").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_text("No athletes yet")).to_be_visible()


def add_athlete(page: Page, number: int, name: str) -> None:
    page.goto("/athletes/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Shirt number").fill(str(number))
    page.locator("select[name=sex]").select_option("F")
    page.locator("input[name=hr_max]").fill("195")
    page.locator("input[name=hr_rest]").fill("55")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(name, exact=True)).to_be_visible()


def give_strap(page: Page, number: int) -> None:
    """In the drawer: tap the strap, tap the athlete."""
    page.goto("/")
    page.locator("button[popovertarget=straps]").first.click()
    drawer = page.locator("#straps-content")
    drawer.get_by_text(f"{0xA0000000 + number:08X}").first.click()
    drawer.locator("button.choice", has_text=NAMES[number - 1]).click()
    expect(drawer.locator(".wearer", has_text=f"{number} {NAMES[number - 1]}")).to_be_visible()
    page.keyboard.press("Escape")


def sees_tiles_change(page: Page) -> None:
    page.goto("/")
    tile = page.locator(".tile", has_text="Ada")
    expect(tile).to_have_class(re.compile("is-fresh"))
    first = tile.locator(".bpm").inner_text()
    assert first.isdigit()
    expect(tile.locator(".bpm")).not_to_have_text(first)


def join_club(page: Page, ground: Ground) -> None:
    page.goto("/sync")
    page.get_by_label("Cloud address").fill(ground.cloud_url)
    page.get_by_label("Claim code").fill(ground.claim_code())
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#sync dd", has_text="Riverside")).to_be_visible()


def start_assign_and_end(page: Page) -> str:
    """A session in which the third strap is found unassigned and given to Cleo; returns its title."""
    page.goto("/")
    page.get_by_role("button", name="Start session").click()
    page.locator("#start-session input[name=title]").fill("Evening intervals")
    page.get_by_role("button", name="Start now").click()
    expect(page.get_by_role("heading", name="Evening intervals")).to_be_visible()
    expect(page.locator("#unassigned")).to_have_text("1 new")
    page.wait_for_timeout(4000)
    give_strap(page, 3)
    expect(page.locator("#unassigned")).not_to_have_text("1 new")
    expect(page.locator(".tile", has_text="Cleo")).to_have_class(re.compile("is-fresh"))
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="End session").click()
    page.get_by_role("button", name="End now").click()
    return "Evening intervals"


def reads_the_load(page: Page) -> None:
    expect(page.get_by_role("heading", name="Evening intervals")).to_be_visible()
    rows = page.get_by_label("Load table").locator("tbody tr")
    expect(rows).to_have_count(3)
    for name in NAMES:
        row = page.get_by_label("Load table").locator("tbody tr", has_text=name)
        banister = float(row.locator("td[data-value]").nth(1).get_attribute("data-value") or "nan")
        assert banister > 0, f"{name} has a load"
    expect(page.locator("#chart canvas")).to_be_visible()


def imports_a_file(page: Page) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    data = run_file(start, [(second, 120 + second % 50) for second in range(900)], elapsed_s=900)
    page.goto("/import")
    page.locator("select[name=athlete_id]").select_option(label="Bo")
    page.locator("[data-choose]").first.set_input_files(
        {"name": "own-run.fit", "mimeType": "application/octet-stream", "buffer": data}
    )
    expect(page.locator(".batch [data-said]")).to_contain_text("1 imported")


def sees_both_in_the_cloud(browser: Browser, ground: Ground, session: str) -> None:
    page = browser.new_page(viewport={"width": 1024, "height": 768}, base_url=ground.cloud_url)
    watch = Watch(page, ground.cloud_url)
    page.goto("/")
    page.locator("input[name=email]").fill(COACH)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("link", name="Running")).to_be_visible()
    page.get_by_role("link", name=session).click()
    for name in NAMES:
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    assert watch.elsewhere == []
    assert watch.complaints == []
    page.close()


def reads_the_insight(page: Page) -> None:
    def arrived() -> bool:
        page.goto("/insights")
        return page.locator("article").count() > 0

    wait_for("the insight is on the hub", arrived, 30)
    expect(page.locator("article").first).to_contain_text("Written by rules")
