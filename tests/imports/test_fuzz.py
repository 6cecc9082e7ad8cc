"""Bytes flipped and cut at random in ten formats: an answer every time, and never a reader's own mistake."""

from __future__ import annotations

import gzip
import random
import time
from collections import Counter
from datetime import UTC
from pathlib import Path

import pytest

from hub.devices.exports.found import Setting
from hub.devices.exports.source import Source
from hub.imports.read import STUMBLED, read_path, read_source
from tests.imports.own_files import ALL, fit_run, polar_rr, whoop_sleeps, zipped

SEED = 20260301
CASES_A_FILE = 200
SLOWEST_S = 2.0
ODD_BYTES = (0, 255, *b',"<\n')


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One case: some bytes flipped, a piece cut out or doubled, or the end missing."""
    changed = bytearray(data)
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        for _ in range(rng.choice((1, 4, 16))):
            changed[rng.randrange(len(changed))] = rng.choice(
                (0, 255, 0x2C, 0x22, 0x3C, 0x0A, rng.randrange(256))
            )
    elif kind == 2:
        begin = rng.randrange(len(changed))
        piece = changed[begin : begin + rng.randrange(1, 200)]
        changed[begin : begin + rng.choice((0, len(piece)))] = piece * rng.choice((0, 2, 3))
    else:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


@pytest.mark.parametrize("name", ALL)
def test_damage_anywhere_ends_in_sessions_or_in_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(f"{SEED} {name}")
    sound, tally = ALL[name](), Counter[str]()
    for case in range(CASES_A_FILE):
        data = damaged(sound, rng)
        began = time.process_time()
        read = read_source(Source.of_bytes(name, data), Setting(UTC), name)
        assert time.process_time() - began < SLOWEST_S, f"case {case} of seed {SEED}"
        if read.error is None:
            tally["read"] += 1
        else:
            assert STUMBLED not in read.error, f"case {case} of seed {SEED}: {read.error}"
            assert read.error.endswith("."), f"case {case} of seed {SEED}: {read.error}"
            tally["refused"] += 1
    assert tally.total() == CASES_A_FILE
    with capsys.disabled():
        print(
            f"\n{name}: seed {SEED}, {CASES_A_FILE} cases, {tally['read']} read, {tally['refused']} refused",
            end="",
        )


@pytest.mark.parametrize("name", ["export.zip", "run.fit.gz"])
def test_a_damaged_archive_ends_in_the_same_way(name: str, tmp_path: Path) -> None:
    rng = random.Random(f"{SEED} {name}")
    files = {"a/run.fit": fit_run(), "a/s.csv": whoop_sleeps(), "a/7.hrv.csv": polar_rr()}
    sound = zipped(files) if name.endswith(".zip") else gzip.compress(fit_run(), mtime=0)
    for case in range(CASES_A_FILE):
        (tmp_path / name).write_bytes(damaged(sound, rng))
        for read in read_path(tmp_path / name, Setting(UTC)):
            assert STUMBLED not in (read.error or ""), f"case {case} of seed {SEED}: {read.error}"
            assert (read.error or ".").endswith("."), f"case {case} of seed {SEED}: {read.error}"
