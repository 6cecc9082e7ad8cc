"""Stretches without a heart rate, and who fills them: the best recording first, the next where it is mute.

All spans are half-open [from, to) in epoch ms. A stretch of up to a minute is left to the load's own gap
rule; nothing is interpolated and no recording is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_LEFT_MS = 60_000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One recording that could feed an athlete's part in a session.

    `spans` is where it may be used, `heard` where it truly says something (gaps of a minute bridged). Where
    `may_fill` is false it feeds only as the best of all.
    """

    key: str
    spans: tuple[Span, ...]
    heard: tuple[Span, ...]
    may_fill: bool = True


def heard_spans(at_ms: NDArray[np.int64]) -> tuple[Span, ...]:
    """Where rising times follow each other by at most a minute; each span ends 1 ms after its last."""
    if not len(at_ms):
        return ()
    breaks = np.flatnonzero(np.diff(at_ms) > LONGEST_LEFT_MS)
    firsts = at_ms[np.concatenate(([0], breaks + 1))]
    lasts = at_ms[np.concatenate((breaks, [len(at_ms) - 1]))]
    return tuple((int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True))


def silent(heard: Iterable[Span], within: Span) -> list[Span]:
    """The stretches of `within` longer than a minute where nothing was heard."""
    at, found = within[0], []
    for from_ms, to_ms in sorted(heard):
        if from_ms - at > LONGEST_LEFT_MS and at < within[1]:
            found.append((at, min(from_ms, within[1])))
        at = max(at, to_ms)
    if within[1] - at > LONGEST_LEFT_MS:
        found.append((at, within[1]))
    return [it for it in found if it[1] - it[0] > LONGEST_LEFT_MS]


def feeding(candidates: Sequence[Candidate], within: Span) -> dict[str, tuple[Span, ...]]:
    """Which spans each candidate feeds, best candidate first in the list.

    The best that says anything feeds all its spans; each further one only what is still silent and it has
    something to say about. Those that feed nothing are not in the answer.
    """
    fed: dict[str, tuple[Span, ...]] = {}
    heard: list[Span] = []
    for candidate in candidates:
        if not candidate.heard:
            continue
        if not fed:
            fed[candidate.key] = candidate.spans
            heard.extend(candidate.heard)
        elif candidate.may_fill:
            gaps = [g for g in silent(heard, within) if any(_shared(g, h) for h in candidate.heard)]
            parts = [p for g in gaps for s in candidate.spans if (p := _shared(g, s)) is not None]
            spoken = [p for p in parts if any(_shared(p, h) for h in candidate.heard)]
            if spoken:
                fed[candidate.key] = tuple(spoken)
                heard += [p for g in spoken for h in candidate.heard if (p := _shared(g, h)) is not None]
    return fed


def _shared(one: Span, other: Span) -> Span | None:
    span = max(one[0], other[0]), min(one[1], other[1])
    return span if span[0] < span[1] else None
