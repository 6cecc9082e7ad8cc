"""Short-term scaling exponent alpha1 of RR intervals by detrended fluctuation analysis.

It gives no thresholds and no zones: the number is experimental and means little outside steady work. The
convention stands in every result, since the same beats give 1.53 to 1.66 under others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

Floats = NDArray[np.float64]

SCALES = tuple(range(4, 17))
MAX_ARTEFACT_PERCENT = 3.0
FLAT_MS2 = 1e-8
"""Mean square about its line under which a box is called flat."""


class Boxes(StrEnum):
    """How the profile is cut into boxes of one scale; half-overlapping ones stop short of the last beat."""

    FORWARD = "boxes from the start"
    BOTH_ENDS = "boxes from the start and from the end"
    HALF_OVERLAP = "boxes overlapping by half"


class Averaging(StrEnum):
    """How the fluctuations of one scale's boxes become one number; other programs use the latter two."""

    MEAN_SQUARE = "root of the mean square"
    WITHOUT_FLAT = "root of the mean square without flat boxes"
    MEAN_ROOT = "mean of the boxes' roots"


@dataclass(frozen=True, slots=True)
class Alpha1:
    """The exponent (no unit), None where undefined or withheld; n beats; the convention in words."""

    alpha1: float | None
    convention: str
    n: int
    artefact_percent: float | None
    flags: tuple[Flag, ...]


def dfa_alpha1(
    rr_ms: NDArray[np.integer | np.floating],
    *,
    scales: tuple[int, ...] = SCALES,
    boxes: Boxes = Boxes.FORWARD,
    averaging: Averaging = Averaging.MEAN_SQUARE,
    artefact_percent: float | None = None,
) -> Alpha1:
    """Slope of log2 F against log2 scale of (n,) corrected RR intervals in ms, boxes detrended linearly.

    `artefact_percent` is that of the raw beats; above 3 % no value is given. None too where n is under twice
    the largest scale or a scale has no fluctuation. A repeated scale weighs twice. Sources: Peng et al.
    (1995); Gronwald and Rogers (2021, 2022). Raises ShapeMismatch, OutOfRange for RR not finite or fewer
    than two different scales of at least 3.
    """
    return dfa_alpha1_squad([rr_ms], [artefact_percent], scales=scales, boxes=boxes, averaging=averaging)[0]


def dfa_alpha1_squad(
    squad: Sequence[NDArray[np.integer | np.floating]],
    artefact_percent: Sequence[float | None],
    *,
    scales: tuple[int, ...] = SCALES,
    boxes: Boxes = Boxes.FORWARD,
    averaging: Averaging = Averaging.MEAN_SQUARE,
) -> list[Alpha1]:
    """`dfa_alpha1` of each of a squad's series, equal to it within 1e-12, in one go over a padded matrix.

    Raises ShapeMismatch, OutOfRange.
    """
    if len(set(scales)) < 2 or min(scales) < 3:
        raise OutOfRange(f"scales {scales}")
    if len(squad) != len(artefact_percent):
        raise ShapeMismatch(f"{len(squad)} series, {len(artefact_percent)} percentages")
    series = [_checked(rr_ms) for rr_ms in squad]
    convention = _convention(scales, boxes, averaging)
    doubts = [_doubt(rr, scales, percent) for rr, percent in zip(series, artefact_percent, strict=True)]
    sound = [row for row, doubt in enumerate(doubts) if doubt is None]
    slopes = dict(zip(sound, _slopes([series[row] for row in sound], scales, boxes, averaging), strict=True))
    found = []
    for row, rr in enumerate(series):
        alpha1, doubt = slopes.get(row), doubts[row]
        if doubt is None and alpha1 is None:
            doubt = Flag.NO_SPREAD
        flags = (Flag.EXPERIMENTAL,) if doubt is None else (Flag.EXPERIMENTAL, doubt)
        found.append(Alpha1(alpha1, convention, len(rr), artefact_percent[row], flags))
    return found


def _convention(scales: tuple[int, ...], boxes: Boxes, averaging: Averaging) -> str:
    extra = "" if averaging is Averaging.MEAN_SQUARE else f", {averaging}"
    return f"{len(scales)} scales {min(scales)}-{max(scales)}, {boxes}{extra}, linear detrending, log2 slope"


def _checked(rr_ms: NDArray[np.integer | np.floating]) -> Floats:
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1:
        raise ShapeMismatch(f"rr_ms {rr.shape}")
    if not np.isfinite(rr).all():
        raise OutOfRange("every RR interval must be finite: correct the beats first")
    return rr


def _doubt(rr: Floats, scales: tuple[int, ...], percent: float | None) -> Flag | None:
    if percent is not None and not percent <= MAX_ARTEFACT_PERCENT:
        return Flag.TOO_MANY_ARTEFACTS
    return Flag.TOO_LITTLE_DATA if len(rr) < 2 * max(scales) else None


def _slopes(
    series: list[Floats], scales: tuple[int, ...], boxes: Boxes, averaging: Averaging
) -> list[float | None]:
    """Slope of each series, None where a scale has no fluctuation beyond rounding."""
    if not series:
        return []
    lengths = np.array([len(rr) for rr in series])
    profiles = np.zeros((len(series), lengths.max()))
    for row, rr in enumerate(series):
        np.cumsum(rr - rr.mean(), out=profiles[row, : len(rr)])
    floor = (1e-9 * np.abs(profiles).max(axis=1)) ** 2
    squares = {scale: _mean_square(profiles, lengths, scale, boxes, averaging) for scale in set(scales)}
    has_spread = np.min(list(squares.values()), axis=0) > floor
    x = np.log2(np.array(scales, dtype=np.float64))
    y = np.log2(np.where(has_spread, np.array([squares[scale] for scale in scales]), 1.0)) / 2
    dx = x - x.mean()
    slopes = (dx[:, None] * (y - y.mean(axis=0))).sum(axis=0) / (dx @ dx)
    return [float(slope) if it else None for slope, it in zip(slopes, has_spread, strict=True)]


def _mean_square(
    profiles: Floats, lengths: NDArray[np.int64], scale: int, boxes: Boxes, averaging: Averaging
) -> Floats:
    """Mean square about the straight line of each box, averaged over the boxes of each (padded) row."""
    rows = len(profiles)
    count = lengths // scale
    if boxes is Boxes.HALF_OVERLAP:
        step = scale // 2
        cut = sliding_window_view(profiles, scale, axis=1)[:, ::step]
        count = -(-(lengths - scale) // step)  # no box ends on the very last beat
    else:
        cut = _boxes(profiles, scale)
    squares = _box_squares(cut, scale)
    is_whole = np.arange(squares.shape[1]) < count[:, None]
    if boxes is Boxes.BOTH_ENDS:
        ends = np.zeros_like(profiles[:, : cut.shape[1] * scale])
        for row in range(rows):
            n = int(count[row]) * scale
            ends[row, :n] = profiles[row, lengths[row] - n : lengths[row]]
        squares = np.concatenate([squares, _box_squares(_boxes(ends, scale), scale)], axis=1)
        is_whole = np.concatenate([is_whole, is_whole], axis=1)
    if averaging is Averaging.WITHOUT_FLAT:
        is_whole &= squares > FLAT_MS2
    kept = np.where(is_whole, np.sqrt(squares) if averaging is Averaging.MEAN_ROOT else squares, 0.0)
    mean = kept.sum(axis=1) / np.maximum(is_whole.sum(axis=1), 1)
    return np.asarray(mean**2 if averaging is Averaging.MEAN_ROOT else mean)


def _boxes(profiles: Floats, scale: int) -> Floats:
    count = profiles.shape[1] // scale
    return profiles[:, : count * scale].reshape(len(profiles), count, scale)


def _box_squares(cut: Floats, scale: int) -> Floats:
    """Mean square of (rows, boxes, scale) values about each box's own line, (rows, boxes)."""
    residual = cut.reshape(-1, scale) @ _away_from_the_line(scale)
    return np.asarray(np.einsum("ij,ij->i", residual, residual) / scale).reshape(cut.shape[:2])


@lru_cache(maxsize=256)
def _away_from_the_line(scale: int) -> Floats:
    """The symmetric matrix that takes a box to what its least-squares line leaves."""
    t = np.arange(scale) - (scale - 1) / 2
    return np.eye(scale) - 1 / scale - np.outer(t, t) / (t @ t)
