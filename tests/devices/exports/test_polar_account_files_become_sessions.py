"""Both shapes of Polar's account export give the same kind of session, whatever is odd in them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hub.devices.exports.found import Found, KnownBy, Lap, Stated
from hub.devices.exports.polar_account import is_polar_account, read_polar_account
from hub.errors import ExportUnreadable
from tests.devices.exports.polar_files import BERLIN, as_json, new_session, old_session, source, utc_ms

OLD_NAME = "training-session-2021-07-01-4711-00000000-0000-4000-8000-000000000001.json"


def read(found: object, name: str = OLD_NAME) -> Found:
    return read_polar_account(source(name, as_json(found)), BERLIN)


def test_a_session_of_the_old_shape_is_read_with_its_own_offset() -> None:
    session = read(old_session()).sessions[0]
    assert session.started_at_ms == utc_ms("2021-07-01T16:00:00")
    assert (session.utc_offset_s, session.offset_known_by) == (7200, KnownBy.FILE)
    assert (session.sport, session.elapsed_s, session.timer_s) == ("running", 60.0, 60.0)
    assert (session.distance_m, session.energy_kcal, session.identity) == (180.0, 12.0, "polar:4711")
    assert session.laps == ()  # Polar writes {} for none


def test_a_missing_value_is_a_gap_and_a_number_as_a_string_is_a_number() -> None:
    track = read(old_session()).sessions[0].track
    bpm = track.column("bpm")[:60]
    assert np.isnan(bpm[[0, 10, 50]]).all()
    assert bpm[[1, 59]].tolist() == [101.0, 159.0]
    np.testing.assert_allclose(track.column("speed_mps")[:60], 3.0)


def test_route_points_hours_beyond_the_stop_are_held_and_counted() -> None:
    found = read(old_session())
    beyond = [one for one in found.held if "outside the session" in one.reason]
    assert {(one.where, one.n) for one in beyond} >= {("latitude, row 4", 2), ("longitude, row 4", 2)}
    assert found.sessions[0].track.at_ms[-1] == utc_ms("2021-07-01T16:01:00")


def test_exercises_of_one_session_are_sessions_with_their_own_offsets() -> None:
    whole = old_session()
    first = whole["exercises"][0]  # type: ignore[index]
    second = {
        **first,
        "startTime": "2021-07-01T20:00:00.000",
        "stopTime": "2021-07-01T20:10:00.000",
        "timezoneOffset": 180,
        "sport": "CYCLING",
        "samples": {},
    }
    sessions = read({**whole, "exercises": [first, second]}).sessions
    assert [one.sport for one in sessions] == ["running", "cycling"]
    assert sessions[1].started_at_ms == utc_ms("2021-07-01T17:00:00")
    assert [one.identity for one in sessions] == ["polar:4711", "polar:4711/2"]
    assert sessions[1].energy_kcal is None  # the whole's calories are not given to each part


def test_a_session_of_the_new_shape_is_read_with_bare_nan_as_a_gap() -> None:
    whole = new_session()
    whole["exercises"][0]["samples"]["samples"][0]["values"][3:5] = [float("nan"), "NaN"]  # type: ignore[index]
    assert "NaN" in as_json(whole)
    session = read(whole).sessions[0]
    assert session.started_at_ms == utc_ms("2026-02-19T16:00:00")
    assert (session.identity, session.person.device_serial) == ("polar:session-1", "ABCD1234")
    assert (session.device, session.sport) == ("Polar Vantage", "running")
    assert np.flatnonzero(np.isnan(session.track.column("bpm")[:10])).tolist() == [3, 4]


def test_samples_that_leave_pauses_out_are_put_behind_the_pause() -> None:
    session = read(new_session()).sessions[0]
    since, until = session.pauses_ms[0]
    beats = session.track.at_ms[~np.isnan(session.track.column("bpm"))]
    assert len(beats) == 120
    assert not ((beats > since) & (beats <= until)).any()
    assert beats[-1] == utc_ms("2026-02-19T16:02:59")
    assert (session.elapsed_s, session.timer_s) == (180.0, 120.0)


def test_laps_follow_one_another_and_zones_come_with_their_edges() -> None:
    session = read(new_session()).sessions[0]
    start = session.started_at_ms
    assert session.laps == (Lap("Lap 1", start, 50.0, 150.0), Lap("Lap 2", start + 50_000, 70.0))
    assert set(session.stated) >= {
        Stated("time_in_hr_zone_1", 30.0, "s"),
        Stated("hr_zone_1_from", 98.0, "bpm"),
        Stated("hr_zone_1_to", 117.0, "bpm"),
        Stated("mean_heart_rate", 120.0, "bpm"),
        Stated("recovery_time", 2.0, "h"),
    }


def test_a_route_counts_from_its_own_start() -> None:
    track = read(new_session()).sessions[0].track
    assert track.at_ms[~np.isnan(track.column("latitude_deg"))].tolist() == [utc_ms("2026-02-19T16:00:03")]


def test_without_an_offset_the_place_tells_the_zone_and_without_a_place_the_club() -> None:
    bare = {"startTime": "2026-01-10T12:00:00", "durationMillis": 60_000, "exercises": []}
    assumed = read(bare).sessions[0]
    assert (assumed.utc_offset_s, assumed.offset_known_by) == (3600, KnownBy.ASSUMED)
    there = read({**bare, "latitude": 60.17, "longitude": 24.94}).sessions[0]
    assert (there.utc_offset_s, there.offset_known_by) == (7200, KnownBy.GPS)
    assert there.n_records == 0
    assert there.elapsed_s == 60.0


def test_values_that_cannot_be_true_are_gaps_and_counted() -> None:
    whole = new_session()
    whole["exercises"][0]["samples"]["samples"][0]["values"][:3] = [0, 999, 10**400]  # type: ignore[index]
    found = read(whole)
    assert [one.n for one in found.held if "cannot be true" in one.reason] == [1]  # 0 is "no heart rate"
    assert np.isnan(found.sessions[0].track.column("bpm")[:3]).all()


def test_rr_intervals_in_the_samples_are_kept_with_lost_contact_flagged() -> None:
    whole = old_session()
    whole["exercises"][0]["samples"] = {  # type: ignore[index]
        "rr": [{"duration": "PT0.8S", "offline": False}, {"duration": "PT0.9S", "offline": True}]
    }
    rr = read(whole).sessions[0].rr
    assert rr.rr_ms.tolist() == [800.0, 900.0]
    assert rr.is_flagged.tolist() == [False, True]
    assert (rr.at_ms - utc_ms("2021-07-01T16:00:00")).tolist() == [800, 1700]


def test_plans_and_settings_are_refused_by_what_they_are() -> None:
    plan = {
        "exportVersion": "1.0",
        "startTime": "2026-01-04T06:15:00",
        "done": True,
        "exercises": [{"phases": []}],
    }
    for found, word in ((plan, "training target"), ({"exportVersion": "1", "username": "x"}, "account data")):
        assert is_polar_account(json.dumps(found).encode())
        with pytest.raises(ExportUnreadable, match=word) as refusal:
            read(found, "any.json")
        assert "training-session" in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"exercises": [], "startTime": "not a time", "timeZoneOffset": 1}', "start time"),
        ('{"exercises": ' + "[" * 200_000, "nested|breaks"),
        ('{"exercises": [], "startTime": ' + "9" * 6000 + "}", "too long"),
        ('{"exercises": [', "line 1, column"),
        ("[1, 2, 3]", "without sessions"),
        ("[" + "[]," * 700_000 + "0]", "than this can take"),
    ],
    ids=["no time", "deep", "huge number", "cut", "numbers", "many"],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(text: str, word: str) -> None:
    with pytest.raises(ExportUnreadable, match=word) as refusal:
        read_polar_account(source("x.json", text), BERLIN)
    assert refusal.value.hint


def test_other_json_is_not_taken_for_polars() -> None:
    for other in (
        b'{"type": "FeatureCollection"}',
        b"[]",
        b'{"exercises": [{"name": "squat"}]}',
        b"\x00\x01",
    ):
        assert not is_polar_account(other)
