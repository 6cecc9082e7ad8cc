"""OpenField's CSV: period 0 is the whole, periods stand beside it, units are guessed aloud."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from hub.devices.exports.catapult import is_catapult, read_catapult
from hub.devices.exports.found import Found, KnownBy, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.damage import count_readable

SETTING = Setting(ZoneInfo("Europe/Zurich"))
T0 = 1_762_183_800  # 2025-11-03 15:30 UTC
PREAMBLE = (
    "\ufeffDate:,03/11/2025\nStart Time:,17:30:00\nUnix Start Time:,{unix}\nDuration:,1:30:00\n"
    "Num Players:,2\nNum Periods:,2\nNum Parameters:,9\nLogo Path:,\n\n"
)
HEADER = (
    "Player Name,Period Name,Period Number,Position Name,Unix Start Time,Unix End Time,Total Duration,"
    "Total Distance,Total Player Load,Player Load Per Minute,Maximum Heart Rate,Avg Heart Rate,"
    "Maximum Velocity,Velocity Band 5 Total Distance,Max Vel (% Max),MII Start Time,Remark"
)


def row(
    name: str,
    period: str,
    number: int,
    *,
    at: int = 0,
    lasts: int = 5400,
    top: float = 8.1,
    heart: int = 188,
    where: str = "Wing",
) -> str:
    start, hours = T0 + at, f"{lasts // 3600}:{lasts // 60 % 60:02}:{lasts % 60:02}"
    return (
        f"{name},{period},{number},{where},{start},{start + lasts},{hours},{lasts * 1.5},{lasts / 10},6.0,"
        f"{heart},{heart and 141},{top},312.5,91.2,17:41:00,ok"
    )


def table(*rows: str, preamble: str = PREAMBLE.format(unix=T0)) -> bytes:
    return (preamble + "\n".join([HEADER, *rows, ""])).encode()


def read(*rows: str, preamble: str = PREAMBLE.format(unix=T0)) -> Found:
    return read_catapult(Source.of_bytes("ctr.csv", table(*rows, preamble=preamble)), SETTING)


def test_period_0_is_the_session_and_the_others_stand_beside_it() -> None:
    found = read(
        row("Ada Muster", "Session", 0),
        row("Ada Muster", "First half", 1, lasts=2700),
        row("Ada Muster", "Drill in it", 2, at=600, lasts=900),
    )

    (session,) = found.sessions
    assert session.person.name == "Ada Muster"
    assert (session.started_at_ms, session.elapsed_s, session.timer_s) == (T0 * 1000, 5400, 5400)
    assert session.distance_m == 8100
    assert [(lap.name, lap.elapsed_s, lap.distance_m) for lap in session.laps] == [
        ("First half", 2700, 4050),
        ("Drill in it", 900, 1350),
    ]
    assert session.identity == f"catapult:{T0}:ada muster"


def test_every_number_is_stated_under_its_own_name_and_a_band_gets_no_meaning() -> None:
    stated = {one.name: (one.value, one.unit) for one in read(row("Ada", "Session", 0)).sessions[0].stated}

    assert stated["max_speed"] == (8.1, "m/s")
    assert stated["player_load"] == (540, "au")
    assert stated["mean_heart_rate"] == (141, "bpm")
    assert stated["velocity_band_5_total_distance"] == (312.5, "")
    assert stated["total_duration"] == (5400, "s")
    assert not any("high" in name or "start_time" in name or name == "remark" for name in stated)


def test_a_heart_rate_of_0_is_no_strap() -> None:
    names = {one.name for one in read(row("Ada", "Session", 0, heart=0)).sessions[0].stated}

    assert not any("heart" in name for name in names)


@pytest.mark.parametrize(
    ("date", "clock", "ahead_h"), [("03/11/2025", "17:30:00", 2), ("11/3/2025", "4:30:00 PM", 1)]
)
def test_the_unix_time_settles_the_order_of_the_date_and_gives_the_offset(
    date: str, clock: str, ahead_h: int
) -> None:
    preamble = PREAMBLE.format(unix=T0).replace("03/11/2025", date).replace("17:30:00", clock)
    (session,) = read(row("Ada", "Session", 0), preamble=preamble).sessions

    assert (session.utc_offset_s, session.offset_known_by) == (ahead_h * 3600, KnownBy.FILE)


def test_without_lines_above_the_clubs_zone_is_assumed() -> None:
    (session,) = read(row("Ada", "Session", 0), preamble="").sessions

    assert (session.utc_offset_s, session.offset_known_by) == (3600, KnownBy.ASSUMED)


@pytest.mark.parametrize(
    ("top", "unit", "is_metres", "said"),
    [
        (8.4, "m/s", True, ""),
        (30.2, "km/h", True, "km/h"),
        (19.5, "mph", False, "mph"),
        (300.0, "", False, "no unit"),
    ],
)
def test_top_speeds_tell_the_unit_and_a_guess_is_called_one(
    top: float, unit: str, is_metres: bool, said: str
) -> None:
    found = read(row("Ada", "Session", 0, top=top))

    (session,) = found.sessions
    assert [one.unit for one in session.stated if one.name == "max_speed"] == [unit]
    assert (session.distance_m is not None) == is_metres
    assert said in " ".join(found.warnings)
    assert bool(found.warnings) == (unit != "m/s")


def test_two_players_of_one_name_stay_two() -> None:
    found = read(row("Sam Lee", "Session", 0, where="Back"), row("Sam Lee", "Session", 0, where="Wing"))

    assert {session.identity for session in found.sessions} == {
        f"catapult:{T0}:sam lee:back",
        f"catapult:{T0}:sam lee:wing",
    }


def test_periods_without_a_whole_make_a_session_without_totals() -> None:
    (session,) = read(row("Ada", "A", 1, lasts=600), row("Ada", "B", 2, at=300, lasts=900)).sessions

    assert (session.elapsed_s, session.distance_m, session.stated) == (1200, None, ())
    assert [lap.name for lap in session.laps] == ["A", "B"]
    assert "not added up" in session.warnings[0]


def test_rows_that_cannot_be_placed_are_held_with_their_line() -> None:
    found = read(
        row("Ada", "Session", 0),
        row("", "Session", 0),
        row("Ben", "Session", 0, lasts=90_000),
        row("Ada", "Next day", 3, at=86_400),
        row("Ada", "Session", 0),
    )

    assert {(held.where, held.reason) for held in found.held} == {
        ("line 12", "it names no player"),
        ("line 13", "its end and duration make no sense"),
        ("line 14", "it lies in no session of this player"),
        ("line 15", "a second row for the whole session of this player"),
    }
    assert len(found.sessions) == 1


def test_headings_are_known_wherever_they_stand_and_other_tables_are_not() -> None:
    assert is_catapult(HEADER.split(","), "x.csv")
    assert not is_catapult(["Player name", "Session name", "Phase name", "HR avg [bpm]"], "ctr.csv")
    with pytest.raises(ExportUnreadable):
        read_catapult(Source.of_bytes("ctr.csv", b"Date:,1/1/2026\n\na,b\n1,2\n"), SETTING)
    with pytest.raises(ExportUnreadable, match="no row of it"):
        read(row("", "Session", 0))


def test_damaged_tables_are_refused_or_read_and_nothing_else() -> None:
    rows = [row(name, "Session", 0) for name in ("Ada", "Ben")] + [row("Ada", "Half", 1, lasts=2700)]

    n_read, n_refused = count_readable(read_catapult, table(*rows), 200, SETTING)

    assert n_read + n_refused == 200
    assert n_read > 50
