"""A human's say over which recording feeds an athlete in a session; every choice can be taken back.

Without one the ranking decides. It changes assignments only, never a recording.
"""

from __future__ import annotations

from dataclasses import replace
from sqlite3 import Connection
from typing import Literal

from hub.errors import ActionRefused
from hub.imports.arrange import Arranged, arrange
from hub.store import sources
from hub.store.records import Moment
from hub.store.sources import SourceRow

Channel = Literal["hr", "motion"]


def choose(db: Connection, moment: Moment, source_id: str, channel: Channel = "hr") -> Arranged:
    """Let this source feed its athlete first. Raises NotFound, or ActionRefused without such a stream."""
    chosen = sources.source(db, source_id)
    stream_id = chosen.hr_stream_id if channel == "hr" else chosen.motion_stream_id
    if stream_id is None or chosen.is_removed or chosen.athlete_id is None:
        what = "heart rates" if channel == "hr" else "positions"
        raise ActionRefused(f"This source has no {what} of a known athlete.", hint="Choose another one.")
    last_ms = max((_chosen_at(it, channel) or 0 for it in _beside(db, chosen)), default=0)
    return arrange(db, moment, [_with_choice(chosen, channel, max(moment.wall_ms, last_ms + 1))])


def choose_nothing(
    db: Connection, moment: Moment, session_id: str, athlete_id: str, channel: Channel = "hr"
) -> Arranged:
    """Take the choices for an athlete in a session back: the ranking decides again."""
    mine = [it for it in sources.of_session(db, session_id) if it.athlete_id == athlete_id]
    return arrange(db, moment, [_with_choice(it, channel, None) for it in mine])


def let_fill(db: Connection, moment: Moment, source_id: str, may_fill: bool) -> Arranged:
    """Let a source fill what a better one did not hear, or take that repair back. Raises NotFound."""
    return arrange(db, moment, [replace(sources.source(db, source_id), may_fill=may_fill)])


def _beside(db: Connection, chosen: SourceRow) -> list[SourceRow]:
    return sources.of_session(db, chosen.session_id) if chosen.session_id else []


def _chosen_at(it: SourceRow, channel: Channel) -> int | None:
    return it.hr_chosen_at_ms if channel == "hr" else it.motion_chosen_at_ms


def _with_choice(it: SourceRow, channel: Channel, at_ms: int | None) -> SourceRow:
    if channel == "hr":
        return replace(it, hr_chosen_at_ms=at_ms)
    return replace(it, motion_chosen_at_ms=at_ms)
