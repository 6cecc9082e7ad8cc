"""Short-term scaling exponent alpha1 of RR intervals by detrended fluctuation analysis.

It gives no thresholds and no zones: the number is experimental and means little outside steady work. The
convention stands in every result, since the same beats give 1.53 to 1.66 under others'.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

Floats = NDArray[np.float64]

SCALES = tuple(range(4, 17))
MAX_ARTEFACT_PERCENT = 3.0


class Boxes(StrEnum):
    """How the profile is cut into boxes of one scale; half-overlapping ones stop short of the last beat."""

    FORWARD = "boxes from the start"
    BOTH_ENDS = "boxes from the start and from the end"
    HALF_OVERLAP = "boxes overlapping by half"


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
    artefact_percent: float | None = None,
) -> Alpha1:
    """Slope of log2 F against log2 scale of (n,) corrected RR intervals in ms, boxes detrended linearly.

    `artefact_percent` is that of the raw beats; above 3 % no value is given. None too where n is under twice
    the largest scale or a scale has no fluctuation. A repeated scale weighs twice. Sources: Peng et al.
    (1995); Gronwald and Rogers (2021, 2022). Raises ShapeMismatch, OutOfRange for RR not finite or fewer
    than two different scales of at least 3.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1:
        raise ShapeMismatch(f"rr_ms {rr.shape}")
    if not np.isfinite(rr).all():
        raise OutOfRange("every RR interval must be finite: correct the beats first")
    if len(set(scales)) < 2 or min(scales) < 3:
        raise OutOfRange(f"scales {scales}")
    convention = f"{len(scales)} scales {min(scales)}-{max(scales)}, {boxes}, linear detrending, log2 slope"
    flags = [Flag.EXPERIMENTAL]
    alpha1 = None
    if artefact_percent is not None and artefact_percent > MAX_ARTEFACT_PERCENT:
        flags.append(Flag.TOO_MANY_ARTEFACTS)
    elif len(rr) < 2 * max(scales):
        flags.append(Flag.TOO_LITTLE_DATA)
    else:
        alpha1 = _slope(np.cumsum(rr - rr.mean()), scales, boxes)
        if alpha1 is None:
            flags.append(Flag.NO_SPREAD)
    return Alpha1(alpha1, convention, len(rr), artefact_percent, tuple(flags))


def _slope(profile: Floats, scales: tuple[int, ...], boxes: Boxes) -> float | None:
    squares = {scale: _mean_square(profile, scale, boxes) for scale in set(scales)}
    floor = (1e-9 * float(np.abs(profile).max())) ** 2  # below it, residuals are rounding and no fluctuation
    if min(squares.values()) <= floor:
        return None
    x = np.log2(np.array(scales, dtype=np.float64))
    y = np.log2(np.array([squares[scale] for scale in scales])) / 2
    dx = x - x.mean()
    return float(dx @ (y - y.mean()) / (dx @ dx))


def _mean_square(profile: Floats, scale: int, boxes: Boxes) -> float:
    """Mean square about the straight line of each box, averaged over the boxes."""
    if boxes is Boxes.HALF_OVERLAP:
        cut = sliding_window_view(profile, scale)[: -1 : scale // 2]  # no box ends on the very last beat
    else:
        count = len(profile) // scale
        cut = profile[: count * scale].reshape(count, scale)
        if boxes is Boxes.BOTH_ENDS:
            cut = np.concatenate([cut, profile[len(profile) - count * scale :].reshape(count, scale)])
    t = np.arange(scale) - (scale - 1) / 2
    level = cut - cut.mean(axis=1, keepdims=True)
    residual = level - np.outer(level @ t / (t @ t), t)
    return float((residual**2).mean())
