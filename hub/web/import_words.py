"""Imports in words: the pill, the sentence and the buttons of a file, of a batch and of an earlier import.

It asks nothing and stores nothing; the pages hand it what they found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub.imports.columns import is_unknown_table
from hub.imports.jobs import BatchProgress, FileProgress, FileState, Outcome
from hub.web.shell import count_text, date_text

MOST_SHOWN = 200
MOST_OUTCOMES = 200
MOST_LINKS = 3
PROBLEMS = ("failed", "quarantined")
PILLS = {
    "imported": ("ok", "imported"),
    "linked": ("ok", "linked"),
    "duplicate": ("off", "here already"),
    "quarantined": ("warn", "held back"),
    "failed": ("warn", "not read"),
    "cancelled": ("off", "cancelled"),
    "undone": ("off", "undone"),
}
UNDER_WAY = {
    FileState.WAITING: ("off", "waiting"),
    FileState.READING: ("busy", "reading"),
    FileState.STORING: ("busy", "storing"),
}
COUNTED = (
    ("imported", "imported"),
    ("linked", "joined to sessions known before"),
    ("duplicate", "here already"),
    ("quarantined", "held back"),
    ("failed", "not read"),
    ("cancelled", "cancelled"),
)


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a batch in words. `outcomes` are an archive's, problems first; `mark` tells versions
    apart."""

    number: int
    name: str
    tone: str
    pill: str
    detail: str
    hint: str
    warnings: tuple[str, ...]
    session_ids: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    n_hidden: int
    can_cancel: bool
    can_retry: bool
    can_map: bool
    mark: str


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch in words; `n_hidden` files are not shown one by one."""

    batch_id: str
    title: str
    said: str
    n_done: int
    n_files: int
    is_finished: bool
    has_problems: bool
    files: tuple[FileView, ...]
    n_hidden: int


def sentence(detail: str) -> str:
    """A detail as a sentence: a capital first, a full stop last."""
    text = detail.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def files_text(count: int) -> str:
    """1 file, 2 files."""
    return f"{count_text(count)} file{'s' * (count != 1)}"


def counts_text(statuses: Iterable[str]) -> str:
    """What became of files, commonest kinds in a fixed order: "9 imported, 1 not read"."""
    counts = Counter(statuses)
    return ", ".join(f"{count_text(counts[status])} {words}" for status, words in COUNTED if counts[status])


def file_view(file: FileProgress) -> FileView:
    """A file in words."""
    is_done = file.state is FileState.DONE
    outcomes = sorted(file.outcomes, key=lambda it: it.status not in PROBLEMS)
    one = outcomes[0] if len(outcomes) == 1 else None
    has_problem = any(it.status in PROBLEMS for it in outcomes)
    tone, pill = _pill(file, outcomes)
    detail = one.detail if one else counts_text(it.status for it in outcomes)
    session_ids = tuple(dict.fromkeys(key for it in outcomes for key in it.session_ids))
    many, can_map = [] if one else outcomes, is_done and is_unknown_table(file)
    return FileView(
        number=file.number,
        name=file.name,
        tone=tone,
        pill=pill,
        detail=sentence(detail),
        hint=one.hint if one and not can_map else "",
        warnings=one.warnings if one else (),
        session_ids=session_ids[:MOST_LINKS],
        outcomes=tuple(many[:MOST_OUTCOMES]),
        n_hidden=max(0, len(many) - MOST_OUTCOMES),
        can_cancel=not is_done,
        can_retry=is_done and (has_problem or any(it.status == "cancelled" for it in outcomes)),
        can_map=can_map,
        mark=f"{file.state}{len(outcomes)}",
    )


def _pill(file: FileProgress, outcomes: list[Outcome]) -> tuple[str, str]:
    if file.state is not FileState.DONE:
        return UNDER_WAY[file.state]
    statuses = {it.status for it in outcomes}
    if len(statuses) == 1:
        return PILLS.get(statuses.pop(), ("off", "done"))
    if not statuses:
        return "off", "nothing in it"
    return ("warn", "partly read") if statuses & set(PROBLEMS) else ("ok", "imported")


def shown_files(batch: BatchProgress) -> list[FileProgress]:
    """The first files of a batch, and the first of the others that have a problem."""
    further = [it for it in batch.files[MOST_SHOWN:] if any(o.status in PROBLEMS for o in it.outcomes)]
    return [*batch.files[:MOST_SHOWN], *further[:MOST_SHOWN]]


def said_of(batch: BatchProgress) -> str:
    """How far a batch is: "9 imported, 1 not read; 2 to go"."""
    statuses = [it.status for file in batch.files for it in file.outcomes]
    counts, left = counts_text(statuses), len(batch.files) - batch.n_done
    to_go = f"{count_text(left)} to go" if left else ""
    return "; ".join(filter(None, (counts, to_go))) or "nothing to do"


def batch_view(batch: BatchProgress) -> BatchView:
    """A batch in words."""
    shown = shown_files(batch)
    return BatchView(
        batch_id=batch.batch_id,
        title=files_text(len(batch.files)),
        said=said_of(batch),
        n_done=batch.n_done,
        n_files=len(batch.files),
        is_finished=batch.is_finished,
        has_problems=any(it.status in PROBLEMS for file in batch.files for it in file.outcomes),
        files=tuple(file_view(it) for it in shown),
        n_hidden=len(batch.files) - len(shown),
    )


def hours_text(shift_s: int) -> str:
    """A shift of whole quarters of an hour: "+1 h", "−5 h 30 min"."""
    sign, total = ("−" if shift_s < 0 else "+"), abs(shift_s) // 60
    hours, minutes = divmod(total, 60)
    return sign + " ".join(filter(None, (f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes))))


def minutes_count(seconds: float) -> str:
    """Whole minutes, or less than one: "12 min"."""
    return "under 1 min" if 0 < seconds < 60 else f"{seconds / 60:.0f} min"


def format_text(name: str) -> str:
    """FIT, TCX, CSV; longer names stay as they are."""
    return name.upper() if len(name) <= 4 else name


def local_text(at_ms: int, zone: ZoneInfo) -> str:
    """A time in the club's zone."""
    offset = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return date_text(at_ms, round(offset.total_seconds()) if offset else 0)


def words(zone: ZoneInfo) -> dict[str, Any]:
    """What the templates say imports with."""
    return {
        "sentence": sentence,
        "pills": PILLS,
        "hours": hours_text,
        "mins": minutes_count,
        "form": format_text,
        "local": lambda at_ms: local_text(at_ms, zone),
    }
