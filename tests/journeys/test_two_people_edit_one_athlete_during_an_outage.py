"""A tablet at the ground and a laptop online edit one athlete in an outage; both see it and choose."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.cloud_view import CloudView
from tests.journeys.world import COACH, PASSWORD, Ground, Staff, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]


def tablet_at(browser: Browser, ground: Ground) -> Page:
    """Kim, signed in at the hub."""
    page = browser.new_page(viewport={"width": 1024, "height": 768}, has_touch=True)
    page.goto(ground.hub_url + "/sign-in")
    page.fill("input[name=name]", "Kim")
    page.fill("input[name=password]", PASSWORD)
    page.tap("button[type=submit]")
    page.wait_for_url(ground.hub_url + "/")
    return page


def laptop_at(browser: Browser, ground: Ground) -> Page:
    """The coach, signed in online."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(ground.cloud_url)
    page.fill("input[name=email]", COACH)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("nav")
    return page


def hub_value(ground: Ground) -> int:
    return int(ground.stored(lambda db: db.execute("SELECT hr_max_bpm FROM athlete").fetchone()[0]))


def test_both_pages_show_one_value_and_the_other_is_one_tap_away(
    ground: Ground, staff: Staff, browser: Browser
) -> None:
    ground.start_cloud()
    ground.start_hub()
    staff.set_up()
    ground.claim_code()  # makes the club and the coach
    laptop = laptop_at(browser, ground)
    laptop.goto(ground.cloud_url + "/hubs")
    laptop.get_by_role("button", name="Add a hub").click()
    staff.post("/sync/enrol", cloud_url=ground.cloud_url, claim_code=laptop.inner_text(".code"))
    staff.post(
        "/athletes/new", name="Ann", shirt_number="7", sex="F", hr_max="190", hr_rest="50", is_active="yes"
    )
    view = CloudView(ground)
    (ann,) = wait_for("Ann is online", lambda: view.rows("athlete"))
    tablet = tablet_at(browser, ground)

    # the outage: each edits without knowing of the other
    staff.post("/sync/pause", is_paused="yes")
    laptop.goto(f"{ground.cloud_url}/athletes/{ann}/edit")
    laptop.fill("input[name=hr_max_bpm]", "192")
    laptop.get_by_role("button", name="Save").click()
    laptop.wait_for_url(f"{ground.cloud_url}/athletes/{ann}")
    tablet.goto(f"{ground.hub_url}/athletes/{ann}")
    tablet.fill("input[name=hr_max]", "188")
    tablet.get_by_role("button", name="Save").tap()
    tablet.wait_for_url(ground.hub_url + "/athletes")
    assert hub_value(ground) == 188
    tablet.goto(ground.hub_url + "/sync")
    expect(tablet.locator("#sync")).to_contain_text("Somebody paused the sync.")
    expect(tablet.locator("#sync .pill")).to_contain_text("paused, 1 waiting")

    # it is over
    tablet.get_by_role("button", name="Go on syncing").tap()
    link = tablet.get_by_role("link", name="1 pair of edits to decide")
    expect(link).to_be_visible(timeout=15_000)
    tablet.goto(f"{ground.hub_url}/athletes/{ann}")
    laptop.reload()
    stands, other = (tablet.locator(".met-values dd b").nth(at).inner_text() for at in (0, 1))
    assert {stands, other} == {"192 bpm", "188 bpm"}
    for page, named in ((tablet, "Kim, here"), (laptop, "Kim, on hub")):
        card = page.locator(".met")
        expect(card).to_contain_text("Two people changed HRmax")
        expect(card).to_contain_text("coach, online")
        expect(card).to_contain_text(named)
        expect(card.locator("dd").first).to_contain_text(stands)
        expect(card.locator("dd").nth(1)).to_contain_text(other)
    number = int(re.sub(r"\D", "", stands))
    assert tablet.input_value("input[name=hr_max]") == str(number)
    assert f"HRmax {number}" in laptop.inner_text("main")

    # the other value, by the keyboard at the laptop
    button = laptop.get_by_role("button", name=f"Use {other} instead")
    button.focus()
    laptop.keyboard.press("Enter")
    expect(laptop.locator(".met")).to_have_count(0)
    chosen = int(re.sub(r"\D", "", other))
    wait_for("the hub has it", lambda: hub_value(ground) == chosen)
    tablet.reload()
    expect(tablet.locator(".met")).to_have_count(0)
    assert tablet.input_value("input[name=hr_max]") == str(chosen)

    # and back again, by a finger at the tablet
    tablet.goto(ground.hub_url + "/sync/edits")
    expect(tablet.locator(".met")).to_contain_text(f"{other} was chosen by coach.")
    tablet.get_by_role("button", name="Undo").tap()
    expect(tablet.get_by_role("button", name=f"Keep {stands}")).to_be_visible()
    tablet.get_by_role("button", name=f"Keep {stands}").tap()
    expect(tablet.locator(".empty")).to_contain_text("Nothing to decide")
    wait_for("the cloud follows", lambda: not ground.health()["sync"]["pending"] or None)
    laptop.goto(ground.cloud_url + "/edits")
    expect(laptop.locator(".met")).to_contain_text(f"{stands} was kept by Kim.")

    # both sides are the same, and say so
    tablet.goto(ground.hub_url + "/sync")
    tablet.get_by_role("button", name="Compare now").tap()
    expect(tablet.locator("#sync .done")).to_contain_text("exactly what this hub has", timeout=15_000)
    laptop.goto(ground.cloud_url + "/hubs")
    expect(laptop.locator(".panel.hub")).to_contain_text("exactly the same on both sides")
    tablet.close()
    laptop.close()
