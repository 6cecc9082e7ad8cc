"""A source hands out its bytes from the start as often as asked, and says plainly when it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable


def test_every_opening_starts_at_the_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.fit"
    path.write_bytes(b"0123456789")
    for source in (Source.of_path(path), Source.of_bytes("folder/a.fit", b"0123456789")):
        with source.open() as once, source.open() as again:
            assert once.read(4) == b"0123"
            assert again.read() == b"0123456789"
        assert (source.name, source.size_bytes, source.head(3)) == ("a.fit", 10, b"012")


def test_reading_more_than_allowed_is_refused_with_both_sizes() -> None:
    source = Source.of_bytes("a.fit", bytes(3 << 20))
    assert len(source.read(3 << 20)) == 3 << 20
    with pytest.raises(ExportUnreadable, match="it has 3 MiB, more than 2"):
        source.read(2 << 20)


def test_a_file_that_grew_since_it_was_measured_is_still_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"12")
    source = Source.of_path(path)
    path.write_bytes(bytes(100))
    with pytest.raises(ExportUnreadable, match="more than"):
        source.read(50)


def test_a_file_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.fit"
    with pytest.raises(ExportUnreadable, match="is not there any more"):
        Source.of_path(path)
    path.write_bytes(b"x")
    source = Source.of_path(path)
    path.unlink()
    with pytest.raises(ExportUnreadable, match="is not there any more"):
        source.read(10)


def test_a_folder_or_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ExportUnreadable, match="it is no file"):
            Source.of_path(path)


def test_siblings_are_found_in_the_same_folder_only(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret.csv").write_bytes(b"secret")
    for name in ("x.csv", "x.hrv.csv"):
        (tmp_path / "inner" / name).write_bytes(name.encode())
    source = Source.of_path(tmp_path / "inner" / "x.hrv.csv")
    found = source.sibling("x.csv")
    assert found is not None
    assert found.read(10) == b"x.csv"
    assert source.sibling("../secret.csv") is None
    assert source.sibling("y.csv") is None
    at_hand = Source.of_bytes("x.hrv.csv", b"1", {"x.csv": b"2"}).sibling("x.csv")
    assert at_hand is not None
    assert at_hand.read(1) == b"2"
