"""Thousands of refused edits: the page that is polled stays small, the rest comes by fifties."""

from __future__ import annotations

import asyncio
import re
from sqlite3 import Connection
from typing import Any
from uuid import UUID

from hub.store.records import Moment, propose_many
from tests.web.small_hub import SmallHub
from tests.web.test_sync_pages_say_why_and_what_next import Client, join

MANY = 3000


def refuse(hub: SmallHub, count: int, reason: str = "invalid", start: int = 0) -> None:
    """Edits of days' values that the cloud refused."""
    asyncio.run(hub.add_squad(1))
    join(hub)
    ids = iter(range(start * 10 + 1, (start + count) * 10 + 10))

    def change(db: Connection) -> None:
        moment = Moment(1, 5000, hub.wall_ms, lambda: str(UUID(int=next(ids))))
        values: dict[str, dict[str, Any]] = {
            str(UUID(int=(1 << 100) + start + n)): {
                "person_name": f"P{start + n}", "name": "x", "date": "2026-01-01", "value": 1.0, "unit": "u",
                "source": "s", "import_id": "i", "updated_at_ms": 1, "is_removed": False,
            }
            for n in range(count)
        }  # fmt: skip
        propose_many(db, moment, "daily_value", values)
        db.execute(
            "UPDATE outbox SET state = 'dead', reason = ? WHERE tbl = 'daily_value' AND state = 'pending'",
            (reason,),
        )

    hub.database.write_now(change)


def names(text: str) -> list[str]:
    """Whose the listed edits are."""
    return re.findall(r"<b>Value of a day · x:</b> person name (P\d+)", text)


def test_the_polled_part_stays_small_and_links_to_all(hub: SmallHub, admin: Client) -> None:
    refuse(hub, MANY)
    answer = admin.get("/sync/status")
    assert answer.status_code == 200
    assert len(answer.content) < 40_000
    assert len(names(answer.text)) == 10
    assert 'href="/sync/refused"' in answer.text
    assert "2\u202f990 more" in answer.text


def test_pages_of_fifty_show_each_edit_once_forth_and_back(hub: SmallHub, admin: Client) -> None:
    refuse(hub, 130)
    seen, address, pages = list[str](), "/sync/refused", list[list[str]]()
    while True:
        text = admin.get(address).text
        pages.append(names(text))
        seen += pages[-1]
        older = re.search(r'rel="next" href="([^"]+)"', text)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")
    assert [len(it) for it in pages] == [50, 50, 30]
    assert seen == [f"P{n}" for n in reversed(range(130))]
    newer = re.search(r'rel="prev" href="([^"]+)"', text)
    assert newer is not None
    assert names(admin.get(newer[1]).text) == pages[1]
    assert 'rel="prev"' not in admin.get("/sync/refused").text


def test_all_of_a_reason_are_put_away_after_a_question_and_taken_out_again(
    hub: SmallHub, admin: Client
) -> None:
    refuse(hub, 60)
    refuse(hub, 3, "unknown_table", 60)
    assert "Put 60 edits away?" in admin.get("/sync/refused/away?reason=invalid").text
    answer = admin.post("/sync/refused/away", data={"reason": "invalid"}, follow_redirects=True)
    assert "60 edits put away" in answer.text
    assert names(answer.text.split("Put away</h2>")[0]) == ["P62", "P61", "P60"]
    (at,) = re.findall(r'name="at" value="(\d+)"', answer.text)
    answer = admin.post("/sync/refused/back", data={"reason": "invalid", "at": at}, follow_redirects=True)
    assert len(names(answer.text)) == 50
    assert "<b>60</b> because a value cannot be right" in answer.text
    assert admin.post("/sync/refused/back", data={"reason": "invalid", "at": "x"}).status_code == 422


def test_one_is_put_away_and_taken_out_without_script(hub: SmallHub, admin: Client) -> None:
    refuse(hub, 1)
    text = admin.get("/sync/refused").text
    (op_id,) = re.findall(r'id="letter-([^"]+)"', text)
    done = admin.post(f"/sync/refused/{op_id}", data={"choice": "drop"}, follow_redirects=True)
    assert "Nothing is refused" in done.text
    assert names(done.text) == ["P0"]
    back = admin.post(f"/sync/refused/{op_id}", data={"choice": "back"}, follow_redirects=True)
    assert f"letter-{op_id}" in back.text
    assert "Nothing here" in admin.get("/sync/refused/recordings").text
    assert "No refused recording was put away" in admin.get("/sync/refused/recordings?away=yes").text
