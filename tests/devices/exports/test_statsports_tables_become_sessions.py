"""STATSports' CSV: columns as the club chose them, drills as laps, absent players told in one go."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.devices.exports.found import Found, KnownBy, Setting
from hub.devices.exports.source import Source
from hub.devices.exports.statsports import is_statsports, read_statsports
from hub.errors import ExportUnreadable
from tests.devices.exports.damage import count_readable

SETTING = Setting(ZoneInfo("Europe/Dublin"))
SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples" / "synthetic" / "statsports"
HEADER = (
    "Session Date,Session Title,Player Name,HML Distance,High Speed Running (Absolute),Max Speed,"
    "Distance Zone 5 (Absolute),Impacts Zone 6,Max Heart Rate,HML Time,Total Time,Total Distance"
)


def row(day: str = "18/07/2026", name: str = "Zoë Ñandú", top: str = "7.36", heart: str = "0") -> str:
    return f"{day},MD-1,{name},1400,327,{top},210,2,{heart},0:03:16,1:09:59,5070"


def read(*lines: str, encoding: str = "utf-8") -> Found:
    return read_statsports(Source.of_bytes("x.csv", "\n".join([*lines, ""]).encode(encoding)), SETTING)


def at_ms(hour: int, minute: int = 0) -> float:
    return datetime(2026, 7, 18, hour, minute, tzinfo=UTC).timestamp() * 1000


def test_a_row_is_a_players_session_at_noon_where_no_start_is_said() -> None:
    (session,) = read(HEADER, row()).sessions

    assert session.person.name == "Zoë Ñandú"
    assert session.started_at_ms == at_ms(11)
    assert (session.utc_offset_s, session.offset_known_by) == (3600, KnownBy.ASSUMED)
    assert (session.elapsed_s, session.distance_m, session.title) == (4199, 5070, "MD-1")
    assert session.identity == "statsports:2026-07-18:md 1:zoe nandu"
    assert any("noon" in warning for warning in session.warnings)


def test_numbers_are_stated_in_their_units_and_a_heart_rate_of_0_is_none() -> None:
    stated = {one.name: (one.value, one.unit) for one in read(HEADER, row()).sessions[0].stated}

    assert stated == {
        "hml_distance": (1400, "m"),
        "high_speed_running_absolute": (327, "m"),
        "max_speed": (7.36, "m/s"),
        "distance_zone_5_absolute": (210, "m"),
        "impacts_zone_6": (2, ""),
        "hml_time": (196, "s"),
        "total_time": (4199, "s"),
        "total_distance": (5070, "m"),
    }


def test_units_in_headings_are_believed() -> None:
    header = HEADER.replace("Max Speed", "Max Speed (km/h)").replace("Total Distance", "Total Distance (km)")
    found = read(header, row(top="26.5").replace("5070", "5.07"))

    (session,) = found.sessions
    assert [(one.value, one.unit) for one in session.stated if one.name == "max_speed"] == [(26.5, "km/h")]
    assert session.distance_m == pytest.approx(5070)
    assert found.warnings == ()


def test_a_unit_that_is_a_guess_is_called_one() -> None:
    (warning,) = read(HEADER, row(top="26.5")).warnings

    assert "km/h" in warning


def test_a_copy_saved_by_a_spreadsheet_says_the_same() -> None:
    plain = read(HEADER, row(), row(day="19/07/2026", name="Ömer Çelik"))
    saved = [
        line.replace(",", ";").replace(".", ",") for line in (HEADER, row(), row("19/07/2026", "Ömer Çelik"))
    ]
    again = read(*saved, encoding="cp1252")

    assert [(s.person, s.started_at_ms, s.stated) for s in plain.sessions] == [
        (s.person, s.started_at_ms, s.stated) for s in again.sessions
    ]


def test_players_who_did_not_take_part_are_told_in_one_go() -> None:
    absent = "18/07/2026,MD-1,{},0,0,0,0.00,0,0,0:00:00,0:00:00,0"
    found = read(HEADER, row(), absent.format("Ben"), absent.format("Cleo"))

    assert len(found.sessions) == 1
    (held,) = found.held
    assert (held.where, held.n, held.text) == ("lines 3, 4", 2, "Ben, Cleo")
    assert "did not take part" in held.reason


def test_drills_are_laps_of_the_whole_and_never_added_to_it() -> None:
    header = HEADER.replace("Player Name", "Player Display Name,Drill Title,Drill Start Time")
    found = read(
        header,
        row(name="Ada,Entire Session,10:00:00"),
        row(name="Ada,Rondo,10:05:00").replace("1:09:59,5070", "0:10:00,800"),
        row(name="Ada,Match,10:30:00").replace("1:09:59,5070", "0:20:00,2100"),
    )

    (session,) = found.sessions
    assert (session.elapsed_s, session.distance_m) == (4199, 5070)
    assert session.started_at_ms == at_ms(9)
    assert [(lap.name, lap.elapsed_s, lap.distance_m) for lap in session.laps] == [
        ("Rondo", 600, 800),
        ("Match", 1200, 2100),
    ]
    assert session.laps[1].started_at_ms == at_ms(9, 30)
    assert session.warnings == ()


def test_drills_alone_make_a_session_without_totals() -> None:
    header = HEADER.replace("Player Name", "Player Name,Drill Title")
    (session,) = read(header, row(name="Ada,Rondo"), row(name="Ada,Match")).sessions

    assert (session.elapsed_s, session.distance_m, session.stated) == (2 * 4199, None, ())
    assert any("not added up" in warning for warning in session.warnings)


def test_the_order_of_dates_is_told_by_the_heading_the_column_or_a_warning() -> None:
    said = HEADER.replace("Session Date", "Session Date (mm/dd/yyyy)")
    assert read(said, row(day="03/04/2026")).sessions[0].identity.startswith("statsports:2026-03-04")
    told = read(HEADER, row(day="03/04/2026"), row(day="03/24/2026"))
    assert told.sessions[0].identity.startswith("statsports:2026-03-04")
    open_ = read(HEADER, row(day="03/04/2026"))
    assert open_.sessions[0].identity.startswith("statsports:2026-04-03")
    assert "day first" in open_.warnings[0]


def test_rows_that_cannot_be_used_are_held_with_their_line() -> None:
    found = read(
        HEADER, row(), row(name=""), row(day="soon"), row().replace("1:09:59", "99:00:00"), row(), "a,b"
    )

    assert {(held.where, held.reason) for held in found.held} == {
        ("line 3", "it names no player"),
        ("line 4", "its date is no date"),
        ("line 5", "its total time is no length of a session"),
        ("line 6", "the same player and session stand there twice"),
        ("line 7", "it has 2 cells where the header has 12"),
    }


def test_other_tables_of_teams_are_not_taken_for_statsports() -> None:
    assert is_statsports(HEADER.split(","), "x.csv")
    assert not is_statsports(["Player name", "Duration", "HR avg [bpm]", "Total distance [m]"], "sonra.csv")
    with pytest.raises(ExportUnreadable, match="no column with the sessions' dates"):
        read(HEADER.replace("Session Date", "When"), row())
    with pytest.raises(ExportUnreadable, match="no row of it"):
        read(HEADER, row(name=""))


def test_damaged_tables_are_refused_or_read_and_nothing_else() -> None:
    whole = "\n".join([HEADER, *(row(name=f"Player {n}") for n in range(6))]).encode()

    n_read, n_refused = count_readable(read_statsports, whole, 200, SETTING)

    assert n_read + n_refused == 200
    assert n_read > 50


def test_the_shared_tables_give_ten_sessions_each_and_the_same() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not here")
    plain, saved = (
        read_statsports(Source.of_path(SAMPLES / name), SETTING)
        for name in ("sonra_session.csv", "sonra_session_cp1252_semicolon.csv")
    )

    assert (len(plain.sessions), plain.held, plain.warnings) == (10, (), ())
    assert [(s.identity, s.elapsed_s, s.distance_m, s.stated) for s in plain.sessions] == [
        (s.identity, s.elapsed_s, s.distance_m, s.stated) for s in saved.sessions
    ]
