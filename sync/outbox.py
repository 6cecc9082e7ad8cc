"""What the relay needs of a hub's store, and nothing more: the seam between the two.

It holds no SQL and no rules of merging; every method is one transaction of the store's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync import wire
from sync.segments import Segment


@dataclass(frozen=True, slots=True)
class Standing:
    """How far this hub has written, sent and read. `feed_epoch` 0 means that the hub never learnt one."""

    epoch: int
    head_seq: int
    acked_seq: int
    cursor: int
    feed_epoch: int
    boot_no: int
    boot_id: str


class Outbox(Protocol):
    """A hub's store as the relay sees it."""

    async def standing(self) -> Standing:
        """Where the hub stands now, read afresh."""

    async def pending_ops(self, limit_bytes: int) -> Sequence[wire.Op]:
        """The oldest unacknowledged operations in seq order: about `limit_bytes` of JSON, at least one."""

    async def record_pushed(self, response: wire.PushResponse) -> None:
        """Everything up to `response.last_seq` is acknowledged; results marked "dead" will not be applied."""

    async def rewind(self, last_seq: int) -> bool:
        """Make every operation after `last_seq` pending again; False, and no change, when one is not kept."""

    async def anchors(self) -> Sequence[wire.Anchor]:
        """What the hub knows of true time; may repeat what was sent before, since anchors are facts."""

    async def apply_feed(self, ops: Sequence[wire.FeedOp], head: int) -> None:
        """Apply entries that follow the cursor and move it behind them, in one transaction."""

    async def unsent_segment_ids(self, limit: int) -> Sequence[bytes]:
        """Sealed segments not known to be stored, the most wanted first."""

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        """The segments themselves, in the order asked; unknown ids are left out."""

    async def record_stored(self, ids: Sequence[bytes]) -> None:
        """The cloud has these durably."""

    async def record_contact(self, server_ms: int, rtt_ms: int, mono_ms: int) -> None:
        """The cloud's clock said `server_ms` at this boot's `mono_ms`, give or take half of `rtt_ms`."""

    async def note(self, what: str, outcome: str) -> None:
        """A line for the log people see on the sync page."""
