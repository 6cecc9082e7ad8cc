"""A file as the store takes it: its sessions with sealed streams, its days, what is held, or why not.

It is what a reading process hands back, so it holds no open file and no array: numbers, texts and sealed
segments only.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.devices.exports.found import DailyValue, FoundSession, Held
from sync.segments import Segment


@dataclass(frozen=True, slots=True)
class Stream:
    """One channel of one session, sealed on the civil clock (boot 0): "hr" or "motion"."""

    channel: str
    stream_id: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class HeartSummary:
    """Heart rates above 0 in a session: how many, their mean and their maximum in bpm."""

    n: int
    mean: float | None
    max: int | None


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session without its arrays: `about` has an empty track and no RR, the streams hold them sealed.

    `number` is its place in the file, from 0. `rr_n` counts RR intervals, flagged ones too;
    `rows_end_ms` is its last row's time.
    """

    number: int
    about: FoundSession
    heart: HeartSummary
    rr_n: int
    streams: tuple[Stream, ...]
    rows_end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One export file, named by the sha256 of its decompressed bytes.

    `name` is the path as given, with "!" before the name inside an archive. Either `error` and `hint` say
    why nothing could be read, or the rest is what was found; `warnings` are whole sentences. `packed_bytes`
    is what the original takes on disk, None where it was not put away.
    """

    name: str
    sha256: str
    size_bytes: int
    format: str
    provider: str = ""
    sessions: tuple[ReadSession, ...] = ()
    daily: tuple[DailyValue, ...] = ()
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    hint: str = ""
    packed_bytes: int | None = None
