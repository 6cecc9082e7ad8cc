"""Work done, pitch and days in real Chromium: corners tapped, charts drawn, nothing clipped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.domain import Session
from hub.store import grounds
from tests.web.moving import give_motion, runs, tell_days
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served, served, sign_in

__all__ = ["served"]
pytestmark = pytest.mark.browser

SIZES = [(1024, 768), (390, 844), (1440, 900)]
TODAY = date(2026, 11, 21)


def played(served: Served) -> tuple[list[str], Session]:
    """Two athletes who ran for a minute each."""
    ids = served.run(lambda: served.hub.add_squad(3))
    session = served.run(lambda: served.hub.train(3, 60))
    give_motion(served.hub, session, ids[0], runs(60, 1))
    give_motion(served.hub, session, ids[1], runs(60, 2))
    return ids, session


def clipped(page: Page) -> list[str]:
    """What reaches beyond the window, and targets smaller than a finger, in what is new on the page."""
    return list(
        page.evaluate("""() => {
            const found = document.documentElement.scrollWidth > innerWidth ? ["the page is too wide"] : [];
            const shown = (one) => one.checkVisibility() && !one.closest("[popover]:not(:popover-open)");
            for (const one of document.querySelectorAll("main .button, main select, main summary")) {
                const box = one.getBoundingClientRect();
                if (shown(one) && box.height < 47.5) found.push(`${one.textContent.trim()} ${box.height}`);
            }
            return found;
        }""")
    )


def test_four_corners_are_tapped_on_the_recorded_positions(browser: Browser, served: Served) -> None:
    _, session = played(served)
    page, watch = sign_in(browser, served)
    page.goto(f"{served.origin}/sessions/{session.session_id}/ground")
    expect(page.locator("#ground-size")).to_contain_text("m apart")
    page.evaluate("document.querySelector('#ground details').open = true")
    before = page.input_value("[name=lat3]"), page.input_value("[name=lon3]"), page.input_value("[name=lat1]")
    mark = page.locator("[data-corner='3'] circle").bounding_box()
    assert mark is not None
    x, y = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
    said = page.inner_text("#ground-size")
    page.mouse.click(x + 12, y - 12)
    after = page.input_value("[name=lat3]"), page.input_value("[name=lon3]"), page.input_value("[name=lat1]")
    assert float(after[0]) > float(before[0])
    assert float(after[1]) > float(before[1])
    assert after[2] == before[2]
    assert page.inner_text("#ground-size") != said
    moved = page.locator("[data-corner='3'] circle").bounding_box()
    assert moved is not None
    assert (moved["x"] - mark["x"], moved["y"] - mark["y"]) == pytest.approx((12, -12), abs=1)
    page.mouse.click(x, y)
    sides = page.inner_text("#ground-size").split()
    page.fill("[name=name]", "Main pitch")
    page.fill("[name=length_m]", sides[3])
    page.fill("[name=width_m]", sides[5])
    page.click("text=Save and use it here")
    expect(page.locator("#pitch")).to_contain_text("Main pitch, chosen")
    (kept,) = served.hub.database.read_now(grounds.all_grounds)
    assert kept.name == "Main pitch"
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_one_athletes_map_and_power_are_shown_without_reloading(browser: Browser, served: Served) -> None:
    ids, session = played(served)
    page, watch = sign_in(browser, served)
    page.goto(f"{served.origin}/sessions/{session.session_id}")
    expect(page.locator("#pitch .pitch")).to_be_visible()
    everybody = page.inner_text("#pitch p:has-text('min on the pitch')")
    page.select_option("#pitch select[name=athlete]", ids[1])
    expect(page.locator("#pitch p", has_text="min on the pitch")).not_to_have_text(everybody)
    page.click("text=Show metabolic power")
    expect(page.locator(".work-table thead")).to_contain_text("W/kg")
    page.click("#work [popovertarget=note-sprints]")
    expect(page.locator("#note-sprints")).to_contain_text("sprints from 7 m/s")
    page.keyboard.press("Escape")
    page.click("summary:has-text('New top speeds')")
    page.locator(".tops button").first.click()
    expect(page.locator(".work-table thead")).not_to_contain_text("W/kg")
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_clipped_at_any_size(browser: Browser, served: Served, width: int, height: int) -> None:
    ids, session = played(served)
    tell_mornings(served.hub, ids[0])
    page, watch = sign_in(browser, served, width, height)
    for address, wanted in (
        (f"/sessions/{session.session_id}", "#pitch .pitch"),
        (f"/sessions/{session.session_id}/ground", "#ground-map .mark[visibility=visible]"),
        (f"/speeds?session={session.session_id}", "main form"),
        (f"/athletes/{ids[0]}", "#days canvas"),
    ):
        page.goto(f"{served.origin}{address}")
        expect(page.locator(wanted).first).to_be_visible()
        assert clipped(page) == [], address
    expect(page.locator("#days canvas")).to_have_count(3)
    page.click("[data-theme-switch]")
    expect(page.locator("#days canvas")).to_have_count(3)
    page.click("text=Show the acute:chronic ratio")
    expect(page.locator("#days")).to_contain_text("no good or bad side")
    expect(page.locator("#days canvas")).to_have_count(3)
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def tell_mornings(hub: SmallHub, athlete_id: str) -> None:
    """Two months of mornings."""
    days = [(TODAY - timedelta(days=back)).isoformat() for back in range(60)]
    tell_days(hub, athlete_id, "hrv_rmssd", {day: 55 + at % 7 for at, day in enumerate(days)})
    tell_days(hub, athlete_id, "resting_heart_rate", {day: 50 + at % 4 for at, day in enumerate(days)})
