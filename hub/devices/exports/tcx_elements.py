"""A TCX file's elements as they pass, gathered into activities with their laps and points.

It takes numbers and words as they stand there and judges none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.devices.exports.xml_events import Listener
from hub.devices.exports.xml_points import MOST_POINTS, Points, number_in

# Elements inside a point; there each name has one meaning, with whatever prefix.
COLUMNS = {
    "Time": "time", "LatitudeDegrees": "latitude_deg", "LongitudeDegrees": "longitude_deg",
    "AltitudeMeters": "altitude_m",
    "DistanceMeters": "distance_m", "Value": "bpm", "Cadence": "cadence_per_min",
    "RunCadence": "cadence_per_min", "Speed": "speed_mps", "Watts": "power_w",
}  # fmt: skip
OF_LAP = {
    ("Lap", "TotalTimeSeconds"): "timer_s", ("Lap", "DistanceMeters"): "distance_m",
    ("Lap", "Calories"): "energy_kcal", ("Lap", "MaximumSpeed"): "maximum_speed",
    ("AverageHeartRateBpm", "Value"): "average_heart_rate",
    ("MaximumHeartRateBpm", "Value"): "maximum_heart_rate",
}  # fmt: skip
OF_WORDS = {"Creator": ("Name", "UnitId", "ProductID"), "Activity": ("Id", "Notes")}
MOST_SESSIONS, MOST_LAPS, MOST_WORDS = 2_000, 5_000, 200


@dataclass(slots=True)
class StatedLap:
    start: str
    numbers: dict[str, float] = field(default_factory=dict)
    intensity: str = ""
    n_points: int = 0


@dataclass(slots=True)
class StatedActivity:
    points: Points
    sport: str
    words: dict[str, str] = field(default_factory=dict)
    laps: list[StatedLap] = field(default_factory=list)


class Elements(Listener):
    """Gathers activities; `inside` are the names of the elements open around."""

    row_name = "Trackpoint"

    def __init__(self) -> None:
        self.activities: list[StatedActivity] = []
        self.author = ""
        self.has_course = False
        self.inside: list[str] = []
        self.activity: StatedActivity | None = None
        self.lap: StatedLap | None = None
        self.n_left, self.n_surplus = MOST_POINTS, 0

    def column_of(self, name: str) -> str | None:
        return COLUMNS.get(name)

    def row(self, attributes: dict[str, str], texts: dict[str, str]) -> None:
        if self.activity is not None:
            self.activity.points.add(texts)
            if self.lap is not None:
                self.lap.n_points += 1

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self.inside.append("Lap" if name == "Transition" else name)
        if name in ("Activity", "Transition"):
            self.activity = StatedActivity(
                Points(f"activity {len(self.activities) + 1}", self.n_left),
                attributes.get("Sport", "")[:MOST_WORDS],
            )
            self.lap = None
            if name == "Transition":
                self.activity.sport = "Transition"
                self._lap(self.activity, attributes)
        elif name == "Lap" and self.activity is not None:
            self._lap(self.activity, attributes)
        elif name == "Track" and self.lap is not None and self.activity is not None:
            if self.lap.n_points:
                self.activity.points.part()
        elif name in ("Course", "Workout"):
            self.has_course = True

    def _lap(self, activity: StatedActivity, attributes: dict[str, str]) -> None:
        self.lap = StatedLap(attributes.get("StartTime", ""))
        if len(activity.laps) < MOST_LAPS:
            activity.laps.append(self.lap)

    def close(self, name: str, text: str) -> None:
        self.inside.pop()
        around, activity = self.inside[-1] if self.inside else "", self.activity
        if activity is None:
            if name == "Name" and around == "Author":
                self.author = text.strip()[:MOST_WORDS]
        elif name in ("Activity", "Transition"):
            self.keep()
        else:
            self._word(activity, around, name, text)

    def _word(self, activity: StatedActivity, around: str, name: str, text: str) -> None:
        if self.lap is not None and (field_name := OF_LAP.get((around, name))):
            value = number_in(text)
            if value is not None and 0 <= value < 1e9:
                self.lap.numbers.setdefault(field_name, value)
        elif self.lap is not None and (around, name) == ("Lap", "Intensity"):
            self.lap.intensity = text.strip()[:MOST_WORDS]
        elif name in OF_WORDS.get(around, ()):
            activity.words[name] = " ".join(text.split())[:MOST_WORDS]

    def keep(self) -> None:
        """The open activity is at its end."""
        if self.activity is not None and len(self.activities) < MOST_SESSIONS:
            self.activities.append(self.activity)
            self.n_left -= self.activity.points.n_rows
        elif self.activity is not None:
            self.n_surplus += 1
        self.activity = self.lap = None
