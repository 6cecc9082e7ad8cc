"""What the sync page shows, gathered in one reading of the store: ledger, comparison, refusals, club, diary.

It words and sorts; it decides nothing and asks nobody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import dead_letters, ledger, refused_stretches, sync_findings, two_edits
from hub.store.ledger import Ledger
from hub.store.ledger_kinds import KindCounts, KindLine
from hub.store.refused_stretches import Stretch
from hub.store.sync_findings import Club, Finding
from hub.syncing.words import kept_words, reason_words, span_words
from hub.web.letters import Letter, worded
from hub.web.shell import ago_text, date_text

DIARY_LINES = 20
MOST_LETTERS = MOST_STRETCHES = 10
"""The page is asked again every few seconds by every tablet: it lists the newest and counts the rest."""
CHANNELS = {1: "Heart rate", 2: "Positions and speed"}


@dataclass(frozen=True, slots=True)
class RefusedStretch:
    """A refused recording in words: whose, of what and when, how long, and why it was refused when."""

    stretch_id: str
    whose: str
    of_what: str
    reason: str
    refused_at_ms: int


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
    letters_n: int
    erased_n: int
    letters_away: list[Letter]
    more_away: bool
    stretches: list[RefusedStretch]
    more_stretches: int
    kept: list[RefusedStretch]
    more_kept: int
    kept_words: str
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
    waiting = dead_letters.counts(db)
    erased_n = waiting.get(dead_letters.ERASED, 0)
    letters = dead_letters.newest(db, MOST_LETTERS, is_erased=erased_n == 1)
    put_away = dead_letters.away(db, MOST_LETTERS + 1)
    runs = refused_stretches.stretches(db)
    away, open_runs = ([it for it in runs if it.is_put_away is is_away] for is_away in (True, False))
    return SyncBooks(
        ledger.sync_ledger(db), kinds, refused,
        [worded(db, it) for it in letters], sum(waiting.values()), erased_n,
        [worded(db, it) for it in put_away[:MOST_LETTERS]], len(put_away) > MOST_LETTERS,
        [refused_words(db, it) for it in open_runs[:MOST_STRETCHES]], max(0, len(open_runs) - MOST_STRETCHES),
        [refused_words(db, it) for it in away[:MOST_STRETCHES]], max(0, len(away) - MOST_STRETCHES),
        kept_words(sum(len(it.seg_ids) for it in away)),
        sync_findings.last_finding(db), sync_findings.last_club(db), two_edits.count_open(db),
        _diary(db, boot_no, mono_ms),
    )  # fmt: skip


def refused_words(db: Connection, it: Stretch) -> RefusedStretch:
    """A refused recording as pages say it."""
    known = refused_stretches.background(db, it)
    source = f"{'file' if known.is_file else 'strap'} {known.strap}".strip()
    whose = f"{', '.join(known.people) or 'Nobody we know of'} ({source})"
    when = "at a time that is not known" if known.began_ms is None else ""
    if known.began_ms is not None:
        when = date_text(known.began_ms, known.utc_offset_s)
    length = span_words(max(1.0, (it.mono1_ms - it.mono0_ms) / 1000))
    parts = (CHANNELS.get(it.codec, "Recording"), known.session, when, length)
    of_what = " · ".join(part for part in parts if part)
    return RefusedStretch(it.stretch_id, whose, of_what, reason_words(it.code), it.refused_at_ms)


def _diary(db: Connection, boot_no: int, mono_ms: int) -> list[DiaryLine]:
    rows = db.execute(
        "SELECT at_boot, at_mono, outcome FROM sync_log ORDER BY id DESC LIMIT ?", (DIARY_LINES,)
    )
    return [
        DiaryLine(ago_text(at_mono, mono_ms) if at_boot == boot_no else "before the last restart", outcome)
        for at_boot, at_mono, outcome in rows
    ]
