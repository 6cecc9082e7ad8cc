"""What a reader must be told beside a number, as one closed list.

A flag never changes a value; where there is none, the value is None and a flag says why.
"""

from __future__ import annotations

from enum import StrEnum


class Flag(StrEnum):
    """A reservation about a result; results carry them in the order they were raised."""

    ESTIMATED = "estimated"
    ROUGH = "rough"
    EXPERIMENTAL = "experimental"
    NOT_VALIDATED_FOR_AGE = "not validated for this age"
    NOT_VALIDATED_FOR_SEX = "not validated for this sex"
    SEX_UNKNOWN = "sex unknown"
    HR_MAX_UNKNOWN = "HRmax not set"
    HR_REST_UNKNOWN = "resting heart rate not set"
    THRESHOLD_UNKNOWN = "threshold heart rate not set"
    LIMITS_CONTRADICT = "the athlete's limits contradict each other"
    ABOVE_MAX = "above the maximum: check HRmax or the signal"
    BELOW_REST = "below the resting heart rate"
    OUTSIDE_FITTED_RANGE = "outside the range the formula was fitted on"
    NEGATIVE_SET_TO_ZERO = "negative values set to zero"
    PARTLY_ESTIMATED = "gaps of 10 to 60 s are estimated"
    TOO_LITTLE_DATA = "too little data"
    UNUSUAL_DURATION = "test of unusual duration"
    TOO_MANY_ARTEFACTS = "too many artefacts"
    NO_SPREAD = "no spread in the data"
    MINIMUM_SCALE_USED = "spread too small: the smallest scale is used"
    ITEMS_MISSING = "items are missing"
    NO_EXPOSURE = "no exposure"
    FAST_POINTS_DROPPED = "implausible points dropped"
    SPEED_FROM_POSITIONS = "speed worked out from positions"
    POOR_FIXES_DROPPED = "points with a poor fix dropped"
    DISTANCE_FROM_DEVICE = "the device's own distance, no speeds"
