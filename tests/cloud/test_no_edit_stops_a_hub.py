"""One edit that nobody can take stands in no other's way: in the cloud, on its hub and on every other hub."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import psycopg
import pytest

from hub.errors import ActionRefused
from hub.store import dead_letters, meta, not_shown, shown_rows
from sync.bounds import MOST_OP_BYTES
from sync.chain import next_chain
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[Any, ...]]
Start = Callable[[str], HubOn]


def as_an_older_hub(hub: HubOn, tbl: str, pk: str, **fields: Any) -> None:
    """Into the log without a look at it."""

    def write(db: Connection) -> None:
        seq, op_id = meta.number(db, "next_seq", 1), str(uuid.uuid4())
        chain = next_chain(meta.value(db, "chain_head") or "00" * 32, op_id)
        db.execute(
            "INSERT INTO outbox(seq, op_id, tbl, pk, kind, fields, after_ms, boot_no, mono_ms, chain,"
            " made_by, after_seq) VALUES (?, ?, ?, ?, 'set', ?, 0, 1, 5, ?, '', 0)",
            (seq, op_id, tbl, pk, json.dumps(fields), chain),
        )
        meta.put(db, "next_seq", seq + 1)
        meta.put(db, "chain_head", chain)

    hub.store.write_now(write)


RESERVED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("athlete", {"athlete_id": "somebody-else"}),
    ("athlete", {"athlete_id": None}),
    ("strap", {"strap_id": 10**25}),
    ("stream", {"stream_no": 1}),
    ("stream", {"sensor_id": "another"}),
)


def test_a_field_of_a_reserved_name_is_refused_and_one_that_is_merely_new_is_not(hub: Sender, db: Db) -> None:
    odd = [hub.op(tbl, f"k{number}", **fields) for number, (tbl, fields) in enumerate(RESERVED)]
    fine = [hub.op("athlete", "a", name="Ann", athlete_id="a"), hub.op("athlete", "a", blood_group="A")]
    answer = hub.push(*odd, *fine).json()
    assert [it["code"] for it in answer["results"]] == ["reserved"] * len(odd) + [None, None]
    assert docs(db, "athlete") == {"a": {"name": "Ann", "athlete_id": "a", "blood_group": "A"}}
    assert db.execute("SELECT count(*) FROM dead_letter").fetchone() == (len(odd),)


BEYOND: tuple[tuple[dict[str, Any], str], ...] = (
    ({"laps": [{"n": 10**25}]}, "invalid"),
    ({"zz": 10**25}, "invalid"),
    ({"utc_offset_s": [1]}, "invalid"),
    ({"title": "x" * 5000}, "invalid"),
    ({"laps": ["x" * 1500] * 900}, "too_large"),
)


def test_values_beyond_what_can_be_kept_are_refused_and_nothing_else(hub: Sender) -> None:
    odd = [hub.op("source", f"s{number}", **fields) for number, (fields, _) in enumerate(BEYOND)]
    answer = hub.push(*odd, hub.op("source", "s", provider="p")).json()
    assert [it["code"] for it in answer["results"]] == [*(code for _, code in BEYOND), None]


def test_an_edit_under_anothers_key_changes_nobody_on_any_hub(start: Start, db: Db) -> None:
    one, two = start("one"), start("two")
    victim = one.athlete("Victim")
    one.sync()
    two.sync()
    as_an_older_hub(two, "athlete", "x-1", athlete_id=victim, name="Mallory", sex="F", is_active=True)
    as_an_older_hub(two, "athlete", victim, athlete_id=10**25)
    after = two.athlete("After", 8)
    for hub in (two, one, two):
        hub.sync()
    assert one.names() == two.names() == ["After", "Victim"]
    assert docs(db, "athlete").keys() == {victim, after}
    assert [it.reason for it in two.ask(dead_letters.waiting)] == ["reserved", "reserved"]
    assert one.verify().is_equal


def test_what_the_cloud_took_and_a_hub_cannot_show_is_named_when_both_sides_are_compared(
    start: Start, db: Db
) -> None:
    one, two = start("one"), start("two")
    ann = one.athlete("Ann")
    one.sync()
    two.sync()
    as_newer = one.athlete("Newer")
    one.sync()
    fast = "jsonb_set({0}, '{{hr_max_bpm}}', '\"fast\"') WHERE pk = %s"
    db.execute("UPDATE change_log SET fields = " + fast.format("fields"), (as_newer,))
    db.execute("UPDATE row_state SET doc = " + fast.format("doc"), (as_newer,))
    db.commit()
    last = one.athlete("Last")
    one.sync()
    two.sync()
    assert two.names() == ["Ann", "Last"]
    assert two.ask(not_shown.keys) == [("athlete", as_newer)]
    found = two.verify()
    assert [(it.pk, it.where[:15]) for it in found.differences] == [(as_newer, "not shown here:")]
    assert found.words.endswith("1 is not shown on this hub's pages as confirmed.")
    assert {ann, last} < docs(db, "athlete").keys()


def test_pages_that_show_something_else_are_a_difference_once_and_mended(start: Start) -> None:
    one = start("one")
    ann = one.athlete("Ann")
    one.sync()
    assert one.verify().is_equal
    one.store.write_now(lambda db: db.execute("UPDATE athlete SET name = 'Mallory'"))
    found = one.verify()
    assert [(it.tbl, it.pk, it.where) for it in found.differences] == [("athlete", ann, shown_rows.OTHERWISE)]
    assert not found.is_equal
    assert one.names() == ["Ann"]
    assert one.verify().is_equal


UNSENDABLE: dict[str, tuple[dict[str, Any], str]] = {
    "half a character": ({"laps": ["\ud800"]}, "half a character|written down"),
    "more than a request": ({"laps": [os.urandom(4_600_000).hex()]}, "too_large|too large"),
    "more than the cloud keeps of one edit": ({"laps": ["x" * 1500] * 900}, "too_large|too large"),
}
WITH_A_STICK = (("half a character", "stick"), ("more than a request", "stick"))


@pytest.mark.parametrize(("what", "way"), [*((it, "network") for it in UNSENDABLE), *WITH_A_STICK])
def test_an_older_hubs_edit_that_can_never_be_taken_is_put_aside_and_the_rest_goes(
    start: Start, db: Db, url: str, tmp_path: Path, what: str, way: str
) -> None:
    fields, why = UNSENDABLE[what]
    hub = start("card")
    hub.sync()
    as_an_older_hub(hub, "source", "s1", **fields)
    after = hub.athlete("After")
    if way == "stick":
        carrier = Carrier(url, tmp_path / "stick")
        carrier.accept(carrier.write(hub))
        assert after in docs(db, "athlete")
    hub.sync()
    assert after in docs(db, "athlete")
    assert hub.books.ops_pending == 0
    [letter] = hub.ask(dead_letters.waiting)
    assert letter.tbl == "source"
    assert any(it in letter.reason for it in why.split("|"))
    with pytest.raises(ActionRefused):
        hub.store.write_now(lambda db: dead_letters.retry(db, hub.moment(), letter.op_id))
    hub.store.write_now(lambda db: dead_letters.put_away(db, hub.moment(), letter.op_id))
    assert hub.ask(dead_letters.waiting) == []


def test_the_largest_edit_that_may_be_made_goes_by_network_and_by_stick(
    start: Start, db: Db, url: str, tmp_path: Path
) -> None:
    hub, text = start("card"), os.urandom((MOST_OP_BYTES - 100) // 2).hex()
    for pk in ("a1", "a2"):
        hub.edit("athlete", pk, name="Ann", note_of_a_newer_version=text)
    hub.sync()
    assert len(docs(db, "athlete")) == 2
    hub.edit("athlete", "a3", name="Bea", note_of_a_newer_version=text)
    carrier = Carrier(url, tmp_path / "stick")
    carrier.accept(carrier.write(hub))
    assert len(docs(db, "athlete")) == 3
