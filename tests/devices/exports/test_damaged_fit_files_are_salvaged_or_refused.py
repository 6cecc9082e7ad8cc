"""Flipped, cut and repeated bytes end in what could be read or in a refusal, never in anything else."""

from __future__ import annotations

import random
from zoneinfo import ZoneInfo

import numpy as np

from hub.devices.exports.fit import read_fit
from hub.devices.exports.fit_activity import fold, read_activity
from hub.devices.exports.fit_profile import WANTED
from hub.devices.exports.fit_wire import read_wire
from hub.devices.exports.found import Found, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.fit_writer import Body, fit_file
from tests.devices.exports.test_fit_files_become_what_every_export_is import NO_U16, headed, pool
from tests.devices.exports.test_fit_messages_become_an_activity import SESSION, STAMP, T0, recorded, swim

SEED, CASES = 20_261_118, 500


def ten_files() -> list[bytes]:
    """Small sound files of every kind of message that is read."""
    laps = recorded(30).define(5, 19, [STAMP, (2, 4, 0x86), (7, 4, 0x86)]).add(5, "<III", T0, T0, 9_000)
    zones = (
        recorded(5)
        .define(6, 216, [(0, 2, 0x84), (2, 8, 0x86), (6, 2, 2)])
        .add(6, "<HIIBB", 18, 1, 2, 99, 120)
    )
    beats = (
        Body().define(0, 372, [STAMP, (0, 2, 0x84), (1, 10, 0x84)]).add(0, "<IH5H", T0, 500, *[0x4320] * 5)
    )
    day = headed(Body().define(0, 55, [STAMP, (27, 1, 2)]).define(1, 227, [(0, 2, 0x83), (1, 4, 0x86)]), 32)
    for second in range(20):
        day.add(0, "<IB", T0 + second, 60).add(1, "<hI", 30, T0 + second)
    night = Body().define(2, 275, [STAMP, (0, 1, 0)]).add(2, "<IB", T0, 2).add(2, "<IB", T0 + 60, 3)
    night.define(0, 370, [STAMP, (0, 2, 0x84)]).add(0, "<IH", T0, 9_000)
    placed = Body().define(0, 20, [STAMP, (0, 4, 0x85), (1, 4, 0x85), (8, 3, 0x0D)], order=">")
    for second in range(20):
        placed.add(0, ">Iii3s", T0 + second, 620_000_000, 160_000_000, b"\x10\x20\x30")
    since_power_up = Body().define(0, 20, [STAMP, (3, 1, 2)]).define(1, 18, SESSION)
    for second in range(20):
        since_power_up.add(0, "<IB", 5_000 + second, 120)
    apps = (
        Body()
        .define(3, 206, [(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 6, 7)])
        .add(3, "<BBB6s", 0, 1, 0x88, b"Core")
    )
    apps.define(0, 20, [STAMP, (3, 1, 2)], extras=[(1, 4, 0)]).add(0, "<IBf", T0, 120, 37.5)
    return [
        laps.add(1, "<IIBIII", T0, T0, 1, 9_000, 9_000, 0).add(3, "<5H", 800, 810, *[NO_U16] * 3).file(),
        swim(),
        fit_file([("record", (T0 + second, 120)) for second in range(9)]) * 2,
        pool(4, 10_000).file(), zones.file(), beats.file(), day.file(), night.file(),
        headed(since_power_up).file(), apps.file() + placed.file(),
    ]  # fmt: skip


def damaged(file: bytes, dice: random.Random) -> bytes:
    data = bytearray(file)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data))
        if dice.random() < 0.7:
            data[at] = dice.choice((0, 255, data[at] ^ 1 << dice.randrange(8), dice.randrange(256)))
        else:
            data[at:at] = data[at : at + dice.randint(1, 40)]
    return bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.4 else data)


def salvaged(data: bytes) -> Found | None:
    try:
        return read_fit(Source.of_bytes("fuzz.fit", data), Setting(ZoneInfo("Europe/Berlin")))
    except ExportUnreadable:
        return None


def test_500_damaged_files_are_salvaged_or_refused() -> None:
    files, dice, n_salvaged = ten_files(), random.Random(SEED), 0
    assert all(salvaged(file) is not None for file in files)
    for n in range(CASES):
        data = damaged(files[n % len(files)], dice)
        try:
            found = salvaged(data)
            for session in () if found is None else found.sessions:
                assert (np.diff(session.track.at_ms) > 0).all()
                assert (np.diff(session.rr.at_ms) >= 0).all()
                assert session.elapsed_s >= (session.timer_s or 0) >= 0
                assert -26 * 3600 < session.utc_offset_s < 26 * 3600
        except Exception as error:
            raise AssertionError(f"seed {SEED}, case {n} of {CASES}: {data.hex()}") from error
        n_salvaged += found is not None
    assert 100 < n_salvaged < CASES


def test_rows_read_by_the_stretch_are_the_rows_read_one_by_one() -> None:
    dice = random.Random(SEED + 1)
    for file in ten_files():
        for data in (file, *(damaged(file, dice) for _ in range(10))):
            try:
                together, alone = read_activity(data), fold(read_wire(data, WANTED))
            except ExportUnreadable:
                continue
            assert together.n_records == alone.n_records
            assert np.array_equal(together.records.at_ms, alone.records.at_ms)
            assert together.records.columns.keys() == alone.records.columns.keys()
            for name, values in together.records.columns.items():
                assert np.array_equal(values, alone.records.column(name), equal_nan=True), (name, data.hex())
            assert (together.beats, together.held, together.damage) == (alone.beats, alone.held, alone.damage)


def test_a_file_of_20_000_sessions_and_laps_ends_with_a_word() -> None:
    body = recorded(2_000).define(5, 19, [STAMP, (2, 4, 0x86)])
    for n in range(20_000):
        body.add(1, "<IIBIII", T0, T0 + n % 2_000, 1, 9_000, 9_000, 0).add(5, "<II", T0, T0 + n % 2_000)
    found = salvaged(body.file())
    assert found is not None
    assert len(found.sessions) == 64
    assert sum(session.n_records for session in found.sessions) == 2_000
    assert any("20000 sessions" in text for text in found.warnings)
