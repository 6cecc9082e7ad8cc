"""What the next interval and the next count of beats will be, so that only the surprise need travel.

Everything is whole numbers, so both ends foretell the same; it walks through time once for all segments of a
batch side by side, and stores nothing.

Rows are segments, columns beats or notifications, padded at the end. The interval expected is that of the
heart rate at the second the beats have come to, plus what the last `ORDER` deviations from it tell with the
segment's own coefficients (in 1/64). A notification is expected to hold the beats of one second of 1024.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

ORDER = 6
PHASE_UNIT = 8
_SHIFT, _HALF = 6, 32
_LEAD = 300
_BEAT_UNITS = 60 * 1024
_NO_BPM_INTERVAL = 600
_TO_FIND_PHASE = 120
_NEVER = 1 << 39
_ROW = 1 << 40


def expected_interval(bpm: Ints) -> Ints:
    """The interval of each heart rate in 1/1024 s."""
    rates = np.maximum(bpm, 1)
    return np.where(bpm < 20, _NO_BPM_INTERVAL, _BEAT_UNITS // rates)


def coefficients(rr: Ints, beats: Ints, bpm: Ints, counts: Ints) -> npt.NDArray[np.int8]:
    """For each segment, the coefficients that foretell its deviations best (least squares)."""
    deviation, is_beat = _deviations(rr, beats, bpm, counts)
    width = deviation.shape[1]
    padded = np.concatenate([np.zeros((len(rr), ORDER), np.int64), deviation], axis=1)
    past = np.stack([padded[:, ORDER - k : ORDER - k + width] for k in range(1, ORDER + 1)], axis=2)
    past = np.where(is_beat[:, :, None], past, 0).astype(float)
    normal = past.transpose(0, 2, 1) @ past + np.eye(ORDER)
    wanted = past.transpose(0, 2, 1) @ deviation[:, :, None].astype(float)
    found = np.linalg.solve(normal, wanted)[:, :, 0]
    factors: npt.NDArray[np.int8] = np.clip(np.rint(found * (1 << _SHIFT)), -128, 127).astype(np.int8)
    return factors


def interval_surprises(rr: Ints, beats: Ints, bpm: Ints, counts: Ints, factors: npt.NDArray[np.int8]) -> Ints:
    """How far each interval is from what was expected."""
    deviation, is_beat = _deviations(rr, beats, bpm, counts)
    told = np.full_like(deviation, _HALF)
    for k in range(1, ORDER + 1):
        told[:, k:] += deviation[:, :-k] * factors[:, k - 1 : k].astype(np.int64)
    surprises: Ints = np.where(is_beat, deviation - (told >> _SHIFT), 0)
    return surprises


def intervals(surprises: Ints, beats: Ints, bpm: Ints, counts: Ints, factors: npt.NDArray[np.int8]) -> Ints:
    """The inverse: beat after beat, in all segments at once."""
    size, width = surprises.shape
    expected = expected_interval(bpm)
    flat, starts, last = expected.ravel(), np.arange(size) * expected.shape[1], counts - 1
    by_age = factors.T[::-1].astype(np.int64)
    past = np.zeros((ORDER + width, size), np.int64)
    found = np.zeros((width, size), np.int64)
    elapsed = np.full(size, _LEAD, np.int64)
    for at, surprise in enumerate(surprises.T.copy()):
        told = np.add.reduce(past[at : at + ORDER] * by_age)
        deviation = past[at + ORDER]
        np.add(surprise, (told + _HALF) >> _SHIFT, out=deviation)
        second = np.minimum(elapsed >> 10, last)
        np.add(deviation, flat.take(starts + second, mode="clip"), out=found[at])
        elapsed += found[at]
    is_beat = np.arange(width) < beats[:, None]
    return np.where(is_beat, found.T, 0)


def _deviations(rr: Ints, beats: Ints, bpm: Ints, counts: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Each interval less the one its heart rate makes one expect, 0 beyond the last; and which are beats."""
    elapsed = _LEAD + np.cumsum(rr, axis=1) - rr
    second = np.minimum(elapsed >> 10, counts[:, None] - 1)
    is_beat = np.arange(rr.shape[1]) < beats[:, None]
    expected = np.take_along_axis(expected_interval(bpm), second, axis=1)
    return np.where(is_beat, rr - expected, 0), is_beat


def phases(rr: Ints, beats: Ints, per_notification: Ints, counts: Ints) -> npt.NDArray[np.int8]:
    """For each segment, how far its first beats lie from its seconds, in `PHASE_UNIT`/1024 s."""
    heard, some = _heard(rr, beats), min(_TO_FIND_PHASE, int(counts.min()))
    upto = np.cumsum(per_notification[:, :some], axis=1)
    ends = 1024 * np.arange(1, some + 1)
    least = np.sort(np.take_along_axis(heard, upto, axis=1) - ends, axis=1)
    most = np.sort(np.take_along_axis(heard, upto + 1, axis=1) - ends, axis=1)
    middle = (least[:, -1 - some // 20] + np.minimum(most[:, some // 20], 1 << 20)) // 2
    found: npt.NDArray[np.int8] = np.clip(middle // PHASE_UNIT, -128, 127).astype(np.int8)
    return found


def count_surprises(rr: Ints, beats: Ints, per_notification: Ints, phase: npt.NDArray[np.int8]) -> Ints:
    """How many beats more each notification held than expected."""
    return _walk(rr, beats, per_notification, phase, is_surprise=False)[1]


def counts_of(rr: Ints, beats: Ints, surprises: Ints, phase: npt.NDArray[np.int8]) -> Ints:
    """The inverse; nonsense may come out of nonsense, also negative counts."""
    return _walk(rr, beats, surprises, phase, is_surprise=True)[0]


def _walk(
    rr: Ints, beats: Ints, given: Ints, phase: npt.NDArray[np.int8], *, is_surprise: bool
) -> tuple[Ints, Ints]:
    """Notification after notification: the counts, and their surprises."""
    heard = _heard(rr, beats)
    rows, wide = np.arange(len(rr)), heard.shape[1]
    flat = (heard + rows[:, None] * _ROW).ravel()  # all rows in one rising line, to be searched at once
    first, last = rows * wide, (rows + 1) * wide - 2
    at = first
    budget = phase.astype(np.int64) * PHASE_UNIT + rows * _ROW
    other = np.zeros((given.shape[1], len(rr)), np.int64)
    for number, value in enumerate(given.T.copy()):
        budget += 1024
        expected = flat.searchsorted(budget, side="right") - 1 - at
        other[number] = value + expected if is_surprise else value - expected
        at = np.minimum(np.maximum(at + (other[number] if is_surprise else value), first), last)
        budget = np.minimum(np.maximum(budget, flat[at]), flat[at + 1] - 1)
    return (other.T, given) if is_surprise else (given, other.T)


def _heard(rr: Ints, beats: Ints) -> Ints:
    """When each beat was, from 0 on; behind the last one never."""
    heard = np.zeros((len(rr), rr.shape[1] + 3), np.int64)
    np.cumsum(rr, axis=1, out=heard[:, 1:-2])
    heard[np.arange(heard.shape[1]) > beats[:, None]] = _NEVER
    return heard
