"""A FIT file's sessions, days, doubts and refusals in the one shape of all exports, on files made here."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.devices.exports.fit import read_fit
from hub.devices.exports.found import DailyValue, Found, FoundSession, KnownBy, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.fit_writer import Body, seconds
from tests.devices.exports.test_fit_messages_become_an_activity import (
    SESSION,
    STAMP,
    T0,
    T0_MS,
    recorded,
    swim,
)

CLUB = Setting(ZoneInfo("Europe/Berlin"))  # one hour ahead in November
FILE_ID = [(0, 1, 0), (1, 2, 0x84), (2, 2, 0x84), (3, 4, 0x8C), (4, 4, 0x86)]
NO_U32, NO_U16 = 0xFFFFFFFF, 0xFFFF


def read(body: Body | bytes) -> Found:
    data = body if isinstance(body, bytes) else body.file()
    return read_fit(Source.of_bytes("a.fit", data), CLUB)


def one(body: Body | bytes) -> FoundSession:
    (session,) = read(body).sessions
    return session


def stated(session: FoundSession) -> dict[str, float]:
    return {one.name: one.value for one in session.stated}


def headed(body: Body, kind: int = 4, created: int = T0) -> Body:
    """With a file_id (local type 9) at its end, where it may stand as well."""
    return body.define(9, 0, FILE_ID).add(9, "<BHHII", kind, 1, 3113, 77, created)


def test_a_multisport_file_is_a_session_for_each_sport_and_none_of_its_rows_is_lost() -> None:
    body = headed(recorded(100)).define(5, 19, [STAMP, (2, 4, 0x86), (7, 4, 0x86), (9, 4, 0x86)])
    body.add(1, "<IIBIII", T0 + 40, T0, 5, 40_000, 40_000, 10_000)
    body.add(1, "<IIBIII", T0 + 45, T0 + 40, 3, 5_000, 5_000, 1_000)
    body.add(1, "<IIBIII", T0 + 99, T0 + 50, 1, 49_000, 49_000, 20_000)
    for start in (0, 20, 40, 50):
        body.add(5, "<IIII", T0 + start, T0 + start, 9_500, 5_000)
    body.add(2, "<IBB", T0 + 60, 0, 4).add(2, "<IBB", T0 + 65, 0, 0).add(2, "<IBB", T0 + 95, 0, 4)
    found = read(body).sessions
    assert [(s.sport, s.started_at_ms - T0_MS, s.elapsed_s, s.distance_m) for s in found] == [
        ("swimming", 0, 40.0, 100.0),
        ("transition", 40_000, 5.0, 10.0),
        ("running", 50_000, 49.0, 200.0),
    ]
    assert [(len(s.track.at_ms), s.n_records, len(s.laps)) for s in found] == [
        (40, 40, 2),
        (10, 10, 1),
        (50, 50, 1),
    ]
    assert [s.identity for s in found] == [f"fit:1:3113:77:{T0}:{n}" for n in range(3)]
    assert found[2].pauses_ms == ((T0_MS + 60_000, T0_MS + 65_000), (T0_MS + 95_000, T0_MS + 99_000))
    assert found[0].laps[1].started_at_ms == T0_MS + 20_000


def test_columns_come_by_their_common_names_and_a_heart_rate_of_zero_is_none() -> None:
    fields = [STAMP, (3, 1, 2), (0, 4, 0x85), (1, 4, 0x85), (4, 1, 2), (53, 1, 2), (39, 2, 0x84)]
    body = Body().define(0, 20, fields)
    body.add(0, "<IBiiBBH", T0, 0, 2**29, 2**30, 80, 64, 105).add(
        0, "<IBiiBBH", T0 + 1, 120, 0, 0, 80, 0, 110
    )
    track = one(body).track
    assert sorted(track.columns) == ["bpm", "cadence_per_min", "latitude_deg", "longitude_deg"]
    assert np.array_equal(track.column("bpm"), [np.nan, 120], equal_nan=True)
    assert np.array_equal(track.column("latitude_deg"), [45, np.nan], equal_nan=True)  # 0, 0 is no fix
    assert track.column("cadence_per_min").tolist() == [80.5, 80.0]
    assert track.extra["vertical_oscillation_mm"].tolist() == [10.5, 11.0]


def test_the_heart_rate_straps_serial_number_tells_whose_it_is() -> None:
    body = headed(recorded(3)).define(5, 23, [STAMP, (1, 1, 2), (3, 4, 0x8C), (25, 1, 0)])
    body.add(5, "<IBIB", T0, 120, NO_U32, 1).add(5, "<IBIB", T0, 11, 5, 1).add(5, "<IBIB", T0, 120, 424242, 1)
    assert one(body).person.device_serial == "424242"
    assert one(headed(recorded(3))).person.device_serial == "77"


def test_local_time_is_the_files_word_else_the_places_else_the_clubs() -> None:
    fields = [STAMP, (0, 4, 0x85), (1, 4, 0x85)]
    fixed = (
        Body()
        .define(0, 20, fields)
        .add(0, "<Iii", T0, 0, 0)
        .add(0, "<Iii", T0 + 1, 330_400_000, 1_018_000_000)
    )
    session = one(fixed)
    assert (session.utc_offset_s, session.offset_known_by) == (20_700, KnownBy.GPS)  # Kathmandu
    session = one(recorded(3))
    assert (session.utc_offset_s, session.offset_known_by) == (3_600, KnownBy.ASSUMED)
    session = one(recorded(3).add(4, "<II", T0, T0 - 18_000))
    assert (session.utc_offset_s, session.offset_known_by) == (-18_000, KnownBy.FILE)


def test_a_clock_that_counted_from_power_up_is_dated_by_the_activitys_local_time() -> None:
    began, local = 17_000_000, seconds(datetime(2026, 11, 18, 18, 30, tzinfo=UTC))
    body = (
        Body().define(0, 20, [STAMP, (3, 1, 2)]).define(1, 18, SESSION).define(4, 34, [STAMP, (5, 4, 0x86)])
    )
    for second in range(10):
        body.add(0, "<IB", began + second, 120)
    body.add(1, "<IIBIII", began, began, 1, 9_000, 9_000, 0).add(4, "<II", began + 9, local + 9)
    found = read(body)
    assert (found.sessions[0].started_at_ms, found.sessions[0].offset_known_by) == (T0_MS, KnownBy.ASSUMED)
    assert len(found.sessions[0].track.at_ms) == 10
    assert any("power-up" in text for text in found.warnings)


def test_a_clock_that_counted_from_power_up_is_dated_by_the_files_creation_where_that_is_all() -> None:
    body = Body().define(0, 20, [STAMP, (3, 1, 2)]).add(0, "<IB", 5_000, 120).add(0, "<IB", 5_007, 121)
    assert one(headed(body)).track.at_ms.tolist() == [T0_MS, T0_MS + 7_000]


def test_intervals_that_no_heart_makes_are_flagged_and_kept_as_written() -> None:
    body = recorded(1)
    for rr_ms in (239, 240, 2_000, 2_001):
        body.add(3, "<5H", rr_ms, *[NO_U16] * 4)
    rr = one(body).rr
    assert rr.rr_ms.tolist() == [239, 240, 2_000, 2_001]
    assert rr.is_flagged.tolist() == [True, False, False, True]
    assert not rr.is_rough


def test_intervals_before_any_time_are_held() -> None:
    body = Body().define(3, 78, [(0, 2, 0x84)]).add(3, "<H", 800).define(0, 20, [STAMP]).add(0, "<I", T0)
    assert [(held.where, held.n) for held in read(body).held] == [("RR intervals", 1)]


def test_beats_with_dates_of_their_own_make_a_session_without_any_row() -> None:
    body = Body().define(0, 372, [STAMP, (0, 2, 0x84), (1, 10, 0x84)])
    trusted, gap = 0x4000, 0x8000
    body.add(0, "<IH5H", T0, 500, 800 | trusted, 810, 3_000 | gap, 820 | trusted, NO_U16)
    session = one(body)
    assert session.rr.rr_ms.tolist() == [800, 810, 820]
    assert session.rr.is_flagged.tolist() == [False, True, False]
    assert np.diff(session.rr.at_ms).tolist() == [810, 3_820]
    assert session.started_at_ms == T0_MS + 500 - 800
    body = Body().define(0, 290, [STAMP, (0, 2, 0x84), (1, 4, 0x84)]).add(0, "<IHHH", T0, 0, 700, 710)
    assert one(body).rr.rr_ms.tolist() == [700, 710]


def test_a_swim_straps_beats_from_after_the_session_are_told_and_left_out() -> None:
    body = swim()
    assert len(one(body).rr.rr_ms) == 16
    pool = (
        Body().define(0, 20, [STAMP]).add(0, "<I", T0 - 60).define(1, 132, [STAMP, (6, 2, 2), (9, 8, 0x86)])
    )
    found = read(pool.add(1, "<IBBII", T0, 100, 100, 0, 1_024))
    assert any("1 beats in the strap's memory" in text for text in found.warnings)


def pool(n_lengths: int, stated_cm: int) -> Body:
    body = recorded(2).define(
        5, 18, [STAMP, (2, 4, 0x86), (5, 1, 0), (7, 4, 0x86), (9, 4, 0x86), (44, 2, 0x84)]
    )
    body.add(5, "<IIBIIH", T0, T0, 5, 60_000, stated_cm, 2_500).define(
        6, 101, [STAMP, (2, 4, 0x86), (12, 1, 0)]
    )
    for n in range(n_lengths):
        body.add(6, "<IIB", T0 + n, T0 + n, 1)
    return body.add(6, "<IIB", T0 + n_lengths, T0 + n_lengths, 0)


@pytest.mark.parametrize(("stated_cm", "n_warnings"), [(10_000, 0), (NO_U32, 0), (99_900, 1)])
def test_a_pools_distance_is_its_active_lengths(stated_cm: int, n_warnings: int) -> None:
    session = one(pool(4, stated_cm))
    assert (session.distance_m, len(session.warnings)) == (100.0, n_warnings)
    assert (stated(session)["active_lengths"], stated(session)["pool_length"]) == (4, 25.0)


def test_stated_totals_and_zones_keep_their_units() -> None:
    body = recorded(2).define(
        5, 18, [STAMP, (2, 4, 0x86), (16, 1, 2), (24, 1, 2), (34, 2, 0x84), (35, 2, 0x84)]
    )
    body.add(5, "<IIBBHH", T0, T0, 150, 34, 250, 1_015)
    body.define(6, 216, [(0, 2, 0x84), (1, 2, 0x84), (2, 8, 0x86), (6, 2, 2), (12, 1, 2)])
    body.add(6, "<HHIIBBB", 19, 0, 1, 1, 1, 1, 1).add(6, "<HHIIBBB", 18, 0, 60_000, 90_500, 120, 140, 48)
    body.define(7, 7, [(2, 1, 2), (3, 2, 0x84)]).add(7, "<BH", 172, 260)
    assert stated(one(body)) == {
        "average_heart_rate": 150, "training_effect": 3.4, "normalized_power": 250,
        "training_stress_score": 101.5, "time_in_zone_0": 60.0, "time_in_zone_1": 90.5,
        "zone_0_upper_edge": 120, "zone_1_upper_edge": 140, "resting_heart_rate": 48,
        "threshold_heart_rate": 172, "threshold_power": 260, "heart_rate_records": 2,
    }  # fmt: skip


def test_a_session_without_rows_is_one_and_so_is_one_without_heart_rate() -> None:
    typed = Body().define(1, 18, SESSION).add(1, "<IIBIII", T0, T0, 1, 600_000, 600_000, 200_000)
    assert (one(typed).elapsed_s, one(typed).distance_m, one(typed).n_records) == (600.0, 2_000.0, 0)
    assert "bpm" not in one(recorded(5, bpm=255)).track.columns


def test_a_lap_of_23_59_59_lasts_until_the_next() -> None:
    body = recorded(60).define(5, 19, [STAMP, (2, 4, 0x86), (7, 4, 0x86)])
    body.add(5, "<III", T0, T0, 86_399_000).add(5, "<III", T0, T0 + 25, 86_399_999)
    assert [lap.elapsed_s for lap in one(body).laps] == [25.0, 34.0]


def test_rows_beyond_a_sessions_end_are_kept_and_told() -> None:
    session = one(recorded(200).add(1, "<IIBIII", T0, T0 + 50, 1, 50_000, 50_000, 0))
    assert (session.started_at_ms, len(session.track.at_ms), session.elapsed_s) == (T0_MS, 200, 50.0)
    assert [text.split(" rows ")[1] for text in session.warnings] == [
        "begin 50 s before its stated start.",
        "go on for 149 s after its stated end.",
    ]


def test_rows_with_impossible_times_are_held_with_a_reason_and_counted() -> None:
    body = recorded(10).add(1, "<IIBIII", T0, T0, 1, 9_000, 9_000, 0)
    for wild in (NO_U32, NO_U32, 5_000, T0 + 31 * 86_400, T0 - 7_200):
        body.add(0, "<IB", wild, 99)
    found = read(body)
    assert [(held.where, held.n, held.reason.split()[-1]) for held in found.held] == [
        ("records 11 to 12", 2, "time"),
        ("record 13", 1, "date"),
        ("record 14", 1, "start"),
        ("record 15", 1, "start"),
    ]
    assert found.held[3].text == "2026-11-18 15:30:00 99 bpm"
    assert found.sessions[0].n_records == 15
    assert len(found.sessions[0].track.at_ms) == 10


def test_what_stands_before_damage_is_kept_and_the_damage_told() -> None:
    found = read(recorded(100).file()[:-49])
    assert len(found.sessions[0].track.at_ms) == 92
    assert "cut off" in str(found.damage)
    assert str(found.damage).endswith("was read.")


@pytest.mark.parametrize(
    ("kind", "word"),
    [(2, "settings"), (3, "settings"), (5, "workout"), (6, "course"), (34, "segment"), (10, "totals")],
)
def test_what_is_no_activity_says_what_it_is(kind: int, word: str) -> None:
    with pytest.raises(ExportUnreadable, match=word) as refused:
        read(headed(recorded(10) if kind == 6 else Body(), kind))
    assert refused.value.hint


@pytest.mark.parametrize(("body", "word"), [
    (headed(Body()), "no activity"),
    (Body().define(0, 20, [STAMP]).add(0, "<I", NO_U32), "clock is wrong"),
    (Body().add(5, "<I", 1), "damaged"),
])  # fmt: skip
def test_an_empty_an_undated_and_a_damaged_file_say_why(body: Body, word: str) -> None:
    with pytest.raises(ExportUnreadable, match=word) as refused:
        read(body)
    assert refused.value.hint


def days(body: Body) -> dict[tuple[str, str], float]:
    found = read(headed(body, 32))
    assert found.sessions == ()
    assert all(isinstance(day, DailyValue) and day.person.device_serial == "77" for day in found.daily)
    return {(day.date, day.name): round(day.value, 3) for day in found.daily}


def test_a_days_heart_rates_are_summed_up_by_the_local_date() -> None:
    body = Body().define(0, 55, [STAMP, (27, 1, 2)]).define(1, 211, [STAMP, (0, 1, 2), (1, 1, 2)])
    for second, bpm in ((0, 60), (60, 70), (7 * 3600, 50)):  # the last is after midnight in Berlin
        body.add(0, "<IB", T0 + second, bpm)
    assert days(body.add(1, "<IBB", T0, 47, 45)) == {
        ("2026-11-18", "minimum_heart_rate"): 60, ("2026-11-18", "maximum_heart_rate"): 70,
        ("2026-11-18", "mean_heart_rate"): 65, ("2026-11-18", "resting_heart_rate"): 45,
        ("2026-11-19", "minimum_heart_rate"): 50, ("2026-11-19", "maximum_heart_rate"): 50,
        ("2026-11-19", "mean_heart_rate"): 50,
    }  # fmt: skip


def test_a_nights_variability_stress_and_sleep_are_daily_values() -> None:
    body = (
        Body().define(0, 370, [STAMP, (0, 2, 0x84), (1, 2, 0x84)]).add(0, "<IHH", T0, 60 * 128, 64 * 128 + 64)
    )
    body.define(1, 227, [(0, 2, 0x83), (1, 4, 0x86)])
    for second, score in enumerate((20, 30, -1, -2)):
        body.add(1, "<hI", score, T0 + second)
    body.define(2, 275, [STAMP, (0, 1, 0)])
    for minute, level in ((0, 2), (30, 3), (50, 4), (60, 1)):
        body.add(2, "<IB", T0 + minute * 60, level)
    assert days(body) == {
        ("2026-11-18", "hrv_weekly"): 60, ("2026-11-18", "hrv_last_night"): 64.5,
        ("2026-11-18", "mean_stress"): 25, ("2026-11-18", "light_sleep"): 30,
        ("2026-11-18", "deep_sleep"): 20, ("2026-11-18", "rem_sleep"): 10,
    }  # fmt: skip
