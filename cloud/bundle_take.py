"""A hub's bundle taken in: checked from end to end first, then given to the code that the network uses.

Each chunk is a step of its own, committed before the next; taking the bundle again goes on where it stopped
and changes nothing that was done. One that cannot be taken as a whole is refused with what is needed first.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from cloud import erasure, greeting, ingest
from cloud.bundle_keys import secret
from cloud.clock import now_ms
from cloud.counted import counted
from cloud.errors import BundleRefused, CloudError, HubUnknown
from cloud.hubs import known_hub
from cloud.store.bundle_rows import BundleRow
from cloud.store.database import Database, execute, fetch_one, fetch_values
from cloud.store.rows import HubIdentity, HubRow
from sync import wire
from sync.bounds import MOST_ANCHORS, MOST_SEGMENTS_A_CHUNK
from sync.bundle import Chunk, SignedHead, chunks, read_head
from sync.bundle_keys import receiving_key
from sync.bundle_wire import Earlier, End, Manifest, decoded
from sync.chain import verify
from sync.errors import BundleDamaged, SegmentCorrupt
from sync.segments import unframe

log = logging.getLogger(__name__)

MOST_EARLIER = 100
Progress = Callable[[str, int, int], None]
"""Told what is done ("checking", "taking"), and how many bytes of how many."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a bundle: taken, there (nothing in it was new) or refused, and why in a sentence."""

    state: Literal["taken", "there", "refused"]
    words: str
    hub: HubIdentity | None = None
    made_ms: int | None = None
    ops_new: int = 0
    ops_known: int = 0
    ops_refused: int = 0
    segments_new: int = 0
    segments_known: int = 0
    segments_refused: int = 0
    hint: str = ""

    @property
    def may_be_answered(self) -> bool:
        """It came from a hub of the club, whole: the cloud has something to say to it."""
        return self.hub is not None


@dataclass(frozen=True, slots=True)
class _Bundle:
    """A bundle whose every chunk was found to be sound and in order.

    `chain_there` is its chain behind `seq_there`, where the cloud stood when it was checked.
    """

    path: Path
    head: SignedHead
    key: bytes
    manifest: Manifest
    reply_key: bytes
    seq_there: int
    chain_there: str | None
    last_seq: int

    @property
    def hub(self) -> HubIdentity:
        return HubIdentity(self.head.head.club_id, self.head.head.hub_id)


@dataclass(slots=True)
class _Count:
    ops_new: int = 0
    ops_known: int = 0
    ops_refused: int = 0
    segments_new: int = 0
    segments_known: int = 0
    segments_refused: int = 0


async def take(
    database: Database, path: Path, club_id: str | None = None, progress: Progress = lambda *_: None
) -> Result:
    """Take a bundle into the club it names, which must be `club_id` where that is given.

    Every refusal is a Result; only the database being away raises.
    """
    bundle: _Bundle | None = None
    count = _Count()
    try:
        bundle = await _checked(database, path, club_id, progress)
        await _refuse_out_of_order(database, bundle)
        await _apply(database, bundle, count, progress)
        await _cut_late(database, bundle)
        result = _result(bundle, count)
    except BundleDamaged as error:
        result = Result("refused", str(error), hint=error.hint)
    except CloudError as error:
        if error.is_temporary:
            raise
        words = error.detail if isinstance(error, BundleRefused) else str(error)
        result = Result("refused", words, hint=error.hint)
        if bundle is not None:
            result = replace(result, hub=bundle.hub, made_ms=bundle.head.head.made_ms)
    if bundle is not None:
        await _note(database, bundle, result)
    return result


# --- checking


async def _checked(database: Database, path: Path, club_id: str | None, progress: Progress) -> _Bundle:
    head = await asyncio.to_thread(_head, path)
    if head.head.writer != "hub":
        raise BundleRefused("It is the cloud's own answer to a hub.", hint="Plug it in at that hub.")
    if club_id is not None and head.head.club_id != club_id:
        raise BundleRefused("It is another club's.", hint="Sign in with an account of the hub's club.")
    at_ms = now_ms()
    async with database.transaction() as db:
        directory = await fetch_one(
            db, "hub_identity", HubIdentity, {"hub_id": head.head.hub_id.replace("\0", "")}
        )
        if directory is None or directory.club_id != head.head.club_id:
            raise HubUnknown()
        row = await known_hub(db, directory)
        reader = receiving_key(await secret(db, directory.club_id, at_ms))
    if not head.is_by(row.pubkey, row.pubkey_next):
        raise BundleRefused(
            "It was not signed with this hub's key.",
            hint="Has the hub a new key? Write the bundle again there.",
        )
    key = head.key_for(reader)
    return await asyncio.to_thread(_surveyed, path, head, key, row, progress)


def _head(path: Path) -> SignedHead:
    with path.open("rb") as file:
        return read_head(file)


def _surveyed(path: Path, head: SignedHead, key: bytes, row: HubRow, progress: Progress) -> _Bundle:
    """Read it from end to end without keeping it. Raises BundleDamaged."""
    size = path.stat().st_size
    manifest: Manifest | None = None
    last_seq, chain, chain_there, n_ops, n_segments = 0, "", None, 0, 0
    with path.open("rb") as file:
        for chunk in chunks(file, head, key):
            if (chunk.number == 0) != (chunk.kind == "M"):
                raise BundleDamaged("it does not begin as a bundle does", offset=chunk.end)
            if chunk.kind == "M":
                manifest = decoded(chunk.content, Manifest, chunk.end)
                last_seq, chain = manifest.first_seq - 1, manifest.chain_before
                if last_seq == row.last_seq and chain:
                    chain_there = chain
            elif chunk.kind == "O" and manifest is not None:
                ops = _ops_in_order(chunk, manifest, last_seq, chain)
                here = [op.chain for op in ops if op.seq == row.last_seq]
                chain_there = here[0] if here else chain_there
                if ops:
                    last_seq, chain, n_ops = ops[-1].seq, ops[-1].chain, n_ops + len(ops)
            elif chunk.kind == "S":
                n_segments += _count_frames(chunk)
            elif chunk.kind == "E":
                end = decoded(chunk.content, End, chunk.end)
                if (end.ops, end.segments) != (n_ops, n_segments):
                    raise BundleDamaged("it does not hold what it says", offset=chunk.end)
            else:
                raise BundleDamaged("a chunk belongs in no hub's bundle", offset=chunk.end)
            progress("checking", chunk.end, size)
    if manifest is None or not 0 < manifest.first_seq < 1 << 62:
        raise BundleDamaged("it does not say where it begins")
    reply_key = _reply_key(manifest)
    return _Bundle(path, head, key, manifest, reply_key, row.last_seq, chain_there, last_seq)


def _ops_in_order(chunk: Chunk, manifest: Manifest, last_seq: int, chain: str) -> Sequence[wire.Op]:
    request = decoded(chunk.content, wire.PushRequest, chunk.end)
    ops = request.ops
    if max(len(ops) - ingest.MAX_OPS, len(request.anchors) - MOST_ANCHORS) > 0:
        raise BundleDamaged("its edits or anchors are too many at a time", offset=chunk.end)
    if request.epoch != manifest.greeting.epoch:
        raise BundleDamaged("its edits are of two logs", offset=chunk.end)
    if [op.seq for op in ops] != list(range(last_seq + 1, last_seq + 1 + len(ops))):
        raise BundleDamaged(f"its edits have a hole behind {last_seq}", offset=chunk.end)
    if ops and not verify(chain or ops[0].chain, ops if chain else ops[1:]):
        raise BundleDamaged("its edits do not follow from one another", offset=chunk.end)
    return ops


def _count_frames(chunk: Chunk) -> int:
    try:
        return len(unframe(chunk.content, MOST_SEGMENTS_A_CHUNK))
    except SegmentCorrupt as error:
        raise BundleDamaged("its recordings cannot be told apart", offset=chunk.end) from error


def _reply_key(manifest: Manifest) -> bytes:
    try:
        raw = base64.b64decode(manifest.reply_key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise BundleDamaged("it does not say how to answer it")
    return raw


# --- in its turn


async def _refuse_out_of_order(database: Database, bundle: _Bundle) -> None:
    """Greet in the hub's name; raises BundleRefused where its log and the cloud's do not meet."""
    async with database.transaction() as db:
        hello = await greeting.hello(db, bundle.hub, bundle.manifest.greeting, now_ms(), is_live=False)
    manifest, epoch = bundle.manifest, bundle.manifest.greeting.epoch
    if epoch < hello.epoch:
        raise BundleRefused(
            "It was written before this hub's log was begun anew.",
            hint="A bundle the hub writes now holds everything of it; throw this one away.",
        )
    if manifest.first_seq > hello.last_seq + 1:
        raise _missing_before(manifest, hello.last_seq)
    is_where_it_was = hello.last_seq == bundle.seq_there and hello.last_seq > 0
    if is_where_it_was and bundle.chain_there not in (None, hello.last_chain):
        raise BundleRefused(
            "The cloud knows other edits under this hub's numbers: its card was copied or put back.",
            hint="Take the answer to the hub; it begins its log anew and writes a bundle that fits.",
        )


def _missing_before(manifest: Manifest, last_seq: int) -> BundleRefused:
    needed = last_seq + 1
    held = [it for it in manifest.earlier if it.first_seq <= needed <= it.last_seq]
    first = manifest.first_seq
    lacking = f"edits {needed:,} to {first - 1:,}" if needed < first - 1 else f"edit {needed:,}"
    said = f"It begins with edit {first:,}, and {lacking} of this hub never came."
    if held:
        best = max(held, key=lambda it: it.made_ms)
        return BundleRefused(f"{said} It needs the bundle of {_when(best)} first ({best.name}).")
    return BundleRefused(
        said, hint="Take the answer to the hub: the bundle it writes then holds them. Or let it sync once."
    )


def _when(earlier: Earlier) -> str:
    moment = datetime.fromtimestamp(min(max(earlier.made_ms, 0), 1 << 42) / 1000, UTC)
    return f"{moment:%d %b %Y %H:%M} UTC"


# --- applying


async def _apply(database: Database, bundle: _Bundle, count: _Count, progress: Progress) -> None:
    size = bundle.path.stat().st_size
    with bundle.path.open("rb") as file:
        found = chunks(file, bundle.head, bundle.key)
        while (chunk := await asyncio.to_thread(next, found, None)) is not None:
            if chunk.kind == "O":
                request = decoded(chunk.content, wire.PushRequest)
                for it in await _push(database, bundle.hub, request):
                    count.ops_new += it.status == "ok"
                    count.ops_known += it.status == "dup"
                    count.ops_refused += it.status == "dead"
            elif chunk.kind == "S":
                await _store(database, bundle, chunk.content, count)
            progress("taking", chunk.end, size)


async def _push(database: Database, hub: HubIdentity, request: wire.PushRequest) -> list[wire.OpResult]:
    """What became of each operation; one on which the cloud itself fails goes in without its content."""
    try:
        async with database.transaction() as db:
            taken = await ingest.push(db, hub, request, now_ms())
    except CloudError:
        raise
    except Exception:
        log.exception("a batch of %d operations of hub %s failed", len(request.ops), hub.hub_id)
        ops = request.ops
        if not ops or (len(ops) == 1 and ops[0].tbl == wire.SUSPECT):
            raise
        if len(ops) == 1:
            bare = msgspec.structs.replace(ops[0], tbl=wire.SUSPECT, fields={})
            return await _push(database, hub, msgspec.structs.replace(request, ops=[bare]))
        half = len(ops) // 2
        parts = (ops[:half], ops[half:])
        return [it for ops in parts for it in await _push(
            database, hub, msgspec.structs.replace(request, ops=ops))]  # fmt: skip
    if taken.stopped is not None:
        raise taken.stopped
    return taken.response.results


async def _store(database: Database, bundle: _Bundle, content: bytes, count: _Count) -> None:
    hub = bundle.hub
    opened = await ingest.open_segments(content, most=MOST_SEGMENTS_A_CHUNK)
    ids = [it.seg_id for it in opened.good]
    async with database.transaction() as db:
        named = {"club_id": hub.club_id, "seg_ids": ids}
        held = set(await fetch_values(db, "segments_held", named))
        erased = await ingest.store_segments(db, hub, opened.good, now_ms())
        await execute(db, "bundle_segments_note", {**named, "hub_id": hub.hub_id})
        key = {"club_id": hub.club_id, "hub_id": hub.hub_id, "bundle_id": bundle.head.head.bundle_id}
        for it in (*opened.rejected, *erased):
            await execute(db, "bundle_refused_note", {**key, "seg_id": bytes.fromhex(it.id), "code": it.code})
    refused = len(erased) + len(opened.rejected)
    count.segments_refused += refused
    known = len(held - {it.id for it in erased})
    count.segments_known += known
    count.segments_new += len(ids) - len(erased) - known


async def _cut_late(database: Database, bundle: _Bundle) -> None:
    """What came before it was known whose it was goes once all the hub's edits are in, as at a greeting."""
    epoch, hub = bundle.manifest.greeting.epoch, bundle.hub
    async with database.transaction() as db:
        row = await fetch_one(db, "hub_lock", HubRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
        if row is not None and (row.epoch, row.last_seq) == (epoch, bundle.last_seq):
            await erasure.cut_late(db, hub, now_ms())


# --- saying


def _result(bundle: _Bundle, count: _Count) -> Result:
    is_new = bool(count.ops_new or count.segments_new or count.ops_refused)
    state: Literal["taken", "there"] = "taken" if is_new else "there"
    return Result(
        state, _words(count, is_new), bundle.hub, bundle.head.head.made_ms, count.ops_new, count.ops_known,
        count.ops_refused, count.segments_new, count.segments_known, count.segments_refused,
    )  # fmt: skip


def _words(count: _Count, is_new: bool) -> str:
    if not is_new:
        known = count.ops_known + count.segments_known
        return "Everything in it was here already." if known else "It held no edits or recordings."
    new = {"edit": count.ops_new, "recording": count.segments_new}
    took = " and ".join(counted(n, what) for what, n in new.items() if n) or "nothing new"
    words = f"New here: {took}."
    if there := count.ops_known + count.segments_known:
        words += f" {counted(there, 'was', 'were')} here already."
    if count.ops_refused:
        words += f" {counted(count.ops_refused, 'edit was', 'edits were')} refused; the hub will say which."
    if count.segments_refused:
        words += f" {counted(count.segments_refused, 'recording was', 'recordings were')} refused."
    return words


async def _note(database: Database, bundle: _Bundle, result: Result) -> None:
    """Remember it: what to answer, and what the page lists."""
    head, greeted = bundle.head.head, bundle.manifest.greeting
    row = {
        "club_id": head.club_id, "bundle_id": head.bundle_id, "hub_id": head.hub_id, "made_ms": head.made_ms,
        "now_ms": now_ms(), "state": result.state, "words": result.words, "epoch": _whole(greeted.epoch),
        "first_seq": bundle.manifest.first_seq, "cursor": _whole(greeted.cursor),
        "feed_epoch": _whole(greeted.feed_epoch), "reply_key": bundle.reply_key,
        "earlier": [it.bundle_id.replace("\0", "") for it in bundle.manifest.earlier[:MOST_EARLIER]],
    }  # fmt: skip
    key = {"club_id": head.club_id, "hub_id": head.hub_id}
    async with database.transaction() as db:
        await execute(db, "bundle_note", row)
        newest = await fetch_one(db, "bundles_to_answer", BundleRow, key)
        if newest is not None:
            await execute(db, "bundle_refused_forget", {**key, "bundle_id": newest.bundle_id})


def _whole(number: int) -> int:
    return min(max(number, 0), 1 << 62)
