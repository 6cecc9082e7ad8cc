"""Linear quantiles of the window around each value, for the rows of a matrix at once.

It sorts each window anew and keeps nothing from one to the next: sorting short windows is quicker than
minding them.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOWS_AT_ONCE = 1024
BEHIND = 1e300
"""Stands for no value: sorts behind every true one, and unlike infinity can be subtracted from itself."""


def rolling_quantiles(
    values: Floats, lengths: NDArray[np.int64], width: int, shares: tuple[float, ...]
) -> list[Floats]:
    """For each share the quantiles (rows, n) of the centred windows over `width` of (rows, n) values.

    Row r holds `lengths[r]` values (at least 1); its windows are shorter towards both its ends, and what
    is answered behind its last value means nothing.
    """
    half, (rows, n) = width // 2, values.shape
    index = np.arange(n)
    has_value = index < lengths[:, None]
    padded = np.full((rows, n + 2 * half), BEHIND)
    padded[:, half : half + n] = np.where(has_value, values, BEHIND)
    windows = sliding_window_view(padded, width, axis=1)
    behind = np.maximum(lengths[:, None] - 1 - index, 0)
    last = np.minimum(index, half) + np.minimum(behind, half)
    answers = [np.empty((rows, n)) for _ in shares]
    step = max(1, min(n, WINDOWS_AT_ONCE // rows))
    room = np.empty((rows, step, width))
    for start in range(0, n, step):
        part = slice(start, start + step)
        till = last[:, part]
        ordered = room[:, : till.shape[1]]
        ordered[...] = windows[:, part]
        ordered.sort(axis=2)
        flat = ordered.reshape(-1)
        first = np.arange(till.size).reshape(till.shape) * width
        for answer, share in zip(answers, shares, strict=True):
            place = share * till
            lower = place.astype(np.int64)
            low = flat[first + lower]
            high = flat[first + np.minimum(lower + 1, till)]
            answer[:, part] = low + (high - low) * (place - lower)
    return answers
