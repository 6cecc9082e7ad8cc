"""Polar Flow's CSV, RR CSV and calendar entry of one session agree on when it was."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.devices.exports.found import KnownBy, Setting, Stated
from hub.devices.exports.polar_flow import (
    is_polar_flow_csv,
    is_polar_flow_json,
    read_polar_flow_csv,
    read_polar_flow_json,
)
from hub.devices.exports.polar_rr import is_polar_rr_csv, read_polar_rr_csv, started_at_of
from hub.errors import ExportUnreadable
from tests.devices.exports.polar_files import BERLIN, RR_CSV, as_json, flow_csv, source, utc_ms

STARTED = utc_ms("2017-04-10T17:15:53")
ENTRY = {
    "eventType": "exercise",
    "datetime": "2017-04-10T19:15:53.000Z",
    "listItemId": 4711,
    "duration": 5000,
    "start": 1491851753,
    "distance": 1500.0,
    "calories": 31,
}


@pytest.mark.parametrize("date", ["10.04.2017", "10-04-2017", "2017-04-10", "04/10/2017"])
def test_the_three_files_of_a_session_start_in_the_same_second(date: str) -> None:
    text = flow_csv(date)
    twin = source("1.hrv.csv", RR_CSV, {"1.csv": text.encode()})
    assert read_polar_flow_csv(source("1.csv", text), BERLIN).sessions[0].started_at_ms == STARTED
    assert read_polar_rr_csv(twin, BERLIN).sessions[0].started_at_ms == STARTED
    assert read_polar_flow_json(source("1.json", as_json(ENTRY)), BERLIN).sessions[0].started_at_ms == STARTED


def test_a_session_csv_gives_its_columns_in_our_units_and_who_it_was() -> None:
    found = read_polar_flow_csv(source("1.csv", flow_csv()), BERLIN)
    session = found.sessions[0]
    assert (session.person.name, session.sport, session.written_sport) == (
        "Kim Example",
        "strength",
        "STRENGTH_TRAINING",
    )
    assert (session.distance_m, session.energy_kcal, session.n_records) == (1500.0, 31.0, 5)
    assert session.offset_known_by is KnownBy.ASSUMED
    assert session.track.column("bpm").tolist() == [100, 101, 102, 103, 104]
    np.testing.assert_allclose(session.track.column("speed_mps"), 2.0)
    assert Stated("profile_hr_max", 190.0, "bpm") in session.stated
    assert found.held == ()  # the empty last column is no fault


def test_miles_and_feet_in_the_headings_are_undone() -> None:
    text = flow_csv().replace("(km)", "(mi)").replace("Speed (km/h)", "Speed (mph)").replace("(m)", "(ft)")
    session = read_polar_flow_csv(source("1.csv", text), BERLIN).sessions[0]
    assert session.distance_m == pytest.approx(2414.016)
    assert session.track.column("speed_mps")[0] == pytest.approx(3.2187, abs=1e-4)
    assert session.track.column("altitude_m")[0] == pytest.approx(76.2)


def test_rows_without_a_time_or_out_of_order_are_held_with_their_line() -> None:
    rows = ["00:00:00,100,7", "00:00:01,101,7", "soon,102,7", "00:00:01,103,7", "00:00:04,x,7"]
    found = read_polar_flow_csv(source("1.csv", flow_csv(rows=rows)), BERLIN)
    assert [(one.where, one.reason) for one in found.held] == [
        ("line 6", "has no time"),
        ("line 7", "its time does not follow the row before"),
        ("line 8", "hr is no number"),
    ]
    assert found.sessions[0].n_records == 3


def test_a_date_with_slashes_that_could_be_either_is_told() -> None:
    found = read_polar_flow_csv(source("1.csv", flow_csv("04/10/2017")), BERLIN)
    assert found.warnings == ("its date 04/10/2017 was read as month, day, year.",)
    assert read_polar_flow_csv(source("1.csv", flow_csv("25/12/2017")), BERLIN).warnings == ()


def test_rr_intervals_keep_their_length_and_lost_contact_is_flagged() -> None:
    session = read_polar_rr_csv(source("1.hrv.csv", RR_CSV, {"1.csv": flow_csv().encode()}), BERLIN).sessions[
        0
    ]
    assert session.rr.rr_ms.tolist() == [800, 810, 4700, 790]
    assert session.rr.is_flagged.tolist() == [False, False, True, False]
    assert session.rr.at_ms[-1] - session.started_at_ms == 7100
    assert (session.person.name, session.energy_kcal, session.stated) == ("Kim Example", None, ())


def test_rr_intervals_without_a_start_are_refused_and_taken_once_it_is_given() -> None:
    alone = source("1.hrv.csv", RR_CSV)
    with pytest.raises(ExportUnreadable, match="without a start time") as refusal:
        read_polar_rr_csv(alone, BERLIN)
    assert "1.csv" in refusal.value.hint
    for given in ("2017-04-10T19:15:53", "2017-04-10T17:15:53Z", "2017-04-10T18:15:53+01:00"):
        known = Setting(ZoneInfo("Europe/Berlin"), {"started_at": given})
        assert read_polar_rr_csv(alone, known).sessions[0].started_at_ms == STARTED


def test_the_start_of_a_session_csv_can_be_asked_alone() -> None:
    assert started_at_of(source("1.csv", flow_csv()), BERLIN) == STARTED
    assert started_at_of(source("1.hrv.csv", RR_CSV), BERLIN) is None
    assert started_at_of(source("1.csv", flow_csv("99.99.2017")), BERLIN) is None


def test_bad_rr_rows_are_held_with_their_line() -> None:
    text = "duration,offline\n800,false\nsoon,false\n-4,false\n810,false\n"
    found = read_polar_rr_csv(source("1.hrv.csv", text, {"1.csv": flow_csv().encode()}), BERLIN)
    assert [one.where for one in found.held] == ["line 3", "line 4"]
    assert found.sessions[0].rr.rr_ms.tolist() == [800, 810]


def test_a_calendar_entry_is_a_session_without_samples() -> None:
    session = read_polar_flow_json(source("1.json", as_json(ENTRY)), BERLIN).sessions[0]
    assert (session.elapsed_s, session.distance_m, session.energy_kcal) == (5.0, 1500.0, 31.0)
    assert (session.n_records, session.identity) == (0, "polar-calendar:4711")


def test_calendar_entries_of_tests_are_refused_by_their_kind() -> None:
    for kind in ("fitnessData", "orthostaticTest", "rrTest"):
        with pytest.raises(ExportUnreadable, match=kind):
            read_polar_flow_json(source("1.json", as_json({**ENTRY, "eventType": kind})), BERLIN)


def test_each_kind_is_known_by_its_content() -> None:
    heads = (flow_csv().encode(), RR_CSV.encode(), as_json(ENTRY).encode())
    for place, detector in enumerate((is_polar_flow_csv, is_polar_rr_csv, is_polar_flow_json)):
        assert [detector(head) for head in heads] == [place == other for other in range(3)]


@pytest.mark.parametrize("text", ["", flow_csv("soon"), "Name,Sport,Date,Start time,Duration\n"])
def test_a_session_csv_without_a_start_is_refused(text: str) -> None:
    with pytest.raises(ExportUnreadable) as refusal:
        read_polar_flow_csv(source("1.csv", text), BERLIN)
    assert refusal.value.hint
