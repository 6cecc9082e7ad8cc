"""The page, the pill, the command line and the probe call a hub synced in the same cases and in no others."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hub.store.ledger import Ledger
from hub.store.sync_findings import Finding
from hub.syncing.words import is_synced, reasons, to_come_words
from hub.web.parts import SyncView
from hub.web.sync_page import pill

NOW_MS = 1_795_276_000_000
BOOKS = Ledger(0, 9, 0, 0, 4, 9, 12, NOW_MS - 5000, "hub", "Rovers", "https://cloud.test")
CHANGES: tuple[dict[str, Any], ...] = (
    {}, {"ops_pending": 1}, {"segments_pending": 2}, {"ops_dead": 1}, {"segments_refused": 3},
    {"to_come": 40, "to_come_of": 400}, {"to_come": None}, {"snapshot_taken": 0}, {"snapshot_taken": 360},
    {"last_contact_ms": None}, {"last_contact_ms": NOW_MS - 7_300_000}, {"is_shut_out": True},
    {"hub_id": None}, {"recording_min": 4},
)  # fmt: skip
STATES = ("idle", "syncing", "offline", "busy", "failed", "paused", "waiting", "copied")
FINDINGS = (
    None,
    Finding(NOW_MS, "the same", True, 0, (), ()),
    Finding(NOW_MS, "1 differs", False, 1, (), ()),
)


@pytest.mark.parametrize(("changed", "state", "finding"), list(itertools.product(CHANGES, STATES, FINDINGS)))
def test_the_pill_and_the_reasons_agree(changed: dict[str, Any], state: str, finding: Finding | None) -> None:
    books = replace(BOOKS, **changed)
    view = SyncView(books.hub_id is not None, state, "", "No route.", 4.0)
    n = books.ops_dead + books.segments_refused
    synced = is_synced(books, view, {"invalid": n} if n else {}, finding, NOW_MS)
    assert synced == (pill(view, books, NOW_MS, finding).text == "Cloud: synced")
    is_plain = not changed and state == "idle" and (finding is None or not finding.differences_n)
    assert synced == is_plain


@pytest.mark.parametrize(
    ("changed", "state", "why", "then", "short"),
    [
        ({"to_come": 40, "to_come_of": 400}, "syncing", "40 of 400 changes from online are still to come.",
         "They are on the way.", "Cloud: 40 of 400 to come"),
        ({"to_come": 400, "to_come_of": 400}, "idle", "400 changes from online are still to come.",
         "They come with the next round.", "Cloud: 400 to come"),
        ({"to_come": 1, "to_come_of": 1}, "idle", "1 change from online is still to come.",
         "It comes with the next round.", "Cloud: 1 to come"),
        ({"to_come": None}, "idle", "What was changed online is not known here yet.",
         "The cloud tells it with the next round.", "Cloud: to be asked"),
        ({"snapshot_taken": 1}, "syncing", "All records of the club come anew: 1 record came so far.",
         "Until the last one is here, everything shows as it was before.", "Cloud: taking all anew"),
        ({"recording_min": 4}, "idle", "The last 4 minutes recorded here are not in the cloud yet.",
         "Nothing is lost meanwhile: recordings go in pieces of five minutes, the last one after the"
         " session.",
         "Cloud: all but 4 min"),
        ({"recording_min": 1}, "idle", "The last minute recorded here is not in the cloud yet.",
         "Nothing is lost meanwhile: recordings go in pieces of five minutes, the last one after the"
         " session.",
         "Cloud: all but 1 min"),
        ({}, "syncing", "It is syncing now.", "Whether all is here and there shows in a moment.",
         "Cloud: syncing"),
    ],
)  # fmt: skip
def test_what_is_missing_here_is_said_with_how_far_it_is(
    changed: dict[str, Any], state: str, why: str, then: str, short: str
) -> None:
    books, view = replace(BOOKS, **changed), SyncView(True, state, "", None, None)
    (found,) = reasons(books, view, {}, None, NOW_MS)
    assert (found.why, found.next) == (why, then)
    assert pill(view, books, NOW_MS).text == short


def test_nothing_is_said_to_come_where_nothing_does_or_nobody_knows() -> None:
    assert to_come_words(BOOKS) == ""
    assert to_come_words(replace(BOOKS, to_come=None)) == ""
