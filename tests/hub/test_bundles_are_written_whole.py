"""A bundle on a stick holds all that waits, once, whatever happened to the stick while it was written."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from hub.errors import ActionRefused, DiskFull
from hub.store import meta, oplog
from hub.syncing.bundle_write import LogChanged, is_under_way, write_bundle
from hub.syncing.enrolment import load_key
from sync.bundle_keys import cloud_key_b64
from tests.hub.stick import CLOUD_SEED, HUB_ID, Backlog, Watcher, inside

OTHER_CLOUD = bytes(32)
ROOT = Path(__file__).parent.parent.parent


class Pulled(Exception):
    """Nobody writes any more."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Backlog]:
    hub = Backlog(tmp_path / "card")
    yield hub
    hub.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    path = tmp_path / "stick"
    path.mkdir()
    return path


def holds_all(hub: Backlog, stick: Path, cloud_seed: bytes = CLOUD_SEED) -> None:
    """One bundle is there, and in it is what waits: each thing once, edits in their order."""
    files = sorted(it.name for it in stick.iterdir())
    assert len(files) == 1, files
    assert files[0].endswith(".tlb")
    found = inside(stick / files[0], load_key(hub.card / "hub.key"), cloud_seed)
    ops, waiting = hub.pending()
    assert [op.op_id for op in found.ops] == ops
    assert len(found.segments) == len(set(found.segments))
    assert set(found.segments) == waiting


def pull_out_at(step: int) -> Watcher:
    def pull(now: int) -> None:
        if now == step:
            raise Pulled

    return Watcher(pull)


def test_a_bundle_holds_what_waits_and_marks_nothing_as_sent(hub: Backlog, stick: Path) -> None:
    hub.edits(50)
    hub.recordings(40)
    before = hub.pending()
    watcher = Watcher()
    written = hub.write(stick, watcher)
    assert hub.pending() == before
    assert (written.first_seq, written.last_seq, written.segments) == (1, 50, 40)
    assert (stick / written.name).stat().st_size == written.size_bytes
    assert watcher.steps >= 3
    holds_all(hub, stick)


def test_what_was_acknowledged_meanwhile_leaves_no_hole(hub: Backlog, stick: Path) -> None:
    hub.edits(30, "a name so long that two chunks are needed " * 300)

    def acknowledge(step: int) -> None:
        hub.store.write_now(lambda db: db.execute("UPDATE outbox SET state = 'acked' WHERE seq <= 28"))

    watcher = Watcher(acknowledge)
    hub.write(stick, watcher)
    assert watcher.steps > 2
    found = inside(next(stick.iterdir()), load_key(hub.card / "hub.key"))
    assert [op.seq for op in found.ops] == list(range(1, 31))


def test_newest_recordings_come_first_and_files_last(hub: Backlog, stick: Path) -> None:
    old, new = hub.recordings(2, boot_no=1), hub.recordings(2, boot_no=2)
    imported = hub.recordings(1, boot_no=0, from_s=2_000_000)
    hub.write(stick)
    found = inside(next(stick.iterdir()), load_key(hub.card / "hub.key"))
    newest_first = [*reversed(new), *reversed(old), *imported]
    assert found.segments == [it.seg_id for it in newest_first]


def test_an_interrupted_bundle_goes_on_where_it_stopped(hub: Backlog, stick: Path) -> None:
    hub.edits(40)
    hub.noise(30, 100_000)
    with pytest.raises(Pulled):
        hub.write(stick, pull_out_at(9))
    assert is_under_way(stick, HUB_ID)
    draft = next(stick.iterdir()).read_bytes()
    assert len(draft) > 800_000
    hub.edits(3, "late")
    hub.noise(2, 1000)
    watcher = Watcher()
    written = hub.write(stick, watcher)
    assert watcher.steps < 11 + 4, "what was there is not written again"
    assert (stick / written.name).read_bytes().startswith(draft[:800_000])
    assert not is_under_way(stick, HUB_ID)
    holds_all(hub, stick)


def test_a_draft_torn_anywhere_is_gone_on_with_or_begun_anew(hub: Backlog, stick: Path) -> None:
    hub.edits(30)
    hub.noise(12, 60_000)
    with pytest.raises(Pulled):
        hub.write(stick, pull_out_at(4))
    draft_path = next(stick.iterdir())
    draft, rng = draft_path.read_bytes(), Random(5)
    sizes = [0, 1, 9, 200, 600, len(draft) - 1, len(draft)]
    for size in [*sizes, *(rng.randrange(len(draft)) for _ in range(20))]:
        torn = bytearray(draft[:size])
        if size and rng.random() < 0.4:
            torn[rng.randrange(size)] ^= 4
        for file in stick.iterdir():
            file.unlink()
        draft_path.write_bytes(torn + rng.randbytes(rng.randrange(40)))
        hub.write(stick)
        holds_all(hub, stick)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.hub.stick import Backlog, Watcher
card, stick, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def die(now):
    if now == step:
        os.kill(os.getpid(), signal.SIGKILL)
Backlog(card).write(stick, Watcher(die))
"""


def test_a_hub_killed_while_it_writes_goes_on_afterwards(hub: Backlog, stick: Path) -> None:
    hub.edits(40)
    hub.noise(40, 250_000)
    load_key(hub.card / "hub.key")
    hub.close()
    for step in (30,):
        died = subprocess.run(
            [sys.executable, "-c", KILLED, str(hub.card), str(stick), str(step)], cwd=ROOT, check=False
        )
        assert died.returncode == -signal.SIGKILL
        assert is_under_way(stick, HUB_ID)
    again = Backlog(hub.card)
    try:
        again.write(stick)
        holds_all(again, stick)
    finally:
        again.close()


def test_a_bundle_whole_but_unnamed_only_gets_its_name(hub: Backlog, stick: Path) -> None:
    hub.edits(5)
    name = hub.write(stick).name
    (stick / name).rename(stick / f".touchline-{HUB_ID[:8]}.part")
    assert hub.write(stick).name == name
    holds_all(hub, stick)


def test_a_draft_of_another_log_another_key_or_another_cloud_is_thrown_away(
    hub: Backlog, stick: Path
) -> None:
    hub.edits(20)
    hub.noise(8, 100_000)

    def fork() -> None:
        hub.store.write_now(lambda db: oplog.fork(db, 2, 0))

    def new_key() -> None:
        (hub.card / "hub.key").write_bytes(os.urandom(32))

    def new_cloud() -> None:
        hub.store.write_now(lambda db: meta.put(db, "bundle_key", cloud_key_b64(OTHER_CLOUD)))

    for change, seed in ((fork, CLOUD_SEED), (new_key, CLOUD_SEED), (new_cloud, OTHER_CLOUD)):
        with pytest.raises(Pulled):
            hub.write(stick, pull_out_at(3))
        change()
        hub.write(stick)
        holds_all(hub, stick, seed)
        next(stick.iterdir()).unlink()


def test_a_log_begun_anew_while_it_is_written_is_written_anew(hub: Backlog, stick: Path) -> None:
    hub.edits(30, "a name so long that two chunks are needed " * 300)
    forked: list[int] = []

    def fork(step: int) -> None:
        if not forked:
            forked.append(step)
            hub.store.write_now(lambda db: db.execute("DELETE FROM outbox WHERE seq <= 3"))
            hub.store.write_now(lambda db: oplog.fork(db, 2, 0))

    with pytest.raises(LogChanged):
        hub.write(stick, Watcher(fork))
    assert list(stick.iterdir()) == []
    hub.write(stick)
    holds_all(hub, stick)


def test_a_full_stick_is_told_before_anything_is_written(
    hub: Backlog, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.noise(3, 100_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=900_000))
    with pytest.raises(DiskFull, match=r"0\.9 MB free, the bundle needs 1\.3 MB"):
        hub.write(stick)
    assert list(stick.iterdir()) == []


def test_a_stick_that_fills_up_on_the_way_keeps_what_it_has(hub: Backlog, stick: Path) -> None:
    hub.edits(10)
    hub.noise(20, 200_000)
    author = hub.author()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(DiskFull, match="is full; what was written so far is kept"):
            write_bundle(hub.store, author, stick, Watcher())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert next(stick.iterdir()).stat().st_size > 500_000
    hub.write(stick)
    holds_all(hub, stick)


def test_a_stick_that_cannot_be_written_is_told_with_what_to_do(
    hub: Backlog, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.edits(1)
    with pytest.raises(ActionRefused, match="is no folder") as refused:
        write_bundle(hub.store, hub.author(), stick / "none", Watcher())
    assert "Plug the stick in" in refused.value.hint

    def broken(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(ActionRefused, match="Input/output error") as refused:
        hub.write(stick)
    assert "goes on where it stopped" in refused.value.hint


def test_a_stick_that_gives_back_other_bytes_is_not_trusted(hub: Backlog, stick: Path) -> None:
    hub.edits(3)

    def spoil(step: int) -> None:
        path = next(stick.iterdir())
        with path.open("r+b") as file:
            file.seek(400)
            file.write(b"\0\0\0\0")

    with pytest.raises(ActionRefused, match="did not keep"):
        hub.write(stick, Watcher(spoil))
    assert list(stick.iterdir()) == []


def test_a_large_backlog_takes_no_more_memory_than_a_small_one(hub: Backlog, stick: Path) -> None:
    hub.noise(160, 250_000)
    tracemalloc.start()
    try:
        written = hub.write(stick)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written.size_bytes > 40_000_000
    assert peak < 12_000_000, peak


def test_nothing_waiting_still_makes_a_bundle_that_asks(hub: Backlog, stick: Path) -> None:
    written = hub.write(stick)
    assert (written.first_seq, written.last_seq, written.segments) == (1, 0, 0)
    found = inside(stick / written.name, load_key(hub.card / "hub.key"))
    assert (found.ops, found.segments) == ([], [])
