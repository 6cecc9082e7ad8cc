"""Live numbers worked out anew from what is stored: after a restart, a correction, another strap or limit.

It stores nothing and decides nothing; the recorder says for whom, and the board takes the result over.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection

from hub.analytics.doubt import HeardTime
from hub.analytics.live_hrv import LiveBeats, advance_beats
from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.live_recovery import LiveRecovery, advance_recovery
from hub.domain import Reading, Session
from hub.folding import refolded, refolded_beats, refolded_recovery
from hub.results.profiles import athletes_on
from hub.store import boots, effort_stops, worn
from hub.wearing.judgement import running_times


@dataclass(frozen=True, slots=True)
class Refolded:
    """One athlete's running load, beats, recovery and heard time, on the present boot's clock."""

    load: LiveLoad
    beats: LiveBeats
    recovery: LiveRecovery
    heard: HeardTime

    def advance(self, reading: Reading) -> None:
        """One reading more, heard since what was stored; one without a rate changes nothing."""
        if reading.bpm is None:
            return
        advance(self.load, reading.mono_ms, reading.bpm)
        advance_beats(self.beats, reading.mono_ms, reading.rr_1024, reading.strap_id)
        advance_recovery(self.recovery, reading.mono_ms, reading.bpm)
        self.heard.advance(reading.mono_ms, is_doubtful=reading.is_doubtful)


def refolded_squad(
    db: Connection, session: Session, athlete_ids: Set[str], boot_no: int, day: date
) -> dict[str, Refolded]:
    """What is stored of a running session by athlete, by the limits of a day, on the clock of `boot_no`."""
    asked = set(athlete_ids)
    heard = worn.heart_rates(db, session, asked)
    beats = worn.intervals(db, session, asked)
    shift = boots.shift_ms(db, session.boot_no, boot_no)
    stops = effort_stops.latest_ms(effort_stops.of_session(db, session.session_id, boot_no))
    times = running_times(db, session, asked, shift)
    return {
        it.athlete_id: Refolded(
            refolded(it, heard.get(it.athlete_id), shift),
            refolded_beats(beats.get(it.athlete_id, []), shift),
            refolded_recovery(heard.get(it.athlete_id), shift, stops.get(it.athlete_id)),
            times.get(it.athlete_id, HeardTime()),
        )
        for it in athletes_on(db, day)
        if it.athlete_id in asked
    }
