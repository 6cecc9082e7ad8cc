"""How fast an athlete runs right now, as the pod on the shoe last said.

It smooths nothing and adds nothing up; the session's distance is worked out from what was stored.
"""

from __future__ import annotations

from dataclasses import dataclass

GONE_S = 5.0
"""Older than this a value is not shown any more, as with a heart rate."""


@dataclass(frozen=True, slots=True)
class LiveMotion:
    """Speed in m/s, steps of both feet a minute, and how old both are."""

    speed_m_s: float
    cadence_steps_min: int
    age_s: float


def live_motion(speed_mm_s: int, cadence_steps_min: int, age_s: float) -> LiveMotion | None:
    """A pod's last measurement (Running Speed and Cadence Service 1.0), or None where it is over 5 s old."""
    if age_s > GONE_S:
        return None
    return LiveMotion(speed_mm_s / 1000, cadence_steps_min, age_s)
