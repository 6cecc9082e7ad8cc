"""The highest heart rate that was held for some seconds: the only kind of maximum worth proposing as HRmax.

It proposes and never decides; a person confirms a new HRmax.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import SILENT_GAP_MS
from hub.analytics.errors import ShapeMismatch

HELD_MS = 5_000
BELIEVED_BPM = 230
"""Faster hearts than this are taken for a bad signal."""


def sustained_bpm(mono_ms: NDArray[np.int64], bpm: NDArray[np.integer]) -> int | None:
    """The largest bpm the heart stayed at or above for 5 s on end, None where nothing was held so long.

    `mono_ms` and `bpm` are (n,), in order of time. 0, anything above 230 and a gap of more than 10 s end a
    stretch. Own rule, for sports after the practice of not trusting single peaks. Raises ShapeMismatch.
    """
    if mono_ms.shape != bpm.shape or mono_ms.ndim != 1:
        raise ShapeMismatch(f"mono_ms {mono_ms.shape}, bpm {bpm.shape}")
    good = (bpm > 0) & (bpm <= BELIEVED_BPM)
    if not good.any():
        return None
    levels = np.unique(bpm[good])
    lo, hi = -1, len(levels) - 1
    while lo < hi:  # the higher the level, the shorter its stretches: halving finds the highest that is held
        at = (lo + hi + 1) // 2
        lo, hi = (at, hi) if _is_held(mono_ms, good & (bpm >= levels[at])) else (lo, at - 1)
    return int(levels[lo]) if lo >= 0 else None


def _is_held(mono_ms: NDArray[np.int64], is_up: NDArray[np.bool_]) -> bool:
    joined = is_up[1:] & is_up[:-1] & (np.diff(mono_ms) <= SILENT_GAP_MS)
    breaks = np.flatnonzero(~np.concatenate(([False], joined, [False])))
    starts, ends = mono_ms[breaks[:-1]], mono_ms[breaks[1:] - 1]
    return bool(((ends - starts) >= HELD_MS).any())
