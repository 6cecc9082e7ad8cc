"""A FIT file's heart rate, frame and local time come out; what is no FIT file is refused with a way out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.devices.exports.fit import read_fit
from hub.errors import ExportUnreadable
from hub.importer import SEGMENT_MS, in_segments, parse
from tests.exports.fit_writer import NO_HEART, RUNNING, fit_file, run_file, seconds

START = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
HEART = [(second, 100 + second % 50) for second in range(0, 600)]
SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "fit"
SMALL_BYTES = 150_000
REAL_FILES = sorted(p for p in SAMPLES.glob("*.fit") if p.stat().st_size < SMALL_BYTES)


def test_every_heart_rate_comes_out_at_its_time() -> None:
    found = read_fit(run_file(START, HEART, elapsed_s=700, offset_s=3600))
    assert found.at_ms == tuple(START_MS + second * 1000 for second, _ in HEART)
    assert found.bpm == tuple(bpm for _, bpm in HEART)
    assert (found.started_at_ms, found.ended_at_ms) == (START_MS, START_MS + 700_000)
    assert (found.sport, found.utc_offset_s, found.dropped) == ("running", 3600, 0)
    assert found.device.startswith("garmin")


def test_the_end_lies_behind_the_last_heart_rate_even_where_the_watch_paused() -> None:
    found = read_fit(run_file(START, HEART, elapsed_s=10))
    assert found.ended_at_ms == found.at_ms[-1] + 1


@pytest.mark.parametrize("offset_s", [-25_200, 0, 20_700, 45_900])
def test_the_local_offset_is_read_to_the_quarter_of_an_hour(offset_s: int) -> None:
    assert read_fit(run_file(START, HEART, offset_s=offset_s)).utc_offset_s == offset_s


def test_records_without_a_heart_rate_are_left_out() -> None:
    found = read_fit(run_file(START, [(0, 120), (1, NO_HEART), (2, 0), (3, 121)]))
    assert found.bpm == (120, 121)


def test_wild_timestamps_are_dropped_and_counted() -> None:
    wild = [(-40 * 365 * 86_400 + 300_000_000, 99), (40 * 86_400, 98), (-7_200, 97)]
    found = read_fit(run_file(START, [*wild, *HEART]))
    assert found.at_ms[0] == START_MS
    assert len(found.bpm) == len(HEART)
    assert found.dropped == 3


def test_a_first_record_from_another_year_does_not_push_out_the_rest() -> None:
    began = seconds(START)
    records = [("record", (began + second, bpm)) for second, bpm in [(-3 * 365 * 86_400, 90), *HEART]]
    found = read_fit(fit_file([("file_id", (4, 1, 3113)), *records]))
    assert (found.started_at_ms, len(found.bpm), found.dropped) == (START_MS, 600, 1)


def test_a_watch_that_never_knew_the_date_is_refused() -> None:
    with pytest.raises(ExportUnreadable, match="clock is wrong"):
        read_fit(run_file(datetime(1999, 1, 1, tzinfo=UTC), HEART))


def test_two_records_of_one_second_are_one() -> None:
    assert read_fit(run_file(START, [(0, 120), (0, 130), (1, 140)])).bpm == (130, 140)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"PK\x03\x04 a zip archive", b"\x0e\x20\x00\x00\x00\x00\x00\x00.GPX"]
)
def test_what_is_not_a_fit_file_is_refused_with_a_hint(data: bytes) -> None:
    with pytest.raises(ExportUnreadable, match="not a FIT file") as refused:
        read_fit(data)
    assert refused.value.hint


def test_a_file_without_heart_rate_is_refused_with_a_hint() -> None:
    with pytest.raises(ExportUnreadable, match="no heart rate") as refused:
        read_fit(run_file(START, [(0, NO_HEART)]))
    assert refused.value.hint


WHOLE = run_file(START, HEART, elapsed_s=600)


@pytest.mark.parametrize("size", [*range(12, 120), 500, 1_000, 3_000, len(WHOLE) - 3, len(WHOLE) - 1])
def test_a_truncated_file_gives_what_it_holds_or_says_that_it_is_damaged(size: int) -> None:
    parsed = parse("cut.fit", WHOLE[:size])
    if parsed.session is None:
        assert parsed.error is not None
        assert parsed.error.hint
    else:
        assert parsed.session.bpm == tuple(bpm for _, bpm in HEART)[: len(parsed.session.bpm)]


@pytest.mark.parametrize("at", range(12, 400, 7))
def test_one_wrong_byte_raises_nothing_but_a_refusal(at: int) -> None:
    data = bytearray(WHOLE)
    data[at] ^= 0xFF
    parsed = parse("flipped.fit", bytes(data))
    assert (parsed.session is None) != (parsed.error is None)


def test_too_large_a_file_is_refused_before_it_is_read() -> None:
    parsed = parse("huge.fit", WHOLE[:14] + bytes(64 << 20))
    assert "64" in str(parsed.error)


def test_samples_are_cut_into_stretches_of_at_most_300_s() -> None:
    at_ms = tuple(START_MS + 700 * n for n in range(2_000))
    pieces = in_segments(at_ms, tuple(100 + n % 9 for n in range(2_000)))
    assert [t for piece in pieces for t in piece.mono_ms.tolist()] == list(at_ms)
    assert all(piece.mono_ms[-1] - piece.mono_ms[0] < SEGMENT_MS for piece in pieces)
    assert len(pieces) == 5


def test_a_night_between_two_halves_makes_no_empty_stretch() -> None:
    gap = int(timedelta(hours=9).total_seconds() * 1000)
    pieces = in_segments((0, 1_000, gap, gap + 1_000), (100, 101, 102, 103))
    assert [len(piece) for piece in pieces] == [2, 2]


def test_real_files_of_many_makers_raise_nothing() -> None:
    if not REAL_FILES:
        pytest.skip(f"no sample files in {SAMPLES}")
    parsed = [parse(path.name, path.read_bytes()) for path in REAL_FILES]
    assert all((one.session is None) != (one.error is None) for one in parsed)
    assert sum(one.session is not None for one in parsed) >= len(parsed) / 2
    for one in parsed:
        if one.session is not None:
            times = one.session.at_ms
            assert list(times) == sorted(set(times))
            assert one.session.started_at_ms <= times[0] <= times[-1] < one.session.ended_at_ms
            assert all(0 < bpm < 255 for bpm in one.session.bpm)


def test_a_swimmers_file_made_by_the_writer_names_its_sport() -> None:
    began = seconds(START)
    data = fit_file([("record", (began, 120)), ("session", (began, began, 5, 0))])
    assert RUNNING != 5
    assert read_fit(data).sport == "swimming"
