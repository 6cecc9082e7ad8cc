"""A zip or gzip opened in place: its files as sources, behind guards against what archives can hide.

Nothing is unpacked to disk under a name from inside, and an archive within an archive stays shut unless a
deeper limit is asked for. What a file inside is, others decide.
"""

from __future__ import annotations

import gzip
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import IO, BinaryIO, cast

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from hub.imports.packed import AGAIN, UNPACK, Guarded, said

ZIP_MAGIC, EMPTY_ZIP, GZIP_MAGIC = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"
CHUNK_BYTES = 1 << 20
IN_MEMORY_BYTES = 1 << 20  # a nested archive up to here stays in memory, a larger one in an unnamed file
END_BYTES = 22 + 65_535  # the end record and its longest comment
LITTER = ("__macosx/", "/.ds_store", "/thumbs.db", "/desktop.ini", "/._")
LOCKED = 0x1
UTF8_NAME = 0x800


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold, counted before anything is read. `depth` 2 opens archives in archives."""

    entries: int = 20_000
    directory_bytes: int = 8 << 20
    total_bytes: int = 512 << 20
    health_bytes: int = 4 << 30  # an Apple Health export is one very long file
    ratio: int = 200
    ratio_from_bytes: int = 50 << 20
    depth: int = 1


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside: `path` as written there ("!" before the name within an inner archive)."""

    path: str
    source: Source


@dataclass(frozen=True, slots=True)
class Archive:
    """Files to read, usable while the archive is open; counts of what was passed over."""

    members: tuple[Member, ...]
    n_litter: int = 0
    n_unsafe: int = 0
    n_nested: int = 0


def is_zip(head: bytes) -> bool:
    """Whether the first bytes are a zip's (a spreadsheet's too)."""
    return head.startswith((ZIP_MAGIC, EMPTY_ZIP))


def is_gzip(head: bytes) -> bool:
    """Whether the first bytes are gzip's."""
    return head.startswith(GZIP_MAGIC)


@contextmanager
def opened(source: Source, limits: Limits = USUAL) -> Iterator[Archive]:
    """The files of a zip. Raises ExportUnreadable for one that is damaged, locked or beyond the limits."""
    with ExitStack() as stack:
        yield _open(source, limits, stack)


def gunzipped(source: Source, limits: Limits = USUAL) -> Source:
    """The one file in a gzip, its size measured by reading it once. Raises ExportUnreadable."""

    def fresh() -> BinaryIO:
        packed = source.open()
        return cast(BinaryIO, Guarded(cast(IO[bytes], gzip.GzipFile(fileobj=packed)), packed))

    size = 0
    with fresh() as stream:
        most = limits.health_bytes if _is_health(stream.read(4096)) else limits.total_bytes
    with fresh() as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            _check_size(size, source.size_bytes, most, limits)
    if is_gzip(Source(source.name, size, fresh).head(2)):
        raise ExportUnreadable("it is packed twice over.", hint=UNPACK)
    name = source.name[:-3] if source.name.lower().endswith(".gz") else source.name
    return Source(name, size, fresh, source.beside)


def _open(source: Source, limits: Limits, stack: ExitStack) -> Archive:
    with said():
        stream = stack.enter_context(source.open())
        _check_directory(stream, source.size_bytes, limits)
        packed = stack.enter_context(zipfile.ZipFile(stream))
    entries = [entry for entry in packed.infolist() if not entry.is_dir()]
    if len(entries) > limits.entries:
        raise _too_many(limits)
    if any(entry.flag_bits & LOCKED for entry in entries):
        raise ExportUnreadable("it is locked with a password.", hint=UNPACK)
    kept = [entry for entry in entries if not _is_litter(_name(entry))]
    safe: dict[str, zipfile.ZipInfo] = {}
    for number, entry in enumerate(kept):
        if not _is_unsafe(entry.filename):
            name = _name(entry)
            safe[name if name not in safe else f"{name} ({number})"] = entry
    _check_sizes(packed, list(safe.values()), limits)
    sources = _sources(packed, safe)
    found = [Member(name, member) for name, member in sources.items()]
    plain, inner = _split(found)
    deeper = [it for member in inner for it in _inner(member, limits, stack)] if limits.depth > 1 else []
    if len(plain) + len(deeper) > limits.entries:
        raise _too_many(limits)
    if sum(it.source.size_bytes for it in deeper) > limits.health_bytes:
        raise _too_much(limits.health_bytes)
    return Archive(
        members=(*plain, *deeper),
        n_litter=len(entries) - len(kept),
        n_unsafe=len(kept) - len(safe),
        n_nested=len(inner) if limits.depth <= 1 else 0,
    )


def _sources(packed: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> dict[str, Source]:
    sources: dict[str, Source] = {}

    def opener(entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
        def fresh() -> BinaryIO:
            with said():
                return cast(BinaryIO, Guarded(packed.open(entry)))

        return fresh

    for name, entry in entries.items():
        folder, _, last = name.rpartition("/")

        def beside(other: str, folder: str = folder) -> Source | None:
            return sources.get(f"{folder}/{other}" if folder else other)

        sources[name] = Source(last, entry.file_size, opener(entry), beside)
    return sources


def _split(members: list[Member]) -> tuple[list[Member], list[Member]]:
    """Plain files and zips; a spreadsheet is a zip by its bytes and a plain file by its use."""
    plain: list[Member] = []
    inner: list[Member] = []
    for member in members:
        is_inner = member.path.lower().endswith(".zip") and is_zip(_head(member))
        (inner if is_inner else plain).append(member)
    return plain, inner


def _head(member: Member) -> bytes:
    try:
        return member.source.head(4)
    except ExportUnreadable:
        return b""


def _inner(member: Member, limits: Limits, stack: ExitStack) -> list[Member]:
    """The files of an archive inside, behind the same guards; a refused one stays a plain file."""
    spool: IO[bytes] = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115
    try:
        with member.source.open() as stream:
            while chunk := stream.read(CHUNK_BYTES):
                spool.write(chunk)
        spooled = Source(member.source.name, member.source.size_bytes, lambda: cast(BinaryIO, spool))
        archive = _open(spooled, replace(limits, depth=limits.depth - 1), stack)
    except ExportUnreadable:
        return [member]
    return [Member(f"{member.path}!{it.path}", it.source) for it in archive.members]


def _check_directory(stream: BinaryIO, size_bytes: int, limits: Limits) -> None:
    """Refuse a table of contents that is too long to be loaded, from the end record alone."""
    stream.seek(max(0, size_bytes - END_BYTES))
    end = stream.read(END_BYTES)
    stream.seek(0)
    at = end.rfind(EMPTY_ZIP)
    if at < 0 or len(end) - at < 22:
        raise ExportUnreadable("it is a zip whose end is missing.", hint=AGAIN)
    (length,) = struct.unpack_from("<I", end, at + 12)
    far = at - 76
    if far >= 0 and end[far : far + 4] == b"PK\x06\x06":
        (length,) = struct.unpack_from("<Q", end, far + 40)
    if length > limits.directory_bytes:
        raise _too_many(limits)


def _check_sizes(packed: zipfile.ZipFile, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if not entries:
        return
    total = sum(entry.file_size for entry in entries)
    packed_bytes = sum(entry.compress_size for entry in entries)
    most = limits.total_bytes
    if total > most:
        largest = max(entries, key=lambda entry: entry.file_size)
        with said(), packed.open(largest) as stream:
            most = limits.health_bytes if _is_health(stream.read(4096)) else most
    _check_size(total, packed_bytes, most, limits)


def _check_size(size: int, packed_bytes: int, most: int, limits: Limits) -> None:
    if size > most:
        raise _too_much(most)
    if size > limits.ratio_from_bytes and size > limits.ratio * max(packed_bytes, 1):
        raise ExportUnreadable(
            f"it unpacks to more than {limits.ratio} times its size, as no export does.", hint=UNPACK
        )


def _too_many(limits: Limits) -> ExportUnreadable:
    return ExportUnreadable(f"it holds more than {limits.entries} files.", hint="Export a shorter span.")


def _too_much(most: int) -> ExportUnreadable:
    return ExportUnreadable(f"it unpacks to more than {most >> 20} MiB.", hint="Export a shorter span.")


def _is_health(head: bytes) -> bool:
    return b"HealthData" in head


def _is_litter(name: str) -> bool:
    folded = "/" + name.lower()
    return any(it in folded for it in LITTER)


def _is_unsafe(written: str) -> bool:
    name = written.replace("\\", "/")
    return name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name


def _name(entry: zipfile.ZipInfo) -> str:
    """The name for people: old packers wrote UTF-8 without saying so, macOS writes accents apart."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))
