"""A vest's own files: 10 Hz as they are, 100 Hz by every tenth row, lists of efforts refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.devices.exports.catapult_raw import is_catapult_raw, read_catapult_raw
from hub.devices.exports.found import Found, FoundSession, KnownBy, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.damage import count_readable

SETTING = Setting(ZoneInfo("Europe/Zurich"))
SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples" / "catapult"
T0 = 1_762_183_800
TEN = "ts,cs,lat,long,o,v,a,hr,pl,mp,sl,x,y"
PRECISE = (
    "Acceleration.forward,Acceleration.side,Acceleration.up,RawPlayerLoad,Latitude,Longitude,Odometer,"
    "RawVelocity,SmoothedVelocity,GNSS.HDOP,HeartRate"
)
ABOVE = "Reference time: 11/03/25 15:30:00 UTC,,\nCentisecTime: {centi},,\nDeviceID: 71, DeviceFamily: S6,\n"


def ten(n: int, **changed: str) -> str:
    """The nth row at 10 Hz."""
    cells = {
        "ts": f"{T0 + n // 10}", "cs": f"{n % 10 * 10 + 5}", "lat": f"{47.4 + n * 1e-6}", "long": "8.5",
        "o": f"{6700 + n * 0.5}", "v": "5.0", "a": "0.1", "hr": f"{150 + n % 3}", "pl": f"{491 + n / 100}",
        "mp": "9", "sl": "0.1", "x": "1", "y": "2",
    }  # fmt: skip
    return ",".join((cells | changed).values())


def precise(n: int) -> str:
    """The nth row at 100 Hz, with a position in every tenth from the fifth on."""
    fix = f"47.4,8.5,{100 + n / 20},5.0,4.9,0.9" if n % 10 == 4 else "NA,NA,NA,NA,NA,NA"
    return f"0.1,0.2,1.0,0.5,{fix},0"


def read(*lines: str) -> Found:
    return read_catapult_raw(Source.of_bytes("raw.csv", "\n".join([*lines, ""]).encode()), SETTING)


def one(*lines: str) -> FoundSession:
    (session,) = read(*lines).sessions
    return session


def test_rows_at_10_hz_become_a_track_from_where_its_counters_stood() -> None:
    session = one(TEN, *(ten(n) for n in range(50)))

    assert (session.started_at_ms, session.n_records) == (T0 * 1000 + 50, 50)
    assert session.elapsed_s == pytest.approx(4.9)
    assert np.array_equal(np.diff(session.track.at_ms), np.full(49, 100))
    assert session.track.column("distance_m")[[0, -1]].tolist() == [0, 24.5]
    assert session.distance_m == 24.5
    assert set(session.track.column("bpm")) == {150, 151, 152}
    assert [(load.name, load.unit) for load in session.stated] == [("player_load", "au")]
    assert session.stated[0].value == pytest.approx(0.49)
    assert {"a", "mp", "sl", "pl"} <= set(session.track.extra)
    assert (session.utc_offset_s, session.offset_known_by) == (3600, KnownBy.GPS)


def test_no_strap_and_no_fix_are_not_measured() -> None:
    session = one(TEN, ten(0, hr="0", lat="0", long="0"), ten(1, hr="0", lat="", long=""), ten(2, lat="91"))

    assert np.isnan(session.track.column("bpm")[:2]).all()
    assert np.isnan(session.track.column("latitude_deg")).all()
    assert session.offset_known_by == KnownBy.ASSUMED


def test_a_counter_that_begins_anew_takes_nothing_away() -> None:
    session = one(TEN, ten(0, o="500"), ten(1, o="510"), ten(2, o="3"), ten(3, o="8"))

    assert session.track.column("distance_m").tolist() == [0, 10, 10, 15]


def test_rows_whose_time_does_not_rise_are_held() -> None:
    found = read(TEN, ten(0), ten(1), ten(1), ten(0), ten(2, ts="soon"), ten(3))

    assert found.sessions[0].n_records == 3
    assert [(held.where, held.reason) for held in found.held] == [
        ("line 4", "its time does not rise"),
        ("line 5", "its time does not rise"),
        ("line 6", "its time cannot be read"),
    ]


def test_of_100_hz_the_rows_with_positions_are_taken_and_the_file_is_referred_to() -> None:
    session = one(ABOVE.format(centi=T0 * 100 + 40) + PRECISE, *(precise(n) for n in range(200)))

    assert session.n_records == 20
    assert session.started_at_ms == T0 * 1000 + 400 + 40
    assert np.array_equal(np.diff(session.track.at_ms), np.full(19, 100))
    assert session.stated[0].value == pytest.approx(200 * 0.5 / 100)
    assert session.person.device_serial == "71"
    assert session.device == "Catapult S6"
    assert not any("Acceleration.f" in name for name in session.track.extra)
    assert "100 Hz" in session.warnings[0]


def test_a_stretch_without_positions_still_gives_ten_rows_a_second() -> None:
    rows = [precise(n) if n < 100 else precise(0) for n in range(600)]
    session = one(ABOVE.format(centi=T0 * 100) + PRECISE, *rows)

    assert session.n_records == pytest.approx(60, abs=1)


def test_the_older_program_s_file_is_placed_by_its_date_and_time() -> None:
    session = one(
        "Logan Raw Data",
        "From=0:00:00,To=0:10:00",
        "Date=05Feb2014,Time=14:30:00",
        "Athlete=Ada Muster",
        "Time,Velocity,Heart Rate,Player Load,Latitude,Longitude",
        *(f"0:00:{n / 10:04.1f},4.0,150,{n / 10},0,0" for n in range(20)),
    )

    assert session.person.name == "Ada Muster"
    assert session.started_at_ms == datetime(2014, 2, 5, 13, 30, tzinfo=UTC).timestamp() * 1000
    assert session.elapsed_s == pytest.approx(1.9)


def test_units_above_the_rows_are_turned_into_ours() -> None:
    session = one(
        f"# Reference time : 13/11/2025 3:30:00 PM UTC\n# CentisecTime : {T0 * 100}\n# DeviceId : 36243\n"
        '# Speed Units : Kilometers Per Hour\n# Distance Units : Kilometers\n# Athlete: "Ada"\n',
        "Timestamp,Seconds,Velocity,Acceleration,Odometer,Latitude,Longitude,Heart Rate,Player Load",
        *(f"x,{n / 10},18,0,{n / 2000},0,0,150,{n}" for n in range(20)),
    )

    assert session.track.column("speed_mps").tolist() == pytest.approx([5.0] * 20)
    assert session.distance_m == pytest.approx(9.5)
    assert (session.started_at_ms, session.person.device_serial) == (T0 * 1000, "36243")


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("id,DeviceId,BandNameSync,BandNumber,StartTicks,EndTicks,StartLatitude", "velocity efforts"),
        ("StartTicks,EndTicks,MajorVersion,MinorVersion,confidence,duration,x", "inertial movement events"),
    ],
)
def test_lists_of_efforts_are_refused_by_name(header: str, what: str) -> None:
    assert is_catapult_raw(header.split(","), "x.csv")
    with pytest.raises(ExportUnreadable, match=what):
        read(header, "1,2,3,4,5,6,7")


def test_first_lines_are_known_and_others_are_not() -> None:
    assert is_catapult_raw(TEN.split(","), "x.csv")
    assert is_catapult_raw(["Reference time: 04/16/19 06:14:52 UTC", "", ""], "x.csv")
    assert is_catapult_raw(["Logan Raw Data"], "x.csv")
    assert not is_catapult_raw(["time", "lat", "lon", "velocity", "heart rate"], "sd10Hz.csv")
    with pytest.raises(ExportUnreadable, match="no rows with rising times"):
        read(TEN, ten(0))


@pytest.mark.parametrize("rate", [10, 100])
def test_damaged_recordings_are_refused_or_read_and_nothing_else(rate: int) -> None:
    lines = (
        [TEN, *map(ten, range(30))]
        if rate == 10
        else [ABOVE.format(centi=T0 * 100) + PRECISE, *map(precise, range(60))]
    )

    n_read, n_refused = count_readable(read_catapult_raw, "\n".join(lines).encode(), 200, SETTING)

    assert n_read + n_refused == 200
    assert n_read > 50


def test_the_shared_recordings_have_the_rows_and_the_load_they_should() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not here")
    (slow,) = read_catapult_raw(Source.of_path(SAMPLES / "sd10Hz.csv"), SETTING).sessions
    (fast,) = read_catapult_raw(Source.of_path(SAMPLES / "highfreq100hz.csv"), SETTING).sessions

    assert (slow.n_records, slow.utc_offset_s) == (10, 7200)
    assert (fast.n_records, fast.utc_offset_s) == (100, 36_000)
    assert int(np.isfinite(fast.track.column("latitude_deg")).sum()) == 68
    assert fast.stated[0].value == pytest.approx(2.9537, abs=1e-4)
    for name in ("velEfforts.csv", "ima.csv"):
        with pytest.raises(ExportUnreadable, match="marks in a recording"):
            read_catapult_raw(Source.of_path(SAMPLES / name), SETTING)
