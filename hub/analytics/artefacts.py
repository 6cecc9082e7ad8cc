"""Which beats of an RR series are not the sinus node's: four simple rules, and the one-pass classifier.

The rules only mark beats, for comparison with other programs; the classifier also moves, adds and deletes
them, once. It never iterates, since repeated passes shave true variability off.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import OutOfOrder, ShapeMismatch

Floats = NDArray[np.float64]

ALPHA = 5.2
SLOPE, OFFSET = 0.13, 0.17
SPREAD_BEATS = 91
MEDIAN_BEATS = 11
ROWS_AT_ONCE = 4096


class EctopicRule(StrEnum):
    """Simple rules against ectopic beats, by author."""

    MALIK = "Malik 1989"
    KAMATH = "Kamath 1995"
    KARLSSON = "Karlsson 2012"
    ACAR = "Acar 2000"


@dataclass(frozen=True, slots=True)
class Artefacts:
    """Indices into the n beats given, by class, and the beats after one correction, in whole ms.

    `artefact_percent` is counted on this one pass: 100 x flagged beats / n.
    """

    ectopic: tuple[int, ...]
    missed: tuple[int, ...]
    extra: tuple[int, ...]
    long_short: tuple[int, ...]
    beat_ms: NDArray[np.int64]
    n: int

    @property
    def artefact_percent(self) -> float:
        found = len({*self.ectopic, *self.missed, *self.extra, *self.long_short})
        return 100 * found / self.n if self.n else 0.0


def beats_of(rr_ms: NDArray[np.integer | np.floating]) -> NDArray[np.int64]:
    """Beat times in whole ms, (n+1,) from 0, of n RR intervals in ms."""
    ends_ms = np.cumsum(rr_ms, dtype=np.float64)
    return np.concatenate([np.zeros(1, np.int64), np.rint(ends_ms).astype(np.int64)])


def kept_by(rule: EctopicRule, rr_ms: NDArray[np.integer | np.floating]) -> NDArray[np.bool_]:
    """Which of (n,) RR intervals in ms the rule keeps, as (n,) booleans.

    Malik: within 20 % of the one before; Kamath: at most 32.5 % longer or 24.5 % shorter than it (after a
    removed interval the next is kept unseen in both). Karlsson: within 20 % of the mean of its neighbours.
    Acar: within 20 % of the mean of the kept among the last nine. Sources: Malik et al. (1989), Kamath and
    Fallen (1995), Karlsson et al. (2012), Acar et al. (2000). NaN is never kept. Raises ShapeMismatch.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1:
        raise ShapeMismatch(f"rr_ms {rr.shape}")
    known = np.isfinite(rr)
    if rule is EctopicRule.KARLSSON:
        kept = np.ones(len(rr), dtype=bool)
        around = (rr[:-2] + rr[2:]) / 2
        kept[1:-1] = ~(np.abs(around - rr[1:-1]) >= 0.2 * around)
        return kept & known
    if rule is EctopicRule.ACAR:
        return _acar(rr) & known
    longer, shorter = (0.2, 0.2) if rule is EctopicRule.MALIK else (0.325, 0.245)
    return _against_the_one_before(rr, longer, shorter) & known


def _against_the_one_before(rr: Floats, longer: float, shorter: float) -> NDArray[np.bool_]:
    change = np.diff(rr)
    breaks = (change > longer * rr[:-1]) | (-change > shorter * rr[:-1])
    kept = np.ones(len(rr), dtype=bool)
    last = -2
    for i in (np.flatnonzero(breaks) + 1).tolist():
        if i > last + 1:  # the beat behind a removed one has nothing to be compared with
            kept[i], last = False, i
    return kept


def _acar(rr: Floats) -> NDArray[np.bool_]:
    kept = np.isfinite(rr)
    for i in range(9, len(rr)):
        before = rr[i - 9 : i][kept[i - 9 : i]]
        if len(before):
            mean = before.mean()
            kept[i] = abs(mean - rr[i]) < 0.2 * mean
    return kept


def lipponen_tarvainen(beat_ms: NDArray[np.integer]) -> Artefacts:
    """Classify and correct (n,) strictly rising beat times in whole ms, in one pass.

    Differences of RR, and RR against its median of 11 beats, are scaled by 5.2 times the quartile deviation
    of the 91 beats around. An extra beat is deleted, a missed one set midway, ectopic and long or short ones
    moved midway, rounded down to the ms. Fewer than 4 beats come back as they are.
    Source: Lipponen and Tarvainen (2019). Raises ShapeMismatch, OutOfOrder.
    """
    beats = np.asarray(beat_ms, dtype=np.int64)
    if beats.ndim != 1:
        raise ShapeMismatch(f"beat_ms {beats.shape}")
    if bool((np.diff(beats) <= 0).any()):
        raise OutOfOrder(f"beat {int(np.argmax(np.diff(beats) <= 0)) + 1}")
    if len(beats) < 4:
        return Artefacts((), (), (), (), beats, len(beats))
    classes = _classify(beats)
    corrected = _correct(beats, *classes)
    ectopic, missed, extra, long_short = (tuple(found) for found in classes)
    return Artefacts(ectopic, missed, extra, long_short, corrected, len(beats))


def _classify(beats: NDArray[np.int64]) -> tuple[list[int], list[int], list[int], list[int]]:
    """Ectopic, missed, extra and long or short beats, by the paper's decision tree."""
    rr = np.diff(beats, prepend=0) / 1000.0
    rr[0] = rr[1:].mean()
    change = np.diff(rr, prepend=0.0)
    change[0] = change[1:].mean()
    off = rr - (median := _rolling_quantiles(rr, MEDIAN_BEATS, (0.5,))[0])
    off[off < 0] *= 2
    off_scale = _spread(off)
    change, off = _scaled(change, _spread(change)), _scaled(off, off_scale)
    beside, ahead = _neighbours(change)

    ectopic: list[int] = []
    missed: list[int] = []
    extra: list[int] = []
    long_short: list[int] = []
    i = 0
    while i < len(rr) - 2:
        sign = 1 if change[i] > 0 else -1
        if abs(change[i]) <= 1:
            i += 1
            continue
        if sign * beside[i] < -SLOPE * abs(change[i]) - OFFSET:
            ectopic.append(i)
            i += 1
            continue
        candidates = [i, i + 1] if abs(change[i + 1]) < abs(change[i + 2]) else [i]
        for j in candidates:
            rises, falls = change[j] > 1 and ahead[j] < -1, change[j] < -1 and ahead[j] > 1
            if falls and abs(rr[j] + rr[j + 1] - median[j]) < off_scale[j]:
                extra.append(j)
            elif rises and abs(rr[j] / 2 - median[j]) < off_scale[j]:
                missed.append(j)
            elif rises or falls or abs(off[j]) > 3:
                long_short.append(j)
        i += len(candidates)
    return ectopic, missed, extra, long_short


def _neighbours(change: Floats) -> tuple[Floats, Floats]:
    """For each beat the opposite extreme of its two neighbours, and of the two beats after it."""
    padded = np.pad(change, 2, mode="reflect")
    before, after, second = padded[1:-3], padded[3:-1], padded[4:]
    beside = np.where(change > 0, np.maximum(before, after), np.minimum(before, after))
    beside[change == 0] = 0.0
    return beside, np.where(change >= 0, np.minimum(after, second), np.maximum(after, second))


def _scaled(values: Floats, scale: Floats) -> Floats:
    return np.divide(values, scale, out=np.zeros_like(values), where=scale > 0)


def _spread(values: Floats) -> Floats:
    low, high = _rolling_quantiles(np.abs(values), SPREAD_BEATS, (0.25, 0.75))
    return ALPHA * (high - low) / 2


def _rolling_quantiles(values: Floats, width: int, shares: tuple[float, ...]) -> list[Floats]:
    """Linear quantiles of the centred window around each value; the window is shorter at both ends."""
    half, n = width // 2, len(values)
    padded = np.pad(values, half, constant_values=np.inf)  # sorts behind every true value
    windows = sliding_window_view(padded, width)
    index = np.arange(n)
    last = np.minimum(index, half) + np.minimum(n - 1 - index, half)
    answers = [np.empty(n) for _ in shares]
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, min(n, start + ROWS_AT_ONCE))
        ordered, row = np.sort(windows[rows], axis=1), np.arange(min(n, rows.stop) - start)
        for answer, share in zip(answers, shares, strict=True):
            place = share * last[rows]
            lower = place.astype(np.int64)
            low = ordered[row, lower]
            high = ordered[row, np.minimum(lower + 1, last[rows])]
            answer[rows] = low + (high - low) * (place - lower)
    return answers


def _correct(
    beats: NDArray[np.int64], ectopic: list[int], missed: list[int], extra: list[int], long_short: list[int]
) -> NDArray[np.int64]:
    """Delete, then add, then move; an index behind a deleted or added beat shifts with it."""
    moved, shorter = [ectopic, long_short], missed
    if extra:
        beats = np.delete(beats, extra)
        shorter = _shifted(missed, extra, -1)
        moved = [_shifted(found, extra, -1) for found in moved]
    if shorter:
        inner = np.array([i for i in shorter if 1 < i < len(beats)], dtype=np.int64)
        beats = np.insert(beats, inner, (beats[inner - 1] + beats[inner]) // 2)
        moved = [_shifted(found, shorter, 1) for found in moved]
    for found in moved:
        inner = np.array([i for i in found if 1 < i < len(beats) - 1], dtype=np.int64)
        midway = (beats[inner - 1] + beats[inner + 1]) // 2
        beats = np.sort(np.concatenate([np.delete(beats, inner), midway]))
    return beats


def _shifted(indices: list[int], at: list[int], by: int) -> list[int]:
    for place in at:
        indices = [i + by if i > place else i for i in indices]
    return sorted(set(indices))
