"""Files made to hurt, read as the hub does: little memory, little time, one plain sentence, no crash."""

from __future__ import annotations

import asyncio
import csv
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path

import pytest

from hub.devices.exports.found import Setting
from hub.imports.pool import Pool
from hub.imports.read import STUMBLED
from hub.imports.readfile import ReadFile
from tests.imports.own_files import fit_run, hostile

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
MOST_BYTES = 256 << 20
MOST_S = 10.0
BROKEN = (STUMBLED, "broke off", "took longer")

Outcome = tuple[list[ReadFile], float, int]


def shared() -> Iterator[Path]:
    """The hostile set, and every file that the catalogues call malformed."""
    yield from sorted((SAMPLES / "synthetic" / "hostile").glob("*"))
    for catalogue in (SAMPLES / "PROVENANCE.tsv", SAMPLES / "synthetic" / "PROVENANCE.tsv"):
        if catalogue.is_file():
            with catalogue.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream, delimiter="\t"):
                    path = SAMPLES / row["file"]
                    if "MALFORMED" in (row["contains"] or "") and path.is_file():
                        yield path


def peak_bytes(pid: int) -> int:
    """The most memory the process has held so far."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) << 10


def outcomes(paths: Iterable[Path]) -> dict[str, Outcome]:
    """Each file's results, the seconds they took and the peak of the process that read them."""

    async def story() -> dict[str, Outcome]:
        pool, found = Pool(), {}
        for path in paths:
            began = time.monotonic()
            results, peak = [], 0
            async for read in pool.read(path, Setting(UTC)):
                results.append(read)
                peak = max(peak, *(peak_bytes(pid) for pid in pool.pids()))
            found[path.name] = (results, time.monotonic() - began, peak)
        await pool.close()
        return found

    return asyncio.run(story())


def check(found: dict[str, Outcome]) -> None:
    for name, (results, took_s, peak) in found.items():
        assert results, name
        assert took_s < MOST_S, name
        assert peak < MOST_BYTES, f"{name}: {peak >> 20} MiB"
        for error in [it.error for it in results if it.error]:
            assert error.endswith("."), f"{name}: {error}"
            assert len(error) < 300, f"{name}: {error}"
            assert not any(words in error for words in BROKEN), f"{name}: {error}"
        assert all(it.hint for it in results if it.error), name


def test_every_own_hostile_file_is_refused_in_one_plain_sentence(tmp_path: Path) -> None:
    paths = []
    for name, data in hostile().items():
        (tmp_path / name).write_bytes(data)
        paths.append(tmp_path / name)
    found = outcomes(paths)
    check(found)
    read_after_all = {name: results for name, (results, *_) in found.items() if not results[-1].error}
    assert not read_after_all
    assert {len(results) for results, *_ in found.values()} == {1}


def test_every_shared_hostile_or_malformed_file_costs_no_more_than_a_sentence() -> None:
    paths = list(shared())
    if not paths:
        pytest.skip("the shared samples are not here")
    found = outcomes(paths)
    check(found)
    refused = sum(results[0].error is not None for results, *_ in found.values())
    slowest = max(found, key=lambda name: found[name][1])
    peak = max(peak for *_, peak in found.values())
    took_s = found[slowest][1]
    print(f"\n{len(found)} files, {refused} refused, {peak >> 20} MiB; slowest {slowest}: {took_s:.1f} s")


def test_nothing_that_an_archive_names_is_ever_written(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "slip.zip").write_bytes(hostile()["slip.zip"])
    outcomes([inner / "slip.zip"])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["slip.zip"]


def test_a_sound_file_after_all_of_them_is_still_read(tmp_path: Path) -> None:
    for name in ("one_line.csv", "bomb.zip"):
        (tmp_path / name).write_bytes(hostile()[name])
    (tmp_path / "run.fit").write_bytes(fit_run())
    found = outcomes([tmp_path / "one_line.csv", tmp_path / "bomb.zip", tmp_path / "run.fit"])
    assert found["run.fit"][0][0].sessions[0].heart.n == 60
