"""Every timed track of a GPX file becomes a session; points, times and lengths equal another reader's."""

from __future__ import annotations

import gpxpy
import numpy as np
import pytest

from hub.devices.exports.found import KnownBy
from hub.errors import ExportUnreadable
from tests.devices.exports.xml_files import SAMPLES, column, gpx, only, point, read, segment, utc_ms

ONE, TWO, THREE = "2026-05-01T09:42:23Z", "2026-05-01T09:42:24.500Z", "2026-05-01T09:42:40Z"


def extension(inner: str) -> str:
    return f"<extensions>{inner}</extensions>"


@pytest.mark.parametrize(
    "heart",
    [
        "<gpxtpx:TrackPointExtension><gpxtpx:hr>151</gpxtpx:hr></gpxtpx:TrackPointExtension>",
        "<ns3:TrackPointExtension><ns3:hr> 151 </ns3:hr></ns3:TrackPointExtension>",
        "<TrackPointExtension><hr>151</hr></TrackPointExtension>",
        "<hr>151</hr>",
        "<heartrate>151</heartrate>",
        "<gpxdata:hr>151.0</gpxdata:hr>",
        "<gpxdata:hr>151,0</gpxdata:hr>",
        "<a><b><HeartRate>151</HeartRate></b></a>",
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_heart_rate_is_found_under_every_name_that_makers_use(heart: str, version: str) -> None:
    for inner in (extension(heart), heart):
        session = only(read(gpx(segment(point(ONE, inner), point(TWO, inner)), version=version), ".gpx"))
        assert column(session, "bpm") == [151, 151]


def test_the_other_columns_are_found_and_a_missing_heart_rate_is_none() -> None:
    inner = "<speed>2.5</speed><sat>9</sat><hdop>1.2</hdop>" + extension(
        "<power>250</power><ns3:cad>88</ns3:cad><ns3:atemp>18.5</ns3:atemp><ns3:hr>0</ns3:hr>"
    )
    session = only(read(gpx(segment(point(ONE, inner), point(TWO))), ".gpx"))
    wanted = {
        "speed_mps": 2.5, "satellites": 9, "hdop": 1.2, "power_w": 250, "cadence_per_min": 88,
        "temperature_c": 18.5,
    }  # fmt: skip
    assert {name: column(session, name)[0] for name in wanted} == wanted
    assert column(session, "altitude_m") == [408.5, 408.5]
    assert column(session, "bpm") == [None, None]
    assert "bpm" not in session.track.columns


def test_each_track_is_a_session_with_its_name_and_sport() -> None:
    first = "<name>Evening  run</name><type>running</type>" + segment(point(ONE), point(TWO))
    second = "<name>Home</name><type>1</type>" + segment(
        point("2026-05-01T11:00:00Z"), point("2026-05-01T11:00:09Z")
    )
    found = read(gpx(first, second, creator="StravaGPX iPhone"), ".gpx")
    assert [(one.title, one.sport, one.elapsed_s) for one in found.sessions] == [
        ("Evening run", "running", 1.5),
        ("Home", "cycling", 9),
    ]
    assert found.provider == "strava"


def test_the_time_between_segments_is_a_pause_and_its_way_not_counted() -> None:
    far = segment(point("2026-05-01T09:52:40Z", lat=47.39), point("2026-05-01T09:52:50Z", lat=47.391))
    session = only(read(gpx(segment(point(ONE), point(THREE, lat=47.371)) + "<trkseg/>" + far), ".gpx"))
    assert session.pauses_ms == ((utc_ms("2026-05-01T09:42:40"), utc_ms("2026-05-01T09:52:40")),)
    assert session.elapsed_s == 627
    assert session.timer_s == 27
    assert session.distance_m == pytest.approx(2 * 111.2, rel=0.001)


def test_the_devices_own_distances_come_before_the_way_between_points() -> None:
    points = [point(ONE, extension("<d:distance>10</d:distance>"))]
    points.append(point(THREE, extension("<d:distance>72.5</d:distance>"), lat=47.371))
    assert only(read(gpx(segment(*points)), ".gpx")).distance_m == 62.5


def test_times_without_a_zone_are_placed_by_the_positions_or_by_the_club() -> None:
    local = "2026-05-01T09:42:23", "2026-05-01T09:42:24"
    session = only(read(gpx(segment(*(point(at, lat=40.71, lon=-74.0) for at in local))), ".gpx"))
    assert session.started_at_ms == utc_ms("2026-05-01T13:42:23")
    assert (session.utc_offset_s, session.offset_known_by) == (-4 * 3600, KnownBy.GPS)
    session = only(read(gpx(segment(*(point(at, lat=0, lon=0) for at in local))), ".gpx"))
    assert session.started_at_ms == utc_ms("2026-05-01T07:42:23")
    assert (session.utc_offset_s, session.offset_known_by) == (2 * 3600, KnownBy.ASSUMED)
    assert column(session, "latitude_deg") == [None, None]
    assert session.distance_m is None


def test_points_without_a_time_are_held_where_others_have_one() -> None:
    found = read(
        gpx(segment(point(ONE), point(""), point("yesterday"), point(TWO)), segment(point(""))), ".gpx"
    )
    assert only(found).n_records == 4
    assert len(only(found).track.at_ms) == 2
    assert [(held.where, held.n) for held in found.held] == [("track 1", 1), ("track 1", 1), ("track 2", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (gpx(segment(point(""), point(""))), "a route or a list of places"),
        (gpx(segment(point(ONE), point(ONE, lat=47.4))), "a route or a list of places"),
        (gpx().replace("</gpx>", '<rte><rtept lat="1" lon="2"/></rte></gpx>'), "a route or a list of places"),
        (gpx(segment(point("1901-12-13T20:45:52Z"), point("1901-12-13T20:45:53Z"))), "clock is wrong"),
        (gpx(), "no track"),
        ("<gpx/>", "no track"),
        ("<gpx><trk><trkseg><trkpt", "damaged"),
    ],
)
def test_a_file_without_a_recorded_track_is_refused_with_what_it_is(text: str, said: str) -> None:
    with pytest.raises(ExportUnreadable) as refusal:
        read(text, ".gpx")
    assert said in refusal.value.detail
    assert refusal.value.hint


def test_a_cut_file_keeps_the_points_before_the_cut() -> None:
    whole = gpx(segment(point(ONE), point(TWO), point(THREE)))
    found = read(whole[: whole.index(THREE)], ".gpx")
    assert len(only(found).track.at_ms) == 2
    assert found.damage is not None


def same_as_gpxpy(data: bytes) -> int:
    """Compare with gpxpy's reading of it; how many points with times there were."""
    other = gpxpy.parse(data.decode("utf-8-sig"))
    found = {one.started_at_ms: one for one in read(data, ".gpx").sessions}
    n = 0
    for track in other.tracks:
        points = [one for part in track.segments for one in part.points if one.time is not None]
        if not points:
            continue
        times = [round(one.time.timestamp() * 1000) for one in points if one.time is not None]
        session = found.pop(times[0])
        assert session.track.at_ms.tolist() == times
        for name, values in (
            ("latitude_deg", [one.latitude for one in points]),
            ("longitude_deg", [one.longitude for one in points]),
            ("altitude_m", [one.elevation for one in points]),
        ):
            assert column(session, name) == values
        if len(points) > 1:
            assert session.distance_m == pytest.approx(track.length_2d(), rel=0.005)
        n += len(points)
    assert not found
    return n


def test_points_times_and_lengths_equal_another_readers() -> None:
    rng = np.random.default_rng(1)
    steps = rng.normal(0, 2e-4, (300, 2)).cumsum(axis=0)
    points = [
        point(f"2026-05-01T10:{i // 60:02d}:{i % 60:02d}.{i % 10}00Z", lat=47 + lat, lon=8 + lon)
        for i, (lat, lon) in enumerate(steps.tolist())
    ]
    assert same_as_gpxpy(gpx(segment(*points[:100]) + segment(*points[100:])).encode()) == 300


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("activity_5039744860", 96),
        ("cerknicko-jezero", 296),
        ("track-with-empty-segment", 9),
        ("track_with_speed", 3),
    ],
)
def test_shared_files_equal_another_readers(name: str, n: int) -> None:
    assert same_as_gpxpy((SAMPLES / "gpx" / f"{name}.gpx").read_bytes()) == n
