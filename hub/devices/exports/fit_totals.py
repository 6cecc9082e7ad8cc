"""What a FIT file states of a session in sum: heart rates, effects, zones, pool, each with its unit.

It takes the numbers as they stand there and works none of them out anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_sessions import ActivitySession, Named, number_of
from hub.devices.exports.found import Stated

Tables = Mapping[str, tuple[Named, ...]]
MOST_ZONES = 16

_OF_SESSION = (
    ("avg_bpm", "average_heart_rate", "bpm"),
    ("max_bpm", "maximum_heart_rate", "bpm"),
    ("avg_cadence", "average_cadence", "1/min"),
    ("avg_power_w", "average_power", "W"),
    ("max_power_w", "maximum_power", "W"),
    ("normalized_power_w", "normalized_power", "W"),
    ("training_stress", "training_stress_score", ""),
    ("training_effect", "training_effect", ""),
    ("anaerobic_training_effect", "anaerobic_training_effect", ""),
    ("ascent_m", "ascent", "m"),
    ("descent_m", "descent", "m"),
    ("pool_m", "pool_length", "m"),
)
_OF_ATHLETE = (
    ("max_bpm", "heart_rate_limit", "bpm"),
    ("threshold_bpm", "threshold_heart_rate", "bpm"),
    ("threshold_power_w", "threshold_power", "W"),
)


def stated_of(session: ActivitySession, tables: Tables, n_active_lengths: int) -> tuple[Stated, ...]:
    """The totals of one session, with the zones that its file says it was judged by."""
    found = list(_named(session.stated, _OF_SESSION))
    speed = number_of(session.stated, "enhanced_avg_speed_m_s")
    speed = number_of(session.stated, "avg_speed_m_s") if speed is None else speed
    if speed is not None:
        found.append(Stated("average_speed", speed, "m/s"))
    if n_active_lengths:
        found.append(Stated("active_lengths", n_active_lengths, ""))
    for row in tables.get("zones_target", ())[-1:]:
        found += _named(row, _OF_ATHLETE)
    found += _zones(session, tables)
    return tuple(found)


def _named(row: Named, wanted: tuple[tuple[str, str, str], ...]) -> Iterator[Stated]:
    for field, name, unit in wanted:
        if (value := number_of(row, field)) is not None:
            yield Stated(name, value, unit)


def _zones(session: ActivitySession, tables: Tables) -> Iterator[Stated]:
    """Time in each zone and its upper edge: by the session's own message, else by its zone tables."""
    own = [
        row
        for row in tables.get("time_in_zone", ())
        if row.get("of_kind") == profile.SESSION and row.get("of_index", session.number) == session.number
    ]
    row = own[-1] if own else {}
    seconds = _list(row, "time_in_hr_zone_s") or _list(session.stated, "time_in_hr_zone_s")
    edges = _list(row, "high_bpm") or _listed_edges(tables)
    for n, value in enumerate(seconds[:MOST_ZONES]):
        if value is not None:
            yield Stated(f"time_in_zone_{n}", value, "s")
    for n, value in enumerate(edges[:MOST_ZONES]):
        if value is not None:
            yield Stated(f"zone_{n}_upper_edge", value, "bpm")
    if (rest := number_of(row, "rest_bpm")) is not None:
        yield Stated("resting_heart_rate", rest, "bpm")


def _listed_edges(tables: Tables) -> list[float | None]:
    """The upper edges of the hr_zone messages, by their index."""
    edges = dict[int, float | None]()
    for row in tables.get("hr_zone", ()):
        index = row.get("index")
        if isinstance(index, int) and 0 <= index < MOST_ZONES:
            edges[index] = number_of(row, "high_bpm")
    return [edges.get(n) for n in range(max(edges) + 1)] if edges else []


def _list(row: Named, name: str) -> list[float | None]:
    value = row.get(name)
    values = value if isinstance(value, tuple) else (value,)
    return [float(v) if isinstance(v, int | float) else None for v in values] if value is not None else []
