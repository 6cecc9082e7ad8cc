"""Beats in a FIT file get the times that it leaves out: RR intervals a running clock, `hr` events a date.

It judges no interval as an artefact and computes no HRV.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports.fit_profile import EARLIEST_DATE_S, UNIX_AT_FIT_ZERO
from hub.devices.exports.fit_wire import Message

MOST_DRIFT_MS = 3_000
CARRY_S, STEP_S = 5.0, 0.25
PLAUSIBLE_RR_MS = (250, 2_500)
NO_BPM = 0xFF

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Beats:
    """RR intervals: the end of each as epoch ms UTC, its length, and whether the clock was set anew there.

    `source` is "hrv" for intervals the device wrote down and "hr" for differences of a strap's events;
    `is_doubted` is what the device itself says of them, `n_undated` counts those before any time.
    """

    at_ms: tuple[int, ...] = ()
    rr_ms: tuple[int, ...] = ()
    is_anchored: tuple[bool, ...] = ()
    source: str = "hrv"
    is_doubted: tuple[bool, ...] = ()
    n_undated: int = 0


@dataclass(slots=True)
class RrClock:
    """Adds up intervals since an anchor; a pause or 3 s of drift from the records sets it anew."""

    at_ms: list[int] = field(default_factory=list)
    rr_ms: list[int] = field(default_factory=list)
    is_anchored: list[bool] = field(default_factory=list)
    is_doubted: list[bool] = field(default_factory=list)
    now_ms: int | None = None
    record_ms: int | None = None
    undated: int = 0
    is_broken: bool = False

    def record(self, at_ms: int) -> None:
        """The time of the last record: intervals that follow it in the file ended about then."""
        is_later = at_ms != self.record_ms
        self.record_ms = at_ms
        if is_later and self.now_ms is not None and abs(self.now_ms - at_ms) > MOST_DRIFT_MS:
            self.now_ms = None

    def pause(self) -> None:
        self.now_ms = None

    def gap(self, gap_ms: int) -> None:
        """A stretch without beats, as long as the device says."""
        self.is_broken = True
        if self.now_ms is not None:
            self.now_ms += gap_ms

    def take(self, intervals_ms: tuple[int | float | None, ...], *, is_doubted: bool = False) -> None:
        """The intervals of one message; the first missing one ends it."""
        for rr_ms in intervals_ms:
            if not rr_ms:
                break
            if self.record_ms is None:
                self.undated += 1
                continue
            self.is_anchored.append(self.now_ms is None or self.is_broken)
            self.is_broken = False
            self.now_ms = self.record_ms if self.now_ms is None else self.now_ms + int(rr_ms)
            self.at_ms.append(self.now_ms)
            self.rr_ms.append(int(rr_ms))
            self.is_doubted.append(is_doubted)

    def take_bits(self, packed: tuple[int | float | None, ...]) -> None:
        """raw_bbi: 14 bits of ms, a bit that trusts the interval, and one that makes it a gap."""
        for value in packed:
            if not isinstance(value, int):
                continue
            if value & 0x8000:
                self.gap(value & 0x3FFF)
            else:
                self.take((value & 0x3FFF,), is_doubted=not value & 0x4000)

    def beats(self) -> Beats:
        return Beats(
            tuple(self.at_ms), tuple(self.rr_ms), tuple(self.is_anchored), "hrv",
            tuple(self.is_doubted), self.undated,
        )  # fmt: skip


@dataclass(slots=True)
class StrapEvents:
    """A chest strap's stored beats (`hr`, 132): event counter in 1/1024 s, and where it stands in time."""

    at_s: list[float] = field(default_factory=list)
    bpm: list[int] = field(default_factory=list)
    anchor_s: float | None = None
    anchor_event: int = 0
    event: int = 0

    def take(self, message: Message) -> None:
        """Add a message's beats; those before the first anchor have no time and are left out."""
        events, packed = message.value(9), message.value(10)
        full = [v for v in (events if isinstance(events, tuple) else (events,)) if isinstance(v, int)]
        if message.at_s is not None and message.at_s >= EARLIEST_DATE_S and full:
            fraction = message.integer(0)
            if fraction is None:
                fraction = (message.integer(1) or 0) * 128
            self.anchor_s = message.at_s + fraction / 32768
            self.anchor_event = self.event = full[0]
        if self.anchor_s is None:
            return
        for place, value in enumerate(full):
            self.event += (value - self.event) & 0xFFFFFFFF
            self._pair(message, place)
        if isinstance(packed, bytes) and not full:
            for place, value in enumerate(twelve_bits(packed)):
                self.event += (value - self.event) & 0xFFF
                self._pair(message, place)

    def _pair(self, message: Message, place: int) -> None:
        rates = message.value(6)
        listed = rates if isinstance(rates, tuple) else (rates,)
        bpm = listed[place] if place < len(listed) else None
        if self.anchor_s is not None:
            self.at_s.append(self.anchor_s + (self.event - self.anchor_event) / 1024)
            self.bpm.append(int(bpm) if isinstance(bpm, int) and bpm > 0 else 0)

    def beats(self) -> Beats:
        """Differences of successive events that can be heart beats."""
        at_s = np.array(self.at_s, dtype=np.float64)
        rr_ms = np.round(np.diff(at_s) * 1000).astype(np.int64)
        kept = (rr_ms >= PLAUSIBLE_RR_MS[0]) & (rr_ms <= PLAUSIBLE_RR_MS[1])
        at_ms = np.round((at_s[1:] + UNIX_AT_FIT_ZERO) * 1000).astype(np.int64)
        is_anchored = ~np.concatenate([[False], kept[:-1]]) if len(kept) else kept
        return Beats(
            tuple(at_ms[kept].tolist()),
            tuple(rr_ms[kept].tolist()),
            tuple(is_anchored[kept].tolist()),
            "hr",
            (False,) * int(kept.sum()),
        )

    def merged(self, record_s: Floats, bpm: Floats) -> Floats:
        """Heart rates of the records (rising FIT times) with the strap's mean since the record before.

        The last rate is carried on for up to 5 s in steps of 250 ms; where the strap was silent the
        record's own rate stays.
        """
        at_s, rates = np.array(self.at_s, dtype=np.float64), np.array(self.bpm, dtype=np.float64)
        at_s, rates = at_s[rates > 0], rates[rates > 0]
        if not len(at_s) or not len(record_s):
            return bpm
        order = np.argsort(at_s, kind="stable")
        at_s, rates = at_s[order], rates[order]
        gaps = np.diff(at_s, append=at_s[-1])
        steps = np.clip(np.ceil(np.minimum(gaps, CARRY_S) / STEP_S) - 1, 0, None).astype(np.int64) + 1
        first = np.cumsum(steps) - steps
        every_s = np.repeat(at_s, steps) + (np.arange(steps.sum()) - np.repeat(first, steps)) * STEP_S
        total = np.concatenate([[0.0], np.cumsum(np.repeat(rates, steps))])
        stop = np.searchsorted(every_s, record_s, side="right")
        start = np.searchsorted(every_s, np.concatenate([[record_s[0] - 1], record_s[:-1]]), side="right")
        count = stop - start
        mean = (total[stop] - total[start]) / np.maximum(count, 1)
        return np.where(count > 0, np.round(mean), bpm)


def twelve_bits(packed: bytes) -> list[int]:
    """The 12-bit numbers packed little-endian into bytes, two in three."""
    whole = int.from_bytes(packed, "little")
    return [whole >> shift & 0xFFF for shift in range(0, len(packed) * 8 - 11, 12)]
