"""A heat map as a picture to scale and as words: cells, lines, a legend of seconds, and shares by third.

It draws the lines of a football pitch only on a known ground of that size, and none where the pitch was
fitted to positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hub.analytics.external import Floats
from hub.analytics.heat_map import HeatMap
from hub.analytics.pitch import Pitch
from hub.results.grounds import Found
from hub.web.shell import minutes_text

MARGIN_M = 3.0
STEPS = 5
FOOTBALL_LENGTH_M, FOOTBALL_WIDTH_M = (90.0, 120.0), (45.0, 90.0)
OTHER_PITCHES = ("rugby", "hockey", "basketball", "handball", "tennis")
WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle in metres of the picture; `ink` is how strongly it is filled, 0 to 1."""

    x: str
    y: str
    width: str
    height: str
    ink: str = ""


@dataclass(frozen=True, slots=True)
class PitchView:
    """The picture in metres (y downwards), its legend, its summary, and the cells as a table."""

    box: str
    outline: Shape
    is_fitted: bool
    lines: tuple[Shape, ...]
    circle: tuple[str, str] | None
    halfway: str | None
    cells: tuple[Shape, ...]
    legend: tuple[tuple[str, str], ...]
    summary: str
    where: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def pitch_view(found: Found, heat: HeatMap, sport: str) -> PitchView:
    """Everything the picture and the table behind it show."""
    pitch = found.pitch
    has_lines = found.ground is not None and is_football(pitch, sport)
    edges = step_edges(heat)
    rows, columns = heat.seconds.shape
    wide, high = heat.cell_m
    return PitchView(
        box=f"{-MARGIN_M:g} {-MARGIN_M:g} {pitch.length_m + 2 * MARGIN_M:.2f}"
        f" {pitch.width_m + 2 * MARGIN_M:.2f}",
        outline=_shape(pitch, 0, 0, pitch.length_m, pitch.width_m),
        is_fitted=found.ground is None,
        lines=_lines(pitch) if has_lines else (),
        circle=(f"{pitch.length_m / 2:.2f}", f"{pitch.width_m / 2:.2f}") if has_lines else None,
        halfway=f"{pitch.length_m / 2:.2f}" if found.ground is not None else None,
        cells=tuple(
            _shape(pitch, column * wide, row * high, wide, high, _ink(heat.seconds[row, column], edges))
            for row in range(rows)
            for column in range(columns)
            if heat.seconds[row, column] > 0
        ),
        legend=_legend(edges),
        summary=summary_text(heat),
        where=where_text(found),
        columns=tuple(f"{wide * column:.0f}" for column in range(columns)),
        rows=tuple(
            (f"{high * row:.0f}", tuple(f"{it:.0f}" if it else "" for it in heat.seconds[row].tolist()))
            for row in range(rows - 1, -1, -1)
        ),
    )


def is_football(pitch: Pitch, sport: str) -> bool:
    """Whether a football pitch may be this large, and the sport is no other of that size."""
    fits = (
        FOOTBALL_LENGTH_M[0] <= pitch.length_m <= FOOTBALL_LENGTH_M[1]
        and FOOTBALL_WIDTH_M[0] <= pitch.width_m <= FOOTBALL_WIDTH_M[1]
    )
    return fits and sport not in OTHER_PITCHES


def step_edges(heat: HeatMap) -> tuple[float, ...]:
    """Upper edges in s of the steps a cell's colour has, rising with the square: short stays stay visible."""
    most = float(heat.seconds.max()) if heat.seconds.size else 0.0
    return tuple(most * (step / STEPS) ** 2 for step in range(1, STEPS + 1)) if most > 0 else ()


def shares(along: Floats, parts: int) -> tuple[float, ...]:
    """Shares (0 to 1) in each of so many equal parts, of seconds (n,) in n equal cells side by side."""
    total = float(along.sum())
    if total <= 0:
        return (0.0,) * parts
    so_far = np.concatenate(([0.0], np.cumsum(along))) / total
    at = np.interp(np.linspace(0, len(along), parts + 1), np.arange(len(along) + 1), so_far)
    return tuple(np.diff(at).tolist())


def summary_text(heat: HeatMap) -> str:
    """The map in one or two sentences, for those who do not see it."""
    left, middle, right = (f"{100 * it:.0f}" for it in shares(heat.seconds.sum(axis=0), 3))
    lower, centre, upper = (f"{100 * it:.0f}" for it in shares(heat.seconds.sum(axis=1), 3))
    said = f"{minutes_text(heat.inside_s)} min on the pitch, {minutes_text(heat.outside_s)} min off it."
    if heat.inside_s <= 0:
        return said
    return (
        f"{said} Left, middle and right third: {left}, {middle} and {right} %."
        f" Upper, centre and lower lane: {upper}, {centre} and {lower} %."
    )


def where_text(found: Found) -> str:
    """Which pitch this is and how it is known."""
    pitch = found.pitch
    size = f"{pitch.length_m:.0f} by {pitch.width_m:.0f} m"
    wind = WINDS[round(pitch.heading_deg / 45) % len(WINDS)]
    if found.ground is None:
        how = "chosen" if found.is_chosen else "no ground is known here"
        return (
            f"Fitted automatically ({how}): the {size} rectangle they filled, not the lines of the pitch."
            f" Right is {wind}."
        )
    off = f", corners within {pitch.misfit_m:.1f} m" if pitch.misfit_m is not None else ""
    how = "chosen" if found.is_chosen else "recognised by where they ran"
    return f"{found.ground.name}, {how}: {size}{off}. Right is {wind}."


def _shape(pitch: Pitch, x: float, y: float, width: float, height: float, ink: str = "") -> Shape:
    """A rectangle of the pitch, y upwards, as one of the picture, y downwards."""
    top = pitch.width_m - y - height
    return Shape(f"{x:.2f}", f"{top:.2f}", f"{width:.2f}", f"{height:.2f}", ink)


def _lines(pitch: Pitch) -> tuple[Shape, ...]:
    """Penalty and goal areas at both ends (Laws of the Game, Law 1)."""
    found = []
    for deep, wide in ((16.5, 40.32), (5.5, 18.32)):
        low = (pitch.width_m - wide) / 2
        found += [_shape(pitch, x, low, deep, wide) for x in (0.0, pitch.length_m - deep)]
    return tuple(found)


def _ink(seconds: float, edges: tuple[float, ...]) -> str:
    step = next((at for at, edge in enumerate(edges, 1) if seconds <= edge), STEPS)
    return f"{step / STEPS:.1f}"


def _legend(edges: tuple[float, ...]) -> tuple[tuple[str, str], ...]:
    digits = 1 if edges and edges[0] < 2 else 0
    return tuple((f"{step / STEPS:.1f}", f"to {edge:.{digits}f} s") for step, edge in enumerate(edges, 1))
