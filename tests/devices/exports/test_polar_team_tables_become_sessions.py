"""A Team Pro table gives a session an athlete: totals from its own row, phases as laps, zones with edges."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from defusedxml.common import EntitiesForbidden

from hub.devices.exports.found import Lap, Stated
from hub.devices.exports.polar_team import is_polar_team_csv, is_polar_team_workbook, read_polar_team
from hub.errors import ExportUnreadable
from tests.devices.exports.polar_files import BERLIN, source, team_csv, team_row, team_xlsx, utc_ms

AT = datetime(2026, 2, 19, 17, 1, 5)  # noqa: DTZ001 (a wall time)
STARTED = utc_ms("2026-02-19T16:01:05")
TEAM = [
    team_row(1, "", 5000), team_row(1, "Warm up", 2000), team_row(1, "Game", 3000), team_row(2, "", 4000)
]  # fmt: skip


def test_phases_are_laps_and_never_added_to_the_total() -> None:
    found = read_polar_team(source("t.csv", team_csv(TEAM)), BERLIN)
    first, second = found.sessions
    assert (first.person.name, first.person.shirt_number) == ("Athlete 1", 1)
    assert (first.distance_m, second.distance_m) == (5000, 4000)
    assert [(lap.name, lap.distance_m) for lap in first.laps] == [("Warm up", 2000), ("Game", 3000)]
    assert second.laps == ()
    assert (first.started_at_ms, first.elapsed_s, first.timer_s) == (STARTED, 1860.0, 1800.0)
    assert (first.energy_kcal, first.sport) == (612.0, "training")


def test_zone_edges_are_taken_from_the_headings() -> None:
    stated = read_polar_team(source("t.csv", team_csv(TEAM)), BERLIN).sessions[0].stated
    assert set(stated) >= {
        Stated("time_in_hr_zone_2", 720.0, "s"), Stated("hr_zone_2_from", 60.0, "%"),
        Stated("hr_zone_2_to", 69.0, "%"), Stated("distance_in_speed_zone_5", 412.0, "m"),
        Stated("speed_zone_5_from", 19.0, "km/h"), Stated("accelerations_in_band_1", 3.0, ""),
        Stated("acceleration_band_1_from", -50.0, "m/s²"), Stated("acceleration_band_1_to", -3.0, "m/s²"),
        Stated("mean_heart_rate", 141.0, "bpm"), Stated("training_load", 101.5, ""),
    }  # fmt: skip
    assert not any(one.name == "speed_zone_5_to" for one in stated)  # the last zone is open


def test_a_workbook_says_the_same_as_the_csv_in_texts_or_in_day_numbers() -> None:
    csv = read_polar_team(source("t.csv", team_csv(TEAM)), BERLIN)
    texts = read_polar_team(source("t.xlsx", team_xlsx(TEAM)), BERLIN)
    dated = [[*row[:5], 0.5 / 24, AT, *row[7:]] for row in TEAM]
    serial = [[*row[:6], 46072.709085648, *row[7:]] for row in TEAM]
    for other in (
        texts,
        *(read_polar_team(source("t.xlsx", team_xlsx(rows)), BERLIN) for rows in (dated, serial)),
    ):
        assert [one.stated for one in other.sessions] == [one.stated for one in csv.sessions]
        assert [(one.started_at_ms, one.timer_s, one.laps) for one in other.sessions] == [
            (one.started_at_ms, one.timer_s, one.laps) for one in csv.sessions
        ]


def test_phases_without_a_row_of_the_session_give_a_session_without_totals() -> None:
    rows = [team_row(3, "Warm up", 900), team_row(3, "Game", 800, "19-02-2026 17:20:05")]
    sessions = read_polar_team(source("t.csv", team_csv(rows)), BERLIN).sessions
    assert len(sessions) == 1
    assert (sessions[0].distance_m, sessions[0].stated) == (None, ())
    assert sessions[0].started_at_ms == STARTED
    assert sessions[0].laps[1] == Lap("Game", STARTED + 19 * 60_000, 720.0, 800.0)
    assert sessions[0].warnings


def test_phases_go_to_the_session_of_their_own_day() -> None:
    days = ["19-02-2026 17:01:05", "20-02-2026 17:01:05"]
    rows = [
        [*team_row(1, phase, far, day)[:7], "", *team_row(1, phase, far, day)[8:]]
        for far, day in enumerate(days, start=1)
        for phase in ("", "Game")
    ]
    sessions = read_polar_team(source("t.csv", team_csv(rows)), BERLIN).sessions
    assert [(one.distance_m, [lap.distance_m for lap in one.laps]) for one in sessions] == [
        (1, [1]),
        (2, [2]),
    ]


def test_the_order_of_day_and_month_is_decided_over_the_whole_column() -> None:
    rows = [team_row(1, "", 1, "02-03-2026 17:00:00"), team_row(2, "", 1, "03-28-2026 17:00:00")]
    rows = [[*row[:7], "", *row[8:]] for row in rows]
    sessions = read_polar_team(source("t.csv", team_csv(rows)), BERLIN).sessions
    assert sessions[0].started_at_ms == utc_ms("2026-02-03T16:00:00")


def test_rows_without_a_start_or_an_athlete_are_held_with_their_line() -> None:
    nobody = ["", "", *team_row(1, "", 1)[2:]]
    rows = [team_row(1, "", 5000), team_row(2, "", 1, "soon"), nobody]
    found = read_polar_team(source("t.csv", team_csv(rows)), BERLIN)
    assert [(one.where, one.reason) for one in found.held] == [
        ("line 3", "has no start time"), ("line 4", "has no athlete"),
    ]  # fmt: skip
    assert len(found.sessions) == 1
    with pytest.raises(ExportUnreadable, match=r"no row of an athlete.*line 2: has no start time"):
        read_polar_team(source("t.csv", team_csv([team_row(2, "", 1, "soon")])), BERLIN)


def test_each_form_is_known_by_its_content() -> None:
    assert is_polar_team_csv(team_csv(TEAM))
    assert is_polar_team_workbook(source("any.bin", team_xlsx(TEAM)))
    assert not is_polar_team_csv(b"Player Name;Session Title\n")
    assert not is_polar_team_workbook(source("t.xlsx", b"PK\x03\x04 and no more"))


def packed(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (packed({"xl/worksheets/sheet1.xml": b"\0" * (30 << 20)}), "unpacks to"),
        (packed({f"xl/{i}.xml": b"" for i in range(600)}), "600 parts"),
        (packed({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "not an Excel workbook"),
        (team_xlsx(TEAM)[:2000], "not an Excel workbook"),
        (team_xlsx([]), "no row of an athlete"),
    ],
    ids=["bomb", "many parts", "hollow", "cut", "no rows"],
)
def test_a_workbook_that_is_none_or_too_much_is_refused_before_it_is_unpacked(data: bytes, word: str) -> None:
    with pytest.raises(ExportUnreadable, match=word) as refusal:
        read_polar_team(source("t.xlsx", data), BERLIN)
    assert refusal.value.hint


def test_an_entity_in_a_workbook_is_not_expanded() -> None:
    with zipfile.ZipFile(io.BytesIO(team_xlsx(TEAM))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = b'<!DOCTYPE x [<!ENTITY a "aa">]>' + parts["xl/worksheets/sheet1.xml"]
    with pytest.raises(ExportUnreadable, match="not an Excel workbook") as refusal:
        read_polar_team(source("t.xlsx", packed(parts)), BERLIN)
    causes: list[BaseException] = [refusal.value]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    assert any(isinstance(cause, EntitiesForbidden) for cause in causes)
