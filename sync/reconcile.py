"""What a greeting means: do both sides still hold the same log and the same feed, and if not, what to do.

Pure: it compares and names the remedy. The relay carries it out and greets again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync import wire
from sync.chain import CHAIN_0
from sync.outbox import Standing


@dataclass(frozen=True, slots=True)
class Fork:
    """The cloud has another log under this hub's name: the card is a restored or copied one.

    `epoch` is the one to begin the log anew under, larger than any that was seen.
    """

    epoch: int
    why: str


@dataclass(frozen=True, slots=True)
class Rewind:
    """The cloud lost the end of this hub's log: everything after `last_seq` must be sent again."""

    last_seq: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What to do about the log (None: nothing), and whether the club's feed is another than the hub read."""

    log: Fork | Rewind | None
    is_feed_new: bool

    @property
    def is_in_step(self) -> bool:
        """Nothing to mend."""
        return self.log is None and not self.is_feed_new


def greeting(hub: Standing, mono_ms: int, wall_ms: int) -> wire.HelloRequest:
    """What a hub says of itself first, be it over the network or in a bundle."""
    return wire.HelloRequest(
        proto=[wire.PROTO],
        epoch=hub.epoch,
        head_seq=hub.head_seq,
        feed_epoch=hub.feed_epoch,
        cursor=hub.cursor,
        boot_no=hub.boot_no,
        boot_id=hub.boot_id,
        mono_ms=mono_ms,
        wall_ms=wall_ms,
        run_id=hub.run_id,
        cursor_op=hub.cursor_op,
        schema_have=wire.SCHEMA,
        erased_seq=hub.erased_seq,
        erased=list(hub.erased),
        segments_waiting=hub.segments_waiting,
    )


def compare(hub: Standing, cloud: wire.HelloResponse, chain_there: str | None) -> Findings:
    """What the cloud's answer means for a hub whose own chain at `cloud.last_seq` is `chain_there`.

    `chain_there` None says that the hub no longer knows it.
    """
    return Findings(_log(hub, cloud, chain_there), is_feed_new(hub, cloud))


def is_feed_new(hub: Standing, cloud: wire.HelloResponse) -> bool:
    """True when the hub's cursor counts in a feed the cloud no longer has."""
    is_other = hub.feed_epoch not in (0, cloud.feed_epoch)
    return is_other or cloud.head < hub.cursor


def _log(hub: Standing, cloud: wire.HelloResponse, chain_there: str | None) -> Fork | Rewind | None:
    epoch = max(hub.epoch, cloud.epoch) + 1
    if cloud.epoch > hub.epoch:
        return Fork(epoch, f"the cloud knows epoch {cloud.epoch}, this hub {hub.epoch}")
    if cloud.last_seq > hub.head_seq:
        words = f"the cloud has {cloud.last_seq} operations of this hub, the hub only {hub.head_seq}"
        return Fork(epoch, words)
    last_chain = cloud.last_chain if cloud.last_seq else CHAIN_0
    if chain_there is not None and chain_there != last_chain:
        return Fork(epoch, "the cloud's copy of this hub's log is another one")
    if cloud.last_seq < hub.acked_seq:
        return Rewind(cloud.last_seq)
    return None
