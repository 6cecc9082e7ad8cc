"""Readings in; the board advanced at once, samples journalled once a second, segments sealed every 300 s.

It also owns the session's life, since starting, ending and who wears what decide where samples go.
It knows no radio and no page: readings arrive through `hear`, verbs through its methods.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from functools import partial, wraps
from sqlite3 import Connection
from typing import Any, ParamSpec, TypeVar

from hub.analytics.live_hrv import REFRESH_MS, alpha1_squad
from hub.board import Board
from hub.domain import Athlete, Reading, Session, Via
from hub.errors import ActionRefused, HubError
from hub.folding import OpenSamples, sample_of, sealed
from hub.refolding import refolded_squad
from hub.results.profiles import athletes_on, day_of, local_day
from hub.resuming import resumed
from hub.store import effort_stops, ignored_straps, journal, segments, sessions, straps
from hub.store.database import Database
from hub.store.effort_stops import EffortStop
from hub.store.records import Moment, propose
from hub.wearing.attribution import Attribution
from hub.wearing.reassignment import Corrected
from hub.wearing.spares import Watch

log = logging.getLogger(__name__)

SEAL_MS = 300_000
SAME_TAP_MS = 3_000
"""Two people tap for one stop: the second tap within this time says nothing new."""
MOST_PENDING = 600 * 100
"""Readings kept in memory while the disk refuses them: ten minutes of a hundred straps."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


def to_the_end(
    method: Callable[Given, Coroutine[Any, Any, Result]],
) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """A caller cancelled in mid-commit stops waiting; the change is finished: memory follows the disk.

    Otherwise the commit would stand and its readings still be pending, to be written a second time.
    """

    @wraps(method)
    async def finished(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await asyncio.shield(method(*args, **kwargs))

    return finished


class Recorder:
    """Owns the running session. All methods run on the hub's event loop."""

    def __init__(self, database: Database, board: Board, moment: Callable[[], Moment]) -> None:
        self._database, self._board, self._moment = database, board, moment
        self._who = Attribution()
        self._pending: list[Reading] = []
        self._open = OpenSamples()
        self._turn = asyncio.Lock()
        self._alpha1_turn = 0
        self._spares = Watch()
        self._ignored: frozenset[str] = frozenset()
        self.session: Session | None = None
        self.storage_error: HubError | None = None

    # --- readings

    def hear(self, reading: Reading) -> None:
        """Take one reading from the radio: on the board now, on disk with the next tick.

        A spare strap's is kept and shown to nobody; a foreign strap's is not even kept.
        """
        if reading.strap_id in self._ignored:
            return
        if reading.strap_id in self._spares:
            self._spares.hear(reading)
        if reading.strap_id not in self._who.spares:
            self._board.hear(reading, self._who.wearer.get(reading.strap_id))
        if self.session is not None and len(self._pending) < MOST_PENDING:
            self._pending.append(reading)

    def label_strap(self, strap_id: str, name: str, address: str) -> None:
        """What the radio calls a strap, kept with it once it is recorded or assigned."""
        self._who.labels.note(strap_id, name, address)

    @to_the_end
    async def tick(self) -> None:
        """Make the last second durable in one commit; every 300 s seal what is open.

        A failed commit keeps the readings for the next tick and says so in `storage_error`.
        """
        async with self._turn:
            try:
                await self._flush()
                await self._let_spares_step_in()
                since_ms = self._open.since_ms
                if since_ms is not None and self._moment().mono_ms - since_ms >= SEAL_MS:
                    await self._seal()
            except HubError as error:
                if self.storage_error is None:
                    log.error("the journal cannot be written: %s", error)
                self.storage_error = error
            else:
                if self.storage_error is not None:
                    log.info("the journal is written again")
                self.storage_error = None

    async def refresh_alpha1(self) -> None:
        """Every 5 s, work alpha1 out of everyone's last beats, in one go and beside the loop."""
        now_ms = self._moment().mono_ms
        if self.session is None or now_ms // REFRESH_MS == self._alpha1_turn:
            return
        self._alpha1_turn, session = now_ms // REFRESH_MS, self.session
        windows = self._board.beat_windows(now_ms)
        found = await asyncio.to_thread(alpha1_squad, list(windows.values()))
        if self.session is session:
            self._board.set_alpha1(dict(zip(windows, found, strict=True)))

    async def _flush(self) -> None:
        session, taken = self.session, list(self._pending)
        if session is None or not taken:
            return
        moment, who = self._moment(), self._who.copy()

        def change(db: Connection) -> tuple[list[journal.Sample], int]:
            samples = []
            for reading in taken:
                stream = who.stream(db, reading.strap_id, moment)
                if reading.strap_id not in who.worn and who.fed_by(reading.strap_id) is not None:
                    who.wear(db, session, stream, session.mono0_ms, moment)
                samples.append(sample_of(stream.stream_no, reading))
            return samples, journal.append(db, moment.boot_no, samples)

        samples, row_id = await self._database.write(change)
        self._put(who)
        del self._pending[: len(taken)]
        self._open.add(samples, row_id)

    async def _seal(self) -> None:
        closing = self._open
        if not closing.samples:
            return

        def change(db: Connection) -> None:
            for stream_no, samples in closing.samples.items():
                segments.add(db, sealed(straps.stream_by_no(db, stream_no), samples))
            journal.forget_through(db, closing.last_row)

        await self._database.write(change)
        self._open = OpenSamples()

    # --- the session's life

    @to_the_end
    async def start_session(self, title: str, sport: str, utc_offset_s: int) -> Session:
        """Begin recording. Raises ActionRefused while another session runs."""
        async with self._turn:
            if self.session is not None:
                raise ActionRefused(
                    f"{self.session.title} is still running.", hint="End it first, then start the next."
                )
            await self._seal()  # a session that ended elsewhere may have left samples open
            moment = self._moment()
            session = Session(
                session_id=moment.new_id(),
                title=title.strip() or "Training",
                sport=sport.strip() or "training",
                started_at_ms=moment.wall_ms,
                utc_offset_s=utc_offset_s,
                boot_no=moment.boot_no,
                mono0_ms=moment.mono_ms,
                source=Via.GATT,
            )
            fields = {name: value for name, value in asdict(session).items() if name != "session_id"}
            await self._database.write(lambda db: propose(db, moment, "session", session.session_id, fields))
            self._board.set_athletes(await self._roster(day_of(session)))
            self._pending.clear()
            self.session, self._who.worn = session, {}
            self._board.set_session(session, session.mono0_ms)
            return session

    @to_the_end
    async def end_session(self) -> Session:
        """Close the running session: everything on disk, sealed and attributed. Raises ActionRefused."""
        async with self._turn:
            if self.session is None:
                raise ActionRefused("No session is running.", hint="Start one from the board.")
            moment, session = self._moment(), self.session  # what is heard from here on comes too late
            await self._flush()
            await self._seal()
            who = self._who.copy()
            end = {
                "ended_at_ms": max(moment.wall_ms, session.started_at_ms),
                "mono1_ms": moment.mono_ms if moment.boot_no == session.boot_no else None,
            }

            def change(db: Connection) -> Session:
                for strap_id in list(who.worn):
                    who.lay_down(db, strap_id, moment)
                propose(db, moment, "session", session.session_id, end)
                return sessions.session(db, session.session_id)

            ended = await self._database.write(change)
            self.session = None
            self._put(who)
            self._pending.clear()
            self._board.set_session(None, 0)
            with suppress(HubError):  # the session has ended all the same
                await self._heed_records()  # what was said of a strap while it was worn counts from here on
            return ended

    @to_the_end
    async def assign(self, strap_id: str, athlete_id: str | None) -> None:
        """Give a strap to an athlete, or take it back with None; the loads concerned are refolded.

        Raises NotFound. `Attribution.assign` says from when the strap's samples count as the athlete's.
        """
        async with self._turn:
            moment, session = self._moment(), self.session  # all that is heard later is the new wearer's
            await self._flush()
            who = self._who.copy()
            concerned = {a for a in (who.wearer.get(strap_id), athlete_id) if a is not None}

            def change(db: Connection) -> None:
                who.assign(db, strap_id, athlete_id, session, moment)
                who.keep_spares(db, session, moment)

            await self._database.write(change)
            await self._now_worn(who, concerned)

    @to_the_end
    async def stand_by(self, strap_id: str, athlete_id: str) -> None:
        """Give an athlete a strap beside the one that feeds them: it steps in when that falls silent.

        Whoever wore it loses it; an athlete without a strap is fed by it at once. Raises NotFound.
        """
        if self._who.feeder_of(athlete_id) in (None, strap_id):
            await self.assign(strap_id, athlete_id)
            return
        async with self._turn:
            moment, session = self._moment(), self.session
            await self._flush()
            who = self._who.copy()
            concerned = {a for a in (who.fed_by(strap_id),) if a is not None}

            def change(db: Connection) -> None:
                who.stand_by(db, strap_id, athlete_id, moment)
                who.keep_spares(db, session, moment)

            await self._database.write(change)
            await self._now_worn(who, concerned)

    @to_the_end
    async def correct(self, change: Callable[[Connection, Moment], Corrected]) -> Corrected:
        """Correct who wore what, in any session; in the running one the board and the wearers follow.

        `change` runs in one transaction with what follows from it. Raises what it raises.
        """
        async with self._turn:
            moment, session = self._moment(), self.session
            await self._flush()
            who = self._who.copy()

            def corrected(db: Connection) -> Corrected:
                done = change(db, moment)
                if session is not None and done.edit.session_id == session.session_id:
                    who.follow(db, session, done.stream_ids, moment)
                return done

            done = await self._database.write(corrected)
            if session is not None and done.edit.session_id == session.session_id:
                await self._now_worn(who, set(done.athlete_ids))
            return done

    @to_the_end
    async def stop_effort(self, athlete_id: str | None, made_by: str) -> None:
        """A hard effort ends now: one athlete's, or with None that of everybody who is heard.

        Raises ActionRefused where no session runs, and where nobody concerned is heard.
        """
        moment = self._moment()  # the tap counts, not whose turn it is
        async with self._turn:
            session, heard = self.session, self._board.heard_lately(moment.mono_ms)
            if session is None:
                raise ActionRefused("No session is running.", hint="Start one from the board.")
            concerned = {k: v for k, v in heard.items() if athlete_id in (None, k)}
            if not concerned:
                raise ActionRefused(
                    "No heart rate is heard right now.", hint="Check the strap, then tap again."
                )
            new = [k for k, at in concerned.items() if at is None or moment.mono_ms - at >= SAME_TAP_MS]
            stop = EffortStop(
                moment.new_id(), session.session_id, moment.boot_no, moment.mono_ms, made_by, tuple(new)
            )
            await self._database.write(lambda db: effort_stops.add(db, stop))
            self._board.stop_effort(new, moment.mono_ms)

    @to_the_end
    async def take_stop_back(self, stop_id: str, athlete_id: str | None = None) -> None:
        """Forget a stop, or its part about one athlete; the one before counts again. Raises NotFound."""
        async with self._turn:
            await self._flush()
            session_id, concerned = await self._database.write(
                lambda db: effort_stops.take_back(db, stop_id, athlete_id)
            )
            if self.session is not None and self.session.session_id == session_id:
                await self._refold(concerned)

    @to_the_end
    async def obey_ignored(self) -> None:
        """The list of foreign straps has changed: what they say is not taken, nor counted as new straps."""
        async with self._turn:
            self._ignored = await self._database.read(ignored_straps.ids)
            self._board.forget_strangers(self._ignored)

    async def _let_spares_step_in(self) -> None:
        """Where a strap fell silent while its athlete's spare is heard, the spare feeds from then on."""
        moment = self._moment()
        for turn in self._spares.turns(moment.mono_ms):
            who = self._who.copy()
            athlete_id = who.wearer[turn.to_strap]
            await self._database.write(
                partial(who.step_in, strap_id=turn.to_strap, from_ms=turn.from_ms, session=self.session,
                        moment=moment)
            )  # fmt: skip
            log.info("strap %s is silent: %s stands in for it", turn.from_strap, turn.to_strap)
            await self._now_worn(who, {athlete_id})
            self._board.show(athlete_id, turn.latest)

    def _put(self, who: Attribution) -> None:
        """Who wears what from now on."""
        self._who = who
        self._ignored -= who.wearer.keys()
        self._spares.follow(who.wearer, who.spares)

    async def _now_worn(self, who: Attribution, concerned: set[str]) -> None:
        """Take over who wears what, and refold the loads of those it changed for."""
        self._put(who)
        for athlete in concerned:
            self._board.take_off(athlete)
        await self._refold(concerned)

    @to_the_end
    async def roster_changed(self, refold: set[str]) -> None:
        """Show the roster as it now is, and who has which strap; refold the load of the athletes named."""
        async with self._turn:
            concerned = await self._heed_records()
            self._board.set_athletes(await self._roster(self._day()))
            await self._flush()
            await self._refold(refold | concerned)

    async def _heed_records(self) -> set[str]:
        """Who has which strap may have been said elsewhere; the athletes it changed for."""
        moment, session, who = self._moment(), self.session, self._who.copy()
        concerned = await self._database.write(lambda db: who.heed(db, session, moment))
        if concerned:
            self._put(who)
            for athlete_id in concerned:
                self._board.take_off(athlete_id)
        return concerned

    # --- restart

    async def restore(self) -> None:
        """Go on where the last process stopped: roster, wearers, and the running session refolded."""
        moment, who = self._moment(), self._who.copy()
        found = await self._database.write(lambda db: resumed(db, who, moment))
        self.session, self._open, self._ignored = found.session, found.open_samples, found.ignored
        roster = await self._roster(self._day())
        self._board.set_athletes(roster)
        self._put(found.who)
        if found.session is not None:
            self._board.set_session(found.session, found.began_ms)
            await self._refold({athlete.athlete_id for athlete in roster})

    async def _refold(self, athlete_ids: set[str]) -> None:
        session, boot_no, day = self.session, self._moment().boot_no, self._day()
        if session is None or not athlete_ids:
            return
        folded = await self._database.read(lambda db: refolded_squad(db, session, athlete_ids, boot_no, day))
        for reading in self._pending:  # heard since the journal was last written
            state = folded.get(self._who.fed_by(reading.strap_id) or "")
            if state is not None:
                state.advance(reading)
        for athlete_id, state in folded.items():
            self._board.set_refolded(athlete_id, state.load, state.beats, state.recovery)
            self._board.set_heard(athlete_id, state.heard)

    def _day(self) -> date:
        """Whose limits count: those of the running session's day, or today's."""
        return local_day(self._moment().wall_ms) if self.session is None else day_of(self.session)

    async def _roster(self, day: date) -> list[Athlete]:
        return await self._database.read(lambda db: athletes_on(db, day))

    async def close(self) -> None:
        """Make what was heard durable before the process ends; the session itself stays running."""
        with suppress(HubError):
            await self.tick()
