"""One athlete's load in one session from timestamped heart rates, with how much of it was heard.

It takes arrays and gives numbers; it does not know sessions, straps or storage.

Time is credited by timestamps. Between two neighbouring valid heart rates the kernel runs linearly: up
to 10 s silently, up to 60 s counted as estimated, and a longer gap earns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import credited_time
from hub.analytics.profile import HeartProfile
from hub.analytics.trimp import TABLE_BPM, banister_table, zone_table
from hub.analytics.zones import ZONE_COUNT


@dataclass(frozen=True, slots=True)
class SessionLoad:
    """Load in arbitrary units with its coverage; None where an input is missing.

    `zone_s` are seconds in zones 0 to 5. `coverage` is credited time over session time (0 to 1);
    `estimated_s` is the part of the credited time that bridges gaps of 10 to 60 s.
    """

    banister_au: float | None
    edwards_au: float | None
    mean_bpm: float | None
    max_bpm: int | None
    zone_s: tuple[float, ...]
    covered_s: float
    estimated_s: float
    elapsed_s: float
    coverage: float
    n: int
    above_max_s: float


def session_load(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.int16],
    profile: HeartProfile,
    from_ms: int,
    to_ms: int,
) -> SessionLoad:
    """Load of the samples in [from_ms, to_ms).

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 is a gap; of two samples with one timestamp the
    first in the array counts. Raises ShapeMismatch.
    """
    credited = credited_time(mono_ms, bpm, from_ms, to_ms)
    weight_s, covered_s = credited.weight_s, credited.covered_s
    index = np.minimum(credited.bpm, TABLE_BPM - 1).astype(np.int64)
    banister, zones = banister_table(profile), zone_table(profile.hr_max_bpm)
    zone_s = [0.0] * ZONE_COUNT
    if zones is not None:
        zone_s = np.bincount(np.array(zones)[index], weights=weight_s, minlength=ZONE_COUNT).tolist()
    above = index > profile.hr_max_bpm if profile.hr_max_bpm is not None else np.zeros(len(index), dtype=bool)
    return SessionLoad(
        banister_au=None if banister is None else float((np.array(banister)[index] * weight_s).sum() / 60),
        edwards_au=None if zones is None else sum(z * s for z, s in enumerate(zone_s)) / 60,
        mean_bpm=float((index * weight_s).sum() / covered_s) if covered_s > 0 else None,
        max_bpm=int(index.max()) if len(index) else None,
        zone_s=tuple(zone_s),
        covered_s=covered_s,
        estimated_s=credited.estimated_s,
        elapsed_s=credited.elapsed_s,
        coverage=credited.coverage,
        n=credited.n,
        above_max_s=float(weight_s[above].sum()),
    )
