"""What people want of a strap: which way in, by which receiver, with RR intervals or not, or none of it.

It is a value alone; the scheduler obeys it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WayIn(StrEnum):
    """How a strap's values are to come: AUTO leaves it to the scheduler."""

    AUTO = "auto"
    CONNECTED = "connected"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Wish:
    """`receiver` pins the strap to one adapter or relay; an ignored strap is never connected nor heard.

    `is_ours` says that somebody of the squad wears it: strangers give way to it when slots are scarce.
    """

    way: WayIn = WayIn.AUTO
    receiver: str | None = None
    wants_rr: bool = False
    is_ignored: bool = False
    is_ours: bool = False

    @property
    def is_pinned(self) -> bool:
        """Whether somebody chose."""
        return self.way is not WayIn.AUTO or self.receiver is not None


NO_WISH = Wish()
