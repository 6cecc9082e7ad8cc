"""WHOOP's four files: the day of waking, offsets, open and unscored cycles, naps, answers and languages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.devices.exports.found import DailyValue, Found, KnownBy, Setting
from hub.devices.exports.source import Source
from hub.devices.exports.whoop import is_whoop, read_whoop
from hub.devices.exports.whoop_words import HEADINGS
from hub.errors import ExportUnreadable
from tests.devices.exports.damage import count_readable

SETTING = Setting(ZoneInfo("Europe/Zurich"))
SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples" / "synthetic"
FRAME = "Cycle start time,Cycle end time,Cycle timezone"
CYCLES = FRAME + ",Recovery score %,Heart rate variability (ms),Day Strain,Energy burned (cal),"
CYCLES += "Sleep onset,Wake onset,Asleep duration (min)"
SLEEPS = FRAME + ",Sleep onset,Wake onset,Asleep duration (min),In bed duration (min),Nap"
WORKOUTS = FRAME + ",Workout start time,Workout end time,Duration (min),Activity name,Activity Strain,"
WORKOUTS += "Energy burned (cal),Max HR (bpm),Average HR (bpm),HR Zone 1 %,GPS enabled,Distance (meters)"
JOURNAL = FRAME + ",Question text,Answered yes,Notes"


def read(header: str, *rows: str) -> Found:
    return read_whoop(Source.of_bytes("x.csv", "\n".join([header, *rows, ""]).encode()), SETTING)


def of(found: Found) -> dict[tuple[str, str], float]:
    return {(value.date, value.name): value.value for value in found.daily}


def test_a_cycle_belongs_to_the_local_date_of_waking_not_of_its_start() -> None:
    found = read(
        CYCLES,
        "2026-03-02 23:10:00,2026-03-03 22:50:00,UTC-05:00,"
        "61,48,12.5,2400,2026-03-02 23:10:00,2026-03-03 07:00:00,440",
    )

    assert {value.date for value in found.daily} == {"2026-03-03"}
    assert of(found)["2026-03-03", "recovery_score"] == 61
    assert of(found)["2026-03-03", "hrv_rmssd"] == 48
    assert of(found)["2026-03-03", "energy_kcal"] == 2400
    assert of(found)["2026-03-03", "sleep_onset"] == -50
    assert of(found)["2026-03-03", "wake_onset"] == 420
    assert {value.person.account for value in found.daily} == {""}


def test_of_two_cycles_on_one_date_the_longer_sleep_names_the_day_and_the_other_is_kept() -> None:
    found = read(
        CYCLES,
        "2026-04-18 12:52:00,2026-04-19 12:00:00,UTC-04:00,"
        "15,76,12.2,2501,2026-04-18 12:52:00,2026-04-18 22:09:00,529",
        "2026-04-17 18:28:00,2026-04-18 18:52:00,UTC+02:00,"
        "22,115,14.1,2654,2026-04-17 18:28:00,2026-04-18 01:01:00,375",
    )

    assert of(found)["2026-04-18", "recovery_score"] == 15
    assert of(found)["2026-04-18", "recovery_score_2"] == 22
    assert any("1 day has two cycles" in warning for warning in found.warnings)


def test_open_and_unscored_cycles_give_what_they_have_and_are_told() -> None:
    found = read(
        CYCLES,
        "2026-04-30 23:14:00,,UTC+02:00,50,36,,,2026-04-30 23:14:00,2026-05-01 07:04:00,516",
        "2026-04-29 23:00:00,2026-04-30 23:14:00,UTC+02:00,,,9.6,3109,,,",
    )

    assert of(found)["2026-05-01", "recovery_score"] == 50
    assert ("2026-05-01", "day_strain") not in of(found)
    assert of(found)["2026-04-30", "day_strain"] == 9.6
    assert ("2026-04-30", "recovery_score") not in of(found)
    assert len(found.warnings) == 3


def test_naps_are_added_up_apart_from_the_night() -> None:
    frame = "2026-04-24 23:00:00,2026-04-25 23:00:00,UTCZ"
    found = read(
        SLEEPS,
        f"{frame},2026-04-24 23:00:00,2026-04-25 06:30:00,420,450,false",
        f"{frame},2026-04-25 13:05:00,2026-04-25 13:41:00,31,36,true",
        f"{frame},2026-04-25 17:00:00,2026-04-25 17:20:00,14,20,true",
    )

    day = {name: value for (_, name), value in of(found).items()}
    assert day["asleep"] == 420
    assert (day["nap_count"], day["nap_asleep"], day["nap_in_bed"]) == (2, 45, 56)


def test_a_workout_is_placed_by_the_offset_of_its_row() -> None:
    found = read(
        WORKOUTS,
        "2026-04-23 11:22:00,,UTC-04:00,"
        "2026-04-23 17:30:00,2026-04-23 18:42:00,72,Soccer,5.6,1049,176,138,10,false,",
    )

    (session,) = found.sessions
    assert session.started_at_ms == datetime(2026, 4, 23, 21, 30, tzinfo=UTC).timestamp() * 1000
    assert (session.utc_offset_s, session.offset_known_by) == (-4 * 3600, KnownBy.COLUMN)
    assert (session.elapsed_s, session.sport, session.title) == (4320, "football", "Soccer")
    assert session.identity == f"whoop:{session.started_at_ms}:soccer"
    assert {(one.name, one.value, one.unit) for one in session.stated} >= {
        ("activity_strain", 5.6, "of 21"),
        ("mean_heart_rate", 138, "bpm"),
        ("energy", 1049, "kcal"),
    }
    assert session.distance_m is None


def test_an_export_without_time_zones_takes_the_clubs_and_says_so() -> None:
    found = read(
        "Cycle start time,Workout start time,Workout end time,Duration (min),Activity name",
        "2026-07-01 23:22:00,2026-07-02 17:30:00,2026-07-02 18:00:00,30,Tennis",
    )

    (session,) = found.sessions
    assert (session.utc_offset_s, session.offset_known_by) == (7200, KnownBy.ASSUMED)
    assert any("time zone" in warning for warning in found.warnings)


def test_answers_become_ones_and_zeros_and_notes_are_never_read() -> None:
    frame = "2026-04-29 22:51:00,2026-04-30 22:14:00,UTC+02:00"
    found = read(
        JOURNAL,
        f'{frame},Have any alcoholic drinks?,true,"two beers, ""late"""',
        f"{frame},Read in bed?,false,secret",
        f"{frame},Feeling?,maybe,secret",
    )

    assert of(found) == {
        ("2026-04-30", "journal: Have any alcoholic drinks?"): 1,
        ("2026-04-30", "journal: Read in bed?"): 0,
    }
    assert [held.reason for held in found.held] == ["its answer is neither yes nor no"]
    assert "secret" not in repr(found)
    assert "beers" not in repr(found)


@pytest.mark.parametrize("language", range(4))
def test_each_language_is_known_by_its_headings(language: int) -> None:
    def said(*fields: str) -> str:
        names = (HEADINGS[field][min(language, len(HEADINGS[field]) - 1)] for field in fields)
        return ",".join('"' + name.replace('"', '""') + '"' for name in names)

    frame = ("cycle_start", "cycle_end", "timezone")
    header = said(*frame, "recovery_score", "hrv_rmssd", "day_strain", "sleep_onset", "wake_onset", "asleep")
    found = read(
        header,
        "2026-03-02 23:10:00,2026-03-03 22:50:00,UTC+01:00,"
        "61,48,12.5,2026-03-02 23:10:00,2026-03-03 07:00:00,440",
    )

    assert of(found)["2026-03-03", "hrv_rmssd"] == 48
    assert found.warnings == ()
    answer = HEADINGS["answer"][(0, 2, 3, 4)[language]].replace('"', '""')
    journal = read(
        f'{said(*frame, "question")},"{answer}",{said("notes")}',
        f"2026-03-02 23:10:00,,UTC+01:00,Coffee?,{('yes', 'Sí', 'não', 'Nein')[language]},",
    )
    assert of(journal) == {("2026-03-03", "journal: Coffee?"): float(language < 2)}


def test_columns_nobody_knows_are_named() -> None:
    found = read(
        CYCLES + ",Moon phase",
        "2026-03-02 23:10:00,,UTCZ,61,48,,,2026-03-02 23:10:00,2026-03-03 07:00:00,440,full",
    )

    assert any('"Moon phase"' in warning for warning in found.warnings)


def test_rows_and_values_that_cannot_be_are_held_with_their_line() -> None:
    found = read(
        CYCLES,
        "2026-03-02 23:10:00,,UTCZ,161,48,,,2026-03-02 23:10:00,2026-03-03 07:00:00,440",
        "soon,,UTCZ,61,48,,,,,",
        "2026-03-01 23:10:00,2026-02-27 23:10:00,UTCZ,61,48,,,,,",
        "2026-02-28 23:10:00,,UTC+25:00,61,48,,,,,",
        "2026-03-02 23:10:00,,UTCZ,61,48,,,2026-03-02 23:10:00,2026-03-03 07:00:00,440",
        "2026-02-27 23:10:00,,UTCZ,61",
    )

    assert {(held.where, held.reason) for held in found.held} == {
        ("line 2", "its recovery score cannot be true"),
        ("line 3", "its start is no time"),
        ("line 4", "its end is no time after its start"),
        ("line 5", "its time zone is not understood"),
        ("line 6", "the same cycle stands there twice"),
        ("line 7", "it has 4 cells where the header has 10"),
    }
    assert ("2026-03-03", "recovery_score") not in of(found)


def test_a_copy_saved_by_a_spreadsheet_gives_the_same_days() -> None:
    row = (
        "{}.03.2026 23:10;{}.03.2026 22:50;UTC+01:00;61;48,5;12,5;2400;{}.03.2026 23:10;{}.03.2026 07:00;440"
    )
    header = CYCLES.replace(",", ";")
    found = read(header, row.format("02", "03", "02", "03"), row.format("27", "28", "27", "28"))

    assert of(found)["2026-03-03", "hrv_rmssd"] == 48.5
    assert of(found)["2026-03-28", "day_strain"] == 12.5


def test_other_tables_are_not_taken_for_whoop() -> None:
    assert is_whoop(CYCLES.split(","), "anything.csv")
    assert not is_whoop(["Date", "Sleep onset", "Wake onset", "HR"], "physiological_cycles.csv")
    with pytest.raises(ExportUnreadable):
        read("time,hr", "1,2")
    with pytest.raises(ExportUnreadable, match="no row of it can be used"):
        read(CYCLES, "soon,,,,,,,,,")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (CYCLES, "2026-03-0{0} 23:10:00,,UTCZ,61,48,1,2400,2026-03-0{0} 23:10:00,2026-03-0{0} 23:50:00,40"),
        (SLEEPS, "2026-03-0{0} 23:10:00,,UTC-05:00,2026-03-0{0} 13:10:00,2026-03-0{0} 14:00:00,40,50,true"),
        (WORKOUTS, "2026-03-0{0} 23:10:00,,UTC+02:00,2026-03-0{0} 13:10:00,,50,Run,1,2,3,4,5,false,60"),
        (JOURNAL, '2026-03-0{0} 23:10:00,,UTC+02:00,"Any, really?",true,"note"'),
    ],
)
def test_damaged_files_are_refused_or_read_and_nothing_else(header: str, row: str) -> None:
    whole = "\n".join([header, *(row.format(n) for n in range(1, 9)), ""]).encode()

    n_read, n_refused = count_readable(read_whoop, whole, 200, SETTING)

    assert n_read + n_refused == 200
    assert n_read > 50


def test_the_shared_exports_say_the_same_in_three_languages() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not here")
    files = [
        SAMPLES / "whoop_en" / "physiological_cycles.csv",
        SAMPLES / "whoop_es" / "physiological_cycles.csv",
        next((SAMPLES / "whoop_pt").glob("ciclos*.csv")),
    ]
    days: list[tuple[DailyValue, ...]] = []
    for file in files:
        found = read_whoop(Source.of_path(file), SETTING)
        assert (found.held, len(found.daily), len({value.date for value in found.daily})) == ((), 993, 43)
        days.append(found.daily)
    assert days[0] == days[1] == days[2]

    workouts = read_whoop(Source.of_path(SAMPLES / "whoop_en" / "workouts.csv"), SETTING)
    assert (len(workouts.sessions), workouts.held) == (15, ())
    journal = read_whoop(Source.of_path(SAMPLES / "whoop_en" / "journal_entries.csv"), SETTING)
    assert (len(journal.daily), journal.held) == (45, ())
    sleeps = read_whoop(Source.of_path(SAMPLES / "whoop_en" / "sleeps.csv"), SETTING)
    assert [v.value for v in sleeps.daily if v.name == "nap_asleep"] == [31]
