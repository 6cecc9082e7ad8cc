"""Totals of two wellness forms and each answer against the athlete's own weeks.

The two scales point in opposite directions and are never mixed; a partial form has no total, and an answer
not given is never filled in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

MIN_BASELINE = 10
BASELINE_DAYS = 28
MIN_SD_POINTS = 0.5


class Scale(StrEnum):
    """A published form: its items, range and direction."""

    HOOPER = "Hooper 1995"
    MCLEAN = "McLean 2010"

    @property
    def items(self) -> tuple[str, ...]:
        if self is Scale.HOOPER:
            return ("sleep", "stress", "fatigue", "soreness")
        return ("fatigue", "sleep", "soreness", "stress", "mood")

    @property
    def highest(self) -> int:
        return 7 if self is Scale.HOOPER else 5

    @property
    def higher_is_better(self) -> bool:
        return self is Scale.MCLEAN


@dataclass(frozen=True, slots=True)
class WellnessTotal:
    """Sum of the items in points, None for a partial form; n items answered, `coverage` 0 to 1."""

    points: float | None
    scale: Scale
    n: int
    coverage: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class OwnScore:
    """Today in SDs of the athlete's own days; None where undefined. `good_z` is turned so that up is good."""

    z: float | None
    good_z: float | None
    n: int
    coverage: float
    flags: tuple[Flag, ...]


def wellness_total(scale: Scale, answers: Mapping[str, float | None]) -> WellnessTotal:
    """Total of one form: Hooper 4 items 1 (good) to 7 (bad), McLean 5 items 1 (bad) to 5 (good).

    A missing item is None or absent. Sources: Hooper and Mackinnon (1995); McLean et al. (2010).
    Raises OutOfRange for an item the scale lacks or a value outside it.
    """
    if unknown := set(answers) - set(scale.items):
        raise OutOfRange(f"{scale} has no {', '.join(sorted(unknown))}")
    given = [value for item in scale.items if (value := answers.get(item)) is not None]
    if not all(1 <= value <= scale.highest for value in given):
        raise OutOfRange(f"{scale} runs from 1 to {scale.highest}")
    n, whole = len(given), len(scale.items)
    if n < whole:
        return WellnessTotal(None, scale, n, n / whole, (Flag.ITEMS_MISSING,))
    return WellnessTotal(float(sum(given)), scale, n, 1.0, ())


def own_z(before: NDArray[np.floating], today: float | None, *, higher_is_better: bool) -> OwnScore:
    """(today - mean) / SD (ddof 1, at least 0.5 points) of the 28 days before, today not among them.

    `before` is (days,), oldest first, NaN for a day without an answer; its last 28 count, and at least 10
    must be known. Own rule, after common practice (Saw et al. 2016 on self-report). Raises ShapeMismatch.
    """
    values = np.asarray(before, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeMismatch(f"before {values.shape}")
    recent = values[-BASELINE_DAYS:]
    known = recent[np.isfinite(recent)]
    n, coverage = len(known), len(known) / BASELINE_DAYS
    if today is None or not math.isfinite(today):
        return OwnScore(None, None, n, coverage, (Flag.ITEMS_MISSING,))
    if n < MIN_BASELINE:
        return OwnScore(None, None, n, coverage, (Flag.TOO_LITTLE_DATA,))
    sd = float(known.std(ddof=1))
    z = (today - float(known.mean())) / max(sd, MIN_SD_POINTS)
    flags = (Flag.MINIMUM_SCALE_USED,) if sd < MIN_SD_POINTS else ()
    return OwnScore(z, z if higher_is_better else -z, n, coverage, flags)
