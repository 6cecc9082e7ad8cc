"""How much of what was heard of each athlete is doubtful, judged anew from the segments by the hub's rule.

It takes no sample away, and judges straps alone: a file's rates are what another device made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud.clock import CIVIL_BOOT
from cloud.store.rows import WornRow
from hub.analytics.doubt import doubtful_rates
from sync.segments import Samples

OFF_SKIN = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment's samples, and what brings its times to the session's own clock."""

    boot_no: int
    shift_ms: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Rates:
    """(n,) times of rates on the stream's and on the session's own clock, and which rates are doubtful."""

    own_ms: NDArray[np.int64]
    mono_ms: NDArray[np.int64]
    is_doubtful: NDArray[np.bool_]

    def of(self, rows: NDArray[np.bool_]) -> Rates:
        """These rows (n,) alone."""
        return Rates(self.own_ms[rows], self.mono_ms[rows], self.is_doubtful[rows])


NOTHING = Rates(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))


def judged(pieces: Sequence[Piece], mono0_ms: int) -> Rates:
    """The rates of one stream from the session's begin on, in the order they came, and times in it."""
    heard = [it for it in pieces if it.boot_no != CIVIL_BOOT]
    if not heard:
        return NOTHING
    parts = [it.samples for it in heard]
    own_ms = np.concatenate([it.mono_ms for it in parts])
    mono_ms = np.concatenate([it.samples.mono_ms + it.shift_ms for it in heard])
    bpm = np.concatenate([it.bpm for it in parts])
    is_off = np.concatenate([it.contact for it in parts]) == OFF_SKIN
    rr_count = np.concatenate([it.rr_count for it in parts])
    rr_1024 = np.concatenate([it.rr_1024 for it in parts])
    inside = mono_ms >= mono0_ms
    found = np.zeros(len(mono_ms), dtype=np.bool_)
    found[inside] = doubtful_rates(
        mono_ms[inside], bpm[inside], is_off[inside], rr_count[inside], rr_1024[np.repeat(inside, rr_count)]
    )
    return Rates(own_ms, mono_ms, found).of(inside & (bpm > 0))


def worn_rates(wearings: Sequence[WornRow], streams: Mapping[str, Rates]) -> Rates:
    """The rates of one athlete: each stream's while it was theirs."""
    parts = [NOTHING]
    for it in wearings:
        rates = streams.get(it.stream_id, NOTHING)
        is_before_end = True if it.to_ms is None else rates.own_ms < it.to_ms
        parts.append(rates.of((rates.own_ms >= it.from_ms) & is_before_end))
    return Rates(
        np.concatenate([it.own_ms for it in parts]),
        np.concatenate([it.mono_ms for it in parts]),
        np.concatenate([it.is_doubtful for it in parts]),
    )
