"""Where a chart's bars and lines go, in the picture's own units; the template only draws them.

It knows no colours and no styles: those are the sheet's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloud.history import Day
from cloud.web.words import number, short_day
from hub.analytics.catalogue import metric

LOAD = metric("banister_trimp")
WIDTH, HEIGHT = 960.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 30.0, 14.0, 28.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day; `is_missing` draws a mark instead of a bar."""

    x: float
    y: float
    width: float
    height: float
    is_missing: bool
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line or a word at the edge."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the macro draws; lines are point lists, broken where a value is unknown."""

    width: float
    height: float
    left: float
    right: float
    floor: float
    bars: tuple[Bar, ...]
    mean_7: tuple[str, ...]
    mean_28: tuple[str, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def load_chart(days: Sequence[Day]) -> Chart:
    """Daily loads as bars with their 7-day and 28-day means as lines."""
    values = [
        value for day in days for value in (day.load_au, day.mean_7_au, day.mean_28_au) if value is not None
    ]
    step = nice_step(max(values, default=0.0))
    top = step * max(1, math.ceil(max(values, default=0.0) / step))
    floor = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(days))

    def x_of(index: int) -> float:
        return LEFT + slot * (index + 0.5)

    def y_of(value: float) -> float:
        return floor - (floor - TOP) * value / top

    width = min(slot * 0.7, 36.0)
    bars = tuple(
        Bar(
            x=round(x_of(index) - width / 2, 1),
            y=round(y_of(day.load_au or 0.0), 1),
            width=round(width, 1),
            height=round(floor - y_of(day.load_au or 0.0), 1),
            is_missing=day.load_au is None,
            label=f"{short_day(day.on)}: {'no data' if day.load_au is None else LOAD.text(day.load_au)}",
        )
        for index, day in enumerate(days)
    )
    every = max(1, math.ceil(len(days) / 10))
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        floor=floor,
        bars=bars,
        mean_7=lines([day.mean_7_au for day in days], x_of, y_of),
        mean_28=lines([day.mean_28_au for day in days], x_of, y_of),
        across=tuple(
            Tick(round(x_of(i), 1), short_day(day.on))
            for i, day in enumerate(days)
            if (len(days) - 1 - i) % every == 0
        ),
        up=tuple(Tick(round(y_of(step * i), 1), number(step * i)) for i in range(round(top / step) + 1)),
    )


def nice_step(top: float) -> float:
    """A round distance between three to five lines."""
    if top <= 0:
        return 10.0
    rough = top / 4
    size = 10.0 ** math.floor(math.log10(rough))
    return next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough)


def lines(
    values: Sequence[float | None], x_of: Callable[[int], float], y_of: Callable[[float], float]
) -> tuple[str, ...]:
    """The runs of known values as SVG point lists."""
    runs: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{x_of(index):.1f},{y_of(value):.1f}")
    return tuple(" ".join(run) for run in runs if run)
