"""Transactions side by side on the one database in memory, interleaved between any two statements.

As Postgres does at READ COMMITTED: nobody sees what another has not committed, each statement sees what was
committed before it, and who needs a row that another has locked waits for that one to end. A transaction that
stops is rolled back on the only connection there is, and what it wrote is written again when it goes on; the
rows it has locked keep that the same. Locks of foreign keys are left out, and who waits is not in a line.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from random import Random
from typing import Any

import psycopg

from cloud.errors import DatabaseUnavailable
from tests.sim.memory_postgres import Cursor, Memory

Lock = tuple[str, ...]
TAKES = re.compile(
    r"\b(?:(?P<advisory>pg_advisory_xact_lock)|FOR (?P<no_key>NO KEY )?(?P<update>UPDATE)"
    r"|FOR (?:KEY )?(?P<share>SHARE))\b"
)
WRITES = re.compile(r"^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")
READS = re.compile(r"\bFROM\s+(\w+)")
OF_ROWS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "row_state": (("tbls", "pks"), ("tbl", "pk")), "hub": (("hub_id", "hub_id"),),
    "dead_letter": (("op_id", "op_id"),), "club_clock": (), "club": (), "hub_nonce": (), "claim_code": (),
    "erased_subject": (("subject_id", "subject_id"),),
}  # fmt: skip
"""Tables whose rows are locked here, and the parameters that name a row; without any, it is all of them."""
PAUSES_S = (0.001, 0.02, 0.3, 3.0, -3.0)
"""How long a transaction stops before a statement; below zero, until another commits, but so long at most."""

A_MOMENT_S = 0.001
"""Whoever was waited for goes first: what happens next must not hang on how many steps its code takes."""


class CloudDied(Exception):
    """The process ended in mid-transaction."""


@lru_cache(maxsize=512)
def takes(sql: bytes | str) -> tuple[str, bool] | None:
    """The table a statement locks rows of, and whether it shares them; None where it locks none."""
    text = re.sub(r"--[^\n]*", "", sql.decode() if isinstance(sql, bytes) else sql)
    written, taken = WRITES.match(text), TAKES.search(text)
    if written is not None:
        return (written.group(1), False) if written.group(1) in OF_ROWS else None
    if taken is None:
        return None
    if taken.group("advisory"):
        return "advisory", False
    table = READS.search(text)
    return None if table is None or table.group(1) not in OF_ROWS else (table.group(1), bool(taken["share"]))


def named(table: str, params: Mapping[str, Any]) -> list[Lock]:
    """The rows, in the order they are locked in."""
    if table == "advisory":
        return [(table, repr(sorted(params.items())))]
    for first, second in OF_ROWS[table]:
        if first in params and second in params:
            one, other = params[first], params[second]
            if isinstance(one, str):
                return [(table, one, str(other))]
            return sorted((table, *pair) for pair in zip(one, other, strict=True))
    return [(table,)]


def meet(one: Lock, other: Lock) -> bool:
    """Whether they are the same row, or one is the whole table."""
    return one == other or (one[0] == other[0] and (len(one) == 1 or len(other) == 1))


class Transaction:
    """One transaction; plays psycopg's part for the cloud."""

    broken = closed = False

    def __init__(self, database: MemoryDatabase, is_slow: bool) -> None:
        self._database, self.memory, self._is_slow = database, database.memory, is_slow
        self.life = database.lives
        self._written: list[tuple[bytes | str, Mapping[str, Any]]] = []
        self.held: dict[Lock, bool] = {}
        self.waits_for: Transaction | None = None
        self.ended: asyncio.Event | None = None
        self._is_nested = False

    @property
    def sqlite(self) -> sqlite3.Connection:
        """For looks behind."""
        return self.memory.sqlite

    async def execute(self, sql: bytes | str, params: Mapping[str, Any] | None = None) -> Cursor:
        return await Cursor(self).execute(sql, params)

    def cursor(self, row_factory: Any = None) -> Cursor:
        return Cursor(self, row_factory)

    async def turn(self, sql: bytes | str, params: Mapping[str, Any]) -> None:
        """Before a statement: others may go first, and must where they hold what it needs."""
        if self._is_slow and not self._is_nested and (pause_s := self._database.pause_s()):
            self.park()
            await self._database.pause(pause_s)
        taken = takes(sql)
        if taken is not None:
            table, is_shared = taken
            for lock in named(table, params):
                if lock not in self.held or (self.held[lock] and not is_shared):
                    await self._take(lock, is_shared)

    async def _take(self, lock: Lock, is_shared: bool) -> None:
        while (other := self._database.in_the_way(self, lock, is_shared)) is not None:
            self.waits_for = other
            behind: Transaction | None = other
            while behind is not None:
                if behind is self:
                    self.waits_for = None
                    raise psycopg.errors.DeadlockDetected("deadlock detected")
                behind = behind.waits_for
            self.park()
            if other.ended is None:
                other.ended = asyncio.Event()
            try:
                await other.ended.wait()
            finally:
                self.waits_for = None
            await asyncio.sleep(A_MOMENT_S * self._database.rng.random())
            self.check_alive()
        self.held[lock] = is_shared

    @property
    def has_written(self) -> bool:
        """Whether it changes anything."""
        return bool(self._written)

    def check_alive(self) -> None:
        """Raises CloudDied where its process ended meanwhile."""
        if self.life != self._database.lives:
            raise CloudDied

    def run(self, sql: bytes | str, params: Mapping[str, Any]) -> sqlite3.Cursor:
        """One statement, among those of this transaction."""
        self.go_on()
        changes = self.memory.sqlite.total_changes
        done = self.memory.run(sql, params)
        if self.memory.sqlite.total_changes != changes:
            self._written.append((sql, params))
        return done

    def go_on(self) -> None:
        """The connection is this transaction's, with all it has written so far."""
        self.check_alive()
        database = self._database
        if database.active is self:
            return
        if database.active is not None:
            database.active.park()
        self.memory.sqlite.execute("BEGIN")
        database.active = self
        for sql, params in self._written:
            self.memory.run(sql, params)

    def park(self) -> None:
        """Let others have the connection."""
        if self._database.active is self:
            assert not self._is_nested, "a savepoint cannot be left and come back to"
            self.memory.sqlite.execute("ROLLBACK")
            self._database.active = None

    def end(self) -> None:
        """Whoever waits for it may go on."""
        self.held.clear()
        if self.ended is not None:
            self.ended.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A savepoint inside."""
        self.go_on()
        self._is_nested, known = True, len(self._written)
        try:
            async with self.memory.transaction():
                yield
        except BaseException:
            del self._written[known:]
            raise
        finally:
            self._is_nested = False


class MemoryDatabase:
    """`cloud.store.database.Database` on a Memory; a share of its transactions takes its time."""

    def __init__(self, memory: Memory, on_commit: Callable[[], None] | None = None) -> None:
        self.memory, self._on_commit = memory, on_commit
        self.active: Transaction | None = None
        self.open: list[Transaction] = []
        self.lives = 1
        self.rng, self.slow_share = Random(0), 0.0
        self._next_commit: asyncio.Event | None = None

    def pause_s(self) -> float:
        """How long a slow transaction stops before this statement; mostly not at all."""
        return self.rng.choice(PAUSES_S) * self.rng.random() if self.rng.random() < 0.3 else 0.0

    async def pause(self, pause_s: float) -> None:
        """Others have the connection."""
        if pause_s > 0:
            await asyncio.sleep(pause_s)
            return
        if self._next_commit is None:
            self._next_commit = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(-pause_s):
                await self._next_commit.wait()
        await asyncio.sleep(A_MOMENT_S * self.rng.random())

    def in_the_way(self, mine: Transaction, lock: Lock, is_shared: bool) -> Transaction | None:
        """Another that holds this row, or None."""
        for other in self.open:
            if other is not mine and other.held:
                for held, is_held_shared in other.held.items():
                    if not (is_shared and is_held_shared) and meet(held, lock):
                        return other
        return None

    @asynccontextmanager
    async def transaction(self, is_slow: bool | None = None) -> AsyncIterator[Transaction]:
        """As the product's: committed at the end, rolled back on any exception."""
        if is_slow is None:
            is_slow = self.slow_share > 0 and self.rng.random() < self.slow_share
        one = Transaction(self, is_slow)
        self.open.append(one)
        try:
            yield one
            self.commit(one)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        finally:
            if one.life == self.lives:
                one.park()
                self.open.remove(one)
            one.end()
        if self._on_commit is not None:
            self._on_commit()

    def commit(self, one: Transaction) -> None:
        """The end of a transaction that went well."""
        one.go_on()
        self.before_commit()
        self.memory.sqlite.execute("COMMIT")
        self.active = None
        if self._next_commit is not None and one.has_written:
            self._next_commit.set()
            self._next_commit = None

    def before_commit(self) -> None:
        """Where a simulation lets the cloud die."""

    def die(self) -> None:
        """The process ends: nothing that was not committed is left."""
        self.settle()
        self.lives += 1
        lost, self.open = self.open, []
        for one in lost:
            one.end()

    def settle(self) -> None:
        """For looks behind: the connection shows what is committed."""
        if self.active is not None:
            self.active.park()

    async def close(self) -> None:
        self.memory.sqlite.close()


__all__: Sequence[str] = ["CloudDied", "Lock", "MemoryDatabase", "Transaction", "named", "takes"]
