"""Online, all refused edits of one reason are put away after one question, at their hubs, too, and undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from hub.store import dead_letters
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.test_pages import ORIGIN, text

Start = Callable[..., HubOn]


@pytest.fixture
def hubs(start: Start, sign_in: Callable[[], None]) -> list[HubOn]:
    """Two hubs with sixty edits of impossible values each, and one of a newer version; a coach looks."""
    found = [start("ours"), start("theirs", "boot-b")]
    for hub in found:
        pk = hub.athlete("Ann")
        for n in range(60):
            hub.edit("athlete", pk, hr_max_bpm=900 + n)
        hub.edit("lineup", "friday", what="?")
        hub.sync()
    sign_in()
    return found


def asked(client: Any, reason: str) -> tuple[str, dict[str, str]]:
    """The question, and what its form sends."""
    page = client.get(f"/letters/away?reason={reason}").text
    return page, dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def states(db: Any) -> dict[tuple[str, str], int]:
    rows = db.execute("SELECT code, state, count(*) FROM dead_letter GROUP BY 1, 2").fetchall()
    return {(code, state): n for code, state, n in rows}


def undo_form(page: str) -> dict[str, str]:
    part = page[page.index('action="/letters/back"') :]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', part)[:2])


def test_all_of_a_reason_are_put_away_after_a_question_and_all_taken_out_again(
    client: Any, hubs: list[HubOn], db: Any
) -> None:
    page = client.get("/letters").text
    assert "120 edits: a value cannot be right Put all of these away" in text(page)
    question, form = asked(client, "invalid")
    assert "Put 120 edits away?" in question
    assert "All of them were refused for one reason: a value cannot be right." in text(question)
    assert states(db)["invalid", "open"] == 120, "asking does nothing"
    answer = client.post("/letters/away", data=form, headers=ORIGIN)
    assert answer.status_code == 303
    assert states(db) == {("invalid", "discarded"): 120, ("unknown_table", "open"): 2}
    said = client.get(answer.headers["location"]).text
    assert "120 edits put away. Refused: a value cannot be right." in text(said)
    assert "Put away online by rovers just now." in text(said)
    told = docs(db, "refused_edit")
    assert len(told) == 120
    assert {(it["state"], it["settled_by"], it["settled_at"]) for it in told.values()} == {
        ("away", "rovers", "online")
    }
    for hub in hubs:
        hub.sync()
        assert [it.reason for it in hub.ask(dead_letters.waiting)] == ["unknown_table"]
        assert {it.settled for it in hub.ask(dead_letters.away)} == {"Put away online by rovers"}

    later = client.get("/letters").text
    assert "120 edits put away in one go just now." in text(later), "also when the page is left"
    assert undo_form(later) == undo_form(said)
    answer = client.post("/letters/back", data=undo_form(later), headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/letters")
    assert states(db) == {("invalid", "open"): 120, ("unknown_table", "open"): 2}
    for hub in hubs:
        hub.sync()
        assert len(hub.ask(dead_letters.waiting)) == 61
        assert hub.verify().is_equal
    assert "in one go" not in client.get("/letters").text


def test_what_came_after_the_question_was_shown_stays_and_the_question_comes_again(
    client: Any, hubs: list[HubOn], db: Any
) -> None:
    _, form = asked(client, "invalid")
    hubs[0].edit("athlete", hubs[0].athlete("Bea"), hr_max_bpm=999)
    hubs[0].sync()
    assert client.post("/letters/away", data=form, headers=ORIGIN).status_code == 303
    assert states(db)["invalid", "open"] == 1
    assert "hr max bpm 999" in text(client.get("/letters").text)

    db.execute("UPDATE dead_letter SET state = 'open' WHERE code = 'invalid'")
    _, form = asked(client, "invalid")
    slipped_in = "UPDATE dead_letter SET received_ms = 1, code = 'invalid' WHERE code = 'unknown_table'"
    db.execute(slipped_in)  # received before the newest that was shown, and committed after the question
    answer = client.post("/letters/away", data=form, headers=ORIGIN)
    assert answer.status_code == 409
    assert "Nothing was put away: there are more of them by now." in text(answer.text)
    assert "Put 123 edits away?" in answer.text
    assert states(db) == {("invalid", "open"): 123}


def test_one_decided_about_meanwhile_is_left_as_it_was_decided(
    client: Any, hubs: list[HubOn], db: Any
) -> None:
    _, form = asked(client, "invalid")
    (op_id,) = db.execute("SELECT op_id FROM dead_letter WHERE code = 'invalid' LIMIT 1").fetchone()
    client.post(f"/letters/{op_id}", data={"choice": "drop"}, headers=ORIGIN)
    first = docs(db, "refused_edit")
    answer = client.post("/letters/away", data=form, headers=ORIGIN)
    page = client.get(answer.headers["location"]).text
    assert "119 edits put away." in text(page)
    client.post("/letters/back", data=undo_form(page), headers=ORIGIN)
    assert states(db)["invalid", "discarded"] == 1
    assert docs(db, "refused_edit")[op_id] == first[op_id]


def test_nonsense_puts_nothing_away_and_is_no_fault_of_the_cloud(
    client: Any, hubs: list[HubOn], db: Any
) -> None:
    before = states(db)
    assert "Nothing to put away" in client.get("/letters/away?reason=%00nothing").text
    for path, form in (
        ("away", {"reason": "invalid", "n": "200"}), ("away", {"reason": "invalid", "upto": "9:x", "n": "0"}),
        ("away", {"reason": "\0", "upto": "-1:", "n": "1"}), ("back", {"reason": "invalid", "at": "0"}),
        ("back", {"reason": "invalid", "at": str(2**70)}),
    ):  # fmt: skip
        assert client.post(f"/letters/{path}", data=form, headers=ORIGIN).status_code == 303
    assert client.get("/letters?done=%00&at=5").status_code == 200
    assert client.post("/letters/away", data={"reason": "invalid"}).status_code == 403
    _, form = asked(client, "invalid")
    client.post("/letters/away", data=form)
    assert states(db) == before
