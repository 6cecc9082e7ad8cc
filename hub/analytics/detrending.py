"""Slow trends taken out of an RR series by smoothness priors, as some programs do before DFA.

For comparison with those programs only: nothing here is shown, and alpha1 is worked out without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch

Floats = NDArray[np.float64]


def without_trend(rr_ms: NDArray[np.integer | np.floating], smoothness: float = 500.0) -> Floats:
    """(n,) RR intervals less their trend, which minimises its own squared second differences times
    `smoothness` squared plus its squared distance from the series; under 3 intervals give zeros.

    Source: Tarvainen et al. (2002). Raises ShapeMismatch; OutOfRange for a smoothness not positive or an
    interval not finite.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1:
        raise ShapeMismatch(f"rr_ms {rr.shape}")
    if not (0 < smoothness < np.inf and np.isfinite(rr).all()):
        raise OutOfRange(f"smoothness {smoothness}, or an interval that is not finite")
    return rr - _solved(*_bands(len(rr), smoothness**2), rr) if len(rr) > 2 else np.zeros(len(rr))


def _bands(n: int, weight: float) -> tuple[Floats, Floats, Floats]:
    """The diagonal and the two beside it of I + weight D'D, D taking second differences."""
    main, beside, second = np.ones(n), np.zeros(n), np.zeros(n)
    main[:-2] += weight
    main[1:-1] += 4 * weight
    main[2:] += weight
    beside[:-2] -= 2 * weight
    beside[1:-1] -= 2 * weight
    second[:-2] += weight
    return main, beside, second


def _solved(main: Floats, beside: Floats, second: Floats, right: Floats) -> Floats:
    """Solution of the symmetric five-diagonal system, by L D L' without the zeros."""
    n = len(main)
    d, l1, l2, y = [0.0] * n, [0.0] * n, [0.0] * n, right.tolist()
    a, b, c = main.tolist(), beside.tolist(), second.tolist()
    for i in range(n):
        one, two = (l1[i - 1], l2[i - 2]) if i > 1 else (l1[i - 1] if i else 0.0, 0.0)
        d_one, d_two = d[i - 1] if i else 0.0, d[i - 2] if i > 1 else 0.0
        d[i] = a[i] - d_one * one**2 - d_two * two**2
        l1[i] = (b[i] - (d_one * l2[i - 1] * one if i else 0.0)) / d[i]
        l2[i] = c[i] / d[i]
        y[i] -= (one * y[i - 1] if i else 0.0) + (two * y[i - 2] if i > 1 else 0.0)
    x = [value / pivot for value, pivot in zip(y, d, strict=True)]
    for i in range(n - 2, -1, -1):
        x[i] -= l1[i] * x[i + 1] + (l2[i] * x[i + 2] if i + 2 < n else 0.0)
    return np.array(x)
