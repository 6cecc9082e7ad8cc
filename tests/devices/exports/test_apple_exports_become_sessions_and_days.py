"""An Apple Health export becomes sessions and numbers of days, each thing once, however it was written."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest

from hub.devices.exports.apple import read_apple
from hub.devices.exports.found import Found, KnownBy
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.xml_files import (
    HERE,
    PHONE,
    WATCH,
    apple,
    column,
    only,
    read,
    record,
    utc_ms,
    workout,
)

BROKEN_DTD = (
    "<!DOCTYPE HealthData [\n<!-- HealthKit Export Version: 12 -->\n<!ELEMENT HealthData (ExportDate,Me)>\n"
    "<!ATTLIST VisionPrescription\n  type CDATA #REQUIRED\n  brand CDATA #IMPLIED\n"
    "<!ELEMENT RightEye EMPTY>\n]>\n"
)
START, END = "2026-05-01 18:00:00", "2026-05-01 18:30:30"
RUN = workout(START, END, more='duration="30" durationUnit="min"')


def days(found: Found) -> dict[tuple[str, str], tuple[float, str]]:
    return {(one.date, one.name): (one.value, one.unit) for one in found.daily}


def heart(*bpm: object, minute: int = 0, source: str = WATCH) -> str:
    return "".join(
        record("HeartRate", value, f"2026-05-01 18:{minute:02d}:{i * 5:02d}", source=source)
        for i, value in enumerate(bpm)
    )


def test_a_workout_takes_the_heart_rates_that_fall_in_it() -> None:
    before = record("HeartRate", 60, "2026-05-01 17:59:59")
    inner = (
        '<MetadataEntry key="HKTimeZone" value="America/New_York"/>'
        '<WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" sum="5.21" unit="km"/>'
        '<WorkoutStatistics type="HKQuantityTypeIdentifierActiveEnergyBurned" sum="1673.6" unit="kJ"/>'
        '<WorkoutStatistics type="HKQuantityTypeIdentifierHeartRate" average="141.5" maximum="170" '
        'unit="count/min"/>'
        '<WorkoutEvent type="HKWorkoutEventTypePause" date="2026-05-01 18:10:00 +0200"/>'
        '<WorkoutEvent type="HKWorkoutEventTypeResume" date="2026-05-01 18:10:30 +0200"/>'
        '<WorkoutEvent type="HKWorkoutEventTypeLap" date="2026-05-01 18:00:00 +0200" duration="5" '
        'durationUnit="min"/>'
        '<WorkoutActivity><WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" sum="1" '
        'unit="km"/></WorkoutActivity>'
    )
    rows = workout(START, END, inner, 'duration="30" durationUnit="min"')
    session = only(read(apple(before, heart(120, 125, 130), rows), ".xml"))
    assert (session.sport, session.written_sport) == ("running", "Running")
    assert session.device == "Anna's Apple Watch"
    assert session.started_at_ms == utc_ms("2026-05-01T16:00:00")
    assert (session.elapsed_s, session.timer_s) == (1830, 1800)
    assert session.distance_m == pytest.approx(5210)
    assert session.energy_kcal == pytest.approx(400)
    assert (session.utc_offset_s, session.offset_known_by) == (-4 * 3600, KnownBy.FILE)
    assert column(session, "bpm") == [120, 125, 130]
    assert session.track.at_ms.tolist() == [utc_ms(f"2026-05-01T16:00:{s:02d}") for s in (0, 5, 10)]
    assert session.pauses_ms == ((utc_ms("2026-05-01T16:10:00"), utc_ms("2026-05-01T16:10:30")),)
    assert [(one.name, one.elapsed_s) for one in session.laps] == [("lap 1", 300)]
    assert {one.name: one.value for one in session.stated} == {
        "average_heart_rate": 141.5,
        "maximum_heart_rate": 170,
    }


def test_totals_of_older_phones_and_the_phones_offset_are_taken_too() -> None:
    more = 'totalDistance="2" totalDistanceUnit="mi" totalEnergyBurned="48.5" totalEnergyBurnedUnit="kcal"'
    session = only(read(apple(workout(START, END, more=more)), ".xml"))
    assert (session.distance_m, session.energy_kcal) == (3218.688, 48.5)
    assert (session.utc_offset_s, session.offset_known_by) == (7200, KnownBy.ASSUMED)
    assert len(session.track.at_ms) == 0


def test_the_workouts_own_source_comes_first_and_two_are_never_mixed() -> None:
    both = heart(120, 121) + heart(150, 151, 152, minute=1, source="Polar Beat")
    assert column(only(read(apple(both, RUN), ".xml")), "bpm") == [120, 121]
    other = workout(START, END, source="Another")
    assert column(only(read(apple(both, other), ".xml")), "bpm") == [150, 151, 152]


def test_the_same_record_twice_or_in_a_correlation_counts_once() -> None:
    rows = heart(120, 125) * 2 + f"<Correlation>{heart(180, minute=2)}</Correlation>" + RUN + RUN
    session = only(read(apple(rows), ".xml"))
    assert column(session, "bpm") == [120, 125]
    assert session.n_records == 2


def test_the_same_export_twice_gives_equal_output_and_a_later_one_the_same_identity() -> None:
    one, two = read(apple(heart(120), RUN), ".xml"), read(apple(heart(120), RUN), ".xml")
    assert one.daily == two.daily
    assert only(one).identity == only(two).identity != ""
    later = apple(record("HeartRate", 90, "2026-06-01 09:00:00"), RUN, heart(120, 121))
    assert only(read(later, ".xml")).identity == only(one).identity
    synced = workout(START, END, '<MetadataEntry key="HKMetadataKeySyncIdentifier" value="X-1"/>')
    assert only(read(apple(synced), ".xml")).identity == "apple:Anna's Apple Watch:X-1"


def test_heart_rates_outside_workouts_are_the_days_minimum_and_mean() -> None:
    rest = record("HeartRate", 50, "2026-05-01 07:00:00") + record("HeartRate", 61, "2026-05-01 07:05:00")
    phone = record("HeartRate", 40, "2026-05-01 07:00:00", source=PHONE)
    found = read(apple(rest, phone, heart(170), RUN), ".xml")
    assert days(found) == {
        ("2026-05-01", "minimum_heart_rate"): (50, "bpm"),
        ("2026-05-01", "mean_heart_rate"): (55.5, "bpm"),
    }
    assert {one.updated_at_ms for one in found.daily} == {utc_ms("2026-06-01T08:00:00")}


def steps(source: str, start: str, end: str, n: int) -> str:
    return record("StepCount", n, f"2026-05-01 {start}:00", f"2026-05-01 {end}:00", "count", source)


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ((steps(PHONE, "09:00", "09:10", 900), steps(WATCH, "09:00", "09:10", 1000)), 1000),
        ((steps(PHONE, "09:00", "09:10", 900), steps(WATCH, "10:00", "10:10", 1000)), 1900),
        ((steps(PHONE, "09:00", "09:20", 800), steps(WATCH, "09:05", "09:10", 500)), 500 + 600),
        ((steps(WATCH, "09:00", "09:10", 900), steps(WATCH, "09:00", "09:10", 900)), 900),
        ((steps("A", "09:00", "09:10", 900), steps("B", "09:00", "09:10", 950)), 950),
    ],
)
def test_steps_of_watch_and_phone_are_never_added_for_the_same_minutes(rows: tuple[str, ...], n: int) -> None:
    assert days(read(apple(*rows), ".xml")) == {("2026-05-01", "steps"): (n, "")}
    assert days(read(apple(*reversed(rows)), ".xml")) == {("2026-05-01", "steps"): (n, "")}


def sleep(stage: str, start: str, end: str, source: str = WATCH, inner: str = "") -> str:
    return record("SleepAnalysis", stage, f"2026-{start}:00", f"2026-{end}:00", "", source, inner)


def test_a_night_belongs_to_the_day_of_waking_and_to_one_source() -> None:
    rows = (
        sleep("InBed", "04-30 22:50", "05-01 07:00", PHONE),
        sleep("Asleep", "04-30 22:55", "05-01 07:00", PHONE),
        sleep("AsleepCore", "04-30 23:20", "05-01 02:00"),
        sleep("AsleepDeep", "05-01 02:00", "05-01 03:00"),
        sleep("AsleepREM", "05-01 03:00", "05-01 04:00"),
        sleep("AsleepREM", "05-01 03:30", "05-01 04:00"),
        sleep("Awake", "05-01 04:00", "05-01 04:06"),
    )
    assert days(read(apple(*rows), ".xml")) == {
        ("2026-05-01", "light_sleep"): (160, "min"), ("2026-05-01", "deep_sleep"): (60, "min"),
        ("2026-05-01", "rem_sleep"): (60, "min"), ("2026-05-01", "awake"): (6, "min"),
        ("2026-05-01", "asleep"): (280, "min"),
    }  # fmt: skip


def test_a_records_own_zone_decides_its_day() -> None:
    far = '<MetadataEntry key="HKTimeZone" value="Pacific/Auckland"/>'
    rows = record("RestingHeartRate", 48, "2026-05-01 23:00:00", inner=far)
    assert days(read(apple(rows), ".xml")) == {("2026-05-02", "resting_heart_rate"): (48, "bpm")}
    nowhere = far.replace("Pacific/Auckland", "../../etc/passwd")
    rows = record("RestingHeartRate", 48, "2026-05-01 23:00:00", inner=nowhere)
    assert days(read(apple(rows), ".xml")) == {("2026-05-01", "resting_heart_rate"): (48, "bpm")}


@pytest.mark.parametrize(
    ("kind", "unit", "values", "name", "value"),
    [
        ("RestingHeartRate", "count/min", (50, 48), "resting_heart_rate", 48),
        ("HeartRateVariabilitySDNN", "ms", (40.5, 50.5), "hrv_sdnn", 45.5),
        ("BodyMass", "lb", (176.4,), "weight", 80.0137),
        ("VO2Max", "mL/min·kg", (52.1,), "vo2max", 52.1),
        ("RespiratoryRate", "count/min", (14, 16), "respiratory_rate", 15),
        ("OxygenSaturation", "%", (0.97, 0.95), "spo2", 96),
        ("AppleSleepingWristTemperature", "degF", (95,), "wrist_temperature", 35),
        ("BodyFatPercentage", "%", (0.155,), "body_fat", 15.5),
    ],
)
def test_values_of_a_day_come_in_our_units(
    kind: str, unit: str, values: tuple[float, ...], name: str, value: float
) -> None:
    rows = [record(kind, one, f"2026-05-01 0{n}:00:00", unit=unit) for n, one in enumerate(values)]
    assert days(read(apple(*rows), ".xml"))["2026-05-01", name][0] == pytest.approx(value)


def test_apples_own_totals_of_a_day_are_taken() -> None:
    row = (
        '<ActivitySummary dateComponents="2026-05-01" activeEnergyBurned="590.25" '
        'activeEnergyBurnedUnit="kcal" appleExerciseTime="68" appleStandHours="0"/>'
    )
    assert days(read(apple(row), ".xml")) == {
        ("2026-05-01", "active_energy"): (590.25, "kcal"),
        ("2026-05-01", "exercise_time"): (68, "min"),
    }


def reading(times: list[str], start: str, bpm: int = 60) -> str:
    beats = "".join(f'<InstantaneousBeatsPerMinute bpm="{bpm}" time="{at}"/>' for at in times)
    inner = f"<HeartRateVariabilityMetadataList>{beats}</HeartRateVariabilityMetadataList>"
    return record("HeartRateVariabilitySDNN", 48, start, unit="ms", inner=inner)


@pytest.mark.parametrize(
    "times",
    [
        ["18:00:01.00", "18:00:02.04", "18:00:03.10"],
        ["6:00:01.00 PM", "6:00:02.04 PM", "6:00:03.10 PM"],
        ["6:00:01.00\u202fPM", "6:00:02.04\u202fPM", "6:00:03.10\u202fPM"],
        ["18:00:01,00", "18:00:02,04", "18:00:03,10"],
        ["下午6:00:01.00", "下午6:00:02.04", "下午6:00:03.10"],
        ["18.00.01,00", "18.00.02,04", "18.00.03,10"],
    ],
)
def test_beats_of_a_workout_become_rough_intervals_in_any_language(times: list[str]) -> None:
    session = only(read(apple(reading(times, START), RUN), ".xml"))
    assert session.rr.rr_ms.tolist() == [1040, 1060]
    assert session.rr.at_ms.tolist() == [utc_ms("2026-05-01T16:00:02.04"), utc_ms("2026-05-01T16:00:03.10")]
    assert session.rr.is_rough
    assert not session.rr.is_flagged.any()


def test_beats_over_midnight_go_on_and_a_gap_is_flagged() -> None:
    times = ["11:59:59.00 PM", "12:00:00.00 AM", "12:00:03.00 AM"]
    run = workout("2026-05-01 23:30:00", "2026-05-02 00:30:00")
    found = read(apple(reading(times, "2026-05-01 23:59:59"), run), ".xml")
    assert only(found).rr.rr_ms.tolist() == [1000, 3000]
    assert only(found).rr.is_flagged.tolist() == [False, True]
    assert "1 reading" in found.warnings[0]


def test_a_malformed_document_type_and_forbidden_characters_are_passed_over() -> None:
    plain = read(apple(heart(120, 125), RUN), ".xml")
    broken = apple(heart(120, 125), RUN, dtd=BROKEN_DTD).replace("Anna", "An\x0bna\x00")
    assert column(only(read(broken, ".xml")), "bpm") == column(only(plain), "bpm")
    assert only(read(broken, ".xml")).identity == only(plain).identity


def test_bad_records_are_counted_and_cost_nothing_else() -> None:
    bad = record("HeartRate", "fast", START) + record("HeartRate", 900, START)
    bad += record("BodyMass", 5, START, unit="stones")
    bad += record("HeartRate", 90, "yesterday") + record("SleepAnalysis", "Dreaming", START)
    found = read(apple(bad, heart(120), RUN), ".xml")
    assert column(only(found), "bpm") == [120]
    assert [(held.reason, held.n) for held in found.held] == [("its time, value or unit cannot be", 5)]


def test_a_cut_export_keeps_what_stood_before() -> None:
    whole = apple(heart(120), RUN, record("RestingHeartRate", 50, START))
    found = read(whole[: whole.index("RestingHeartRate")], ".xml")
    assert column(only(found), "bpm") == [120]
    assert found.damage is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (apple(), "no workout and no value"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"><title>x</title></ClinicalDocument>', "clinical document"),
        ('<HealthData locale="en"><Record', "damaged"),
        (apple(dtd='<!DOCTYPE HealthData [<!ENTITY a "b">]>'), "declares XML entities"),
    ],
)
def test_a_file_without_anything_to_use_is_refused_with_what_it_is(text: str, said: str) -> None:
    with pytest.raises(ExportUnreadable) as refusal:
        read(text, ".xml")
    assert said in refusal.value.detail
    assert refusal.value.hint


class Endless(io.RawIOBase):
    """An export of a million records, made as it is read."""

    def __init__(self, n: int) -> None:
        self.left, self.row = n, (record("FlightsDreamt", 1, START) * 100).encode()
        self.head: bytes = apple().partition("</Health")[0].encode()

    def read(self, size: int = -1) -> bytes:
        if self.head:
            head, self.head = self.head, b""
            return head
        self.left -= 100
        return self.row if self.left >= 0 else b""


def test_records_that_nobody_asks_for_cost_no_memory() -> None:
    import tracemalloc

    def opened() -> BinaryIO:
        return Endless(20_000)  # type: ignore[return-value]

    source = Source("export.xml", 0, opened)
    with pytest.raises(ExportUnreadable):
        read_apple(source, HERE)
    tracemalloc.start()
    try:
        with pytest.raises(ExportUnreadable):
            read_apple(source, HERE)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
