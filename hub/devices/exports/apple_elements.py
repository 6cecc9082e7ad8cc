"""An Apple Health export's elements as they pass: records packed into columns, workouts kept whole.

One record costs 12 to 24 bytes however long its line is. Records inside a correlation are passed over, as
each also stands by itself; kinds that no club asks for are not kept.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from hub.devices.exports.apple_values import Clock, Moment, Sources, ahead_in_zone, beat_s, quantity
from hub.devices.exports.xml_events import Listener

QUANTITY, CATEGORY = "HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier"
HEART_RATE, SDNN = f"{QUANTITY}HeartRate", f"{QUANTITY}HeartRateVariabilitySDNN"
SLEEP, SLEEP_VALUE = f"{CATEGORY}SleepAnalysis", "HKCategoryValueSleepAnalysis"
STAGES = ("InBed", "Asleep", "AsleepUnspecified", "AsleepCore", "AsleepDeep", "AsleepREM", "Awake")
# Kept as numbers of days; see apple_days for what becomes of them.
DAILY = {
    f"{QUANTITY}RestingHeartRate": "resting_heart_rate", SDNN: "hrv_sdnn",
    f"{QUANTITY}WalkingHeartRateAverage": "walking_heart_rate", f"{QUANTITY}VO2Max": "vo2max",
    f"{QUANTITY}BodyMass": "weight", f"{QUANTITY}BodyFatPercentage": "body_fat",
    f"{QUANTITY}RespiratoryRate": "respiratory_rate", f"{QUANTITY}OxygenSaturation": "spo2",
    f"{QUANTITY}HeartRateRecoveryOneMinute": "heart_rate_recovery_1min",
    f"{QUANTITY}AppleSleepingWristTemperature": "wrist_temperature",
    f"{QUANTITY}BodyTemperature": "body_temperature",
}  # fmt: skip
SUMMED = {
    f"{QUANTITY}StepCount": "steps", f"{QUANTITY}DistanceWalkingRunning": "steps_distance",
    f"{QUANTITY}FlightsClimbed": "flights_climbed",
}  # fmt: skip
OF_SUMMARY = (
    ("activeEnergyBurned", "active_energy", "kcal"), ("appleExerciseTime", "exercise_time", "min"),
    ("appleStandHours", "stand_hours", "h"),
)  # fmt: skip
TIME_ZONE = "HKTimeZone"
LONGEST_S = 86_400 * 2
MOST_WORKOUTS, MOST_PARTS, MOST_ROUTE, MOST_KEPT = 30_000, 2_000, 500_000, 20_000_000


@dataclass(slots=True)
class Rows:
    """Records of one kind: start in s UTC, its local day, source, value, and where wanted its length in s."""

    value: array[float] = field(default_factory=lambda: array("d"))
    at_s: array[int] = field(default_factory=lambda: array("I"))
    length_s: array[int] = field(default_factory=lambda: array("I"))
    day: array[int] = field(default_factory=lambda: array("H"))
    source: array[int] = field(default_factory=lambda: array("H"))

    def add(self, at_s: int, day: int, source: int, value: float) -> None:
        self.at_s.append(at_s)
        self.day.append(day)
        self.source.append(source)
        self.value.append(value)


@dataclass(slots=True)
class Workout:
    """A workout as it stands there. `route` holds rows of (ms UTC, latitude, longitude, altitude, speed)."""

    attributes: dict[str, str]
    start: Moment
    end: Moment
    source: int
    metadata: dict[str, str] = field(default_factory=dict)
    statistics: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    route: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class Beats:
    """Beats of the readings of variability: seconds UTC of each, its bpm, and where readings begin."""

    at_s: array[float] = field(default_factory=lambda: array("d"))
    bpm: array[float] = field(default_factory=lambda: array("f"))
    starts: array[int] = field(default_factory=lambda: array("I"))


class Elements(Listener):
    """Listens to the whole file; afterwards its fields hold what was kept."""

    def __init__(self) -> None:
        self.clock, self.sources = Clock(), Sources()
        self.heart = Rows(array("f"))
        self.daily = {name: Rows() for name in (*DAILY.values(), *SUMMED.values())}
        self.sleep = Rows(array("B"))  # type: ignore[arg-type]  # the stage's place in STAGES
        self.workouts: list[Workout] = []
        self.beats = Beats()
        self.summaries: list[dict[str, str]] = []
        self.exported: Moment | None = None
        self.n_records = self.n_bad = self.n_surplus = 0
        self.depth_of_correlation = self.depth_of_workout = self.depth = 0
        self.record: dict[str, str] | None = None
        self.record_zone = ""
        self.record_beats: list[tuple[str, str]] = []
        self.workout: Workout | None = None

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == "Record":
            self.n_records += 1
            if not self.depth_of_correlation:
                self._record(attributes)
        elif name == "MetadataEntry":
            self._metadata(attributes)
        elif name == "InstantaneousBeatsPerMinute":
            if self.record is not None and len(self.record_beats) < MOST_PARTS:
                self.record_beats.append((attributes.get("time", ""), attributes.get("bpm", "")))
        elif name == "Correlation":
            self.depth_of_correlation += 1
        elif name == "Workout":
            self._workout(attributes)
        elif self.workout is not None:
            self._part(self.workout, name, attributes)
        elif name == "ActivitySummary" and len(self.summaries) < MOST_WORKOUTS:
            wanted = ("dateComponents", "activeEnergyBurnedUnit", *(name for name, _, _ in OF_SUMMARY))
            self.summaries.append({key: attributes[key] for key in wanted if key in attributes})
        elif name == "ExportDate":
            self.exported = self.clock.read(attributes.get("value", ""))

    def close(self, name: str, text: str) -> None:
        self.depth -= 1
        if name == "Record" and self.record is not None:
            self._keep_record(self.record)
            self.record = None
        elif name == "Correlation":
            self.depth_of_correlation -= 1
        elif name == "Workout" and self.workout is not None:
            self.workouts.append(self.workout)
            self.workout = None

    def _record(self, record: dict[str, str]) -> None:
        """Heart rates are kept at once; what may name a zone or hold beats waits for its end."""
        kind = record.get("type", "")
        if kind == HEART_RATE:
            moment = self.clock.read(record.get("startDate", ""))
            bpm = quantity(record.get("value", ""), record.get("unit", "count/min"))
            if moment is None or bpm is None or not 20 <= bpm <= 250:
                self.n_bad += 1
            elif len(self.heart.at_s) >= MOST_KEPT:
                self.n_surplus += 1
            else:
                source = self.sources.number(record.get("sourceName", ""), record.get("device", ""))
                self.heart.add(moment.at_s, moment.day, source, bpm)
        elif kind in DAILY or kind in SUMMED or kind == SLEEP:
            self.record, self.record_zone = record, ""
            self.record_beats = []

    def _keep_record(self, record: dict[str, str]) -> None:
        kind = record["type"]
        start = self.clock.read(record.get("startDate", ""))
        end = self.clock.read(record.get("endDate", ""))
        if start is None or end is None or not 0 <= end.at_s - start.at_s <= LONGEST_S:
            self.n_bad += 1
            return
        source = self.sources.number(record.get("sourceName", ""), record.get("device", ""))
        if kind == SLEEP and len(self.sleep.at_s) < MOST_KEPT:
            stage = record.get("value", "").removeprefix(SLEEP_VALUE)
            if stage not in STAGES:
                self.n_bad += 1
                return
            # A night belongs to the day it ends in, counted from six in the evening.
            day = (self._local_s(end) + 6 * 3600) // 86_400
            self.sleep.add(start.at_s, day, source, STAGES.index(stage))
            self.sleep.length_s.append(end.at_s - start.at_s)
            return
        value = quantity(record.get("value", ""), record.get("unit", ""))
        if value is None:
            self.n_bad += 1
            return
        name = DAILY.get(kind) or SUMMED[kind]
        rows = self.daily[name]
        if len(rows.at_s) >= MOST_KEPT:
            self.n_surplus += 1
            return
        rows.add(start.at_s, self._local_s(start) // 86_400, source, value)
        if kind in SUMMED:
            rows.length_s.append(end.at_s - start.at_s)
        if self.record_beats:
            self._keep_beats(start)

    def _local_s(self, moment: Moment) -> int:
        """The local clock in s: of the zone the record names, else as written."""
        ahead_s = ahead_in_zone(self.record_zone, moment.at_s)
        return moment.at_s + (moment.ahead_s if ahead_s is None else ahead_s)

    def _keep_beats(self, start: Moment) -> None:
        self.beats.starts.append(len(self.beats.at_s))
        for text, bpm in self.record_beats:
            after_s, rate = beat_s(text, start), quantity(bpm, "count/min")
            if after_s is not None and len(self.beats.at_s) < MOST_KEPT:
                self.beats.at_s.append(start.at_s + after_s)
                self.beats.bpm.append(rate or 0.0)

    def _metadata(self, entry: dict[str, str]) -> None:
        key, value = entry.get("key", ""), entry.get("value", "")
        if self.workout is not None:
            if len(self.workout.metadata) < 64:
                self.workout.metadata.setdefault(key[:200], value[:200])
        elif self.record is not None and key == TIME_ZONE:
            self.record_zone = value[:64]

    def _workout(self, attributes: dict[str, str]) -> None:
        start = self.clock.read(attributes.get("startDate", ""))
        end = self.clock.read(attributes.get("endDate", ""))
        if start is None or end is None or not 0 <= end.at_s - start.at_s <= LONGEST_S * 5:
            self.n_bad += 1
        elif len(self.workouts) >= MOST_WORKOUTS:
            self.n_surplus += 1
        else:
            source = self.sources.number(attributes.get("sourceName", ""), attributes.get("device", ""))
            self.workout = Workout(attributes, start, end, source)
            self.depth_of_workout = self.depth

    def _part(self, workout: Workout, name: str, attributes: dict[str, str]) -> None:
        """A child of a workout; the statistics of its own parts (a multisport's legs) are not its totals."""
        if name == "WorkoutStatistics" and self.depth == self.depth_of_workout + 1:
            if len(workout.statistics) < 64:
                workout.statistics[attributes.get("type", "").removeprefix(QUANTITY)] = attributes
        elif name == "WorkoutEvent":
            if len(workout.events) < MOST_PARTS:
                workout.events.append(attributes)
        elif name == "Location" and len(workout.route) < 5 * MOST_ROUTE:
            moment = self.clock.read(attributes.get("date", ""))
            place = [quantity(attributes.get(key, ""), "m") for key in ("latitude", "longitude", "altitude")]
            speed = quantity(attributes.get("speed", ""), "m")
            if moment is not None:
                row = (moment.at_s * 1000.0, *place, speed)
                workout.route.extend(float("nan") if value is None else value for value in row)
