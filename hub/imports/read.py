"""A path becomes what the store takes: opened, told apart, read and sealed, one result an export file.

It writes nothing and knows no athlete. Whatever is in a file, the answer is a ReadFile: the refusals of
readers are sentences, and a reader's own mistake is told as one too.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hub.devices.exports import sniff
from hub.devices.exports.csv_guess import header_signature
from hub.devices.exports.found import Found, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from hub.imports import archive
from hub.imports.archive import CHUNK_BYTES, USUAL, Limits
from hub.imports.originals import put_away
from hub.imports.readfile import ReadFile
from hub.imports.sealing import read_session

log = logging.getLogger(__name__)

MOST_NAMED = 5
WORKBOOK_BYTES = 64 << 20
UNPACK = "Unpack it once and import the archives in it."
AS_GIVEN = "Choose the zip as the maker gave it out."
STUMBLED = "its reader stumbled over it"
REPORT = "Keep the file and report this; the other files are not touched by it."


def read_path(
    path: Path,
    setting: Setting,
    name: str | None = None,
    limits: Limits = USUAL,
    originals: Path | None = None,
) -> list[ReadFile]:
    """Every export file at `path`: one, or one for each in an archive. Never raises for what is in it.

    `name` is the name to show where the path is a temporary one; in `originals` the bytes of what could be
    read are put away under their hash.
    """
    return list(each_file(path, setting, name, limits, originals))


def each_file(
    path: Path,
    setting: Setting,
    name: str | None = None,
    limits: Limits = USUAL,
    originals: Path | None = None,
) -> Iterator[ReadFile]:
    """As read_path, one at a time, so that a season in a zip is never in memory at once."""
    shown = name or path.name
    try:
        source = Source.of_path(path, shown)
        if not archive.is_zip(source.head(4)) or sniff.is_workbook(source):
            yield read_source(source, setting, shown, limits, originals)
            return
        yield from _archive(source, setting, shown, limits, originals)
    except ExportUnreadable as error:
        yield _refused(shown, error, _size(path))
    except MemoryError:
        yield _refused(shown, _too_heavy(), _size(path))
    except Exception as error:  # the archive door's own mistake, told like a reader's
        yield _refused(shown, _stumbled(error), _size(path))


def read_source(
    source: Source, setting: Setting, shown: str, limits: Limits = USUAL, originals: Path | None = None
) -> ReadFile:
    """One file that is no zip (gzip is looked through). Never raises for what is in it."""
    sha256, kind_name = "", ""
    try:
        source = _unpacked(source, limits)
        if sniff.is_workbook(source):
            with archive.opened(source, replace(limits, total_bytes=WORKBOOK_BYTES)):
                pass  # its guards, before any spreadsheet library sees it
        kind = sniff.kind_of(source)
        kind_name = kind.name
        sha256 = digest(source)
        if not kind.is_certain:
            setting = _with_saved_mapping(source, setting)
        read = _sealed(kind.load()(source, setting), shown, sha256, source.size_bytes)
        return read if originals is None else _put_away(read, source, originals)
    except ExportUnreadable as error:
        return _refused(shown, error, source.size_bytes, sha256, kind_name)
    except MemoryError:
        return _refused(shown, _too_heavy(), source.size_bytes, sha256, kind_name)
    except Exception as error:  # a reader's mistake must cost one file, not the import
        return _refused(shown, _stumbled(error), source.size_bytes, sha256, kind_name)


def _with_saved_mapping(source: Source, setting: Setting) -> Setting:
    """A table nobody knows is read as the club once said, where it did."""
    if setting.mapping is not None or not setting.mappings:
        return setting
    return replace(setting, mapping=setting.mappings.get(header_signature(source)))


def _put_away(read: ReadFile, source: Source, originals: Path) -> ReadFile:
    """Keep the original; a disk that refuses it must not cost the import."""
    try:
        with source.open() as stream:
            return replace(read, packed_bytes=put_away(originals, read.sha256, stream))
    except OSError as error:
        log.warning("the original of %s could not be kept: %s", read.name, error)
        return read


def digest(source: Source) -> str:
    """The sha256 of a file's decompressed bytes, read in pieces."""
    total = hashlib.sha256()
    with source.open() as stream:
        while chunk := stream.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def _archive(
    source: Source, setting: Setting, shown: str, limits: Limits, originals: Path | None
) -> Iterator[ReadFile]:
    """The exports in a zip; what else it holds is told in one warning on the first of them.

    Where nothing could be read there is one refusal: of the only file in it, else of the archive.
    """
    with archive.opened(source, limits) as inside:
        exports, others = _sorted_out(inside, setting, limits)
        left_out = _left_out(inside, others)
        told = (f"left out: {left_out}.",) if left_out else ()
        refused: list[ReadFile] = []
        any_read = False
        for member in exports:
            read = read_source(member.source, setting, f"{shown}!{member.path}", limits, originals)
            if read.error and not any_read:
                refused.append(read)
                continue
            yield replace(read, warnings=(*told, *read.warnings))
            yield from refused
            told, refused, any_read = (), [], True
        if not any_read:
            yield (
                refused[0]
                if len(inside.members) == 1 and refused
                else _unread(shown, source, refused, left_out)
            )


def _unread(shown: str, source: Source, refused: list[ReadFile], left_out: str) -> ReadFile:
    first = [f'"{refused[0].name.rpartition("!")[2]}" cannot: {refused[0].error}'] if refused else []
    why = "; ".join([*first, *([left_out + "."] if left_out else [])])
    error = ExportUnreadable(
        f"nothing in it can be read: {why}" if why else "it holds no files.",
        hint=refused[0].hint if refused else (UNPACK if "inside the archive" in left_out else AS_GIVEN),
    )
    return _refused(shown, error, source.size_bytes)


def _sorted_out(
    inside: archive.Archive, setting: Setting, limits: Limits
) -> tuple[list[archive.Member], list[str]]:
    """Members to read, and the paths of the others. A damaged one is read too, to fail with its sentence.

    A table nobody knows is read where a mapping for it was saved or the archive holds nothing better.
    """
    certain: list[archive.Member] = []
    tables: list[archive.Member] = []
    others: list[archive.Member] = []
    for member in inside.members:
        if not member.source.size_bytes:
            others.append(member)
            continue
        try:
            source = _unpacked(member.source, limits)
        except ExportUnreadable:
            certain.append(member)
            continue
        try:
            if sniff.kind_of(source).is_certain:
                certain.append(member)
            else:
                (tables if sniff.is_table(source) else others).append(member)
        except ExportUnreadable:
            others.append(member)
    if certain and setting.mapping is None:
        others, tables = [*others, *tables], []
    return [*certain, *tables], [member.path for member in others]


def _unpacked(source: Source, limits: Limits) -> Source:
    return archive.gunzipped(source, limits) if archive.is_gzip(source.head(2)) else source


def _left_out(inside: archive.Archive, others: list[str]) -> str:
    """What an archive holds beside exports, "" for nothing."""
    names = ", ".join(others[:MOST_NAMED]) + (", ..." if len(others) > MOST_NAMED else "")
    counted = (
        (len(others), "unknown file", f" ({names})"),
        (inside.n_nested, "archive", " inside the archive"),
        (inside.n_unsafe, "file", " with a name that points outside it"),
    )
    return "; ".join(f"{n} {noun}{'s' * (n != 1)}{more}" for n, noun, more in counted if n)


def _sealed(found: Found, shown: str, sha256: str, size_bytes: int) -> ReadFile:
    if not (found.sessions or found.daily or found.held):
        raise ExportUnreadable("it holds no session and no daily value.", hint="Choose a recorded activity.")
    damage = (found.damage,) if found.damage else ()
    return ReadFile(
        name=shown,
        sha256=sha256,
        size_bytes=size_bytes,
        format=found.format,
        provider=found.provider,
        sessions=tuple(read_session(it, number, sha256) for number, it in enumerate(found.sessions)),
        daily=found.daily,
        held=found.held,
        warnings=(*found.warnings, *damage),
    )


def _refused(
    shown: str, error: ExportUnreadable, size_bytes: int, sha256: str = "", kind_name: str = ""
) -> ReadFile:
    return ReadFile(shown, sha256, size_bytes, kind_name, error=error.detail, hint=error.hint)


def _stumbled(error: Exception) -> ExportUnreadable:
    log.error("a reader's own mistake", exc_info=error)
    return ExportUnreadable(f"{STUMBLED} ({type(error).__name__}).", hint=REPORT)


def _too_heavy() -> ExportUnreadable:
    return ExportUnreadable("it needs more memory than an import may take.", hint="Export a shorter span.")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
