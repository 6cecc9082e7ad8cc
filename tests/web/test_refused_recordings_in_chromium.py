"""Refused recordings in real Chromium: put away after a question, taken back, on the tablet and the phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, expect

from hub.domain import Role
from tests.web.conftest import add_user
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served, sign_in
from tests.web.test_limits_in_chromium import fits
from tests.web.test_sync_pages_say_why_and_what_next import join, refuse

pytestmark = pytest.mark.browser


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)], ids=lambda it: f"{it[0]}x{it[1]}")
def test_a_recording_is_put_away_after_a_question_and_taken_back(
    browser: Browser, served: Served, size: tuple[int, int]
) -> None:
    hub = served.hub
    asked: list[str] = []

    async def begin() -> None:
        await hub.add_squad(2)
        await hub.train(2, 90)
        join(hub)
        refuse(hub)

    served.run(begin)
    page, watch = sign_in(browser, served, *size)
    page.set_default_timeout(5_000)
    page.goto(f"{served.origin}/sync")
    shown = page.get_by_role("region", name="Refused recordings")
    expect(shown.get_by_role("listitem")).to_have_count(2)
    assert fits(page)

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    for left in (2, 1):
        shown.get_by_role("button", name="Put away").first.click()
        expect(shown.get_by_role("listitem")).to_have_count(left)
    assert len(asked) == 2
    assert "never counts as synced" in asked[0]
    away = page.get_by_role("region", name="Recordings put away")
    expect(away.get_by_role("listitem")).to_have_count(1)
    assert fits(page)
    away.get_by_role("button", name="Take it back").press("Enter")
    expect(shown.get_by_role("listitem")).to_have_count(2)
    assert not watch.elsewhere
    assert not watch.complaints
    page.context.close()
