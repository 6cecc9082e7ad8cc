"""Two recordings of one heart on two clocks give what lies between the clocks, or a reason why they cannot.

Every shift of one curve along the other is compared, so neither clock need be near the truth. It is wary: a
second shift that fits nearly as well, as in even intervals, is a refusal and never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hub.imports.likeness import FLAT_BPM, Beats

LONGEST_S = 8 * 3600
LEAST_COMMON_S = 600
LEAST_SHARE = 0.6
LEAST_R = 0.8
MOST_DIFFERENCE_BPM = 8.0
BRIDGED_S = 10
RIVAL_SHARE, RIVAL_R = 2.0, 0.05
SHARP_S, WIDEST_S = 10, 60
DEVICE_ERR_MS = 5_000
"""Sensors on one body follow the heart some seconds apart: an optical one smooths, a strap does not."""

Floats = NDArray[np.float64]


class Why(StrEnum):
    """Why two recordings tell nothing of each other's clocks."""

    SHORT = "they have too little in common"
    FLAT = "the heart rate hardly moves"
    OTHER = "the heart rates do not fit"
    AMBIGUOUS = "the heart rates fit in more than one place"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer, and why; `r` is the best correlation there was, None where none could be had."""

    why: Why
    r: float | None = None


@dataclass(frozen=True, slots=True)
class Alignment:
    """`offset_ms` added to the first's times gives the second's, give or take `err_ms`, at `middle_ms` of the
    first's clock; `common_s` seconds agree with correlation `r` and `difference_bpm` between them.

    `second_r` is the best correlation anywhere else, None where no other shift has enough in common.
    """

    offset_ms: int
    err_ms: int
    middle_ms: int
    common_s: int
    r: float
    second_r: float | None
    difference_bpm: float


def align(one: Beats, other: Beats) -> Alignment | Refusal:
    """Find the one shift at which two recordings of a heart agree, at 1 Hz, each at most eight hours long."""
    if not len(one.at_ms) or not len(other.at_ms):
        return Refusal(Why.SHORT)
    a, b = _each_second(one), _each_second(other)
    least = max(LEAST_COMMON_S, LEAST_SHARE * min(np.isfinite(a).sum(), np.isfinite(b).sum()))
    if min(np.isfinite(a).sum(), np.isfinite(b).sum()) < least:
        return Refusal(Why.SHORT)
    if min(float(np.nanstd(a)), float(np.nanstd(b))) < FLAT_BPM:
        return Refusal(Why.FLAT)
    r = _correlations(a, b, least)
    if not np.isfinite(r).any():
        return Refusal(Why.SHORT)
    best = int(np.nanargmax(r))
    top = float(r[best])
    difference, common = _difference(a, b, best)
    if top < LEAST_R or difference > MOST_DIFFERENCE_BPM:
        return Refusal(Why.OTHER, top)
    own, second_r = _peak(r, best)
    if second_r is not None and second_r >= _rival(top):
        return Refusal(Why.AMBIGUOUS, top)
    if own > WIDEST_S:
        return Refusal(Why.AMBIGUOUS, top)
    lag_ms = round(1000 * (best - (len(b) - 1) + _between(r, best)))
    start_one, start_other = int(one.at_ms[0]) // 1000 * 1000, int(other.at_ms[0]) // 1000 * 1000
    return Alignment(
        offset_ms=start_other - start_one - lag_ms,
        err_ms=DEVICE_ERR_MS + 1000 * _blur(r, best),
        middle_ms=start_one + 1000 * _middle(a, b, best),
        common_s=common,
        r=top,
        second_r=second_r,
        difference_bpm=difference,
    )


def _each_second(beats: Beats) -> Floats:
    """Heart rates of each second from the first on, straight lines across short gaps, NaN in longer ones."""
    at_s = beats.at_ms / 1000 - beats.at_ms[0] // 1000
    n = int(min(at_s[-1], LONGEST_S - 1)) + 1
    grid = np.arange(n) + 0.5
    values = np.interp(grid, at_s, beats.bpm.astype(np.float64))
    after = np.clip(np.searchsorted(at_s, grid), 0, len(at_s) - 1)
    before = np.maximum(after - 1, 0)
    is_heard = (at_s[after] - at_s[before] <= BRIDGED_S) | (np.abs(at_s[after] - grid) < 1)
    return np.where(is_heard, values, np.nan)


def _correlations(a: Floats, b: Floats, least_common: float) -> Floats:
    """(len(a) + len(b) - 1,): r with b begun i - (len(b) - 1) s after a; NaN where too little is shared."""
    length = len(a) + len(b) - 1
    size = 1 << (length - 1).bit_length()
    x, y = np.isfinite(a), np.isfinite(b)
    shift = float(np.nanmean(a))
    u, v = np.where(x, a - shift, 0.0), np.where(y, b - shift, 0.0)

    def slid(p: Floats, q: Floats) -> Floats:
        product = np.fft.rfft(p, size) * np.fft.rfft(q[::-1], size)
        return np.asarray(np.fft.irfft(product, size)[:length], dtype=np.float64)

    ones, twos = x.astype(np.float64), y.astype(np.float64)
    n = np.rint(slid(ones, twos))
    safe = np.maximum(n, 1.0)
    mean_u, mean_v = slid(u, twos) / safe, slid(ones, v) / safe
    var_u = slid(u * u, twos) / safe - mean_u**2
    var_v = slid(ones, v * v) / safe - mean_v**2
    able = (n >= least_common) & (var_u > FLAT_BPM**2) & (var_v > FLAT_BPM**2)
    spread = np.sqrt(np.where(able, var_u * var_v, 1.0))
    return np.where(able, np.clip((slid(u, v) / safe - mean_u * mean_v) / spread, -1.0, 1.0), np.nan)


def _rival(top: float) -> float:
    """From which correlation on another place fits nearly as well as the best one."""
    return 1.0 - RIVAL_SHARE * (1.0 - top) - RIVAL_R


def _peak(r: Floats, best: int) -> tuple[int, float | None]:
    """How far (s) the best fit's own hill reaches at the height of a rival, and the top of any other hill."""
    high = np.flatnonzero(r >= _rival(float(r[best])))
    first = last = int(np.searchsorted(high, best))
    while first > 0 and high[first] - high[first - 1] <= SHARP_S:
        first -= 1
    while last + 1 < len(high) and high[last + 1] - high[last] <= SHARP_S:
        last += 1
    level = np.concatenate([[-np.inf], np.where(np.isfinite(r), r, -np.inf), [-np.inf]])
    is_top = (level[1:-1] >= level[:-2]) & (level[1:-1] >= level[2:]) & np.isfinite(r)
    is_top[high[first] : high[last] + 1] = False
    second = float(r[is_top].max()) if is_top.any() else None
    return int(max(best - high[first], high[last] - best)), second


def _between(r: Floats, best: int) -> float:
    """Where between the whole seconds the top lies, by a parabola through it and its neighbours."""
    if not 0 < best < len(r) - 1:
        return 0.0
    low, top, high = float(r[best - 1]), float(r[best]), float(r[best + 1])
    bend = low - 2 * top + high
    return 0.5 * (low - high) / bend if np.isfinite(bend) and bend < 0 else 0.0


def _blur(r: Floats, best: int) -> int:
    """How many seconds aside of the best a shift still fits almost as well."""
    enough = 1.0 - 1.25 * (1.0 - float(r[best])) - 0.002
    near = np.flatnonzero(r[max(0, best - WIDEST_S) : best + WIDEST_S + 1] >= enough) + max(
        0, best - WIDEST_S
    )
    return int(np.abs(near - best).max(initial=0))


def _shared(a: Floats, b: Floats, best: int) -> tuple[Floats, Floats, int]:
    lag = best - (len(b) - 1)
    first, last = max(0, lag), min(len(a), len(b) + lag)
    return a[first:last], b[first - lag : last - lag], first


def _difference(a: Floats, b: Floats, best: int) -> tuple[float, int]:
    x, y, _ = _shared(a, b, best)
    both = np.isfinite(x) & np.isfinite(y)
    return float(np.abs(x[both] - y[both]).mean()), int(both.sum())


def _middle(a: Floats, b: Floats, best: int) -> int:
    x, _, first = _shared(a, b, best)
    return first + len(x) // 2
