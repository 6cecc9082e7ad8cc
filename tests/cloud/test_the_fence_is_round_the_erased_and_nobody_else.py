"""What names somebody erased is refused and not kept, valid or not; what is somebody else's goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from cloud.clock import now_ms
from cloud.greeting import begin_all_feeds_anew
from hub.store.erasure import is_erased
from tests.cloud.conftest import in_cloud
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender
from tests.cloud.test_nobody_comes_back_behind_an_erasure import club_of, erase

Db = psycopg.Connection[tuple[Any, ...]]
Start = Callable[..., HubOn]
WORN: dict[str, Any] = {"session_id": "s1", "stream_id": "st1", "from_ms": 0, "to_ms": None}


@pytest.mark.parametrize(
    ("tbl", "pk", "fields"),
    [
        ("athlete", "ann", {"name": "Annabel", "hr_max_bpm": 999}),
        ("profile_change", "p1", {"athlete_id": "ann", "note": "Annabel", "valid_from": "never"}),
        ("profile_change", "p0", {"note": "Annabel", "valid_from": "never"}),
        ("tomorrows_table", "t1", {"athlete_id": "ann", "note": "Annabel"}),
        ("strap", "S1", {"athlete_id": "ann", "name": {"of": "Annabel"}}),
    ],
    ids=["their record", "a new record", "a record that went", "an unknown table", "a strap"],
)
def test_an_edit_that_cannot_be_right_about_somebody_erased_leaves_nothing_of_its_content(
    new_hub: Callable[..., Sender], db: Db, url: str, tbl: str, pk: str, fields: dict[str, Any]
) -> None:
    hub = new_hub()
    hub.push(hub.op("athlete", "ann", name="Ann"), hub.op("athlete", "bea", name="Bea"))
    hub.push(hub.op("profile_change", "p0", athlete_id="ann", valid_from="2026-01-01", hr_max_bpm=200))
    erase(url, club_of(db), "ann")
    late, beas = hub.op(tbl, pk, **fields), hub.op("athlete", "bea", name="Beatrice", hr_max_bpm=999)
    answer = hub.push(late, beas).json()
    assert [(it["status"], it["code"]) for it in answer["results"]] == [
        ("dead", "erased"),
        ("dead", "invalid"),
    ]
    letters: dict[str, str] = dict(db.execute("SELECT op_id, payload FROM dead_letter").fetchall())
    assert "Annabel" not in letters[late.op_id]
    assert "Beatrice" in letters[beas.op_id]
    assert "Annabel" not in str(db.execute("SELECT * FROM dead_letter").fetchall())
    again = hub.push(hub.op("strap", "S1", name="S1"), hub.op("athlete", "bea", name="Bea B.")).json()
    assert [it["status"] for it in again["results"]] == ["ok", "ok"]


@pytest.mark.parametrize("is_one_batch", [False, True])
def test_what_is_somebody_elses_by_now_takes_later_edits_though_one_came_late_that_names_the_erased(
    new_hub: Callable[..., Sender], db: Db, url: str, is_one_batch: bool
) -> None:
    hub = new_hub()
    hub.push(hub.op("athlete", "ann", name="Ann"), hub.op("athlete", "bea", name="Bea"))
    if not is_one_batch:
        made = hub.op("stream_assignment", "x", athlete_id="ann", **WORN)
        hub.push(made, hub.op("stream_assignment", "x", athlete_id="bea"))
    erase(url, club_of(db), "ann")
    first = [hub.op("stream_assignment", "x", athlete_id="bea", **WORN)] if is_one_batch else []
    late = hub.op("stream_assignment", "x", athlete_id="ann")
    ended = hub.op("stream_assignment", "x", to_ms=600_000)
    said = hub.push(*first, late, ended).json()
    assert [it["status"] for it in said["results"]][-2:] == ["dead", "ok"]
    again = hub.push(hub.op("stream_assignment", "x", to_ms=700_000)).json()
    assert [it["status"] for it in again["results"]] == ["ok"]
    assert docs(db, "stream_assignment")["x"] == {"athlete_id": "bea", **WORN, "to_ms": 700_000}
    new = [
        hub.op("stream_assignment", "y", athlete_id="ann", **WORN),
        hub.op("stream_assignment", "y", to_ms=1),
    ]
    only = hub.push(*new, hub.op("stream_assignment", "y", athlete_id="bea")).json()
    assert [it["status"] for it in only["results"]] == ["dead"] * 3, "what only ever named them is fenced"


@pytest.mark.parametrize("is_by_snapshot", [False, True])
def test_hub_and_cloud_agree_on_what_is_somebody_elses_by_now(
    start: Start, db: Db, url: str, is_by_snapshot: bool
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea", 8)
    hub.session({ann: [(0, 600)]})
    hub.sync()
    (worn,) = docs(db, "stream_assignment")
    hub.edit("stream_assignment", worn, athlete_id=bea)
    hub.sync()
    erase(url, club_of(db), ann)
    hub.edit("stream_assignment", worn, athlete_id=ann)  # nobody here has heard of it
    if is_by_snapshot:
        in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))
    hub.sync()
    hub.edit("stream_assignment", worn, to_ms=500_000)
    hub.sync()
    assert hub.ask(lambda it: is_erased(it, ann))
    assert hub.rows("SELECT athlete_id, to_ms FROM stream_assignment") == [(bea, 500_000)]
    assert docs(db, "stream_assignment")[worn]["to_ms"] == 500_000
    assert hub.verify().is_equal
