"""A bundle written onto a stick: everything the cloud has not confirmed, resumable, whole or not there.

It grows under a hidden name, is made durable, read back and only then given its own name. A stick pulled out
on the way leaves what the next attempt goes on from. Nothing counts as sent because it was written.
"""

from __future__ import annotations

import base64
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from hub.errors import ActionRefused, DiskFull
from hub.store import boots, bundles, meta, oplog, segments
from hub.store.bundles import Key, WrittenBundle
from hub.store.database import Database
from hub.store.field_limits import unsendable
from sync import bundle_keys, wire
from sync.bounds import MOST_ROWS_A_CHUNK
from sync.bundle import CHUNK_BYTES, ENDING, Chunk, Head, Sealer, SignedHead, chunks, new_head, read_head
from sync.bundle_keys import CloudKey
from sync.bundle_wire import Earlier, End, Manifest, decoded
from sync.errors import BundleDamaged
from sync.files import put_in_place
from sync.outbox import Standing
from sync.reconcile import greeting
from sync.segments import frame, unframe

SAFE_EVERY_BYTES = 8 << 20
ROOM_LEFT_BYTES = 1 << 20
KEYS_A_PAGE = 20_000
SEGMENTS_A_READ = 16
ANCHORS_A_CHUNK = 1000
MOST_ANCHORS = 100_000
NEWEST: Key = (1 << 62, 0, b"")
OLDEST: Key = (-1, 0, b"")


@dataclass(frozen=True, slots=True)
class Author:
    """Which hub writes, with which key, and for which cloud; `now` gives (monotonic, wall) ms."""

    hub_id: str
    club_id: str
    seed: bytes
    cloud: CloudKey
    version: str
    standing: Standing
    now: Callable[[], tuple[int, int]]
    new_id: Callable[[], str]

    @property
    def short(self) -> str:
        """The hub's id as file names carry it."""
        return self.hub_id[:8]


class Watcher(Protocol):
    """Who follows the writing; `went` raises to stop it where it is."""

    def went(self, done_bytes: int, total_bytes: int) -> None:
        """So much of so much is on the stick."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """How far a draft goes: its head, its last sound chunk, and what was written up to there."""

    head: SignedHead
    last: Chunk
    epoch: int
    first_seq: int
    last_seq: int
    last_chain: str
    ops: int = 0
    segments: int = 0
    low: Key = NEWEST
    high: Key = OLDEST


class LogChanged(ActionRefused):
    """The hub's edits were numbered anew while they were written."""

    hint = "Write the bundle again."


def write_bundle(database: Database, author: Author, folder: Path, watcher: Watcher) -> WrittenBundle:
    """Write everything that waits into `folder`, going on where an earlier attempt stopped. Blocks.

    Raises DiskFull where there is not the room, LogChanged where `author` is out of date by now, and
    ActionRefused where the stick cannot be written.
    """
    with _spoken_of(folder):
        try:
            return _Writing(database, author, folder, watcher).run()
        except LogChanged:
            _draft_path(folder, author).unlink(missing_ok=True)
            raise


def is_under_way(folder: Path, hub_id: str) -> bool:
    """Whether an earlier attempt left something there to go on from."""
    with suppress(OSError):
        return (folder / f".touchline-{hub_id[:8]}.part").is_file()
    return False


class _Writing:
    """One attempt."""

    def __init__(self, database: Database, author: Author, folder: Path, watcher: Watcher) -> None:
        self._database, self._author, self._folder, self._watcher = database, author, folder, watcher
        self._path = _draft_path(folder, author)
        self._waiting = database.read_now(bundles.waiting)
        self._done = self._unsafe = 0
        self._ops = self._segments = 0

    def run(self) -> WrittenBundle:
        draft = self._reopened()
        self._refuse_without_room(0 if draft is None else draft.last.end)
        with self._path.open("r+b" if draft else "wb") as self._file:
            if draft is None:
                draft = self._begin()
            elif draft.last.kind != "E":
                self._file.truncate(draft.last.end)
            self._file.seek(draft.last.end)
            key = self._key(draft.head)
            self._sealer = Sealer(key, draft.head.signed, draft.last)
            self._ops, self._segments, last_seq = draft.ops, draft.segments, draft.last_seq
            if draft.last.kind != "E":
                self._done = draft.last.end
                last_seq = self._write_ops(draft)
                self._write_segments(draft)
                self._put("E", msgspec.json.encode(End(ops=self._ops, segments=self._segments)))
            self._make_safe()
        size_bytes = self._read_back(draft.head, key)
        path = self._named(draft.head.head)
        head = draft.head.head
        return WrittenBundle(
            head.bundle_id, path.name, head.made_ms, draft.first_seq, last_seq, self._segments, size_bytes
        )

    # --- beginning and going on

    def _begin(self) -> _Draft:
        author, standing = self._author, self._author.standing
        mono_ms, wall_ms = author.now()
        bundle_id = author.new_id()
        once = bundle_keys.one_time_key(author.seed, bundle_id.encode())
        head = Head(
            writer="hub", bundle_id=bundle_id, club_id=author.club_id, hub_id=author.hub_id, made_ms=wall_ms,
            once=base64.b64encode(bundle_keys.public_of(once)).decode(),
            to=bundle_keys.fingerprint(author.cloud.exchange),
        )  # fmt: skip
        signed = new_head(head, author.seed)
        first_seq = self._waiting.first_seq
        chain = self._database.read_now(lambda db: oplog.chain_at(db, first_seq - 1)) or ""
        reply = bundle_keys.public_of(bundle_keys.receiving_key(author.seed))
        known = self._database.read_now(bundles.written)
        manifest = Manifest(
            greeting=greeting(standing, mono_ms, wall_ms), first_seq=first_seq, chain_before=chain,
            reply_key=base64.b64encode(reply).decode(), sw=author.version,
            earlier=[Earlier(bundle_id=it.bundle_id, name=it.name, made_ms=it.made_ms,
                             first_seq=it.first_seq, last_seq=it.last_seq) for it in known],
        )  # fmt: skip
        content = msgspec.json.encode(manifest)
        sealed = Sealer(self._key(signed), signed.signed).seal("M", content)
        self._file.write(signed.signed + signed.signature + sealed)
        first = Chunk(0, "M", content, signed.size_bytes + len(sealed), sealed[-16:])
        return _Draft(signed, first, standing.epoch, first_seq, first_seq - 1, chain)

    def _reopened(self) -> _Draft | None:
        """What an earlier attempt left, where it still fits this log and this cloud."""
        if not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as file:
                draft = self._measured(file)
        except BundleDamaged:
            return None
        if draft is None or draft.epoch != self._author.standing.epoch:
            return None
        chain = self._database.read_now(lambda db: oplog.chain_at(db, draft.last_seq))
        return draft if draft.last_chain and chain == draft.last_chain else None

    def _measured(self, file: BinaryIO) -> _Draft | None:
        author, draft = self._author, None
        head = read_head(file)
        is_for = head.head.to == bundle_keys.fingerprint(author.cloud.exchange)
        if not is_for or not head.is_by(bundle_keys.signing_public(author.seed)):
            return None
        with suppress(BundleDamaged):  # whatever follows the last sound chunk is written anew
            for chunk in chunks(file, head, self._key(head)):
                draft = _grown(draft, head, chunk)
        return draft

    def _key(self, head: SignedHead) -> bytes:
        once = bundle_keys.one_time_key(self._author.seed, head.head.bundle_id.encode())
        return bundle_keys.chunk_key(once, self._author.cloud.exchange, head.signed)

    def _refuse_without_room(self, there_bytes: int) -> None:
        """An unfinished draft takes its own room; what replaces one begins from nothing."""
        free = shutil.disk_usage(self._folder).free
        if not there_bytes and self._path.is_file():
            free += self._path.stat().st_size
        needed = max(0, self._waiting.size_bytes - there_bytes) + ROOM_LEFT_BYTES
        if free < needed:
            raise DiskFull(
                f"{self._folder} has {_mb(free)} free, the bundle needs {_mb(needed)}.",
                hint="Delete something from the stick, or take a larger one.",
            )

    # --- content

    def _write_ops(self, draft: _Draft) -> int:
        epoch, last_seq, chain = draft.epoch, draft.last_seq, draft.last_chain
        if draft.ops == 0 and draft.last.kind in "MO":
            self._write_anchors(draft)
        while True:
            page = partial(oplog.behind, after_seq=last_seq, limit_bytes=CHUNK_BYTES)
            ops = self._database.read_now(page)
            if self._put_aside(ops):
                ops = self._database.read_now(page)
            if not ops:
                break
            if ops[0].seq != last_seq + 1:
                raise LogChanged
            self._put("O", msgspec.json.encode(wire.PushRequest(epoch=epoch, ops=list(ops))))
            last_seq, chain = ops[-1].seq, ops[-1].chain
            self._ops += len(ops)
        epoch_now, chain_now = self._database.read_now(
            lambda db: (meta.number(db, "epoch", 1), oplog.chain_at(db, last_seq))
        )
        if epoch_now != epoch or (chain and chain_now != chain):
            raise LogChanged
        return last_seq

    def _put_aside(self, ops: Sequence[wire.Op]) -> int:
        """Put aside what no bundle could hold, as the network does: it goes without its content."""
        found = [(it.seq, why) for it in ops if (why := unsendable(it.fields)) is not None]
        for seq, why in found:
            wall_ms = self._author.now()[1]
            self._database.write_now(partial(oplog.suspect, seq=seq, reason=why, wall_ms=wall_ms))
        return len(found)

    def _write_anchors(self, draft: _Draft) -> None:
        """All the cloud does not know; after a cut all of them again, since twice told does no harm."""
        facts = self._database.read_now(partial(boots.verified_anchors, limit=MOST_ANCHORS))
        mark = partial(boots.mark_written, bundle_id=draft.head.head.bundle_id)
        for at in range(0, len(facts), ANCHORS_A_CHUNK):
            few = facts[at : at + ANCHORS_A_CHUNK]
            self._put("O", msgspec.json.encode(wire.PushRequest(epoch=draft.epoch, ops=[], anchors=few)))
            self._database.write_now(partial(mark, anchors=few))

    def _write_segments(self, draft: _Draft) -> None:
        """Newest first, then what was recorded while that was being written."""
        low, high, is_first = draft.low, draft.high, draft.high == OLDEST
        while keys := self._keys(low, bundles.older):
            high = max(high, keys[0]) if is_first else high
            self._write_pieces(keys)
            low, is_first = keys[-1], False
        while keys := self._keys(high, bundles.newer):
            self._write_pieces(keys)
            high = keys[-1]

    def _keys(self, place: Key, question: Callable[..., list[Key]]) -> list[Key]:
        return self._database.read_now(lambda db: question(db, place, KEYS_A_PAGE))

    def _write_pieces(self, keys: list[Key]) -> None:
        for content, n in _pieces(self._frames(keys)):
            self._put("S", content)
            self._segments += n

    def _frames(self, keys: list[Key]) -> Iterator[tuple[bytes, int]]:
        for at in range(0, len(keys), SEGMENTS_A_READ):
            ids = [key[2] for key in keys[at : at + SEGMENTS_A_READ]]
            found = self._database.read_now(partial(segments.by_id, seg_ids=ids))
            yield from ((frame(it), it.n) for it in found)

    def _put(self, kind: str, content: bytes) -> None:
        try:
            sealed = self._sealer.seal(kind, content)  # type: ignore[arg-type]
        except ValueError as error:
            raise ActionRefused(f"A record is too large for a bundle: {error}.") from error
        self._file.write(sealed)
        self._done += len(content)
        self._unsafe += len(sealed)
        if self._unsafe >= SAFE_EVERY_BYTES:
            self._make_safe()
        self._watcher.went(self._done, max(self._done, self._waiting.size_bytes))

    # --- the end

    def _make_safe(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsafe = 0

    def _read_back(self, head: SignedHead, key: bytes) -> int:
        """The size of what the stick itself gives back, every chunk of it checked. Raises ActionRefused."""
        with self._path.open("rb") as file:
            with suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            try:
                return max(chunk.end for chunk in chunks(file, head, key))
            except BundleDamaged as error:
                self._path.unlink(missing_ok=True)
                raise ActionRefused(
                    "The stick did not keep what was written to it.", hint="Take another stick."
                ) from error

    def _named(self, head: Head) -> Path:
        """Give it its own name, for good."""
        moment = datetime.fromtimestamp(head.made_ms / 1000, UTC).strftime("%Y-%m-%d-%H%M%S")
        path = self._folder / f"touchline-{self._author.short}-{moment}{ENDING}"
        put_in_place(self._path, path)
        return path


def _grown(draft: _Draft | None, head: SignedHead, chunk: Chunk) -> _Draft:
    """The draft with one more chunk. Raises BundleDamaged where the chunk says something impossible."""
    if draft is None:
        manifest = decoded(chunk.content, Manifest)
        before = manifest.first_seq - 1
        epoch = manifest.greeting.epoch
        return _Draft(head, chunk, epoch, manifest.first_seq, before, manifest.chain_before)
    draft = replace(draft, last=chunk)
    if chunk.kind == "O":
        ops = decoded(chunk.content, wire.PushRequest).ops
        if ops:
            return replace(draft, last_seq=ops[-1].seq, last_chain=ops[-1].chain, ops=draft.ops + len(ops))
    if chunk.kind == "S":
        keys = [(it.boot_no, it.mono0_ms, it.seg_id) for it in unframe(chunk.content)]
        low, high = min(draft.low, *keys), max(draft.high, *keys)
        return replace(draft, low=low, high=high, segments=draft.segments + len(keys))
    return draft


def _pieces(frames: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """Frames, each with its samples, gathered into contents of about a chunk, with how many are in each."""
    gathered: list[bytes] = []
    size = rows = 0
    for one, n in frames:
        if gathered and (size + len(one) > CHUNK_BYTES or rows + n > MOST_ROWS_A_CHUNK):
            yield b"".join(gathered), len(gathered)
            gathered, size, rows = [], 0, 0
        gathered.append(one)
        size += len(one)
        rows += n
    if gathered:
        yield b"".join(gathered), len(gathered)


def _draft_path(folder: Path, author: Author) -> Path:
    return folder / f".touchline-{author.short}.part"


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"


@contextmanager
def _spoken_of(folder: Path) -> Iterator[None]:
    """Turn what the system says of a stick into a sentence and what to do next."""
    try:
        if not folder.is_dir():
            raise ActionRefused(f"{folder} is no folder.", hint="Plug the stick in, or name another folder.")
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(
                f"{folder} is full; what was written so far is kept.",
                hint="Make room on the stick and write again: it goes on where it stopped.",
            ) from error
        raise ActionRefused(
            f"{folder} cannot be written: {error.strerror or error}.",
            hint="Check that the stick is plugged in and not write-protected, and write again: it goes on"
            " where it stopped.",
        ) from error
