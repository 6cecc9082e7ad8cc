"""What the pages may do about who wears what: correct, give from the bucket, ignore, stand by, hold.

It names no recorder; the composition root gives whoever can do it.
"""

from __future__ import annotations

from typing import Protocol

from hub.wearing.hold_to_hub import Proposal
from hub.wearing.reassignment import Corrected
from hub.wearing.stretches import Cell


class WearingVerbs(Protocol):
    """Each raises a HubError with a hint where it is refused; `made_by` is who asks."""

    async def give(self, session_id: str, cell: Cell, made_by: str) -> Corrected:
        """Give a stretch of a strap to an athlete, or to nobody."""

    async def swap(
        self, session_id: str, one_id: str, other_id: str, from_ms: int, made_by: str
    ) -> Corrected:
        """Two athletes wore each other's straps from a time of the session's own clock on."""

    async def take_back(self, edit_id: str) -> Corrected:
        """Undo a correction."""

    async def put_aside(self, stream_id: str, from_ms: int, to_ms: int) -> None:
        """A stretch belongs to nobody."""

    async def offer_again(self, aside_id: str) -> None:
        """Undo that."""

    async def ignore(self, strap_id: str, made_by: str) -> None:
        """Another team's strap."""

    async def hear_again(self, strap_id: str) -> None:
        """Undo that."""

    async def stand_by(self, strap_id: str, athlete_id: str) -> None:
        """Give an athlete a second strap."""

    @property
    def is_recording(self) -> bool:
        """Whether a session runs."""

    def look(self, worn: frozenset[str]) -> Proposal:
        """Which strap is held to the hub now; all but the `worn` ones are let go meanwhile."""
