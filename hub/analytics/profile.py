"""What the load formulas need to know of a person; deliberately no name and no identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sex(StrEnum):
    """Sex as the load formulas need it; unknown gives no Banister value rather than a guess."""

    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "U"


@dataclass(frozen=True, slots=True)
class HeartProfile:
    """Limits of one person's heart rate, in bpm; None is unknown and disables what needs it."""

    sex: Sex = Sex.UNKNOWN
    hr_max_bpm: int | None = None
    hr_rest_bpm: int | None = None
