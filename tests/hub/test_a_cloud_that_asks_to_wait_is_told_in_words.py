"""Page, command and header say that the cloud asked the hub to wait, and when it goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from hub.commands.sync import State, explained, screen, watched
from hub.store.ledger import Ledger
from hub.store.sync_limits import SyncLimits
from hub.syncing.words import is_synced, reasons
from hub.web.parts import SyncView
from hub.web.sync_page import pill
from sync.errors import CloudUnreachable

NOW_MS = 1_795_276_000_000
BOOKS = Ledger(3, 9, 0, 0, 4, 9, 12, NOW_MS - 5000, "hub", "Rovers", "https://cloud.test")
ASKED = CloudUnreachable("busy: Too much.", status=429, err="busy", retry_after_s=12)
BUSY = SyncView(
    True, "busy", str(ASKED), f"{str(ASKED).rstrip('.')}. {ASKED.hint}", 12.0, network="wlan0"
)  # fmt: skip


def state(view: SyncView = BUSY) -> State:
    shown: Any = SimpleNamespace(**{name: getattr(view, name) for name in view.__slots__})
    why = reasons(BOOKS, shown, {}, None, NOW_MS)
    return State(BOOKS, [], SyncLimits(), None, 0, shown, Counter(), why, NOW_MS)


def test_the_reason_names_who_asked_why_and_when_it_goes_on() -> None:
    why = state().reasons[0]
    assert why.why.startswith("The cloud asked this hub to wait: its club is sending a lot at once.")
    assert "Nothing is lost" in f"{why.why} {why.next}"
    assert f"{why.why} {why.next}".lower().count("nothing is lost") == 1
    assert "The next try is in 12 seconds." in why.next
    assert not is_synced(BOOKS, BUSY, {}, None, NOW_MS)


def test_the_command_says_it_too() -> None:
    said = screen(state())
    assert "The cloud asked this hub to wait: its club is sending a lot at once." in said
    assert "next try in 12 seconds" in said
    assert "asked this hub to wait" in explained(state())
    assert watched(state()).startswith("busy: 3 edits")
    for jargon in ("429", "status", "did not answer", "transient"):
        assert jargon not in said


def test_the_header_says_it_while_the_last_contact_is_fresh_and_how_far_behind_it_is_after_that() -> None:
    assert pill(BUSY, BOOKS, NOW_MS).text == "Cloud: asked to wait, 3 waiting"
    late = pill(BUSY, BOOKS, NOW_MS + 3 * 3_600_000)
    assert (late.tone, "behind" in late.text) == ("warn", True)
    assert "refused" in pill(BUSY, replace(BOOKS, ops_dead=1), NOW_MS).text
