"""Who could come, who came and how late, counted from one athlete's planned sessions.

A strap heard is evidence of presence and no more: a coach's word overrules it before anything is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.analytics.errors import OutOfRange


class Availability(StrEnum):
    """Whether the athlete could take part; only injury and illness remove a session from the available."""

    AVAILABLE = "available"
    INJURED = "injured"
    ILL = "ill"
    ON_DUTY = "on duty"


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One planned session of one athlete, oldest first in a list; `arrived_ms` None is a no-show."""

    start_ms: int
    availability: Availability
    arrived_ms: int | None


@dataclass(frozen=True, slots=True)
class Attendance:
    """Percentages of n planned sessions, None where there is nothing to divide by; `streak` is current."""

    availability_percent: float | None
    participation_percent: float | None
    late_percent: float | None
    mean_lateness_s: float | None
    n_available: int
    n_attended: int
    n_late: int
    streak: int
    n: int


def attendance(planned: Sequence[PlannedSession], grace_s: float = 0.0) -> Attendance:
    """Availability, participation, lateness and streak over planned sessions in any order.

    Availability = available / planned, participation = attended / available, late = later than `grace_s`
    seconds after the start / attended; the streak counts the latest available sessions attended without a
    break, an injured or ill one neither adding nor breaking. Own rules. Raises OutOfRange for a negative
    grace.
    """
    if not grace_s >= 0:
        raise OutOfRange(f"grace {grace_s} s")
    unable = (Availability.INJURED, Availability.ILL)
    able = sorted((it for it in planned if it.availability not in unable), key=lambda it: it.start_ms)
    late_s = [(it.arrived_ms - it.start_ms) / 1000 for it in able if it.arrived_ms is not None]
    over = [seconds for seconds in late_s if seconds > grace_s]
    streak = 0
    for it in reversed(able):
        if it.arrived_ms is None:
            break
        streak += 1
    return Attendance(
        availability_percent=100 * len(able) / len(planned) if planned else None,
        participation_percent=100 * len(late_s) / len(able) if able else None,
        late_percent=100 * len(over) / len(late_s) if late_s else None,
        mean_lateness_s=sum(over) / len(over) if over else None,
        n_available=len(able),
        n_attended=len(late_s),
        n_late=len(over),
        streak=streak,
        n=len(planned),
    )


def presence_intervals(heard_ms: Sequence[int], grace_ms: int) -> list[tuple[int, int]]:
    """First and last time heard of each stay, from times a strap was heard, in any order, in ms.

    A silence of up to `grace_ms` does not end a stay. Own rule. Raises OutOfRange for a negative grace.
    """
    if grace_ms < 0:
        raise OutOfRange(f"grace {grace_ms} ms")
    stays: list[tuple[int, int]] = []
    for at_ms in sorted(heard_ms):
        if stays and at_ms - stays[-1][1] <= grace_ms:
            stays[-1] = (stays[-1][0], at_ms)
        else:
            stays.append((at_ms, at_ms))
    return stays
