"""Limits and zones in real Chromium: drawn while typing, the effect first, then progress by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.domain import Role
from tests.web.conftest import add_user
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)], ids=lambda it: f"{it[0]}x{it[1]}")
def test_a_change_from_typing_to_recomputed(browser: Browser, served: Served, size: tuple[int, int]) -> None:
    hub = served.hub
    (anna,) = served.run(lambda: hub.add_squad(1))
    session = served.run(lambda: hub.train(1, 60))
    served.run(hub.recalculation.settle)
    page, watch = sign_in(browser, served, *size)
    page.set_default_timeout(5_000)
    page.goto(f"{served.origin}/athletes/{anna}/limits")
    assert fits(page)
    page.get_by_label("HRmax", exact=False).first.fill("210")
    page.get_by_label("Edges", exact=False).first.select_option("%HRmax")
    page.get_by_label("Lower edges", exact=False).fill("50 60 70")
    expect(page.locator("#zone-picture")).to_contain_text("from 147")
    expect(page.locator("#zone-picture rect")).to_have_count(8)
    page.get_by_label("Note", exact=False).press("Enter")
    expect(page.get_by_text("Numbers change in 1 of 1 session")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Apply").press("Enter")
    expect(page.get_by_text("Recomputing: 0 of 1 sessions done.")).to_be_visible()
    served.run(hub.recalculation.settle)
    expect(page.get_by_text("Recomputed 1 session.")).to_be_visible()
    assert fits(page)
    page.goto(f"{served.origin}/sessions/{session.session_id}")
    page.get_by_role("link", name="earlier values").click()
    expect(page.get_by_text("HRmax 195")).to_be_visible()
    assert fits(page)
    assert not watch.elsewhere
    assert not watch.complaints
    page.context.close()
