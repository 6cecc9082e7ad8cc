"""Original files are kept under their hash, bounded, and let go oldest first."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from hub.errors import NotFound
from hub.imports.originals import open_original, path_of, prune, put_away
from hub.store import originals
from tests.imports import made


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_kept_file_gives_back_its_bytes(tmp_path: Path) -> None:
    data = b"hr,121\n" * 5000
    size = put_away(tmp_path, digest(data), io.BytesIO(data))
    assert size is not None
    assert size < len(data) / 10
    assert path_of(tmp_path, digest(data)).parent.name == digest(data)[:2]
    with open_original(tmp_path, digest(data)) as stream:
        assert stream.read() == data
    assert put_away(tmp_path, digest(data), io.BytesIO(data)) == size


@pytest.mark.parametrize(("data", "sha256"), [(b"x" * 101, digest(b"x" * 101)), (b"x", digest(b"y"))])
def test_what_is_too_large_or_not_itself_is_not_kept(tmp_path: Path, data: bytes, sha256: str) -> None:
    assert put_away(tmp_path, sha256, io.BytesIO(data), most_bytes=100) is None
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []
    with pytest.raises(NotFound, match="original"):
        open_original(tmp_path, sha256)


def test_the_oldest_files_go_first(tmp_path: Path) -> None:
    db, _ = made.memory_store()
    hashes = []
    for number in range(4):
        data = bytes([number]) * 100
        hashes.append(digest(data))
        size = put_away(tmp_path, hashes[-1], io.BytesIO(data)) or 0
        originals.add(db, originals.Original(hashes[-1], f"{number}.fit", 100, size, number))
    room = originals.total_bytes(db) // 2
    assert prune(db, tmp_path, most_total_bytes=room) == hashes[:2]
    assert [path_of(tmp_path, it).exists() for it in hashes] == [False, False, True, True]
    assert originals.of_hash(db, hashes[0]) is None
    kept = originals.of_hash(db, hashes[3])
    assert kept is not None
    assert kept.filename == "3.fit"
