"""Rules from messages to an activity: merged rows, split sessions, pauses, beats, swim straps, wild times."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hub.devices.exports.fit_activity import Activity, read_activity
from hub.devices.exports.fit_beats import twelve_bits
from tests.devices.exports.fit_writer import Body, fit_file, seconds

START = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
T0, T0_MS = seconds(START), int(START.timestamp() * 1000)
STAMP, HEART = (253, 4, 0x86), (3, 1, 0x02)
SESSION = [STAMP, (2, 4, 0x86), (5, 1, 0), (7, 4, 0x86), (8, 4, 0x86), (9, 4, 0x86)]


def recorded(n: int = 100, bpm: int = 120) -> Body:
    """A second-by-second recording; local types 0 record, 1 session, 2 event, 3 hrv, 4 activity."""
    body = Body().define(0, 20, [STAMP, HEART]).define(1, 18, SESSION)
    body.define(2, 21, [STAMP, (0, 1, 0), (1, 1, 0)]).define(3, 78, [(0, 10, 0x84)])
    body.define(4, 34, [STAMP, (5, 4, 0x86)])
    for second in range(n):
        body.add(0, "<IB", T0 + second, bpm)
    return body


def column(activity: Activity, name: str) -> list[float | None]:
    return [None if np.isnan(v) else float(v) for v in activity.records.column(name)]


def test_several_records_of_one_second_are_merged_field_by_field() -> None:
    body = Body().define(0, 20, [STAMP, HEART, (7, 2, 0x84)])
    for bpm, power in ((120, 0xFFFF), (255, 250), (122, 0xFFFF)):
        body.add(0, "<IBH", T0, bpm, power)
    activity = read_activity(body.add(0, "<IBH", T0 + 1, 130, 260).file())
    assert (column(activity, "bpm"), column(activity, "power_w")) == ([122, 130], [250, 260])
    assert (activity.n_records, activity.quarantined) == (4, 0)


def test_values_are_scaled_and_enhanced_fields_win() -> None:
    fields = [STAMP, (0, 4, 0x85), (1, 4, 0x85), (2, 2, 0x84), (78, 4, 0x86), (6, 2, 0x84), (73, 4, 0x86)]
    body = Body().define(0, 20, fields)
    body.add(0, "<IiiHIHI", T0, 2**30, 0, 2500, 0xFFFFFFFF, 3000, 3100)
    body.add(0, "<IiiHIHI", T0 + 1, 0x7FFFFFFF, -(2**30), 0xFFFF, 3000, 0xFFFF, 0xFFFFFFFF)
    activity = read_activity(body.file())
    assert column(activity, "lat_deg") == [90.0, None]
    assert column(activity, "long_deg") == [0.0, -90.0]
    assert column(activity, "altitude_m") == [0.0, 100.0]
    assert column(activity, "speed_m_s") == [3.1, None]


def test_an_array_where_a_number_is_usual_gives_its_first() -> None:
    body = Body().define(0, 20, [STAMP, HEART, (78, 8, 0x86)]).add(0, "<IBII", T0, 99, 3000, 3500)
    assert column(read_activity(body.file()), "altitude_m") == [100.0]


def test_compressed_speed_and_distance_are_unpacked_and_roll_over() -> None:
    body = Body().define(0, 20, [STAMP, (8, 3, 0x0D)])
    for second, sixteenths in enumerate((16, 4090, 4106)):
        packed = (250 | (sixteenths & 0xFFF) << 12).to_bytes(3, "little")
        body.add(0, "<I3s", T0 + second, packed)
    activity = read_activity(body.add(0, "<I3s", T0 + 3, b"\xff" * 3).file())
    assert column(activity, "speed_m_s") == [2.5, 2.5, 2.5, None]
    assert column(activity, "distance_m") == [1.0, 4090 / 16, 4106 / 16, None]


def test_developer_channels_keep_their_name_and_stand_in_only_where_nothing_was_measured() -> None:
    fields = [(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 6, 7), (8, 2, 7), (15, 1, 2)]
    body = Body().define(3, 206, fields)
    body.add(3, "<BBB6s2sB", 0, 1, 0x84, b"Stride", b"W", 7)
    body.add(3, "<BBB6s2sB", 0, 2, 0x02, b"Pulse\0", b"b", 3)
    body.define(0, 20, [STAMP, HEART], extras=[(1, 2, 0), (2, 1, 0)])
    activity = read_activity(body.add(0, "<IBHB", T0, 120, 250, 99).file())
    assert {name: list(values) for name, values in activity.records.developer.items()} == {
        "Stride [W]": [250.0],
        "Pulse [b]": [99.0],
    }
    assert (column(activity, "power_w"), column(activity, "bpm")) == ([250.0], [120.0])


def test_a_multisport_file_is_split_at_its_sessions_in_order_of_time() -> None:
    body = recorded(100)
    body.add(1, "<IIBIII", T0 + 100, T0 + 60, 1, 39_000, 39_000, 20_000)
    body.add(1, "<IIBIII", T0 + 100, T0, 5, 60_000, 50_000, 10_000)
    activity = read_activity(body.file())
    assert [(s.sport, s.first, s.last, s.timer_s, s.distance_m) for s in activity.sessions] == [
        ("swimming", 0, 60, 50.0, 100.0),
        ("running", 60, 100, 39.0, 200.0),
    ]
    assert np.isfinite(activity.records.column("bpm")).sum() == 100


def test_a_timer_longer_than_the_session_is_taken_the_other_way_round() -> None:
    body = recorded(10).add(1, "<IIBIII", T0, T0, 1, 8_000, 9_000, 0)
    (session,) = read_activity(body.file()).sessions
    assert (session.elapsed_s, session.timer_s) == (9.0, 8.0)


def test_without_a_session_message_the_rows_tell_the_session() -> None:
    body = Body().define(0, 20, [STAMP, HEART, (5, 4, 0x86)]).define(2, 21, [STAMP, (0, 1, 0), (1, 1, 0)])
    body.add(0, "<IBI", T0, 100, 1_000).add(2, "<IBB", T0 + 10, 0, 4).add(2, "<IBB", T0 + 25, 0, 0)
    (session,) = read_activity(body.add(0, "<IBI", T0 + 60, 120, 21_000).file()).sessions
    assert (session.elapsed_s, session.timer_s, session.distance_m) == (60.0, 45.0, 200.0)
    assert (session.start_ms, session.end_ms, session.is_derived) == (T0_MS, T0_MS + 60_000, True)


def test_rows_between_stop_and_start_are_kept_and_marked_as_paused() -> None:
    body = recorded(10).add(2, "<IBB", T0 + 3, 0, 1).add(2, "<IBB", T0 + 6, 0, 0)
    activity = read_activity(body.add(2, "<IBB", T0 + 8, 0, 4).file())
    assert activity.pauses_ms == ((T0_MS + 3_000, T0_MS + 6_000), (T0_MS + 8_000, None))
    assert np.flatnonzero(activity.records.is_paused).tolist() == [4, 5, 9]


@pytest.mark.parametrize(("ahead_s", "offset_s"), [(3600, 3600), (-18_003, -18_000), (20_700, 20_700)])
def test_local_time_is_read_to_the_quarter_of_an_hour(ahead_s: int, offset_s: int) -> None:
    body = recorded(2).add(4, "<II", T0, T0 + ahead_s)
    assert read_activity(body.file()).utc_offset_s == offset_s


@pytest.mark.parametrize("local_s", [0, 0xFFFFFFFF, T0 + 27 * 3600])
def test_a_local_time_that_cannot_be_right_is_none(local_s: int) -> None:
    assert read_activity(recorded(2).add(4, "<II", T0, local_s).file()).utc_offset_s is None


def test_rr_intervals_run_on_from_the_first_record_and_end_at_the_first_missing_one() -> None:
    body = recorded(1).add(3, "<5H", 800, 810, 820, 0xFFFF, 700).add(0, "<IB", T0 + 2, 75)
    beats = read_activity(body.add(3, "<5H", *[790, *[0xFFFF] * 4]).file()).beats
    assert beats.rr_ms == (800, 810, 820, 790)
    assert beats.at_ms == tuple(T0_MS + ms for ms in (0, 810, 1_630, 2_420))
    assert beats.is_anchored == (True, False, False, False)


def test_the_rr_clock_is_set_anew_by_drift_and_by_a_pause() -> None:
    body = recorded(1).add(3, "<5H", 800, *[0xFFFF] * 4).add(0, "<IB", T0 + 60, 75)
    body.add(3, "<5H", 801, *[0xFFFF] * 4).add(2, "<IBB", T0 + 61, 0, 4).add(0, "<IB", T0 + 62, 75)
    beats = read_activity(body.add(3, "<5H", 802, *[0xFFFF] * 4).file()).beats
    assert beats.at_ms == (T0_MS, T0_MS + 60_000, T0_MS + 62_000)
    assert beats.is_anchored == (True, True, True)


def packed_12(events: list[int]) -> bytes:
    return sum((event & 0xFFF) << 12 * n for n, event in enumerate(events)).to_bytes(12, "little")


def test_twelve_bit_numbers_are_unpacked_two_from_three_bytes() -> None:
    assert twelve_bits(packed_12([1, 0xFFF, 0xABC, 4, 5, 6, 7, 8])) == [1, 0xFFF, 0xABC, 4, 5, 6, 7, 8]


def swim(heart: int = 255) -> bytes:
    """20 records; a strap that begins at 100 bpm and goes to 140 with its ninth beat, one each second."""
    body = Body().define(0, 20, [STAMP, HEART])
    for second in range(20):
        body.add(0, "<IB", T0 + second, heart)
    body.define(1, 132, [STAMP, (0, 2, 0x84), (6, 1, 2), (9, 4, 0x86)])
    body.define(2, 132, [(6, 8, 2), (10, 12, 0x0D)])
    event = 0xFFFFF000
    body.add(1, "<IHBI", T0, 0, 100, event)
    for first, bpm in ((1, 100), (9, 140)):
        events = [event + 1024 * (first + n) for n in range(8)]
        body.add(2, "8B12s", *[bpm] * 8, packed_12(events))
    return body.file()


def test_a_swim_straps_beats_become_the_records_heart_rate() -> None:
    read = column(read_activity(swim()), "bpm")
    assert read[:9] == [100] * 9
    assert read[9] == 110  # a quarter of that second's steps are the new rate's
    assert read[10:17] == [140] * 7


def test_a_silent_swim_strap_leaves_the_watchs_own_heart_rate() -> None:
    assert column(read_activity(swim(heart=88)), "bpm")[16:] == [140, 88, 88, 88]


def test_a_swim_straps_events_are_rr_intervals_too() -> None:
    beats = read_activity(swim()).beats
    assert (beats.source, beats.rr_ms) == ("hr", (1000,) * 16)
    assert beats.at_ms[0] == T0_MS + 1_000


def test_wild_timestamps_are_held_apart_and_counted() -> None:
    body = recorded(10).add(1, "<IIBIII", T0, T0, 1, 9_000, 9_000, 0)
    for wild in (T0 - 7_200, T0 + 31 * 86_400, 5_000, 0xFFFFFFFF):
        body.add(0, "<IB", wild, 99)
    activity = read_activity(body.file())
    assert (len(activity.records.at_ms), activity.quarantined, activity.quarantined_bpm) == (10, 4, 4)
    assert any("4 rows have impossible times" in text for text in activity.warnings)


def test_a_wrong_session_start_does_not_cost_the_rows() -> None:
    activity = read_activity(recorded(10).add(1, "<IIBIII", T0, T0 * 2, 1, 9_000, 9_000, 0).file())
    assert (len(activity.records.at_ms), activity.quarantined) == (10, 0)
    assert activity.sessions[0].start_ms == T0_MS


def test_a_clock_that_went_back_is_told_and_rows_are_sorted() -> None:
    records = [("record", (T0 + second, 100 + second)) for second in (5, 6, 1, 2)]
    activity = read_activity(fit_file(records))
    assert column(activity, "bpm") == [101, 102, 105, 106]
    assert any("went back" in text for text in activity.warnings)


def test_a_days_heart_rate_counts_on_from_the_last_full_time() -> None:
    full = (T0 & ~0xF) | 0xFFF0
    body = Body().define(0, 55, [STAMP, (27, 1, 2)]).define(1, 55, [(26, 2, 0x84), (27, 1, 2)])
    body.add(0, "<IB", full, 60).add(1, "<HB", 0x0010, 61)
    (first, second) = read_activity(body.file()).monitoring_bpm
    assert (second[0] - first[0], first[1], second[1]) == (32_000, 60, 61)


def test_laps_zones_and_hrv_status_stand_in_tables_with_their_units() -> None:
    body = recorded(2).define(5, 19, [STAMP, (7, 4, 0x86), (9, 4, 0x86)]).define(6, 370, [(0, 2, 0x84)])
    body.add(5, "<III", T0, 61_500, 12_345).add(6, "<H", 64 * 128).define(7, 216, [(6, 3, 2)])
    tables = read_activity(body.add(7, "3B", 100, 120, 140).file()).tables
    assert tables["lap"] == ({"timestamp_s": T0, "elapsed_s": 61.5, "distance_m": 123.45},)
    assert tables["hrv_status"] == ({"weekly_ms": 64.0},)
    assert tables["time_in_zone"] == ({"high_bpm": (100, 120, 140)},)


def test_a_file_cut_in_the_middle_says_so_and_keeps_its_rows() -> None:
    activity = read_activity(recorded(100).file()[:-49])
    assert "cut off" in str(activity.damage)
    assert len(activity.records.at_ms) == 92
