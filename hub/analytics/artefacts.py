"""Which beats of an RR series are not the sinus node's: four simple rules, and the one-pass classifier.

The rules only mark beats, for comparison with other programs; the classifier also moves, adds and deletes
them, once: repeated passes shave true variability off, and are here for comparison only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfOrder, ShapeMismatch
from hub.analytics.rolling_quantiles import rolling_quantiles

Floats = NDArray[np.float64]
Classes = tuple[list[int], list[int], list[int], list[int]]

ALPHA = 5.2
SLOPE, OFFSET = 0.13, 0.17
SPREAD_BEATS = 91
MEDIAN_BEATS = 11


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
    def flagged(self) -> int:
        return len({*self.ectopic, *self.missed, *self.extra, *self.long_short})

    @property
    def artefact_percent(self) -> float:
        return 100 * self.flagged / self.n if self.n else 0.0


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
    return lipponen_tarvainen_squad([beat_ms])[0]


def lipponen_tarvainen_squad(squad: Sequence[NDArray[np.integer]]) -> list[Artefacts]:
    """`lipponen_tarvainen` of each of a squad's series, the same to the bit and several times quicker.

    Memory grows with the longest series times the number of them. Raises ShapeMismatch, OutOfOrder.
    """
    series = [_checked(beat_ms) for beat_ms in squad]
    found = [Artefacts((), (), (), (), beats, len(beats)) for beats in series]
    long_enough = [row for row, beats in enumerate(series) if len(beats) >= 4]
    if not long_enough:
        return found
    classified = _classify([series[row] for row in long_enough])
    for row, classes in zip(long_enough, classified, strict=True):
        beats = series[row]
        corrected = _correct(beats, *classes) if any(classes) else beats
        ectopic, missed, extra, long_short = (tuple(it) for it in classes)
        found[row] = Artefacts(ectopic, missed, extra, long_short, corrected, len(beats))
    return found


def lipponen_tarvainen_repeated(beat_ms: NDArray[np.integer]) -> Artefacts:
    """For comparison with other programs only: passes repeated as long as each finds fewer beats.

    The classes and `n` are those of the last pass taken, so its percentage understates the raw artefacts.
    Raises ShapeMismatch, OutOfOrder.
    """
    found = lipponen_tarvainen(beat_ms)
    while True:
        distinct = np.unique(found.beat_ms)
        again = lipponen_tarvainen(distinct)
        if again.flagged >= found.flagged:
            return found
        found = again


def _checked(beat_ms: NDArray[np.integer]) -> NDArray[np.int64]:
    beats = np.asarray(beat_ms, dtype=np.int64)
    if beats.ndim != 1:
        raise ShapeMismatch(f"beat_ms {beats.shape}")
    if bool((np.diff(beats) <= 0).any()):
        raise OutOfOrder(f"beat {int(np.argmax(np.diff(beats) <= 0)) + 1}")
    return beats


def _classify(series: list[NDArray[np.int64]]) -> list[Classes]:
    """Ectopic, missed, extra and long or short beats of each series, by the paper's decision tree."""
    lengths = np.array([len(beats) for beats in series])
    has_beat = np.arange(lengths.max()) < lengths[:, None]
    rr, change = np.zeros(has_beat.shape), np.zeros((len(series), lengths.max() + 2))
    for row, beats in enumerate(series):
        n = len(beats)
        rr[row, 1:n] = np.diff(beats) / 1000.0
        rr[row, 0] = (beats[-1] - beats[0]) / 1000.0 / (n - 1)  # the first has none: the mean stands in
        change[row, 1:n] = np.diff(rr[row, :n])
        change[row, 0] = (rr[row, n - 1] - rr[row, 0]) / (n - 1)
    median = rolling_quantiles(rr, lengths, MEDIAN_BEATS, (0.5,))[0]
    off = np.where(has_beat, rr - median, 0.0)
    off[off < 0] *= 2
    off_scale = _spread(off, lengths)
    off = _scaled(off, off_scale)
    change[:, :-2] = _scaled(change[:, :-2], _spread(change[:, :-2], lengths))
    beside, ahead = _neighbours(change, lengths)

    inner = np.arange(has_beat.shape[1]) < lengths[:, None] - 2
    suspects = (np.abs(change[:, :-2]) > 1) & inner
    found: list[Classes] = [([], [], [], []) for _ in series]
    for row in np.flatnonzero(suspects.any(axis=1)).tolist():
        marks = _Marks(rr[row], change[row], beside[row], ahead[row], off[row], off_scale[row], median[row])
        _decide(np.flatnonzero(suspects[row]).tolist(), marks, found[row])
    return found


class _Marks(NamedTuple):
    """What the decision tree asks of one series, a value a beat."""

    rr: Floats
    change: Floats
    beside: Floats
    ahead: Floats
    off: Floats
    off_scale: Floats
    median: Floats


def _decide(suspects: list[int], marks: _Marks, classes: Classes) -> None:
    rr, change, beside, ahead, off, off_scale, median = marks
    ectopic, missed, extra, long_short = classes
    decided = 0
    for i in suspects:
        if i < decided:
            continue
        decided, sign = i + 1, 1 if change[i] > 0 else -1
        if sign * beside[i] < -SLOPE * abs(change[i]) - OFFSET:
            ectopic.append(i)
            continue
        candidates = [i, i + 1] if abs(change[i + 1]) < abs(change[i + 2]) else [i]
        decided = candidates[-1] + 1
        for j in candidates:
            rises, falls = change[j] > 1 and ahead[j] < -1, change[j] < -1 and ahead[j] > 1
            if falls and abs(rr[j] + rr[j + 1] - median[j]) < off_scale[j]:
                extra.append(j)
            elif rises and abs(rr[j] / 2 - median[j]) < off_scale[j]:
                missed.append(j)
            elif rises or falls or abs(off[j]) > 3:
                long_short.append(j)


def _neighbours(change: Floats, lengths: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """For each beat the opposite extreme of its two neighbours, and of the two beats after it.

    `change` has two columns to spare; both ends of each series are mirrored.
    """
    rows = np.arange(len(change))
    change[rows, lengths], change[rows, lengths + 1] = change[rows, lengths - 2], change[rows, lengths - 3]
    here, after, second = change[:, :-2], change[:, 1:-1], change[:, 2:]
    before = np.concatenate([change[:, 1:2], change[:, :-3]], axis=1)
    beside = np.where(here > 0, np.maximum(before, after), np.minimum(before, after))
    beside[here == 0] = 0.0
    return beside, np.where(here >= 0, np.minimum(after, second), np.maximum(after, second))


def _scaled(values: Floats, scale: Floats) -> Floats:
    return np.divide(values, scale, out=np.zeros_like(values), where=scale > 0)


def _spread(values: Floats, lengths: NDArray[np.int64]) -> Floats:
    low, high = rolling_quantiles(np.abs(values), lengths, SPREAD_BEATS, (0.25, 0.75))
    return ALPHA * (high - low) / 2


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
