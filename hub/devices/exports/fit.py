"""One FIT activity file to one session's heart rate, by fitdecode.

It reads heart rate and the session's frame only; laps, positions, swim-strap merging, multisport and
salvage come with the full importer. Layout: Garmin FIT protocol, messages record, session, activity.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime

import fitdecode

from hub.errors import ExportUnreadable

LONGEST_OFFSET_S = 26 * 3600
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_SESSION_S = 30 * 86400


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """What a file says of one session. `at_ms` are epoch ms UTC and rise; `bpm` is > 0."""

    sport: str
    started_at_ms: int
    ended_at_ms: int
    utc_offset_s: int
    at_ms: tuple[int, ...]
    bpm: tuple[int, ...]
    device: str
    dropped: int = 0


@dataclass(slots=True)
class _Found:
    heart: dict[int, int] = field(default_factory=dict)
    start: datetime | None = None
    elapsed_s: float | None = None
    sport: str = ""
    offset_s: int = 0
    device: str = ""
    dropped: int = 0


def read_fit(data: bytes) -> ExportedSession:
    """The session in a FIT file. Raises ExportUnreadable, saying what is wrong and what to do."""
    if data[8:12] != b".FIT":
        raise ExportUnreadable(
            "it is not a FIT file.",
            hint="Export the activity as FIT from the watch's app and choose that file.",
        )
    found = _Found()
    try:
        with fitdecode.FitReader(
            io.BytesIO(data),
            check_crc=fitdecode.CrcCheck.READONLY,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as reader:
            for frame in reader:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    _take(found, frame)
    except (fitdecode.FitError, ValueError, KeyError, TypeError, IndexError, ArithmeticError) as error:
        if not found.heart:
            raise ExportUnreadable(
                f"it is damaged ({error}).", hint="Copy it from the watch again, or export it anew."
            ) from error
    return _session(found)


def _take(found: _Found, frame: fitdecode.FitDataMessage) -> None:
    def value(name: str) -> object:
        return frame.get_value(name, fallback=None)

    at = value("timestamp")
    if frame.name == "record":
        bpm = value("heart_rate")
        if isinstance(bpm, int) and bpm > 0:
            if isinstance(at, datetime) and at >= EARLIEST:
                found.heart[int(at.timestamp() * 1000)] = bpm
            else:
                found.dropped += 1
    elif frame.name == "session":
        start, elapsed, sport = value("start_time"), value("total_elapsed_time"), value("sport")
        if isinstance(start, datetime) and found.start is None:
            found.start = start
        if isinstance(elapsed, int | float):
            found.elapsed_s = (found.elapsed_s or 0) + float(elapsed)
        found.sport = found.sport or str(sport or "")
    elif frame.name == "activity":
        local = value("local_timestamp")
        if isinstance(at, datetime) and isinstance(local, datetime):
            offset = round((local - at).total_seconds() / 900) * 900
            found.offset_s = offset if abs(offset) < LONGEST_OFFSET_S else 0
    elif frame.name == "file_id":
        maker, product = value("manufacturer"), value("garmin_product") or value("product")
        found.device = " ".join(str(part) for part in (maker, product) if part is not None)


def _session(found: _Found) -> ExportedSession:
    if not found.heart and not found.dropped:
        raise ExportUnreadable(
            "it holds no heart rate.",
            hint="Choose an activity that was recorded with a strap or a wrist sensor.",
        )
    times = sorted(found.heart)
    first = _first(found, times) if times else 0
    kept = [t for t in times if first - 3_600_000 <= t <= first + LONGEST_SESSION_S * 1000]
    if not kept:
        raise ExportUnreadable(
            "its clock is wrong throughout.", hint="Set the watch's date and export again."
        )
    started = min(first, kept[0])
    ended = max(kept[-1] + 1, started + int((found.elapsed_s or 0) * 1000))
    return ExportedSession(
        sport=found.sport or "training",
        started_at_ms=started,
        ended_at_ms=ended,
        utc_offset_s=found.offset_s,
        at_ms=tuple(kept),
        bpm=tuple(found.heart[t] for t in kept),
        device=found.device or "FIT device",
        dropped=found.dropped + len(times) - len(kept),
    )


def _first(found: _Found, times: list[int]) -> int:
    """The session's start; where none is given the first heart rate that lies near the middle one."""
    if found.start and found.start > EARLIEST:
        return int(found.start.timestamp() * 1000)
    middle = times[len(times) // 2]
    return next(t for t in times if middle - t <= LONGEST_SESSION_S * 1000)
