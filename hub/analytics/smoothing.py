"""Exponential smoothing of daily values, with the four meanings people give to "N days" kept apart.

It names its convention and has no favourite: the same N under another alpha is another number. The
fitness-fatigue model, two such smoothings and two weights, is here too; it fits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch

Floats = NDArray[np.float64]


class Smoothing(StrEnum):
    """How a number of days becomes the weight of today."""

    SPAN = "2/(N+1)"
    EXPONENTIAL = "1-exp(-1/N)"
    ONE_OVER_N = "1/N"
    HALF_LIFE = "1-2^(-1/N)"


def alpha_of(convention: Smoothing, days: float) -> float:
    """Weight of today, 0 to 1, for `days` of that convention. Raises OutOfRange for days under 1.

    Sources: Williams et al. (2017) for 2/(N+1); Coggan's chart for the exponential and 1/N.
    """
    if not (math.isfinite(days) and days >= 1):
        raise OutOfRange(f"{days} days")
    match convention:
        case Smoothing.SPAN:
            return 2 / (days + 1)
        case Smoothing.EXPONENTIAL:
            return -math.expm1(-1 / days)
        case Smoothing.ONE_OVER_N:
            return 1 / days
        case Smoothing.HALF_LIFE:
            return -math.expm1(-math.log(2) / days)


def smooth(daily: NDArray[np.floating], alpha: float, state: Floats | None = None) -> Floats:
    """state + alpha (today - state) down the days of (days, athletes); a NaN day leaves the state as it was.

    `state` (athletes,) is the value before the first day; without it each athlete starts at the first
    known value, NaN until then. The last row is the state to go on from. Raises ShapeMismatch, OutOfRange
    for alpha outside (0, 1].
    """
    values = np.asarray(daily, dtype=np.float64)
    if values.ndim != 2 or (state is not None and state.shape != values.shape[1:]):
        raise ShapeMismatch(f"daily {values.shape}, state {None if state is None else state.shape}")
    if not 0 < alpha <= 1:
        raise OutOfRange(f"alpha {alpha}")
    known = ~np.isnan(values)
    now = np.full(values.shape[1], np.nan) if state is None else state.astype(np.float64)
    return follow(np.where(known, values, 0.0), known, [alpha], now[None])[:, 0]


def follow(load: Floats, known: NDArray[np.generic], alphas: list[float], now: Floats) -> Floats:
    """`smooth` with several alphas at once: (days, alphas, athletes), from `now` (alphas, athletes).

    `load` (days, athletes) is 0 where `known`, alike or (days, 1), is not true; NaN in `now` is not begun.
    """
    shares = np.repeat(np.array(alphas)[:, None], load.shape[1], axis=1)
    smoothed = np.empty((len(load), *shares.shape))
    smoothed[...] = load[:, None]  # today's, until it is smoothed
    is_new = np.isnan(now)
    if len(load) and is_new.any():  # the first known value starts an athlete, so that day changes nothing
        now = np.where(is_new, load[known.argmax(axis=0), np.arange(load.shape[1])], now)
    weights: Iterable[Floats] = repeat(shares) if known.all() else shares * known[:, None]
    for today, share in zip(smoothed, weights, strict=False):
        today -= now
        today *= share
        today += now
        now = today
    if len(load) and (is_new & (known[0] == 0)).any():
        not_yet = ~np.logical_or.accumulate(known, axis=0)[:, None]
        np.copyto(smoothed, np.nan, where=is_new & not_yet)
    return smoothed


def impulse_response(
    daily_load: NDArray[np.floating],
    *,
    p0: float,
    k1: float,
    k2: float,
    tau1_days: float,
    tau2_days: float,
) -> Floats:
    """Performance p0 + k1 g - k2 h before each of (days,) loads and after the last, (days + 1,).

    g and h sum past loads decaying over tau1 and tau2 days. Sources: Banister et al. (1975); Clarke and
    Skiba (2013). Raises ShapeMismatch; OutOfRange for a tau not positive or a load not finite.
    """
    loads = np.asarray(daily_load, dtype=np.float64)
    if loads.ndim != 1:
        raise ShapeMismatch(f"daily_load {loads.shape}")
    if not (tau1_days > 0 and tau2_days > 0 and np.isfinite(loads).all()):
        raise OutOfRange(f"tau {tau1_days} and {tau2_days} days")
    keep = np.exp([-1 / tau1_days, -1 / tau2_days])
    traces = np.zeros((len(loads) + 1, 2))
    for day, load in enumerate(loads):
        traces[day + 1] = traces[day] * keep + load
    return p0 + k1 * traces[:, 0] - k2 * traces[:, 1]
