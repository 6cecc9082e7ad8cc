"""What the sync page shows, gathered in one reading of the store: ledger, comparison, refusals, club, diary.

It words and sorts; it decides nothing and asks nobody.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import dead_letters, ledger, sync_findings, two_edits
from hub.store.ledger import Ledger
from hub.store.ledger_kinds import KindCounts, KindLine
from hub.store.sync_findings import Club, Finding
from hub.syncing.words import reason_words
from hub.web.shell import ago_text

KIND_WORDS = {
    "athlete": "Athlete", "profile_change": "Values from a date", "session": "Session", "strap": "Strap",
    "stream": "Recording", "stream_assignment": "Who wore which strap", "source": "Import",
    "daily_value": "Value of a day", "two_edits": "Edits that met", "segment": "Recording",
    "insight": "Insight",
}  # fmt: skip
DIARY_LINES = 20
MOST_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Letter:
    """A refused edit in words."""

    op_id: str
    kind: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiaryLine:
    """Something the sync noted; `ago` is empty for an earlier run of the machine."""

    ago: str
    what: str


@dataclass(frozen=True, slots=True)
class SyncBooks:
    """Everything the page knows from the store."""

    ledger: Ledger
    kinds: list[KindLine]
    refused: Counter[str]
    letters: list[Letter]
    finding: Finding | None
    club: Club | None
    met_open: int
    diary: list[DiaryLine]


def gather(db: Connection, counts: KindCounts, boot_no: int, mono_ms: int) -> SyncBooks:
    """All of it, of one moment."""
    kinds = counts.lines(db)
    refused: Counter[str] = Counter()
    for line in kinds:
        refused.update(line.refused)
    return SyncBooks(
        ledger.sync_ledger(db), kinds, refused, [_letter(it) for it in dead_letters.waiting(db)],
        sync_findings.last_finding(db), sync_findings.last_club(db), two_edits.count_open(db),
        _diary(db, boot_no, mono_ms),
    )  # fmt: skip


def kind_words(tbl: str) -> str:
    """A table as people call what is in it."""
    return KIND_WORDS.get(tbl, tbl.replace("_", " ").capitalize())


def _letter(it: dead_letters.DeadLetter) -> Letter:
    shown = [f"{name.replace('_', ' ')} {_short(value)}" for name, value in it.fields.items()]
    more = f" and {len(shown) - MOST_FIELDS} more" if len(shown) > MOST_FIELDS else ""
    what = ", ".join(shown[:MOST_FIELDS]) + more
    return Letter(it.op_id, kind_words(it.tbl), what, reason_words(it.reason))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _diary(db: Connection, boot_no: int, mono_ms: int) -> list[DiaryLine]:
    rows = db.execute(
        "SELECT at_boot, at_mono, outcome FROM sync_log ORDER BY id DESC LIMIT ?", (DIARY_LINES,)
    )
    return [
        DiaryLine(ago_text(at_mono, mono_ms) if at_boot == boot_no else "before the last restart", outcome)
        for at_boot, at_mono, outcome in rows
    ]
