"""Heart-rate variability of RR intervals at rest, and its course over days against the athlete's own band.

It corrects nothing: which beats are valid is told to it (`artefacts`), and no difference ever bridges a
removed beat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

PLAUSIBLE_RR_MS = (240, 2000)
MIN_DIFFERENCES = 30
WEEK_DAYS = 7
MIN_WEEK_VALUES = 3
MIN_BASELINE_VALUES = 14

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TimeDomain:
    """Time-domain values in ms, bpm and percent; None where they are undefined.

    `n` counts valid beats, `n_differences` pairs of adjacent valid beats; `coverage` is the share of beats
    that were valid (0 to 1). `mean_bpm` is 60000 / mean RR, `mean_instant_bpm` the larger mean of 60000 / RR.
    """

    mean_rr_ms: float | None
    mean_bpm: float | None
    mean_instant_bpm: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    ln_rmssd: float | None
    sdsd_ms: float | None
    nn50: int
    pnn50_percent: float | None
    n: int
    n_differences: int
    coverage: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class RollingWeek:
    """Per day (n,): mean, SD (ddof 1), CV in percent and count of the last 7 days; NaN if undefined."""

    mean: Floats
    sd: Floats
    cv_percent: Floats
    n: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SwcBand:
    """Baseline mean and SD with the smallest-worthwhile-change band lo..hi; None with under two values."""

    mean: float | None
    sd: float | None
    lo: float | None
    hi: float | None
    n: int
    coverage: float
    flags: tuple[Flag, ...]

    def side_of(self, value: float) -> int | None:
        """-1 below the band, 0 in it, 1 above it (both sides are worth a look); None without a band."""
        if self.lo is None or self.hi is None or not math.isfinite(value):
            return None
        return int(value > self.hi) - int(value < self.lo)


def plausible(rr_ms: NDArray[np.integer | np.floating]) -> NDArray[np.bool_]:
    """Which of (n,) RR intervals lie in 240..2000 ms (own rule, up to a sprinter's 250 bpm); NaN does not."""
    rr = np.asarray(rr_ms, dtype=np.float64)
    return (rr >= PLAUSIBLE_RR_MS[0]) & (rr <= PLAUSIBLE_RR_MS[1])


def time_domain(
    rr_ms: NDArray[np.integer | np.floating],
    valid: NDArray[np.bool_] | None = None,
    *,
    keep_implausible: bool = False,
) -> TimeDomain:
    """Time-domain variability of (n,) RR intervals in ms, in the order they were beaten.

    `valid` is (n,) booleans, all true by default; implausible and NaN intervals are removed besides
    (`keep_implausible`, for comparison with programs that remove none, takes out only what is not finite
    and above 0). SDNN and SDSD have ddof 1, pNN50 is 100 NN50 / differences. Under 30 differences the
    values are flagged.
    Source: Task Force of the ESC and NASPE (1996). Raises ShapeMismatch.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1 or (valid is not None and valid.shape != rr.shape):
        raise ShapeMismatch(f"rr_ms {rr.shape}, valid {None if valid is None else valid.shape}")
    kept = np.isfinite(rr) & (rr > 0) if keep_implausible else plausible(rr)
    kept = kept if valid is None else kept & valid
    if kept.all():
        beats, diff = rr, np.diff(rr)
    else:
        beats, diff = rr[kept], np.diff(rr)[kept[1:] & kept[:-1]]
    n, pairs = len(beats), len(diff)
    mean = float(beats.mean()) if n else None
    rmssd = math.sqrt(float(diff @ diff) / pairs) if pairs else None
    nn50 = int(np.count_nonzero(diff > 50) + np.count_nonzero(diff < -50))
    return TimeDomain(
        mean_rr_ms=mean,
        mean_bpm=60_000 / mean if mean else None,
        mean_instant_bpm=float((60_000 / beats).mean()) if n else None,
        sdnn_ms=_sd(beats),
        rmssd_ms=rmssd,
        ln_rmssd=math.log(rmssd) if rmssd else None,
        sdsd_ms=_sd(diff),
        nn50=nn50,
        pnn50_percent=100 * nn50 / pairs if pairs else None,
        n=n,
        n_differences=pairs,
        coverage=n / len(rr) if len(rr) else 0.0,
        flags=(Flag.TOO_LITTLE_DATA,) if pairs < MIN_DIFFERENCES else (),
    )


def rolling_week(daily: NDArray[np.floating]) -> RollingWeek:
    """Mean, SD and CV over each day and the six before it of (n,) daily values, NaN for a day without one.

    Fewer than 3 values in the week give NaN. Sources: Plews et al. (2014); Buchheit (2014).
    Raises ShapeMismatch.
    """
    values = np.asarray(daily, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeMismatch(f"daily {values.shape}")
    if len(values) == 0:
        return RollingWeek(values, values.copy(), values.copy(), np.zeros(0, np.int64))
    weeks = sliding_window_view(np.concatenate([np.full(WEEK_DAYS - 1, np.nan), values]), WEEK_DAYS)
    present = np.isfinite(weeks)
    n = present.sum(axis=1)
    enough = n >= MIN_WEEK_VALUES
    count = np.where(enough, n, np.nan)
    mean = np.where(present, weeks, 0.0).sum(axis=1) / count
    squares = (np.where(present, weeks - mean[:, None], 0.0) ** 2).sum(axis=1)
    sd = np.sqrt(squares / (count - 1))
    safe = np.where(mean == 0, np.nan, mean)
    return RollingWeek(mean, sd, 100 * sd / safe, n.astype(np.int64))


def swc_band(baseline: NDArray[np.floating], k: float = 0.5) -> SwcBand:
    """Mean +- k SD (ddof 1) of (n,) baseline days, 28 to 60 of them, NaN for a day without a value.

    Under 14 values the band is flagged. Sources: Plews et al. (2013); Buchheit (2014). Raises OutOfRange
    for k not positive, ShapeMismatch.
    """
    values = np.asarray(baseline, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeMismatch(f"baseline {values.shape}")
    if not (math.isfinite(k) and k > 0):
        raise OutOfRange(f"k {k}")
    known = values[np.isfinite(values)]
    coverage = len(known) / len(values) if len(values) else 0.0
    flags = (Flag.TOO_LITTLE_DATA,) if len(known) < MIN_BASELINE_VALUES else ()
    sd = _sd(known)
    if sd is None:
        return SwcBand(None, None, None, None, len(known), coverage, flags)
    mean = float(known.mean())
    return SwcBand(mean, sd, mean - k * sd, mean + k * sd, len(known), coverage, flags)


def _sd(values: Floats) -> float | None:
    if len(values) < 2:
        return None
    off = values - values.mean()
    return math.sqrt(float(off @ off) / (len(values) - 1))
