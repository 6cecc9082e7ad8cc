"""Uploads are written piece by piece or not at all; a batch's frames hold what is new, and end in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from hub.errors import ActionRefused, DiskFull
from hub.imports.jobs import BatchProgress, FileProgress, FileState, Outcome
from hub.web import batch_page
from hub.web.batch_page import Frames, stream
from hub.web.import_words import (
    MOST_SHOWN,
    batch_view,
    counts_text,
    file_view,
    hours_text,
    minutes_count,
    said_of,
    sentence,
    shown_files,
)
from hub.web.uploads import clean_name, receive, uploaded
from tests.web.small_hub import SmallHub


def done(number: int, *statuses: str) -> FileProgress:
    ends = tuple(Outcome(f"{number}.fit", status, "why.") for status in statuses)
    return FileProgress(number, f"{number}.fit", FileState.DONE, ends)


def batch(*files: FileProgress, change: int = 0) -> BatchProgress:
    return BatchProgress("b", change, files)


def told(frame: bytes) -> dict[str, object]:
    return dict(json.loads(frame.removeprefix(b"data: ")))


def test_a_frame_holds_only_the_rows_that_changed() -> None:
    frames = Frames(lambda file: f"<li>{file.name}: {file.state}</li>")
    waiting = [FileProgress(number, f"{number}.fit") for number in range(3)]
    first = told(frames.frame(batch(*waiting)))
    assert first["rows"] == {str(n): f"<li>{n}.fit: waiting</li>" for n in range(3)}
    waiting[1] = done(1, "imported")
    second = told(frames.frame(batch(*waiting)))
    assert second["rows"] == {"1": "<li>1.fit: done</li>"}
    assert (second["done"], second["files"], second["finished"]) == (1, 3, False)
    assert second["said"] == "1 imported; 2 to go"


async def never() -> AsyncIterator[BatchProgress]:
    await asyncio.Event().wait()
    yield batch()


async def two() -> AsyncIterator[BatchProgress]:
    yield batch(FileProgress(0, "0.fit"))
    yield batch(done(0, "imported"))


def test_a_stream_ends_with_its_batch_and_with_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_page, "PING_S", 0.02)

    async def story() -> None:
        stopping = asyncio.Event()
        got = [it async for it in stream(two(), Frames(lambda _: ""), stopping, rest_s=0)]
        assert [b"data" in it for it in got] == [False, True, True]
        endless = stream(never(), Frames(lambda _: ""), stopping)
        assert (await anext(endless)).startswith(b"retry:")
        assert await anext(endless) == b": ping\n\n"
        stopping.set()
        assert [it async for it in endless] == []

    asyncio.run(asyncio.wait_for(story(), 5))


def test_a_great_batch_shows_its_first_files_and_every_problem() -> None:
    files = [done(n, "failed" if n == 900 else "imported") for n in range(1000)]
    shown = shown_files(batch(*files))
    assert [it.number for it in shown] == [*range(MOST_SHOWN), 900]
    view = batch_view(batch(*files))
    assert (view.title, view.n_hidden) == ("1\u202f000 files", 799)
    assert said_of(batch(*files)) == "999 imported, 1 not read"


def test_a_file_says_what_can_be_done_with_it() -> None:
    waiting = file_view(FileProgress(0, "a.fit"))
    assert (waiting.pill, waiting.can_cancel, waiting.can_retry) == ("waiting", True, False)
    mixed = file_view(done(0, "imported", "failed", "duplicate"))
    assert (mixed.pill, mixed.tone, mixed.can_retry) == ("partly read", "warn", True)
    assert [it.status for it in mixed.outcomes] == ["failed", "imported", "duplicate"]
    assert mixed.detail == "1 imported, 1 here already, 1 not read."
    assert file_view(done(0, "linked")).can_retry is False
    assert file_view(done(0)).pill == "nothing in it"
    assert counts_text([]) == ""


def test_times_and_sentences_read_as_people_say_them() -> None:
    assert [hours_text(s) for s in (3600, -3600, 5400, -19_800)] == [
        "+1 h",
        "−1 h",
        "+1 h 30 min",
        "−5 h 30 min",
    ]
    assert [minutes_count(s) for s in (0, 20, 60, 3600)] == ["0 min", "under 1 min", "1 min", "60 min"]
    assert (sentence("it is empty"), sentence(""), sentence("Done!")) == ("It is empty.", "", "Done!")


async def pieces(n: int, breaks: bool = False) -> AsyncIterator[bytes]:
    for number in range(n):
        yield bytes([number % 256]) * 70_000
    if breaks:
        raise ConnectionError("gone")


def test_an_upload_is_written_whole_or_removed(hub: SmallHub) -> None:
    desk = hub.parts.imports

    async def story() -> None:
        upload_id = await receive(desk, "../../etc/pass\nwd.fit", 0, pieces(40))
        (path,) = desk.setting.incoming.iterdir()
        assert (path.name, path.stat().st_size) == (upload_id, 40 * 70_000)
        with pytest.raises(ConnectionError):
            await receive(desk, "broken.fit", 0, pieces(20, breaks=True))
        with pytest.raises(ActionRefused, match=r"short\.fit did not arrive whole"):
            await receive(desk, "short.fit", 140_001, pieces(2))
        with pytest.raises(DiskFull, match="not taken"):
            await receive(desk, "huge.zip", 1 << 60, pieces(1))
        assert list(desk.setting.incoming.iterdir()) == [path]
        with pytest.raises(ActionRefused, match="did not arrive"):
            uploaded(desk, uuid4(), "other.fit")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("season/run.fit", "season/run.fit"),
        ("a\x00b\u202ec.fit", "a\ufffdb\ufffdc.fit"),
        ("", "file without a name"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_files_name_is_only_ever_shown(name: str, shown: str) -> None:
    assert clean_name(name) == shown
    assert not Path(clean_name(name)).is_absolute()
