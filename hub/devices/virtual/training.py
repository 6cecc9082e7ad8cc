"""What a squad's hearts do during a training: warm-up, intervals, small-sided games, cool-down, and again.

It knows neither Bluetooth nor the clock: whoever asks says how much time has passed. The shape is
believable, not a model to learn physiology from.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Drill:
    """A stretch of the plan: the heart aims at `reserve_fraction`, wandering by `unrest` around it."""

    name: str
    duration_s: float
    reserve_fraction: float
    unrest: float = 0.03


def _repeated(times: int, *drills: Drill) -> tuple[Drill, ...]:
    return drills * times


PLAN: tuple[Drill, ...] = (
    Drill("arrival", 60, 0.15),
    Drill("jog", 300, 0.45),
    Drill("mobility", 180, 0.35),
    Drill("strides", 120, 0.60, 0.06),
    *_repeated(4, Drill("interval", 240, 0.92), Drill("recovery", 180, 0.50)),
    Drill("drinks", 120, 0.30),
    *_repeated(4, Drill("small-sided game", 300, 0.80, 0.12), Drill("rest", 120, 0.40)),
    Drill("cool-down", 420, 0.35),
    Drill("stretching", 300, 0.15),
)
PLAN_S = sum(drill.duration_s for drill in PLAN)


DRILLS = {drill.name: drill for drill in PLAN}
"""Every kind of drill by name, to make up other plans of."""


def drill_at(plan_s: float, plan: tuple[Drill, ...] = PLAN) -> Drill:
    """The drill running `plan_s` seconds into the training, which starts over when it has ended."""
    left_s = plan_s % sum(drill.duration_s for drill in plan)
    for drill in plan:
        if left_s < drill.duration_s:
            return drill
        left_s -= drill.duration_s
    return plan[-1]


class Heart:
    """One athlete's heart: lags behind the effort, drifts with fatigue, beats irregularly."""

    def __init__(self, random: Random, plan: tuple[Drill, ...] = PLAN) -> None:
        self._random = random
        self._plan = plan
        self.rest_bpm = random.uniform(46, 64)
        self.max_bpm = random.uniform(184, 204)
        self._rise_s = random.uniform(22, 38)
        self._fall_s = random.uniform(40, 70)
        self._keenness = random.uniform(0.93, 1.04)
        self._unrest = 0.0
        self._plan_s = random.uniform(0, 20)
        self._bpm = self.rest_bpm + 20
        self._since_beat_s = 0.0

    @property
    def bpm(self) -> int:
        """The rate a strap would show now."""
        return round(self._bpm)

    @property
    def effort(self) -> float:
        """How hard it works, as a share of the heart rate reserve, 0 to 1."""
        return min(1.0, max(0.0, (self._bpm - self.rest_bpm) / (self.max_bpm - self.rest_bpm)))

    def live_on(self, chance: Random) -> None:
        """The same body with other luck: another day."""
        self._random = chance
        self._plan_s = chance.uniform(0, 20)

    def train(self, plan_s: float) -> None:
        """Let `plan_s` seconds of the training pass, in small steps so that the lag stays smooth."""
        while plan_s > 0:
            step_s = min(plan_s, 5.0)
            self._step(step_s)
            plan_s -= step_s

    def beats(self, listened_s: float) -> tuple[int, ...]:
        """RR intervals in 1/1024 s of the beats that fall into the next `listened_s` seconds."""
        mean_s = 60.0 / self._bpm
        spread = 0.045 * (1 - self.effort) + 0.006
        rr_1024: list[int] = []
        self._since_beat_s += listened_s
        while True:
            rr_s = max(0.25, self._random.gauss(mean_s, mean_s * spread))
            if rr_s > self._since_beat_s:
                return tuple(rr_1024)
            self._since_beat_s -= rr_s
            rr_1024.append(round(rr_s * 1024))

    def _step(self, step_s: float) -> None:
        drill = drill_at(self._plan_s, self._plan)
        self._plan_s += step_s
        self._unrest += (self._random.gauss(0, drill.unrest) - self._unrest) * min(1.0, step_s / 15)
        drift = 0.04 * min(1.0, (self._plan_s % PLAN_S) / 3600)
        fraction = drill.reserve_fraction * self._keenness + self._unrest + drift
        aim_bpm = self.rest_bpm + min(0.99, max(0.05, fraction)) * (self.max_bpm - self.rest_bpm)
        lag_s = self._rise_s if aim_bpm > self._bpm else self._fall_s
        self._bpm += (aim_bpm - self._bpm) * min(1.0, step_s / lag_s) + self._random.gauss(0, 0.3)
        self._bpm = min(self.max_bpm, max(self.rest_bpm, self._bpm))


class MarkedHeart(Heart):
    """A heart at a rate nobody else has, give or take one: whoever hears it knows whose it is."""

    def __init__(self, random: Random, mark_bpm: int) -> None:
        super().__init__(random)
        self.mark_bpm = mark_bpm
        self._bpm = mark_bpm

    def train(self, _plan_s: float) -> None:
        """It neither tires nor rests."""
        self._bpm = self.mark_bpm + self._random.choice((-1, 0, 1))


def mark_of(number: int) -> int:
    """The rate of marked heart `number`, from 1 to 40."""
    return 48 + 4 * number
