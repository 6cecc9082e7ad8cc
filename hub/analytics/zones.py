"""Five heart-rate zones of 10 % of HRmax from 50 %, left-closed; below 50 % is zone 0 and is counted.

It does not choose thresholds for anybody: custom edges come with the metric catalogue.
"""

from __future__ import annotations

from hub.analytics.errors import OutOfRange

ZONE_COUNT = 6


def percent_of_max(bpm: float, hr_max_bpm: float) -> float:
    """Heart rate as a percentage of HRmax (convention: 100 HR / HRmax). Raises OutOfRange for HRmax <= 0."""
    if not hr_max_bpm > 0:
        raise OutOfRange(f"HRmax {hr_max_bpm} bpm")
    return 100.0 * bpm / hr_max_bpm


def zone_of(bpm: float, hr_max_bpm: float) -> int:
    """Zone 0 to 5 of a heart rate, edges at 50, 60, 70, 80 and 90 % of HRmax, each edge in the upper zone.

    Source: Edwards (1993), as printed in Foster et al. (2001), figure 2.
    """
    percent = percent_of_max(bpm, hr_max_bpm)
    if percent < 50.0:
        return 0
    return min(5, int(percent // 10.0) - 4)
