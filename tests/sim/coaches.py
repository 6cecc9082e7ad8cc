"""What coaches do online meanwhile: forms that lie open, edits that met, refused edits, invitations.

All of it through the cloud's own functions behind its pages, in transactions others come between; what HTTP
adds, who may do it and how a page looks, is not here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

from cloud import accounts, clock, edits, letters, meetings
from cloud.edits import Edit
from cloud.errors import CloudError, DatabaseUnavailable, NotThere
from cloud.insights.job import write_insight
from cloud.insights.rules import Insight
from cloud.web import athlete_form
from sync.two_edits import KEPT, OPEN, OTHER
from tests.sim.cloud_side import CLUB, enrolled
from tests.sim.office import NOT_SAVED, SAVED, UNDER_WAY, Save
from tests.sim.people import ATHLETES, People
from tests.sim.side_by_side import CloudDied

OPEN_LETTERS = "SELECT op_id FROM dead_letter WHERE state = ? AND code = 'invalid' ORDER BY op_id"
ALL_OF = "SELECT pk FROM row_state WHERE tbl = ? AND doc <> '{}' ORDER BY pk"
OPEN_FOR_S = (0.05, 1, 10, 60)
Work = Callable[[Any], Awaitable[Any]]


class Coaches(People):
    """A world in which people edit online, too."""

    def _open_office(self) -> None:
        """Who is at a desk today."""
        self.forms: list[str] = []
        self._saves = 0
        self.desk = Random(self.rng.random())
        self.cloud.database.rng = Random(self.rng.random())
        self.slow_share = self.cloud.database.slow_share = self.rng.choice((0.0, 0.1, 0.3))

    async def _coach(self) -> None:
        """One coach's day."""
        actions: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (8, self._fill_in_form), (1, self._answer_at_once), (2, self._rename_session),
            (1, self._reassign), (3, self._settle), (2, self._look_into_refused), (1, self._invite),
            (1, self._write_insight),
        ]  # fmt: skip
        for _ in range(self.desk.randint(1, self._actions[0])):
            await asyncio.sleep(self.desk.choice((1, 10, 40)) * self.desk.random())
            await self.desk.choices([it for _, it in actions], [weight for weight, _ in actions])[0]()

    async def _coach_now(self, _: Any) -> None:
        """Somebody who was at the ground rings a coach."""
        await self._fill_in_form()

    async def online(self, work: Work) -> bool:
        """One transaction; whether it was committed. The cloud may end in it, or want it tried again."""
        try:
            async with self.cloud.database.transaction() as db:
                await work(db)
        except (CloudDied, DatabaseUnavailable):
            return False
        return True

    async def _save(self, save: Save, work: Work) -> Any:
        """Press the button; what the product said, None where nothing was saved."""
        said: list[Any] = []

        async def kept(db: Any) -> None:
            said.append(await work(db))

        self.judge.office.begins(save)
        try:
            is_saved = await self.online(kept)
        except CloudError:
            is_saved = False
        if save.state == UNDER_WAY:
            save.state = SAVED if is_saved else NOT_SAVED
        return said[0] if is_saved else None

    def _name(self) -> str:
        self._saves += 1
        return f"coach, save {self._saves}"

    async def _answer_at_once(self) -> None:
        """Somebody reads what has just come, and changes it within the moment."""
        self.arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await self.arrived.wait()
        await asyncio.sleep(0.001 * self.desk.random())
        entry = self.judge.log.get(self.judge.head)
        if entry is not None and entry.tbl == "athlete":
            await self._fill_in_form(entry.pk, (0.001, 0.005))

    async def _fill_in_form(self, pk: str | None = None, open_for_s: tuple[float, ...] = OPEN_FOR_S) -> None:
        """An athlete's form is opened, lies there, and is sent."""
        pk = pk or self.desk.choice(ATHLETES)
        try:
            async with self.cloud.database.transaction() as db:
                shown = (await edits.record(db, enrolled().club_id, "athlete", pk)).doc  # type: ignore[arg-type]
        except (CloudDied, CloudError):
            return
        seen = self.judge.head
        self.forms.append(pk)
        await asyncio.sleep(self.desk.choice(open_for_s) * self.desk.random())
        typed, fields = self._typed(shown)
        before = {f"was_{name}": value for name, value in athlete_form.texts(shown).items()}
        form = athlete_form.AthleteForm(**typed, **before)
        save = Save(self._name(), "athlete", pk, fields, seen, shown)
        if not await self._send(save, form) and self.desk.random() < 0.5:
            await asyncio.sleep(self.desk.random())
            await self._fill_in_form_again(replace(save, by=self._name(), state=UNDER_WAY), form)
        self.forms.remove(pk)

    async def _fill_in_form_again(self, save: Save, form: athlete_form.AthleteForm) -> None:
        """It was changed meanwhile, or nobody answered: look at what stands and send it again."""
        try:
            async with self.cloud.database.transaction() as db:
                save.shown = (await edits.record(db, enrolled().club_id, "athlete", save.pk)).doc  # type: ignore[arg-type]
        except (CloudDied, CloudError):
            return
        save.seen = self.judge.head
        now = athlete_form.texts(dict(save.shown))
        save.fields = {name: it for name, it in save.fields.items() if save.shown.get(name) != it}
        typed = {name: getattr(form, name) if name in save.fields else now[name] for name in now}
        before = {f"was_{name}": value for name, value in now.items()}
        await self._send(save, athlete_form.AthleteForm(**typed, **before))

    async def _send(self, save: Save, form: athlete_form.AthleteForm) -> bool:
        """Whether the form is done with."""

        async def work(db: Any) -> athlete_form.Saving:
            now_ms = clock.now_ms()
            return await athlete_form.save(db, enrolled().club_id, save.pk, form, save.by, now_ms)

        said = await self._save(save, work)
        if said is None:
            return False
        if said.faults or not said.fields:  # it says so, and nothing is saved
            save.state = NOT_SAVED
        save.fields = said.fields
        return not said.faults

    def _typed(self, shown: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        """The form's texts with some of them changed, and these as values."""
        new: dict[str, Any] = {
            "name": f"{self.desk.choice('ABCDEFGH')} of the office",
            "hr_max_bpm": self.desk.randint(160, 220),
            "shirt_number": self.desk.randint(1, 99),
        }
        names = self.desk.sample(sorted(new), self.desk.randint(1, 2))
        fields = {name: new[name] for name in names if shown.get(name) != new[name]}
        return athlete_form.texts({**shown, **fields}), fields

    def _some(self, tbl: str) -> str | None:
        rows = self.cloud.rows(ALL_OF, tbl)
        return self.desk.choice(rows)[0] if rows else None

    async def _set(self, tbl: str, pk: str, fields: dict[str, Any]) -> None:
        save = Save(self._name(), tbl, pk, fields, self.judge.head)

        async def work(db: Any) -> int:
            return await edits.make(db, enrolled().club_id, [Edit(tbl, pk, fields)], save.by, clock.now_ms())

        await self._save(save, work)

    async def _rename_session(self) -> None:
        if (pk := self._some("session")) is not None:
            await self._set("session", pk, {"title": f"Session {self.desk.randint(1, 9)}"})

    async def _reassign(self, athlete_id: str | None = None) -> None:
        """The straps were swapped."""
        if (pk := self._some("stream_assignment")) is not None:
            athlete_id = athlete_id or self.desk.choice(ATHLETES)
            await self._set("stream_assignment", pk, {"athlete_id": athlete_id})

    async def _set_outright(self, pk: str) -> None:
        """As a choice between two edits does it, without a form."""
        await asyncio.sleep(self.desk.random())
        if self.cloud.rows("SELECT 1 FROM row_state WHERE tbl = 'athlete' AND pk = ? AND doc <> '{}'", pk):
            await self._set("athlete", pk, {"hr_max_bpm": self.desk.randint(160, 220)})

    async def _settle(self) -> None:
        """Edits met: somebody chooses, and may think better of it."""
        pk = self._some("two_edits")
        for choice in (self.desk.choice((KEPT, OTHER, OTHER)), OPEN) if pk is not None else ():
            try:
                async with self.cloud.database.transaction() as db:
                    one = await meetings.one(db, enrolled().club_id, str(pk))  # type: ignore[arg-type]
            except (CloudDied, CloudError):
                return
            before, shown = {one.edits.field: one.current}, one.shown
            save = Save(self._name(), "two_edits", str(pk), {"state": choice}, self.judge.head, before)
            await asyncio.sleep(self.desk.choice(OPEN_FOR_S) * self.desk.random())

            async def work(db: Any, save: Save = save, choice: str = choice, shown: str = shown) -> Any:
                now_ms = clock.now_ms()
                return await meetings.settle(db, enrolled().club_id, save.pk, choice, save.by, now_ms, shown)

            await self._save(save, work)
            await asyncio.sleep(5 * self.desk.random())
            if self.desk.random() < 0.5:
                return

    async def _look_into_refused(self) -> None:
        """A refused edit is tried again, put away or taken out."""
        is_away = self.desk.random() < 0.3
        rows = self.cloud.rows(OPEN_LETTERS, "discarded" if is_away else "open")
        if not rows:
            return
        op_id = self.desk.choice(rows)[0]
        club_id, by = enrolled().club_id, self._name()
        with suppress(NotThere):
            if not is_away and self.desk.random() < 0.3:
                await self.online(lambda db: letters.retry(db, club_id, op_id, clock.now_ms()))
            else:
                work = letters.take_out if is_away else letters.discard
                await self.online(lambda db: work(db, club_id, op_id, clock.now_ms(), by))

    async def _invite(self) -> None:
        async def work(db: Any) -> None:
            club = await accounts.ensure_club(db, CLUB, clock.now_ms())
            await accounts.new_claim_code(db, club, clock.now_ms())

        await self.online(work)

    async def _write_insight(self) -> None:
        number = self.desk.randint(1, 3)
        new = Insight(f"2026-0{number}-05", f"Week {self.desk.random():.3f}", "Body", (("a", "b"),))
        await self.online(lambda db: write_insight(db, enrolled().club_id, new, clock.now_ms()))
