"""The files of Polar's older programs: .hrm with its modes and units, and Personal Trainer's XML."""

from __future__ import annotations

import numpy as np
import pytest

from hub.devices.exports.found import FoundSession, KnownBy, Lap
from hub.devices.exports.polar_hrm import is_polar_hrm, read_polar_hrm
from hub.devices.exports.polar_xml import is_polar_xml, read_polar_xml
from hub.errors import ExportUnreadable
from tests.devices.exports.polar_files import BERLIN, XML, hrm, source, utc_ms


def read(text: str) -> FoundSession:
    return read_polar_hrm(source("1.hrm", text), BERLIN).sessions[0]


def test_heart_rates_stand_at_the_interval_from_the_start() -> None:
    session = read(hrm("Interval=5\nSMode=00000000"))
    assert session.started_at_ms == utc_ms("2009-03-12T16:05:30.500")
    assert (session.track.at_ms - session.started_at_ms).tolist() == [0, 5000, 10_000]
    assert session.track.column("bpm").tolist() == [120, 121, 122]
    assert (session.elapsed_s, session.timer_s, session.offset_known_by) == (10.0, 10.0, KnownBy.ASSUMED)


def test_smode_tells_the_columns_and_their_units() -> None:
    rows = "120\t180\t80\t500\t250\t30\n121\t360\t81\t501\t251\t30\n"
    euro = read(hrm("Interval=1\nSMode=11111110", rows)).track
    assert euro.column("speed_mps").tolist() == [5.0, 10.0]
    assert euro.column("cadence_per_min").tolist() == [80, 81]
    assert (euro.column("altitude_m")[0], euro.column("power_w")[0]) == (500, 250)
    assert euro.extra["power_balance"].tolist() == [30, 30]
    us = read(hrm("Interval=1\nSMode=11111111", rows)).track
    assert us.column("speed_mps")[0] == pytest.approx(18 * 0.44704)
    assert us.column("altitude_m")[0] == pytest.approx(152.4)


def test_a_column_that_smode_leaves_out_shifts_the_others() -> None:
    track = read(hrm("Interval=1\nSMode=10100010", "120 180 500\n")).track
    assert (track.column("speed_mps")[0], track.column("altitude_m")[0]) == (5.0, 500)
    assert np.isnan(track.column("cadence_per_min")).all()


def test_the_older_mode_line_tells_speed_with_cadence_or_altitude() -> None:
    old = hrm("Interval=1\nMode=110", "120 180 50\n").replace("Version=106", "Version=102")
    assert read(old).track.column("altitude_m")[0] == 500  # tens of metres until version 105
    assert read(old.replace("Version=102", "Version=105")).track.column("altitude_m")[0] == 50
    assert read(old.replace("Mode=110", "Mode=010")).track.column("cadence_per_min")[0] == 50
    assert list(read(old.replace("Mode=110", "Mode=000")).track.columns) == ["bpm"]


def test_beat_by_beat_files_are_rr_intervals() -> None:
    found = read_polar_hrm(
        source("1.hrm", hrm("Interval=238\nSMode=00000000", "800\n2500\n0\n810\n")), BERLIN
    )
    session = found.sessions[0]
    assert [(one.where, one.n) for one in found.held] == [("RR intervals", 1)]
    assert session.rr.rr_ms.tolist() == [800, 2500, 810]
    assert session.rr.is_flagged.tolist() == [False, True, False]
    assert (session.track.columns, session.n_records) == ({}, 0)


def test_laps_end_where_every_fifth_line_says_and_the_trip_tells_the_distance() -> None:
    laps = "".join(f"00:00:0{end}.0\t120\t110\t115\t125\r\n" + "0\t0\t0\r\n" * 4 for end in (4, 9))
    session = read(hrm("Interval=5\nSMode=00000000", sections=f"[IntTimes]\n{laps}\n[Trip]\n123\n0\n"))
    start = session.started_at_ms
    assert session.laps == (Lap("Lap 1", start, 4.0), Lap("Lap 2", start + 4000, 5.0))
    assert session.distance_m == 12_300


def test_a_line_that_is_no_sample_is_held_and_its_second_still_passes() -> None:
    found = read_polar_hrm(source("1.hrm", hrm("Interval=5", "120\noops\n122\n")), BERLIN)
    assert [(one.reason, one.text) for one in found.held] == [("is no sample", "oops")]
    track = found.sessions[0].track
    assert (track.at_ms - track.at_ms[0]).tolist() == [0, 5000, 10_000]
    assert np.isnan(track.column("bpm")).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "word"),
    [(hrm("SMode=000000000"), "interval"), (hrm("Interval=5").replace("Date=2009", "Date=x"), "start time")],
)
def test_a_file_without_a_start_or_an_interval_is_refused(text: str, word: str) -> None:
    assert is_polar_hrm(text.encode())
    with pytest.raises(ExportUnreadable, match=word):
        read(text)


def test_personal_trainers_xml_is_read_with_its_series() -> None:
    assert is_polar_xml(XML.encode())
    session = read_polar_xml(source("1.xml", XML), BERLIN).sessions[0]
    assert session.started_at_ms == utc_ms("2016-09-04T12:46:14")
    assert (session.sport, session.elapsed_s, session.distance_m, session.n_records) == (
        "running",
        4.0,
        12.0,
        5,
    )
    np.testing.assert_array_equal(session.track.column("bpm"), [120, 121, np.nan, 123, 124])
    np.testing.assert_allclose(session.track.column("speed_mps"), [1, 2, 1, 1, 1])
    assert session.laps == (Lap("Lap 1", session.started_at_ms, 2.5),)


def test_xml_that_breaks_keeps_the_exercises_before_and_tells_the_damage() -> None:
    found = read_polar_xml(source("1.xml", XML[: XML.index("</calendar-items>")]), BERLIN)
    assert len(found.sessions) == 1
    assert found.damage is not None


@pytest.mark.parametrize(
    "text",
    [
        XML.replace("<polar-", '<!DOCTYPE x [<!ENTITY a "b">]><polar-', 1),
        XML[:300],
        XML.replace("2016-09-04", "soon"),
        XML[: XML.index("<calendar-items")] + "<a>" * 300,
    ],
    ids=["entities", "cut", "no time", "deep"],
)
def test_hostile_or_empty_xml_is_refused(text: str) -> None:
    with pytest.raises(ExportUnreadable, match="without a readable exercise"):
        read_polar_xml(source("1.xml", text), BERLIN)
