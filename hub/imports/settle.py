"""From a session's sources to the session: title, sport, times, and who comes first in feeding what.

The answer depends on the sources alone and not on the order in which they came. A human's choice goes
before every rule, and a title or sport a human wrote is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from hub.imports.gaps import LONGEST_LEFT_MS, Span
from hub.store.sources import SourceRow

RICHNESS = (("fit", 4), ("tcx", 3), ("gpx", 2))
STRAPS = re.compile(r"\b(h6|h7|h9|h10|oh1|hrm\w*|tickr\w*|strap|wearlink|polar h\d+)\b")
VESTS = re.compile(r"\b(catapult|statsports|apex|vector|playertek|team pro|vest|gpexe|optimeye)\b")
VAGUE = ("training", "other", "")
SURENESS = {"assumed": 0, "gps": 1, "offset column": 2, "file": 3}


@dataclass(frozen=True, slots=True)
class Settled:
    """What a session made of files is called and when it was."""

    title: str
    sport: str
    started_at_ms: int
    ended_at_ms: int
    utc_offset_s: int


def richness(it: SourceRow) -> tuple[int, int, int]:
    """How much a source tells: its streams, its format, its records."""
    words = set(re.findall(r"[a-z]+", it.format.casefold()))
    formed = next((rank for word, rank in RICHNESS if word in words), 1)
    has_streams = int(it.hr_stream_id is not None or it.motion_stream_id is not None)
    return has_streams, formed, it.records


def by_richness(sources: Iterable[SourceRow]) -> list[SourceRow]:
    """The richest first; ties by id."""
    return sorted(sources, key=lambda it: (*(-n for n in richness(it)), it.source_id))


def is_strap(it: SourceRow) -> bool:
    """Whether its heart rates come from a chest strap: it has beats, or is called so."""
    return it.rr_n > 0 or STRAPS.search(it.device.casefold()) is not None


def is_vest(it: SourceRow) -> bool:
    """Whether its positions come from a team's GPS vest."""
    return VESTS.search(f"{it.provider} {it.format} {it.device}".casefold().replace("-", " ")) is not None


def hearts(sources: Iterable[SourceRow]) -> list[SourceRow]:
    """Those with a heart-rate stream, the first to be asked first."""
    able = [it for it in sources if it.hr_stream_id is not None]
    return sorted(
        able,
        key=lambda it: (
            -(it.hr_chosen_at_ms or 0), not is_strap(it), -richness(it)[1], -it.hr_n, it.source_id
        ),
    )  # fmt: skip


def motions(sources: Iterable[SourceRow]) -> list[SourceRow]:
    """Those with a motion stream, the first to be asked first."""
    able = [it for it in sources if it.motion_stream_id is not None]
    return sorted(
        able,
        key=lambda it: (
            -(it.motion_chosen_at_ms or 0), not is_vest(it), -richness(it)[1], -it.records, it.source_id
        ),
    )  # fmt: skip


def settle(sources: Collection[SourceRow], fed: Iterable[Span]) -> Settled:
    """The session of these sources: the richest one's, longer where another feeds over a minute beyond it."""
    ranked = by_richness(sources)
    main = ranked[0]
    start, end = main.started_at_ms, main.ended_at_ms
    for from_ms, to_ms in fed:
        if main.started_at_ms - from_ms > LONGEST_LEFT_MS:
            start = min(start, from_ms)
        if to_ms - main.ended_at_ms > LONGEST_LEFT_MS:
            end = max(end, to_ms)
    sport = next((it.sport for it in ranked if it.sport not in VAGUE), main.sport or "training")
    title = next((it.title for it in ranked if it.title), named(sport))
    surest = max(ranked, key=lambda it: SURENESS.get(it.offset_known_by, 0))
    return Settled(title, sport, start, end, surest.utc_offset_s)


def named(sport: str) -> str:
    """A title for a session nobody named."""
    return sport.capitalize() if sport not in VAGUE else "Training"


def is_own_title(title: str, sources: Iterable[SourceRow]) -> bool:
    """Whether a title is none these sources could have given, so that a human wrote it."""
    return title not in {name for it in sources for name in (it.title, named(it.sport))}


def is_own_sport(sport: str, sources: Iterable[SourceRow]) -> bool:
    """Whether a sport is none these sources state."""
    return sport not in {it.sport or "training" for it in sources}
