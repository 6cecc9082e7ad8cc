"""External load in words, for the table and the download: numbers, limits and reservations.

It computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.analytics.catalogue import columns
from hub.analytics.external_load import SpeedLimits
from hub.analytics.flags import Flag
from hub.domain import LoadRow
from hub.results.external import ExternalRow
from hub.results.speeds import SpeedSettings

COVERAGE_LOW = 0.8
KMH_IN_M_S = 3.6
CSV_HEAD = (
    *columns(
        "distance", "high_speed_distance", "high_speed_bouts", "sprint_distance", "sprints", "own_sprints",
        "top_speed", "accelerations", "decelerations",
    ),
    *(f"motion_{it}" for it in columns("coverage")),
    "motion_flags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExternalView:
    """One row of the table; `new_top_m_s` is above the top speed confirmed so far."""

    row: ExternalRow
    new_top_m_s: float | None
    notes: tuple[str, ...]


def speed_text(m_s: float) -> str:
    """5.5 m/s (19.8 km/h)."""
    return f"{m_s:.4g} m/s ({KMH_IN_M_S * m_s:.1f} km/h)"


def limits_text(limits: SpeedLimits) -> str:
    """The limits in one sentence."""
    return (
        f"High speed from {speed_text(limits.high_speed_m_s)}, sprints from {speed_text(limits.sprint_m_s)} "
        f"or {100 * limits.own_share:.0f} % of the own top speed, accelerations and decelerations from "
        f"{limits.hard_m_s2:.4g} m/s²."
    )


def notes(row: ExternalRow) -> tuple[str, ...]:
    """What a reader must know before trusting the row."""
    said = [str(flag) for flag in row.load.flags]
    if Flag.ROUGH in row.load.flags:
        said[said.index(str(Flag.ROUGH))] = "max velocity is rough"
    if row.load.coverage < COVERAGE_LOW:
        said.append("gaps")
    return tuple(said)


def external_view(row: ExternalRow, settings: SpeedSettings) -> ExternalView:
    """Words for one row; a rough maximum is never offered as a top speed."""
    top, known = row.load.top_speed_m_s, settings.tops_m_s.get(row.athlete.athlete_id)
    is_new = top is not None and Flag.ROUGH not in row.load.flags and (known is None or top > known + 0.005)
    return ExternalView(row, top if is_new else None, notes(row))


def csv_cells(row: ExternalRow | None) -> list[str]:
    """The row's part of the download, empty where a value is missing."""
    if row is None:
        return [""] * len(CSV_HEAD)
    it = row.load
    return [
        f"{it.distance_m:.1f}",
        _cell(it.high_speed_m, ".1f"),
        _cell(it.high_speed_bouts, "d"),
        _cell(it.sprint_m, ".1f"),
        _cell(it.sprints, "d"),
        _cell(it.own_sprints, "d"),
        _cell(it.top_speed_m_s, ".2f"),
        _cell(it.accelerations, "d"),
        _cell(it.decelerations, "d"),
        f"{it.coverage:.3f}",
        "; ".join(notes(row)),
    ]


def with_movers(rows: list[LoadRow], moved: Mapping[str, ExternalRow]) -> list[LoadRow]:
    """The load rows, with an empty one for everyone who moved but wore no strap."""
    present = {row.athlete_id for row in rows}
    empty = [
        LoadRow(it.athlete_id, it.name, it.shirt_number, None, None, None, None, 0.0, (), 0.0)
        for it in (row.athlete for row in moved.values())
        if it.athlete_id not in present
    ]
    return [*rows, *empty]


def _cell(value: float | None, spec: str) -> str:
    return "" if value is None else format(value, spec)
