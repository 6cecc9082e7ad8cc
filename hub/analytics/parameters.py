"""Everything about a person that changes a session's numbers, as it stood on the session's day.

It deliberately holds no name and no identity, and does not know how the values were entered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hub.analytics.custom_zones import ZoneEdges
from hub.analytics.profile import HeartProfile
from hub.analytics.threshold_trimp import LactateFit


@dataclass(frozen=True, slots=True)
class Parameters:
    """None is unknown and disables what needs it; `estimated` names fields that were not measured."""

    heart: HeartProfile = field(default_factory=HeartProfile)
    vt1_bpm: int | None = None
    vt2_bpm: int | None = None
    lthr_bpm: int | None = None
    zones: ZoneEdges | None = None
    lactate: LactateFit | None = None
    mass_kg: float | None = None
    born_on: date | None = None
    estimated: frozenset[str] = frozenset()
