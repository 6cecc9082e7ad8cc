"""Clocks that contradict one another, in plain words: by how much, who, whom the hub believes, what to do.

It judges none of them itself, and keeps silent about what nobody would notice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from sqlite3 import Connection

from hub.store import boots
from hub.syncing.words import Reason, span_words
from sync.true_time import View, apart_ms
from sync.wire import Anchor

SAID_FROM_MS = 5_000
"""Who differs by less moves no training; see the rebasing."""
NAMES = {"ntp": "network time", "cloud": "the cloud", "gps": "a watch's file", "tablet": "a tablet"}
KEPT = "How long a training lasted, and its loads, are right all the same."


def clock_dispute(db: Connection, boot_no: int) -> Reason | None:
    """What is to be said of those who told a boot the time; None where they agree."""
    return dispute_words(boots.view(db, boot_no))


def dispute_words(seen: View[Anchor]) -> Reason | None:
    """The same of what is known of a boot."""
    far_ms = apart_ms(seen)
    if far_ms < SAID_FROM_MS:
        return None
    ours, theirs = _names(seen.believed), _names(seen.against)
    who = f"{ours} and {theirs}" if ours != theirs else f"{ours} said both"
    said = f"{_date(seen.believed)} and {_date(seen.against)}, UTC"
    why = f"Two clocks disagree by {span_words(far_ms / 1000)}: {who} ({said})."
    if seen.is_settled:
        words = f"The hub goes by {ours}, which more speaks for. {_advice(seen.against)}"
        return Reason(why, words if ours != theirs else "The hub goes by what was said more often.")
    return Reason(
        why,
        f"The hub goes by {ours} until more is heard; dates and times of trainings since it was last switched"
        f" on may be wrong by as much. {KEPT} {_advice(seen.against)}",
    )


def session_doubt(db: Connection, boot_no: int) -> str:
    """What the page of a training recorded in a boot of this hub says of its date; "" for nothing."""
    seen = boots.view(db, boot_no)
    said = None if seen.is_settled else dispute_words(seen)
    return "" if said is None else f"{said.why} The time of this training may be wrong. {KEPT}"


def _names(words: Collection[Anchor]) -> str:
    return " and ".join(sorted({NAMES.get(it.source, it.source) for it in words}))


def _date(words: Collection[Anchor]) -> str:
    """What the newest of them said."""
    newest = max(words, key=lambda it: it.mono_ms)
    return datetime.fromtimestamp(newest.wall_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _advice(against: Collection[Anchor]) -> str:
    if not any(it.source == "ntp" for it in against):
        return "If it stays so, tell whoever runs the cloud."
    return "Look at the date that the network's router, or whatever else tells the time there, believes in."
