"""What people do about the sync: choose between values that met, decide on refused edits, compare both sides.

It works beside the relay and never in its way. It sends nothing of its own accord but questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from hub.errors import ActionRefused, HubError
from hub.store import dead_letters, refused_segments, refused_stretches, sync_findings, two_edits
from hub.store.database import Database
from hub.store.dead_letters import DeadLetter
from hub.store.ledger_kinds import KindCounts
from hub.store.records import Moment
from hub.store.sync_findings import Club, ClubHub, Finding, Receipt, Unlike
from hub.store.two_edits import OPEN, OTHER, Meeting, TwoEdits
from hub.syncing.verify import Tell, Verification
from sync.wire import ClubResponse

CLUB_IS_OLD_MS = 10 * 60_000
ERASED_IS_OLD_MS = 4_000


@dataclass(frozen=True, slots=True)
class Comparing:
    """How far a comparison is, or why it failed and when; `is_running` False with an error once it has."""

    words: str
    done: int
    of: int
    is_running: bool = True
    error: str | None = None
    at_ms: int = 0
    is_temporary: bool = False

    def is_past(self, last_contact_ms: int | None) -> bool:
        """Whether it failed for want of a way to the cloud, which was reached again since."""
        return self.is_temporary and last_contact_ms is not None and last_contact_ms > self.at_ms


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk needs of the hub. `ask_*` raise HubError where the cloud cannot be asked."""

    moment: Callable[[], Moment]
    ask_verify: Callable[[Tell], Awaitable[Verification]]
    ask_club: Callable[[], Awaitable[ClubResponse]]
    assign_strap: Callable[[str, str | None], Awaitable[None]]
    edited: Callable[[str, str, str | None], Awaitable[None]]
    """Is told the table, key and athlete of a record that was changed."""


class SyncDesk:
    """One hub's desk. `close` ends what it is doing."""

    def __init__(self, database: Database, parts: DeskParts) -> None:
        self._database, self._parts = database, parts
        self.comparing: Comparing | None = None
        self.counts = KindCounts()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking_club = self._is_erasure_new = False

    def _by(self, name: str) -> Moment:
        return replace(self._parts.moment(), by=name)

    # --- edits that met

    async def settle(self, two_edits_id: str, choice: str, by: str, shown: str | None = None) -> TwoEdits:
        """Keep the value, use the other one, or open the question again. Raises NotFound or ActionRefused.

        `shown` is what the page said stands.
        """
        found = await self._database.read(lambda db: two_edits.may_settle(db, two_edits_id, choice, shown))
        it = found.edits
        if it.tbl == "strap" and (value := _value_to_set(found, choice)) is not None:
            await self._parts.assign_strap(it.pk, value[0])
            shown = None  # that is what stands by now
        moment = self._by(by)
        await self._database.write(lambda db: two_edits.settle(db, moment, two_edits_id, choice, shown))
        await self._parts.edited(it.tbl, it.pk, it.athlete_id)
        return it

    # --- refused edits

    async def letter(self, op_id: str) -> DeadLetter:
        """A refused edit nobody has decided about. Raises NotFound."""
        return await self._database.read(lambda db: dead_letters.one(db, op_id))

    async def retry(self, op_id: str, by: str, fields: dict[str, Any] | None = None) -> None:
        """Propose a refused edit anew, as it was or with these fields. Raises NotFound or ActionRefused."""
        moment = self._by(by)

        def change(db: Connection) -> tuple[str, str]:
            letter = dead_letters.one(db, op_id)
            dead_letters.retry(db, moment, op_id, fields)
            return letter.tbl, letter.pk

        tbl, pk = await self._database.write(change)
        await self._parts.edited(tbl, pk, pk if tbl == "athlete" else None)

    async def drop(self, op_id: str, by: str) -> None:
        """Put a refused edit away, here and online. Raises NotFound."""
        moment = self._by(by)
        await self._database.write(lambda db: dead_letters.put_away(db, moment, op_id))

    async def take_out(self, op_id: str, by: str) -> None:
        """Let a refused edit wait again that was put away, here or online. Raises NotFound."""
        moment = self._by(by)
        await self._database.write(lambda db: dead_letters.take_out(db, moment, op_id))

    async def drop_erased(self, by: str) -> None:
        """Put away every refused edit about somebody whose data was erased."""
        moment = self._by(by)
        await self._database.write(lambda db: dead_letters.put_away_erased(db, moment))

    async def drop_all(self, reason: str, by: str) -> tuple[int, int]:
        """Put away every edit refused for this reason: how many, and the time by which they are undone."""
        moment = self._by(by)
        n = await self._database.write(lambda db: dead_letters.put_away_all(db, moment, reason))
        return n, moment.wall_ms

    async def take_out_all(self, reason: str, at_ms: int, by: str) -> int:
        """Let all wait again that `drop_all` put away at that time; how many."""
        moment = self._by(by)
        return await self._database.write(lambda db: dead_letters.take_out_all(db, moment, reason, at_ms))

    # --- refused recordings

    async def resend(self, stretch_id: str | None) -> None:
        """Send a refused stretch once more; None is all that nobody put away. Raises NotFound."""

        def change(db: Connection) -> None:
            if stretch_id is None:
                refused_segments.doubt(db)
            else:
                refused_segments.try_again(db, refused_stretches.ids_of(db, stretch_id))

        await self._database.write(change)

    async def keep_here(self, stretch_id: str, *, is_kept: bool) -> None:
        """Put a refused stretch away, so that it stays on this hub alone; or not. Raises NotFound."""
        wall_ms = self._parts.moment().wall_ms

        def change(db: Connection) -> None:
            seg_ids = refused_stretches.ids_of(db, stretch_id)
            if is_kept:
                refused_segments.put_away(db, seg_ids, wall_ms)
            else:
                refused_segments.take_back(db, seg_ids)

        await self._database.write(change)

    # --- comparing

    def compare_soon(self) -> None:
        """Begin to compare, unless it is being done."""
        if self.comparing is None or not self.comparing.is_running:
            self.comparing = Comparing("syncing first", 0, 1)
            self._begin(self._compare())

    async def _compare(self) -> None:
        try:
            await self.compare()
        except Exception as error:
            why = error.detail if isinstance(error, ActionRefused) else str(error)
            hint = error.hint if isinstance(error, HubError) else ""
            is_temporary = bool(getattr(error.__cause__, "is_temporary", False))
            words = f"{why.rstrip('.')}. {hint}".strip()
            at_ms = self._parts.moment().wall_ms
            self.comparing = Comparing("", 0, 1, False, words, at_ms, is_temporary)

    async def compare(self) -> Verification:
        """Compare with the cloud, keep what was found and who is in the club. Raises HubError."""

        def tell(words: str, done: int, of: int) -> None:
            self.comparing = Comparing(words, done, of)

        found = await self._parts.ask_verify(tell)
        finding = _finding(found, self._parts.moment().wall_ms)
        await self._database.write(lambda db: sync_findings.keep_finding(db, finding))
        await self._ask_club()
        self.comparing = None
        return found

    # --- the club

    def look_round_soon(self, known: Club | None, now_ms: int) -> None:
        """Ask who is in the club, where that is not known, long known, or an erasure came since."""
        old_ms = ERASED_IS_OLD_MS if self._is_erasure_new else CLUB_IS_OLD_MS
        if not self._asking_club and (known is None or not 0 <= now_ms - known.at_ms <= old_ms):
            self._asking_club = True
            self._begin(self._look_round())

    def erasure_heard(self) -> None:
        """Somebody was erased: how far that is in the club is asked anew until it is done here."""
        self._is_erasure_new = True

    async def _look_round(self) -> None:
        try:
            await self._ask_club()
        except Exception:  # the relay says what is wrong with the way; this is asked again with the next page
            return
        finally:
            self._asking_club = False

    async def _ask_club(self) -> None:
        answer = await self._parts.ask_club()
        at_ms = self._parts.moment().wall_ms

        def change(db: Connection) -> bool:
            club = _club(db, answer, at_ms)
            sync_findings.keep_club(db, club)
            return all(it.is_done_here for it in club.erasures)

        if await self._database.write(change):
            self._is_erasure_new = False

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is going on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _value_to_set(found: Meeting, choice: str) -> tuple[str | None] | None:
    """Whose a strap becomes by a choice; None where that changes nothing."""
    it = found.edits
    if choice == OTHER and found.current != it.other.value:
        return (it.other.value,)
    if choice == OPEN and it.state == OTHER and found.current == it.other.value:
        return (it.stands.value,)
    return None


def _finding(found: Verification, at_ms: int) -> Finding:
    shown = found.differences[: sync_findings.MOST_SHOWN]
    unlike = tuple(Unlike(it.day, it.squad, it.tbl, it.pk, it.where) for it in shown)
    return Finding(at_ms, found.words, found.is_equal, len(found.differences), found.days, unlike)


def _club(db: Connection, answer: ClubResponse, at_ms: int) -> Club:
    own = sync_findings.own_hub_id(db)
    hubs = tuple(
        ClubHub(it.hub_id, it.model, it.sw, it.seen_ms, it.is_revoked, it.ops, it.segments)
        for it in answer.hubs
    )
    erasures = tuple(
        Receipt(it.erased_ms, len(it.done), len(it.waiting), own in it.done) for it in answer.erasures
    )
    return Club(at_ms, hubs, erasures)
