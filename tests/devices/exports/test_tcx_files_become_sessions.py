"""Every activity of a TCX file becomes a session with its totals, whatever its maker left out or cut."""

from __future__ import annotations

import pytest

from hub.devices.exports.found import KnownBy
from hub.errors import ExportUnreadable
from tests.devices.exports.xml_files import activity, column, lap, only, read, tcx, trackpoint, utc_ms

PLACE = "<Position><LatitudeDegrees>{}</LatitudeDegrees><LongitudeDegrees>8.54</LongitudeDegrees></Position>"
LONG_AGO = "1901-12-13T20:45:52Z"
ONE, TWO, THREE = "2026-05-01T09:42:23Z", "2026-05-01T09:42:24Z", "2026-05-01T09:42:31Z"


def test_the_start_is_the_first_points_time_as_the_stated_one_may_be_cut_to_the_minute() -> None:
    points = trackpoint(ONE, 120) + trackpoint(TWO, 121) + trackpoint(THREE, 122)
    session = only(read(tcx(activity(lap("2026-05-01T09:42:00Z", points, total_s=8))), ".tcx"))
    assert session.started_at_ms == utc_ms("2026-05-01T09:42:23")
    assert session.elapsed_s == 8
    assert column(session, "bpm") == [120, 121, 122]
    assert session.track.at_ms.tolist() == [utc_ms(f"2026-05-01T09:42:{s}") for s in (23, 24, 31)]


def test_energy_distance_and_time_are_summed_over_laps() -> None:
    laps = lap(ONE, trackpoint(ONE, 120), 60, 200.5, 10) + lap(
        "2026-05-01T09:43:23Z", trackpoint("2026-05-01T09:44:30Z", 130), 67.5, 300.25, 12
    )
    session = only(read(tcx(activity(laps, unit="39")), ".tcx"))
    assert (session.energy_kcal, session.distance_m, session.timer_s) == (22, 500.75, 127.5)
    assert [(one.started_at_ms, one.elapsed_s, one.distance_m) for one in session.laps] == [
        (utc_ms("2026-05-01T09:42:23"), 60, 200.5),
        (utc_ms("2026-05-01T09:43:23"), 67.5, 300.25),
    ]
    assert [(one.name, one.value, one.unit) for one in session.stated] == [
        ("maximum_heart_rate", 181, "bpm"),
        ("heart_rate_records", 2, ""),
    ]


def test_a_number_with_three_decimals_is_no_thousand() -> None:
    session = only(read(tcx(activity(lap(ONE, trackpoint(ONE, 120), "1.234", "966.796"))), ".tcx"))
    assert (session.timer_s, session.distance_m) == (1.234, 966.796)


def test_the_device_names_the_athletes_hardware_and_the_activity() -> None:
    found = read(tcx(activity(lap(ONE, trackpoint(ONE, 120)), unit="3937453043")), ".tcx")
    session = only(found)
    assert session.person.device_serial == "3937453043"
    assert session.device == "Watch 7"
    assert session.identity == "tcx:12:3937453043:2026-05-01T09:42:00Z"
    assert session.sport == "running"


@pytest.mark.parametrize("unit", ["", "0", "4294967295"])
def test_a_unit_without_a_number_is_nobodys(unit: str) -> None:
    session = only(read(tcx(activity(lap(ONE, trackpoint(ONE, 120)), unit=unit)), ".tcx"))
    assert (session.person.device_serial, session.identity) == ("", "")


def test_a_heart_rate_of_zero_is_none() -> None:
    session = only(read(tcx(activity(lap(ONE, trackpoint(ONE, 0) + trackpoint(TWO, 99)))), ".tcx"))
    assert column(session, "bpm") == [None, 99]


def test_points_with_only_a_time_are_marks_of_a_pause_and_no_rows() -> None:
    points = trackpoint(ONE, 120) + trackpoint(TWO) + trackpoint("2026-05-01T09:43:24Z")
    points += trackpoint("2026-05-01T09:43:25Z", 100)
    session = only(read(tcx(activity(lap(ONE, points, total_s=2))), ".tcx"))
    assert session.pauses_ms == ((utc_ms("2026-05-01T09:42:24"), utc_ms("2026-05-01T09:43:24")),)
    assert (session.n_records, len(session.track.at_ms)) == (4, 2)
    assert (session.elapsed_s, session.timer_s) == (62, 2)


def test_a_new_track_in_a_lap_is_a_pause() -> None:
    points = trackpoint(ONE, 120) + "</Track><Track>" + trackpoint(THREE, 100)
    session = only(read(tcx(activity(lap(ONE, points, total_s=1))), ".tcx"))
    assert session.pauses_ms == ((utc_ms("2026-05-01T09:42:23"), utc_ms("2026-05-01T09:42:31")),)


def test_each_activity_and_each_part_of_a_multisport_session_is_a_session() -> None:
    swim = activity(lap(ONE, trackpoint(ONE, 120)), "Other", ONE)
    change = (
        '<Transition StartTime="2026-05-01T09:50:00Z"><TotalTimeSeconds>55</TotalTimeSeconds></Transition>'
    )
    ride = activity(
        lap("2026-05-01T09:51:00Z", trackpoint("2026-05-01T09:51:00Z", 140)), "Biking", "2026-05-01T09:51:00Z"
    )
    multi = f"<MultiSportSession><Id>{ONE}</Id><FirstSport>{swim}</FirstSport><NextSport>{change}{ride}"
    sessions = read(tcx(multi + "</NextSport></MultiSportSession>"), ".tcx").sessions
    assert [one.sport for one in sessions] == ["other", "transition", "cycling"]
    assert [one.started_at_ms for one in sessions] == [
        utc_ms("2026-05-01T09:42:23"), utc_ms("2026-05-01T09:50:00"), utc_ms("2026-05-01T09:51:00"),
    ]  # fmt: skip
    assert sessions[1].elapsed_s == 55


@pytest.mark.parametrize("prefix", ["ns3:", "x:", ""])
def test_extensions_are_found_under_any_prefix_even_an_undeclared_one(prefix: str) -> None:
    inner = f"<{prefix}Speed>3.5</{prefix}Speed><{prefix}RunCadence>88</{prefix}RunCadence>"
    point = trackpoint(ONE, 120, tpx=f"{inner}<{prefix}Watts>250</{prefix}Watts>")
    session = only(read(tcx(activity(lap(ONE, point.replace("ns3:TPX", f"{prefix}TPX")))), ".tcx"))
    assert [column(session, name) for name in ("speed_mps", "cadence_per_min", "power_w")] == [
        [3.5], [88], [250],
    ]  # fmt: skip


def test_a_position_tells_the_local_offset_and_no_position_leaves_it_assumed() -> None:
    there = trackpoint(ONE, 120, PLACE.format("40.71").replace("8.54", "-74.0"))
    session = only(read(tcx(activity(lap(ONE, there))), ".tcx"))
    assert (session.utc_offset_s, session.offset_known_by) == (-4 * 3600, KnownBy.GPS)
    session = only(read(tcx(activity(lap(ONE, trackpoint(ONE, 120)))), ".tcx"))
    assert (session.utc_offset_s, session.offset_known_by) == (2 * 3600, KnownBy.ASSUMED)


def test_a_written_offset_is_believed_and_a_time_without_one_is_the_clubs() -> None:
    session = only(read(tcx(activity(lap(ONE, trackpoint("2026-05-01T11:42:23.250+03:00", 120)))), ".tcx"))
    assert session.track.at_ms.tolist() == [utc_ms("2026-05-01T08:42:23.250")]
    assert (session.utc_offset_s, session.offset_known_by) == (3 * 3600, KnownBy.FILE)
    local = "2026-05-01T11:42:23"
    session = only(read(tcx(activity(lap(local, trackpoint(local, 120)), own=local)), ".tcx"))
    assert session.started_at_ms == utc_ms("2026-05-01T09:42:23")
    assert session.laps[0].started_at_ms == session.started_at_ms
    assert (session.utc_offset_s, session.offset_known_by) == (2 * 3600, KnownBy.ASSUMED)


def test_rows_come_in_order_once_a_time_and_wild_ones_are_held() -> None:
    points = trackpoint(TWO, 121) + trackpoint(ONE, 120) + trackpoint(TWO, None, PLACE.format(47.0))
    points += trackpoint("2036-05-01T00:00:00Z", 99) + trackpoint("1901-12-13T20:45:52Z", 98)
    points += trackpoint("", 97) + trackpoint("soon", 96) + trackpoint(THREE, 900)
    found = read(tcx(activity(lap(ONE, points, total_s=8))), ".tcx")
    session = only(found)
    assert column(session, "bpm") == [120, 121, None]
    assert column(session, "latitude_deg") == [None, 47.0, None]
    assert session.elapsed_s == 8
    reasons = {held.reason.split(" ")[0]: held.n for held in found.held}
    assert sum(held.n for held in found.held) == 5
    assert reasons["a"] == 1  # without a time
    assert any("days away" in held.reason for held in found.held)
    assert any("values cannot be true" in held.reason for held in found.held)


def test_laps_without_points_are_a_session_of_their_own_times() -> None:
    laps = lap(ONE, "", 600, 25) + lap("2026-05-01T09:52:23Z", "", 300, 75)
    session = only(read(tcx(activity(laps, "Other")), ".tcx"))
    assert (session.started_at_ms, session.elapsed_s) == (utc_ms("2026-05-01T09:42:23"), 900)
    assert (session.timer_s, session.distance_m, session.n_records) == (900, 100, 0)
    assert len(session.track.at_ms) == 0


def test_lap_times_that_cannot_be_are_told_and_not_believed() -> None:
    points = trackpoint(ONE, 120) + trackpoint(THREE, 121)
    session = only(read(tcx(activity(lap(ONE, points, total_s=90_000))), ".tcx"))
    assert (session.elapsed_s, session.timer_s) == (8, None)
    assert "longer than" in session.warnings[0]


def test_what_stands_before_a_cut_is_kept_and_the_cut_is_told() -> None:
    whole = tcx(activity(lap(ONE, trackpoint(ONE, 120) + trackpoint(TWO, 121) + trackpoint(THREE, 122))))
    found = read(whole[: whole.index(THREE) - 3], ".tcx")
    assert column(only(found), "bpm") == [120, 121]
    assert found.damage is not None
    assert "line 4" in found.damage
    assert read(whole, ".tcx").damage is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (tcx('<Activity Sport="Other"></Activity>'), "header without laps"),
        (tcx(), "header without laps"),
        (
            tcx(activity(lap("1901-01-01T00:00:00Z", trackpoint("1901-01-01T00:00:00Z", 90)))),
            "clock is wrong",
        ),
        (tcx().replace("Activities", "Courses").replace("</C", "<Course/></C"), "course or a plan"),
        (tcx(activity(lap(ONE, trackpoint(ONE, 120))))[:300], "damaged"),
        ("<gpx/>", "not <TrainingCenterDatabase>"),
    ],
)
def test_a_file_without_an_activity_is_refused_with_what_it_is_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(ExportUnreadable) as refusal:
        read(text, ".tcx")
    assert said in refusal.value.detail
    assert refusal.value.hint
