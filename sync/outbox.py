"""What the relay needs of a hub's store, and nothing more: the seam between the two.

It holds no SQL and no rules of merging; every method is one transaction of the store's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sync import wire
from sync.segments import Segment


@dataclass(frozen=True, slots=True)
class Standing:
    """How far this hub has written, sent and read. `feed_epoch` 0 means that the hub never learnt one.

    `run_id` names this process, `cursor_op` the feed entry at the cursor, `erased_seq` the last feed number
    up to which every erasure was carried out, `erased` everybody the cloud is to be reminded of,
    `segments_waiting` how many segments it has not confirmed.
    """

    epoch: int
    head_seq: int
    acked_seq: int
    cursor: int
    feed_epoch: int
    boot_no: int
    boot_id: str
    run_id: str = ""
    cursor_op: str = ""
    erased_seq: int = 0
    erased: tuple[str, ...] = ()
    segments_waiting: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a snapshot was taken in: of which feed, as of which entry, behind which record."""

    feed_epoch: int
    at_seq: int
    after_tbl: str
    after_pk: str


class Outbox(Protocol):
    """A hub's store as the relay sees it."""

    async def standing(self) -> Standing:
        """Where the hub stands now, read afresh."""

    async def pending_ops(self, limit_bytes: int) -> Sequence[wire.Op]:
        """The oldest unacknowledged operations in seq order: about `limit_bytes` of JSON, at least one.

        None is left out in between, whatever the feed told of it: the cloud's copy of the log has no hole.
        """

    async def record_pushed(self, response: wire.PushResponse) -> None:
        """Everything up to `response.last_seq` is acknowledged; results marked "dead" will not be applied."""

    async def settle(self, last_seq: int) -> None:
        """The cloud holds every operation up to `last_seq` and its whole feed was read: whatever still waits
        for its echo is in what was read, or in the snapshot before it.
        """

    async def chain_at(self, seq: int) -> str | None:
        """The chain behind operation `seq` of this log, None where it is not kept."""

    async def rewind(self, last_seq: int) -> bool:
        """Make every operation after `last_seq` pending again; False, and no change, when one is not kept."""

    async def fork(self, epoch: int) -> None:
        """Number everything kept anew from 1 under this epoch, all of it pending; the cloud knows doubles."""

    async def suspect(self, seq: int, reason: str) -> None:
        """The cloud fails on this operation: from now on it goes out without its content, so as to be
        refused and kept here for a person to look at.
        """

    async def anchors(self) -> Sequence[wire.Anchor]:
        """A page of what the hub knows of true time and the cloud has not acknowledged; some may have been
        sent before, since anchors are facts."""

    async def record_told(self, anchors: Sequence[wire.Anchor]) -> None:
        """The cloud knows these: they are sent again only after `fork`, `doubt_segments` or a new feed."""

    async def apply_feed(self, ops: Sequence[wire.FeedOp], head: int) -> None:
        """Apply entries that follow the cursor and move it behind them, in one transaction."""

    async def learn_feed(self, feed_epoch: int) -> None:
        """The cursor counts in this feed: remember it, where none was known."""

    async def learn_head(self, feed_epoch: int, head: int) -> None:
        """The newest entry of the club's feed, as the cloud greeted with it: what is still to come here."""

    async def learn_bundle_key(self, bundle_key: str) -> None:
        """The club's public keys for bundles on a stick, as the cloud greeted with them."""

    async def doubt_segments(self) -> None:
        """The cloud was put back to a backup: nothing counts as stored there until it says so again."""

    async def snapshot_place(self) -> Place | None:
        """How far a snapshot was taken in, None where none was begun."""

    async def take_page(self, page: wire.SnapshotPage, after: tuple[str, str] | None = None) -> None:
        """Keep a page aside. The last puts all of them in place of what was confirmed, in one transaction,
        and the cursor with them; pending operations stay. A page of another feed than the pages before it
        begins anew; one asked for behind another record than the last one kept (`after`) is not taken.
        """

    async def unsent_segment_ids(self, limit: int) -> Sequence[bytes]:
        """Sealed segments known neither to be stored nor to be refused, the most wanted first."""

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        """The segments themselves, in the order asked; unknown ids are left out."""

    async def record_stored(self, ids: Sequence[bytes]) -> None:
        """The cloud has these durably."""

    async def record_refused(self, codes: Mapping[bytes, str]) -> None:
        """The cloud will not have these, by reason: they are not to be sent again until somebody says so."""

    async def cut_erased(self, ids: Sequence[bytes]) -> None:
        """The cloud will not have these: somebody wore their streams who was erased. Only what others wore,
        as far as is known here, stays; it is sealed anew.
        """

    async def record_contact(self, server_ms: int, rtt_ms: int, mono_ms: int) -> None:
        """The cloud's clock said `server_ms` at this boot's `mono_ms`, give or take half of `rtt_ms`."""

    async def note(self, what: str, outcome: str) -> None:
        """A line for the log people see on the sync page."""
