"""Thousands of edits that met at the ground: fifty a page, each once, and what is to be decided first."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from sqlite3 import Connection
from typing import Any

import pytest

from hub.store import records, two_edits
from sync.two_edits import KEPT, Side, TwoEdits, to_fields
from tests.web.small_hub import SmallHub
from tests.web.test_sync_pages_say_why_and_what_next import OWN, Client, arrive, join

MANY, EVERY = 600, 5


@pytest.fixture
def ann(hub: SmallHub) -> str:
    """An athlete with hundreds of pairs: every fifth asks for a word, the others were settled."""
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    found = []
    for n in range(MANY):
        at_ms = hub.wall_ms - 60_000 - 1000 * (n // 3)
        it = TwoEdits(
            f"m{n:05d}", "athlete", ann, "hr_max_bpm", ann, Side(192, "Ana", None, at_ms, True),
            Side(188, "Ben", OWN, at_ms - 5000, True),
        )  # fmt: skip
        found.append(it if n % EVERY == 0 else replace(it, state=KEPT, settled_by="Kim"))
    arrive(hub, *(("two_edits", it.two_edits_id, to_fields(it), None) for it in found))
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 192}))
    return ann


def listed(text: str) -> list[str]:
    """The pairs of a page's cards."""
    return re.findall(r'class="notice met">.*?action="/sync/edits/([^"]+)"', text, re.DOTALL)


def link(text: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def walk(admin: Client, text: str, rel: str) -> list[str]:
    """The texts of this page and all that follow that way."""
    texts = [text]
    while f'rel="{rel}"' in texts[-1]:
        texts.append(admin.get(link(texts[-1], rel)).text)
    return texts


def test_pages_of_fifty_show_each_pair_once_forth_and_back_what_is_to_be_decided_first(
    hub: SmallHub, admin: Client, ann: str
) -> None:
    first = admin.get("/sync/edits").text
    assert "50 of 600 pairs, 120 to decide; the newest first." in first
    assert len(first) < 90_000
    forth = walk(admin, first, "next")
    pages = [listed(it) for it in forth]
    assert [len(it) for it in pages] == [50] * (MANY // 50)
    every = [it for them in pages for it in them]
    numbers = [int(it[1:]) for it in every]
    assert [n % EVERY == 0 for n in numbers] == [True] * 120 + [False] * 480
    assert len(set(numbers)) == MANY
    for part in (numbers[:120], numbers[120:]):
        assert [n // 3 for n in part] == sorted(n // 3 for n in part), "the newest first"
    assert "Nothing to decide" not in forth[-1], "there is, on the pages before"
    assert [listed(it) for it in reversed(walk(admin, forth[-1], "prev"))] == pages
    for nonsense in ("after=nonsense", "before=1:x:", "after=2:1:a", "after=0:0:a", "before=%00"):
        answer = admin.get(f"/sync/edits?{nonsense}")
        assert (answer.status_code, listed(answer.text)) == (200, pages[0])


def test_a_choice_on_a_later_page_is_said_there_with_an_undo_and_comes_back_to_its_place(
    hub: SmallHub, admin: Client, ann: str
) -> None:
    address = link(admin.get("/sync/edits").text, "next")
    before = admin.get(address).text
    (back,) = set(re.findall(r'name="back" value="([^"]+)"', before))
    chosen = listed(before)[7]
    form: dict[str, Any] = {"choice": "kept", "back": back.replace("&amp;", "&"), "shown": "192"}
    answer = admin.post(f"/sync/edits/{chosen}", data=form | {"shown": "12"})
    assert (answer.status_code, listed(answer.text)) == (422, listed(before))
    answer = admin.post(f"/sync/edits/{chosen}", data=form)
    assert answer.headers["location"].startswith("/sync/edits?after=")
    after = admin.get(answer.headers["location"]).text
    said = after.partition('class="notice met"')[0]
    assert re.search(r"HRmax of [^<]+:</b> 192 bpm was kept by coach\.", said)
    assert f'action="/sync/edits/{chosen}"' in said
    assert "119 to decide" in after
    assert listed(after)[:49] == [it for it in listed(before) if it != chosen]
    undone = admin.post(f"/sync/edits/{chosen}", data=form | {"choice": "open"})
    again = admin.get(undone.headers["location"]).text
    assert listed(again) == listed(before)
    assert 'role="status">' not in again.partition('class="notice met"')[0].partition("<main")[2]


def test_an_athletes_page_asks_about_the_newest_and_leads_to_all(
    hub: SmallHub, admin: Client, ann: str
) -> None:
    text = admin.get(f"/athletes/{ann}").text
    assert listed(text) == listed(admin.get("/sync/edits").text)
    assert '<a href="/sync/edits">All edits that met</a>' in text
    chosen = listed(text)[0]
    admin.post(f"/sync/edits/{chosen}", data={"choice": "kept", "back": f"/athletes/{ann}"})
    assert f'action="/sync/edits/{chosen}"' in admin.get(f"/athletes/{ann}").text.partition("notice met")[0]


def test_counting_for_the_polled_page_looks_only_at_what_nobody_decided(
    hub: SmallHub, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    shown = records.shown

    def look(db: Connection, tbl: str, pk: str) -> dict[str, Any]:
        looked.append(pk)
        return shown(db, tbl, pk)

    monkeypatch.setattr(records, "shown", look)
    assert hub.database.read_now(two_edits.count_open) == MANY // EVERY
    assert len(looked) == MANY // EVERY
