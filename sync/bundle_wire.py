"""What a bundle's chunks say: the network's own messages, and a few words in place of a conversation.

Operations travel as PushRequest, the feed as PullResponse, a snapshot as SnapshotPage, segments as frames.
It says nothing about sealing or about what either side makes of it. Fields added later have defaults.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sync import wire
from sync.errors import BundleDamaged

Content = TypeVar("Content")
MOST_REFUSED = 2000


class Earlier(wire.Message, frozen=True, kw_only=True):
    """A bundle this hub wrote before: operations `first_seq` to `last_seq`."""

    bundle_id: str
    name: str
    made_ms: int
    first_seq: int
    last_seq: int


class Manifest(wire.Message, frozen=True, kw_only=True):
    """A hub's bundle begins with it. `greeting` is what it would say first over the network.

    `chain_before` is the chain behind operation `first_seq` - 1; `reply_key` the X25519 key, base64, to seal
    the answer for; `earlier` are the bundles written before, newest first.
    """

    greeting: wire.HelloRequest
    first_seq: int
    chain_before: str
    reply_key: str
    sw: str = ""
    earlier: list[Earlier] = msgspec.field(default_factory=list)


class End(wire.Message, frozen=True, kw_only=True):
    """The last chunk of either kind of bundle: what was in it."""

    ops: int = 0
    segments: int = 0
    entries: int = 0


class AnswerManifest(wire.Message, frozen=True, kw_only=True):
    """The cloud's bundle begins with it. `greeting` is what it would answer over the network.

    `answers` is the bundle it answers, which told that everything up to `asked_acked_seq` of `asked_epoch`
    had been acknowledged to the hub. `refused` are recordings of that bundle the cloud would not take, at
    most MOST_REFUSED: the hub's next bundle holds the others again. None from an older cloud.
    """

    answers: str
    greeting: wire.HelloResponse
    asked_epoch: int
    asked_acked_seq: int
    refused: list[wire.SegmentRejected] = msgspec.field(default_factory=list)


def decoded(content: bytes, kind: type[Content], offset: int = 0) -> Content:
    """A chunk's message. Raises BundleDamaged."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BundleDamaged(f"a chunk is not understood ({error})", offset=offset) from error
