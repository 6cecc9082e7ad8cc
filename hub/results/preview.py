"""What a change of an athlete's values would do to every session it touches, before it is made.

It writes nothing; applying is the recorder of the change's and the recalculation's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection

from hub.analytics.catalogue import ZONE_PREFIX
from hub.analytics.effective import Change, parameters_on
from hub.analytics.result import Result
from hub.analytics.session_results import results_from_histogram
from hub.domain import Session
from hub.results.kept import outcomes
from hub.results.profiles import NewChange, base_of, changes_of, day_of
from hub.store import athletes, profile_changes, session_results, sessions

LOADS = ("banister_trimp", "edwards_trimp", "lucia_trimp", "itrimp")


@dataclass(frozen=True, slots=True)
class Numbers:
    """One session's numbers under one set of parameters: the loads in the order of `LOADS`, None where an
    input is missing.
    """

    loads_au: tuple[float | None, ...]
    zone_s: tuple[float, ...]

    def load_au(self, metric_id: str) -> float | None:
        """The load of one of `LOADS`."""
        return self.loads_au[LOADS.index(metric_id)]

    @property
    def banister_au(self) -> float | None:
        return self.load_au("banister_trimp")

    @property
    def edwards_au(self) -> float | None:
        return self.load_au("edwards_trimp")


@dataclass(frozen=True, slots=True)
class SessionEffect:
    """One session before and after."""

    session: Session
    before: Numbers
    after: Numbers

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Preview:
    """Every session the change reaches, oldest first."""

    effects: tuple[SessionEffect, ...]

    @property
    def changed(self) -> tuple[SessionEffect, ...]:
        return tuple(it for it in self.effects if it.is_changed)


def preview(db: Connection, athlete_id: str, new: NewChange, made_at_ms: int) -> Preview:
    """The effect of a change were it made now. Raises NotFound."""
    recorded = changes_of(profile_changes.of_athlete(db, athlete_id))
    return _effect(db, athlete_id, new.valid_from, [*recorded, new.as_change("new", made_at_ms)])


def preview_removal(db: Connection, change_id: str) -> Preview:
    """The effect of taking a change back. Raises NotFound."""
    kept = profile_changes.change(db, change_id)
    left = [it for it in profile_changes.of_athlete(db, kept.athlete_id) if it.change_id != change_id]
    first = date.fromisoformat(kept.doc["valid_from"])
    return _effect(db, kept.athlete_id, first, changes_of(left))


def _effect(db: Connection, athlete_id: str, first: date, changes: list[Change]) -> Preview:
    base = base_of(athletes.athlete(db, athlete_id))
    effects: list[SessionEffect] = []
    for session_id in session_results.sessions_of(db, athlete_id, first.isoformat()):
        session = sessions.session(db, session_id)
        day = day_of(session)
        for now in outcomes(db, session, athlete_ids={athlete_id}):
            then = results_from_histogram(now.histogram, parameters_on(base, changes, day), day)
            effects.append(SessionEffect(session, numbers_of(now.results), numbers_of(then)))
    return Preview(tuple(effects))


def numbers_of(results: Iterable[Result]) -> Numbers:
    """The numbers a preview compares."""
    found = {it.metric_id: it.value for it in results}
    zones = tuple(value or 0.0 for name, value in found.items() if name.startswith(f"{ZONE_PREFIX}_"))
    return Numbers(tuple(found.get(name) for name in LOADS), zones)
