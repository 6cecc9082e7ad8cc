"""Online, thousands of edits that met come fifty a page, each once, and what is to be decided first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cloud import meetings
from tests.cloud.conftest import in_cloud
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.test_coaches_are_told_what_was_done import at_the_ground
from tests.cloud.test_coaches_mind_the_hubs_online import FORM, WAS, post
from tests.cloud.test_pages import ORIGIN, text

Start = Callable[..., HubOn]
OPEN, SETTLED = 120, 2380
COPIES = """
INSERT INTO row_state (club_id, tbl, pk, doc, stamps)
SELECT club_id, tbl, 'met' || lpad(n::text, 5, '0'),
       doc || jsonb_build_object('stands_ms', (doc ->> 'stands_ms')::bigint - 1000 * (n / 3),
                                 'other_ms', (doc ->> 'stands_ms')::bigint - 1000 * (n / 3),
                                 'state', CASE WHEN n %% 21 = 0 THEN 'open' ELSE 'kept' END), stamps
FROM row_state, generate_series(1, %s) n WHERE tbl = 'two_edits'"""


def many(client: Any, start: Start, sign_in: Callable[[], None], db: Any) -> str:
    """An athlete with thousands of pairs, of which every 21st asks for a word; the athlete's id."""
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    post(client, f"/athletes/{ann}/edit", **(FORM | WAS | {"hr_max_bpm": "196"}))
    at_the_ground(ours, ann, hr_max_bpm=188)
    ours.sync()
    db.execute(COPIES, (OPEN + SETTLED - 1,))
    db.execute("ANALYZE row_state")
    return ann


def listed(page: str) -> list[str]:
    """The pairs of a page's cards."""
    found = re.findall(r'class="panel met">.*?action="/edits/([^"]+)"', page, re.DOTALL)
    return [str(it) for it in found]


def link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def to_decide(page: str) -> list[str]:
    return listed(page.partition("<h2>Settled</h2>")[0])


def test_pages_of_fifty_show_each_pair_once_forth_and_back_what_is_to_be_decided_first(
    client: Any, start: Start, sign_in: Callable[[], None], db: Any
) -> None:
    many(client, start, sign_in, db)
    assert "120 pairs of edits to decide" in text(client.get("/hubs").text)
    page, pages = client.get("/edits").text, list[list[str]]()
    assert "50 of 2,500 pairs, 120 to decide; the newest first." in text(page)
    assert len(page) < 90_000
    assert 'rel="prev"' not in page
    asked = 0
    for _ in range(5):
        pages.append(listed(page))
        asked += len(to_decide(page))
        last, page = page, client.get(link(page, "next")).text
    every = [it for them in pages for it in them]
    assert [len(it) for it in pages] == [50] * 5
    assert len(set(every)) == 250
    assert asked == OPEN
    assert "Nothing to decide" not in last, "there is, on the pages before"
    states = {key: it["state"] for key, it in docs(db, "two_edits").items()}
    assert [states[it] for it in every] == ["open"] * OPEN + ["kept"] * 130
    times = [docs_ms for docs_ms in (at_ms(db, it) for it in every[:OPEN])]
    assert times == sorted(times, reverse=True)
    assert listed(client.get(link(page, "prev")).text) == pages[4]
    assert listed(client.get(link(last, "prev")).text) == pages[3]
    for nonsense in ("after=nonsense", "before=1:x:", "after=2:1:a", "before=%00", "after=0:0:%00"):
        answer = client.get(f"/edits?{nonsense}")
        assert (answer.status_code, listed(answer.text)) == (200, pages[0])


def at_ms(db: Any, two_edits_id: str) -> int:
    row = db.execute("SELECT at_ms FROM met_edit WHERE pk = %s", (two_edits_id,)).fetchone()
    return int(row[0])


def test_a_choice_on_a_later_page_is_said_there_with_an_undo_and_comes_back_to_its_place(
    client: Any, start: Start, sign_in: Callable[[], None], db: Any
) -> None:
    ann = many(client, start, sign_in, db)
    address = link(client.get("/edits").text, "next")
    before = client.get(address).text
    (back,) = set(re.findall(r'name="back" value="([^"]+)"', before))
    chosen = listed(before)[7]
    stands = docs(db, "athlete")[ann]["hr_max_bpm"]
    form = {"choice": "kept", "back": back.replace("&amp;", "&"), "shown": str(stands)}
    answer = client.post(f"/edits/{chosen}", data=form | {"shown": "12"}, headers=ORIGIN)
    assert answer.status_code == 409
    assert listed(answer.text) == listed(before), "the same page says why nothing was done"
    answer = client.post(f"/edits/{chosen}", data=form, headers=ORIGIN)
    assert answer.headers["location"].startswith("/edits?after=")
    after = client.get(answer.headers["location"]).text
    said = after.partition('class="panel met"')[0]
    assert f"HRmax of Ann: {stands} bpm was kept by rovers." in text(said)
    assert f'action="/edits/{chosen}"' in said
    assert "119 to decide" in text(after)
    assert listed(after)[:49] == [it for it in listed(before) if it != chosen]
    undone = client.post(f"/edits/{chosen}", data=form | {"choice": "open"}, headers=ORIGIN)
    again = client.get(undone.headers["location"]).text
    assert listed(again) == listed(before)
    assert 'role="status"' not in again


def test_an_athletes_page_asks_about_the_newest_and_leads_to_all(
    client: Any, start: Start, sign_in: Callable[[], None], db: Any
) -> None:
    ann = many(client, start, sign_in, db)
    page = client.get(f"/athletes/{ann}").text
    assert listed(page) == listed(client.get("/edits").text)
    assert 'href="/edits">All edits that met' in page
    chosen = listed(page)[0]
    form = {"choice": "kept", "back": f"/athletes/{ann}"}
    answer = client.post(f"/edits/{chosen}", data=form, headers=ORIGIN)
    said = client.get(answer.headers["location"]).text.partition('class="panel met"')[0]
    assert f'action="/edits/{chosen}"' in said
    assert "was kept by rovers." in text(said)


def test_what_the_database_calls_open_is_what_pages_call_open(
    client: Any, start: Start, sign_in: Callable[[], None], db: Any, url: str
) -> None:
    ann = many(client, start, sign_in, db)
    bpm = docs(db, "athlete")[ann]["hr_max_bpm"]
    asked = (
        ("hr_max_bpm", f"{bpm}"), ("hr_max_bpm", f"{bpm}.0"), ("hr_max_bpm", "12"), ("note", "null"),
        ("note", '""'), ("name", '"Ann"'),
    )  # fmt: skip
    for n, (field, stands) in enumerate(asked):
        db.execute(
            "UPDATE row_state SET doc = doc || jsonb_build_object('state', 'open', 'field', %s::text,"
            " 'stands', %s::text) WHERE tbl = 'two_edits' AND pk = %s",
            (field, stands, f"met{n + 1:05d}"),
        )
    club = str(db.execute("SELECT club_id FROM club").fetchone()[0])
    said: dict[str, bool] = dict(
        db.execute("SELECT pk, is_open FROM met_edit WHERE pk <= 'met00007'").fetchall()
    )
    found = in_cloud(url, lambda it: meetings.page(it, club)).found
    assert [
        it.edits.two_edits_id for it in found if it.is_open != said.get(it.edits.two_edits_id, True)
    ] == []
    assert set(said.values()) == {True, False}
    for two_edits_id, is_open in said.items():
        one = in_cloud(url, lambda it, key=two_edits_id: meetings.one(it, club, key))  # type: ignore[misc]
        assert one.is_open == is_open, two_edits_id
