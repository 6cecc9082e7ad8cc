"""Imports, undoings, new owners and choices in any order leave what their outcome alone would have made."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.imports import inbox
from hub.imports.choose import choose, choose_nothing, let_fill
from hub.imports.keep import keep, source_id_of
from hub.imports.readfile import ReadFile
from hub.imports.undo import undo
from hub.store import sources
from hub.store.records import Moment
from tests.imports import made

FILES = [
    made.file("strap.fit", made.session(12, at_s=3, device="H10", has_rr=True, silent=[(300, 420)])),
    made.file("watch.fit", made.session(13, device="Fenix", title="Run", identity="w")),
    made.file("edited.fit", made.session(9, at_s=60, device="Fenix", title="Race", identity="w")),
    made.file("phone.gpx", made.session(25, at_s=-60, device="Phone")),
    made.file("later.tcx", made.session(11, at_s=780, device="Band")),
    made.file("other.csv", made.session(12, at_s=2, device="Ring", heart=6)),
]
Owners = dict[str, str | None]
Step = tuple[str, ReadFile, str | None]
STEPS = st.tuples(
    st.sampled_from(["keep", "keep", "undo", "give", "choose", "nothing", "fill"]),
    st.sampled_from(FILES),
    st.sampled_from(["a1", "a1", "a2", None]),
)


def fresh(has_recorded: bool) -> tuple[Connection, Moment]:
    db, now = made.memory_store()
    if has_recorded:
        made.add_recorded(db, now, at_s=30, minutes=11, silent=[(100, 250)])
    return db, now


def outcome(owners: Owners, has_recorded: bool) -> dict[str, Any]:
    db, now = fresh(has_recorded)
    for read in FILES:
        if read.name in owners:
            keep(db, now, read, owners[read.name])
    return made.content(db)


@settings(max_examples=40)
@given(st.lists(STEPS, min_size=3, max_size=12), st.booleans())
def test_only_what_stands_in_the_end_counts(
    steps: list[tuple[str, Any, str | None]], has_recorded: bool
) -> None:
    db, now = fresh(has_recorded)
    owners: Owners = {}
    imported: dict[str, str] = {}
    touched: set[str] = set()
    for action, read, athlete_id in steps:
        source_id = source_id_of(read.sha256, 0)
        if action == "keep":
            is_new = read.name not in owners
            record = keep(db, now, read, athlete_id).record
            assert (record.status == "duplicate") is not is_new
            if is_new or owners[read.name] is None:
                owners[read.name] = athlete_id
            if is_new:
                imported[read.name] = record.import_id
        elif read.name in owners and action == "undo":
            undo(db, now, imported[read.name])
            del owners[read.name]
            touched.discard(source_id)
        elif read.name in owners and action == "give":
            inbox.give(db, now, source_id, athlete_id)
            owners[read.name] = athlete_id
        elif read.name in owners and action == "fill":
            let_fill(db, now, source_id, False)
            touched.add(source_id)
        elif owners.get(read.name) is not None and action == "choose":
            choose(db, now, source_id)
            touched.add(source_id)
    for source_id in sorted(touched):
        let_fill(db, now, source_id, True)
        it = sources.source(db, source_id)
        if it.athlete_id is not None and it.session_id is not None:
            choose_nothing(db, now, it.session_id, it.athlete_id)
        else:
            inbox.give(db, now, source_id, "a1")
            it = sources.source(db, source_id)
            choose_nothing(db, now, it.session_id or "", "a1")
            inbox.give(db, now, source_id, None)
    assert made.content(db) == outcome(owners, has_recorded)
