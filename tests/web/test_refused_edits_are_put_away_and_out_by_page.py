"""Edits the cloud refused are put away by a tap and taken out by another; the page says who did, where."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, expect

from hub.domain import Role
from tests.web.conftest import add_user
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served, sign_in
from tests.web.test_limits_in_chromium import fits
from tests.web.test_sync_pages_say_why_and_what_next import Client, arrive, bury, join

AWAY = "Put away at the ground by coach just now."


def refuse_one(hub: SmallHub) -> str:
    """Kim's edit was refused; its id."""
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 300}, by="Kim"))
    return bury(hub)


def test_put_away_it_is_listed_with_who_did_and_taken_out_it_waits_again(
    hub: SmallHub, admin: Client
) -> None:
    op_id = refuse_one(hub)
    said = admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"}).text
    assert AWAY in said
    assert "It was refused because a value cannot be right." in said
    assert f'id="letter-{op_id}"' not in said
    assert "Cloud: 1 waiting" in said, "the cloud is told"
    assert admin.get("/sync/letters.json").json() == []
    said = admin.post(f"/sync/letters/{op_id}", data={"choice": "back"}).text
    assert "Set by Kim" in said
    assert "Taken out again at the ground by coach just now." in said
    assert f'id="letter-{op_id}"' in said
    assert f'id="away-{op_id}"' not in said
    assert admin.post(f"/sync/letters/{op_id}", data={"choice": "back"}).status_code == 404
    assert [it["fields"] for it in admin.get("/sync/letters.json").json()] == [{"hr_max_bpm": 300}]


def test_what_was_put_away_online_is_so_here_and_says_so(hub: SmallHub, admin: Client) -> None:
    op_id = refuse_one(hub)
    decided = {"state": "away", "settled_by": "ana", "settled_at": "online"}
    arrive(hub, ("refused_edit", op_id, decided, None))
    said = admin.get("/sync").text
    assert "Put away online by ana just now." in said
    assert f'id="letter-{op_id}"' not in said
    assert "Cloud: synced" in admin.get("/sync/pill").text


def test_a_mended_edit_is_neither_waiting_nor_put_away(hub: SmallHub, admin: Client) -> None:
    op_id = refuse_one(hub)
    assert admin.post(f"/sync/letters/{op_id}/mend", data={"hr_max_bpm": "200"}).status_code == 303
    said = admin.get("/sync").text
    assert op_id not in said
    assert "Edits put away" not in said


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1024, 768), (390, 844)], ids=lambda it: f"{it[0]}x{it[1]}")
def test_in_chromium_it_asks_first_and_undo_is_beside_it(
    browser: Browser, served: Served, size: tuple[int, int]
) -> None:
    hub = served.hub
    asked: list[str] = []

    async def begin() -> None:
        (ann,) = await hub.add_squad(1)
        join(hub)
        await hub.save_athlete(ann, {"hr_max_bpm": 300}, by="Kim")
        await asyncio.to_thread(bury, hub)

    served.run(begin)
    page, watch = sign_in(browser, served, *size)
    page.set_default_timeout(5_000)
    page.goto(f"{served.origin}/sync")

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.on("dialog", answer)
    waiting = page.get_by_role("region", name="Refused edits", exact=True)
    waiting.get_by_role("button", name="Put away").click()
    away = page.get_by_role("region", name="Edits put away")
    expect(away.get_by_text("Put away at the ground by coach")).to_be_visible()
    expect(waiting).to_have_count(0)
    assert asked == ["Put this edit away? It is put away online too. You can take it out again for a month."]
    assert fits(page)
    away.get_by_role("button", name="Undo").press("Enter")
    expect(waiting.get_by_text("Taken out again at the ground by coach")).to_be_visible()
    expect(away).to_have_count(0)
    assert fits(page)
    assert not watch.elsewhere
    assert not watch.complaints
    page.context.close()


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running
