"""The straps pages and the radio check in real Chromium: they fit, and taps outlive the refresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.domain import Role, Via
from hub.store import strap_wishes
from hub.store.strap_wishes import StrapWish
from tests.web.conftest import add_user
from tests.web.small_hub import strap
from tests.web.test_board_in_chromium import Served, sign_in
from tests.web.test_straps_say_how_they_are_heard import RadioHub, hear

pytestmark = pytest.mark.browser
LEAST_PX = 48


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    hub = RadioHub(tmp_path)
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running
    hub.close()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def small_targets(page: Page) -> list[str]:
    """Buttons and links of the page's content that a gloved finger misses."""
    return list(
        page.evaluate(
            """least => [...document.querySelectorAll("main button, main a")]
            .filter(it => { const tall = it.getBoundingClientRect().height; return tall && tall < least; })
            .map(it => it.textContent.trim())""",
            LEAST_PX,
        )
    )


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)], ids=lambda it: f"{it[0]}x{it[1]}")
def test_from_a_missing_strap_to_a_pinned_one(
    browser: Browser, served: Served, size: tuple[int, int]
) -> None:
    hub = served.hub
    assert isinstance(hub, RadioHub)
    served.run(lambda: hub.add_squad(3))
    for number in (1, 2):
        hear(hub, strap(number), packet_loss=0.01)
    hub.heard.pop(strap(3))
    hear(hub, "NEW1", is_connected=False, via=Via.BROADCAST, rssi_dbm=-70)
    page, watch = sign_in(browser, served, *size)
    page.set_default_timeout(6_000)
    page.goto(f"{served.origin}/radio-check")
    expect(page.get_by_text("2 of 3 are ready")).to_be_visible()
    assert fits(page)
    assert small_targets(page) == []
    page.get_by_role("button", name="Carla Ott wears Polar H10 NEW1").click()
    expect(page.get_by_text("All 3 are ready").or_(page.get_by_text("3 of 3 are ready"))).to_be_visible()
    page.goto(f"{served.origin}/straps")
    assert fits(page)
    assert small_targets(page) == []
    hub.heard[strap(1)] = replace(hub.heard[strap(1)], battery_percent=41)
    expect(page.locator(".strap-row", has_text="Anna Albrecht")).to_contain_text("41 %")  # by itself
    page.locator(".strap-row", has_text="Anna Albrecht").click()
    expect(page.get_by_role("heading", name="Who wears it?")).to_be_visible()
    assert fits(page)
    assert small_targets(page) == []
    chosen = page.get_by_role("button", name="Only broadcasts")
    chosen.press("Enter")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    assert hub.database.read_now(strap_wishes.all_wishes) == {strap(1): StrapWish(strap(1), "broadcast")}
    page.get_by_role("button", name="Undo: let the hub choose everything").click()
    expect(page.get_by_role("button", name="The hub chooses")).to_have_attribute("aria-pressed", "true")
    assert hub.database.read_now(strap_wishes.all_wishes) == {}
    assert not watch.elsewhere
    assert not watch.complaints
    page.context.close()
