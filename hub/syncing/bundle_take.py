"""The cloud's answer taken from a stick: checked to its last byte, then applied as if it had come by network.

It goes through the outbox as the relay does. An answer that is older than what the hub heard since changes
nothing: acknowledgements, stored segments and feed entries only ever add to what the cloud said last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import BinaryIO

from hub.errors import ActionRefused
from hub.store import boots, bundles, meta, refused_segments
from hub.store.bundles import TakenAnswer
from hub.store.database import Database
from hub.syncing.bundle_write import Author
from sync import bundle_keys, wire
from sync.bundle import Chunk, SignedHead, chunks, read_head
from sync.bundle_wire import AnswerManifest, decoded
from sync.errors import BundleDamaged
from sync.outbox import Outbox, Standing
from sync.reconcile import Fork, compare

ID_BYTES = 32
IDS_A_WRITE = 2000


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer did here; `is_old` says that newer word of the cloud was here already."""

    acknowledged: int
    segments_stored: int
    entries: int
    is_old: bool
    is_begun_anew: bool = False
    segments_refused: int = 0

    @property
    def words(self) -> str:
        """It in a sentence."""
        if self.is_begun_anew:
            return "The cloud lacks edits this hub holds: write a bundle again, it will hold all of them."
        counts = {
            "edits confirmed": self.acknowledged,
            "recordings confirmed": self.segments_stored,
            "entries received": self.entries,
            "recordings refused": self.segments_refused,
        }
        did = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        if did:
            return f"The cloud's answer was taken: {did}."
        return "This answer held nothing new; it may have been taken before."


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer whose every byte was checked."""

    path: Path
    head: SignedHead
    manifest: AnswerManifest
    keys: tuple[bytes, ...]

    def chunks(self, file: BinaryIO) -> Iterator[Chunk]:
        """Its chunks from the first."""
        return chunks(file, self.head, self.keys[0])


def check_answer(path: Path, author: Author, seeds: tuple[bytes, ...]) -> _Answer:
    """Read an answer from end to end; `seeds` are the hub's keys, of which one must open it. Blocks.

    Raises BundleDamaged, and ActionRefused where it is not this hub's or not this cloud's.
    """
    with path.open("rb") as file:
        head = read_head(file)
        if head.head.writer != "cloud":
            raise ActionRefused(
                f"{path.name} goes to the cloud.", hint="Upload it on the cloud's page; it gives an answer."
            )
        if (head.head.club_id, head.head.hub_id) != (author.club_id, author.hub_id):
            raise ActionRefused(f"{path.name} is the answer for another hub.", hint="Take it to that hub.")
        if not head.is_by(author.cloud.signing):
            raise ActionRefused(
                f"{path.name} was not signed by this club's cloud.",
                hint="Get the answer from the cloud anew.",
            )
        key = _key(head, seeds)
        first: AnswerManifest | None = None
        for chunk in chunks(file, head, key):
            _check(chunk)
            if chunk.number == 0:
                first = decoded(chunk.content, AnswerManifest, chunk.end)
                _refusals(first)
        if first is None:  # pragma: no cover - chunks() gives one or raises
            raise BundleDamaged("it is empty")
    return _Answer(path, head, first, (key,))


def _key(head: SignedHead, seeds: tuple[bytes, ...]) -> bytes:
    for seed in seeds:
        reader = bundle_keys.receiving_key(seed)
        if head.head.to == bundle_keys.fingerprint(bundle_keys.public_of(reader)):
            return head.key_for(reader)
    raise ActionRefused(
        "This answer was sealed for a key this hub no longer has.",
        hint="Write a bundle again and take the answer to that one.",
    )


def _check(chunk: Chunk) -> None:
    """Raises BundleDamaged where a chunk would not be understood when it is applied."""
    if (chunk.number == 0) != (chunk.kind == "M"):
        raise BundleDamaged("it does not begin as an answer does", offset=chunk.end)
    if chunk.kind == "F":
        decoded(chunk.content, wire.PullResponse, chunk.end)
    elif chunk.kind == "P":
        decoded(chunk.content, wire.SnapshotPage, chunk.end)
    elif chunk.kind == "I" and len(chunk.content) % ID_BYTES:
        raise BundleDamaged("a list of recordings is cut", offset=chunk.end)


async def take_answer(database: Database, outbox: Outbox, answer: _Answer, wall_ms: int) -> Taken:
    """Apply a checked answer; each chunk is a step that may be repeated. Raises ActionRefused at a hole."""
    before = await database.read(bundles.waiting)
    greeting = answer.manifest.greeting
    is_old = await _is_old(database, greeting)
    is_begun_anew = False
    if not is_old:
        is_begun_anew = await _mend_and_acknowledge(outbox, answer.manifest)
        await outbox.learn_head(greeting.feed_epoch, greeting.head)
        if greeting.bundle_key:
            await outbox.learn_bundle_key(greeting.bundle_key)
    with answer.path.open("rb") as file:
        entries, ids = 0, 0
        for chunk in answer.chunks(file):
            if chunk.kind == "F":
                entries += await _feed(outbox, greeting, decoded(chunk.content, wire.PullResponse))
            elif chunk.kind == "P":
                entries += await _page(outbox, greeting, decoded(chunk.content, wire.SnapshotPage))
            elif chunk.kind == "I" and not is_old:
                ids += len(chunk.content) // ID_BYTES
                await _stored(outbox, chunk.content)
    after = await database.read(bundles.waiting)
    refused = 0 if is_old else await _refused(database, outbox, answer.manifest)
    if not is_old:
        through = 0 if is_begun_anew else greeting.last_seq
        word = TakenAnswer(greeting.server_ms, wall_ms, through, ids, answer.manifest.answers)
        await database.write(partial(_remember, word=word, answers=answer.manifest.answers))
    done = Taken(
        max(0, before.ops - after.ops), max(0, before.segments - after.segments), entries, is_old,
        is_begun_anew, refused,
    )  # fmt: skip
    await outbox.note("stick", done.words)
    return done


def _remember(db: Connection, word: TakenAnswer, answers: str) -> None:
    bundles.remember_answer(db, word)
    boots.mark_answered(db, answers)  # none of that name where everything is to be told again


async def _is_old(database: Database, greeting: wire.HelloResponse) -> bool:
    """Whether the cloud was heard since it wrote this, be it by network or by stick."""

    def question(db: Connection) -> bool:
        newest = bundles.newest_answer(db)
        if newest is not None and greeting.server_ms <= newest.server_ms:
            return True
        is_other_feed = greeting.feed_epoch < meta.number(db, "feed_epoch")
        return is_other_feed or greeting.server_ms < meta.number(db, "heard_ms")

    return await database.read(question)


async def _mend_and_acknowledge(outbox: Outbox, manifest: AnswerManifest) -> bool:
    """Bring the log in step as a greeting would; whether it must be sent again from an earlier place."""
    greeting = manifest.greeting
    standing = await outbox.standing()
    if greeting.epoch < standing.epoch:
        return False
    remedy = compare(standing, greeting, await outbox.chain_at(greeting.last_seq)).log
    if remedy is None:
        await outbox.record_pushed(wire.PushResponse(last_seq=greeting.last_seq, results=[]))
        return False
    if not isinstance(remedy, Fork):
        if not _has_lost(standing, manifest):
            return False
        await outbox.note("stick", f"the cloud lost what came after operation {remedy.last_seq}")
        await outbox.doubt_segments()
        if await outbox.rewind(remedy.last_seq):
            return True
        remedy = Fork(standing.epoch + 1, "the cloud lost operations this hub no longer numbers as it did")
    await outbox.note("stick", f"log begun anew under epoch {remedy.epoch}: {remedy.why}")
    await outbox.fork(remedy.epoch)
    return True


def _has_lost(standing: Standing, manifest: AnswerManifest) -> bool:
    """Whether the cloud had less than this hub was told before it wrote the bundle that is answered."""
    is_same = manifest.asked_epoch == standing.epoch
    return is_same and manifest.greeting.last_seq < manifest.asked_acked_seq


async def _feed(outbox: Outbox, greeting: wire.HelloResponse, answer: wire.PullResponse) -> int:
    """Entries that were new; those before the cursor are repeats. Raises ActionRefused at a hole."""
    standing = await outbox.standing()
    if standing.feed_epoch == 0:
        await outbox.learn_feed(greeting.feed_epoch)
    elif standing.feed_epoch != greeting.feed_epoch:
        return 0
    new = [op for op in answer.ops if op.seq > standing.cursor]
    if not new:
        return 0
    if [op.seq for op in new] != list(range(standing.cursor + 1, standing.cursor + 1 + len(new))):
        raise ActionRefused(
            f"This answer begins with entry {new[0].seq}, this hub has read up to {standing.cursor}.",
            hint="Take the answers in the order they were given, or upload a new bundle of this hub first.",
        )
    await outbox.apply_feed(new, answer.head)
    return len(new)


async def _page(outbox: Outbox, greeting: wire.HelloResponse, page: wire.SnapshotPage) -> int:
    """Records of a snapshot taken, unless the hub has read further in that feed already."""
    standing = await outbox.standing()
    is_read = standing.feed_epoch == greeting.feed_epoch and standing.cursor >= page.at_seq
    if is_read or greeting.feed_epoch < standing.feed_epoch:
        return 0
    place = await outbox.snapshot_place()
    if place is not None and place.feed_epoch != page.feed_epoch:
        await outbox.take_page(page)  # which only lets go of what was begun of another feed
    await outbox.take_page(page)
    return len(page.rows)


def _refusals(manifest: AnswerManifest) -> dict[bytes, str]:
    """Why recordings were not taken. Raises BundleDamaged."""
    try:
        return {bytes.fromhex(it.id): it.code for it in manifest.refused}
    except ValueError as error:
        raise BundleDamaged("it names recordings by what is no id") from error


async def _refused(database: Database, outbox: Outbox, manifest: AnswerManifest) -> int:
    """What the cloud would not take of the bundle, kept as if it had come by network; how many they were.

    Of each bundle it is heard once: a second answer must not give up what somebody tries again meanwhile.
    """
    newest = await database.read(bundles.newest_answer)
    codes = _refusals(manifest)
    if not codes or (newest is not None and newest.answers == manifest.answers):
        return 0
    if erased := [seg_id for seg_id, code in codes.items() if code == "erased"]:
        await outbox.cut_erased(erased)
    before = await database.read(refused_segments.all_ids)
    await outbox.record_refused(codes)
    return len(await database.read(refused_segments.all_ids) - before)


async def _stored(outbox: Outbox, content: bytes) -> None:
    ids = [content[at : at + ID_BYTES] for at in range(0, len(content), ID_BYTES)]
    for at in range(0, len(ids), IDS_A_WRITE):
        await outbox.record_stored(ids[at : at + IDS_A_WRITE])
