"""A session's external loads and heat maps, computed from stored motion whenever they are asked for.

Like the load table it caches nothing and asks only the store; who has no motion has no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np

from hub.analytics.external import Floats
from hub.analytics.external_load import USUAL_LIMITS, ExternalLoad, SpeedLimits, external_load
from hub.analytics.heat_map import CELL_M, HeatMap, heat_map
from hub.analytics.pitch import Degrees, Pitch, pitch_of_corners, pitch_of_positions
from hub.analytics.positions import poor_fixes
from hub.analytics.running_power import RunningPower, running_power
from hub.domain import Athlete, Session
from hub.results.loads import end_of
from hub.store import athletes, sessions
from hub.store.worn import motion
from sync.motion import Motion


@dataclass(frozen=True, slots=True)
class ExternalRow:
    """One athlete's external load in a session; `power` only where it was asked for.

    `has_places` says that there are positions, good or poor.
    """

    athlete: Athlete
    load: ExternalLoad
    power: RunningPower | None = None
    has_places: bool = False


@dataclass(frozen=True, slots=True)
class SquadMap:
    """Everybody's heat map on one pitch, in shirt-number order."""

    pitch: Pitch
    maps: tuple[tuple[Athlete, HeatMap], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """An athlete's positions (n, 3): seconds since the start, latitude and longitude in degrees."""

    athlete: Athlete
    places: Floats


def external_table(
    db: Connection,
    session_id: str,
    own_tops_m_s: Mapping[str, float] | None = None,
    limits: SpeedLimits = USUAL_LIMITS,
    *,
    with_power: bool = False,
) -> list[ExternalRow]:
    """One row for everyone with motion, in shirt-number order.

    `own_tops_m_s` are the athletes' best top speeds by id, where known: sprints relative to them are counted
    only then. Raises NotFound.
    """
    session = sessions.session(db, session_id)
    tops = own_tops_m_s or {}
    rows = []
    for athlete, moved in _who_moved(db, session):
        at_s, columns, end_s = _seconds(session, moved), moved.columns(), _end_s(session, moved)
        load = external_load(at_s, columns, 0.0, end_s, tops.get(athlete.athlete_id), limits)
        power = running_power(at_s, columns, 0.0, end_s) if with_power else None
        rows.append(ExternalRow(athlete, load, power, "latitude_deg" in columns))
    return rows


def placed(db: Connection, session_id: str) -> list[Placed]:
    """Good positions of everyone who has any, in shirt-number order. Raises NotFound."""
    session = sessions.session(db, session_id)
    found = [Placed(athlete, _places(session, moved)) for athlete, moved in _who_moved(db, session)]
    return [it for it in found if len(it.places)]


def everywhere(people: Sequence[Placed]) -> Floats:
    """Latitudes and longitudes (n, 2) of all of them together."""
    return np.concatenate([it.places[:, 1:] for it in people]) if people else np.zeros((0, 2))


def map_of(pitch: Pitch, people: Sequence[Placed], *, cell_m: float = CELL_M) -> HeatMap:
    """The heat maps of these people on one pitch added up, one at least. Raises as `heat_map`."""
    maps = [heat_map(pitch, *it.places.T, cell_m=cell_m) for it in people]
    seconds: Floats = np.sum([it.seconds for it in maps], axis=0)
    outside_s, n = sum(it.outside_s for it in maps), sum(it.n for it in maps)
    return HeatMap(seconds, maps[0].cell_m, outside_s, n)


def squad_map(
    db: Connection,
    session_id: str,
    corners_deg: Sequence[Degrees] | None = None,
    *,
    cell_m: float = CELL_M,
) -> SquadMap | None:
    """Heat maps on the pitch with these corners or, without them, on the one all positions together fill.

    None where nobody has positions. Raises NotFound, and as `pitch_of_corners`, `pitch_of_positions` and
    `heat_map` do: PitchUnclear, ShapeMismatch, OutOfRange.
    """
    people = placed(db, session_id)
    if not people:
        return None
    if corners_deg is not None:
        pitch = pitch_of_corners(corners_deg)
    else:
        pitch = pitch_of_positions(*everywhere(people).T)
    return SquadMap(pitch, tuple((it.athlete, map_of(pitch, [it], cell_m=cell_m)) for it in people))


def _who_moved(db: Connection, session: Session) -> list[tuple[Athlete, Motion]]:
    moved = motion(db, session)
    known = athletes.all_athletes(db, include_inactive=True)
    return [(it, moved[it.athlete_id]) for it in known if it.athlete_id in moved]


def _places(session: Session, moved: Motion) -> Floats:
    """Good fixes in the session, as in `Placed`."""
    at_s, columns = _seconds(session, moved), moved.columns()
    unknown = np.full(len(at_s), np.nan)
    places: Floats = np.stack(
        (at_s, columns.get("latitude_deg", unknown), columns.get("longitude_deg", unknown)), axis=1
    )
    is_poor = poor_fixes(columns.get("hdop", unknown), columns.get("satellites", unknown))
    is_inside = (at_s >= 0) & (at_s < _end_s(session, moved))
    kept: Floats = places[is_inside & ~is_poor & np.isfinite(places).all(axis=1)]
    return kept


def _seconds(session: Session, moved: Motion) -> Floats:
    since_ms: Floats = (moved.mono_ms - session.mono0_ms).astype(np.float64)
    return since_ms / 1000


def _end_s(session: Session, moved: Motion) -> float:
    return (end_of(session, moved.mono_ms, None) - session.mono0_ms) / 1000
