"""What the questions about bundles answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusedSegment:
    """A recording of a bundle that was not taken, and why."""

    seg_id: bytes
    code: str


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A bundle that came; `state` is taken, there or refused, `words` what was said of it when it told most.

    `again_ms` is when it came once more after that, None where it did not.

    `epoch`, `first_seq`, `cursor` and `feed_epoch` are where the hub stood when it wrote it.
    """

    bundle_id: str
    hub_id: str
    made_ms: int
    taken_ms: int
    state: str
    words: str
    epoch: int
    first_seq: int
    cursor: int
    feed_epoch: int
    reply_key: bytes
    again_ms: int | None
