"""The cloud's own SQL on an SQLite in memory, behind the few methods of a psycopg connection the cloud uses.

Statements are translated word by word and nothing else: whatever the product's queries say happens here, too.
That both give the same answers is tested on both (test_memory_answers_as_postgres_does).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Protocol

import psycopg
from psycopg import pq
from psycopg.types.json import Jsonb

from tests.sim.shelf import Shelf, new_connection, put_into

WORDS: tuple[tuple[str, str], ...] = (
    (r"--[^\n]*", ""),
    (r"%%", "%"),
    (r"\bIN \(SELECT \* FROM unnest\(([^()]+)\)\)", r"IN (SELECT * FROM UNNEST(\1))"),
    (r"%\((\w+)\)s", r":\1"),
    (r"::(?:double precision|\w+)(?:\[\])?", ""),
    (r'COLLATE "C"', "COLLATE BINARY"),
    (r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?", ""),
    (r"\bencode\(([\w.]+), 'hex'\)", r"lower(hex(\1))"),
    (r"decode\(repeat\('00', 32\), 'hex'\)", "zeroblob(32)"),
    (r"\bgreatest\(", "max("),
    (r"\bleast\(", "min("),
    (r"\btrim\(both ('.') from ([^()]+)\)", r"trim(\2, \1)"),
)
OF_TABLES: tuple[tuple[str, str], ...] = (
    (r"--[^\n]*", ""),
    (r"DEFAULT decode\(repeat\('00', 32\), 'hex'\)", "DEFAULT (zeroblob(32))"),
    (r"::\w+(?:\[\])?", ""),
    (r"\bbytea\b", "BLOB"),
    (r"\b(?:jsonb|double precision\[\]|text\[\]|integer\[\])", "TEXT"),
    (r"\bPARTITION BY HASH \([^)]*\)", ""),
    (r"\b(?:USING (?:gin|btree)|CONCURRENTLY)\b", ""),
)
ANY = re.compile(r"(?:=|<>)\s*(?:ANY|ALL)\(:(\w+)\)")
UNNEST = re.compile(
    r"unnest\(([^()]+)\)(?:\s+(?:WITH ORDINALITY\s+)?(?:AS\s+)?(\w+)(?:\s*\(([^)]+)\))?)?", re.IGNORECASE
)
AS_THEY_ARE = frozenset({int, str, bytes, float, bool, type(None)})
NOT_NAMES = {"where", "order", "on", "group", "using", "join", "left", "limit"}
BY_HAND = {
    "stale_by_records": """
        INSERT INTO session_stale (club_id, session_id, marked_ms)
        SELECT :club_id, touched.session_id, :now_ms FROM (
            SELECT value AS session_id FROM json_each(:session_ids)
            UNION
            SELECT doc ->> 'session_id' FROM row_state WHERE club_id = :club_id AND tbl = 'stream_assignment'
                AND doc ->> 'athlete_id' IN (SELECT value FROM json_each(:athlete_ids))
                AND doc ->> 'session_id' IS NOT NULL
            UNION
            SELECT session.pk FROM row_state worn
            JOIN (SELECT a.value AS athlete_id, d.value AS from_day FROM json_each(:changed_ids) a
                  JOIN json_each(:from_days) d ON d.key = a.key) AS changed
                ON changed.athlete_id = worn.doc ->> 'athlete_id'
            JOIN row_state session ON session.club_id = worn.club_id AND session.tbl = 'session'
                AND session.pk = worn.doc ->> 'session_id'
            WHERE worn.club_id = :club_id AND worn.tbl = 'stream_assignment'
                AND session.doc ->> 'started_at_ms' IS NOT NULL
                AND date((session.doc ->> 'started_at_ms') / 1000
                    + coalesce(session.doc ->> 'utc_offset_s', 0), 'unixepoch') >= changed.from_day
        ) AS touched WHERE true ORDER BY touched.session_id
        ON CONFLICT (club_id, session_id) DO UPDATE
            SET mark = session_stale.mark + 1, marked_ms = excluded.marked_ms""",
    "feed_append": """
        INSERT INTO change_log (club_id, seq, op_id, hub_id, kind, tbl, pk, fields, stamp_ms, quality, reason,
                                resolves, actor, after_seq)
        SELECT clock.club_id, clock.seq - :n + (value ->> '$.place'),
               value ->> '$.op_id', value ->> '$.hub_id', value ->> '$.kind', value ->>
               '$.tbl', value ->> '$.pk', value -> '$.fields', value ->> '$.stamp_ms',
               value ->> '$.quality', value ->> '$.reason', value ->> '$.resolves',
               value ->> '$.actor', value ->> '$.after_seq'
        FROM json_each(:entries) JOIN club_clock clock ON clock.club_id = :club_id""",
    "segments_add": """
        INSERT INTO segment (club_id, seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload,
                             hub_id, received_ms)
        SELECT :club_id, unhex(a.value), b.value, c.value, d.value, e.value, f.value, g.value, unhex(h.value),
               :hub_id, :now_ms
        FROM json_each(:seg_ids) a CROSS JOIN json_each(:stream_ids) b ON b.key = a.key
        CROSS JOIN json_each(:boot_nos) c ON c.key = a.key CROSS JOIN json_each(:mono0s) d ON d.key = a.key
        CROSS JOIN json_each(:mono1s) e ON e.key = a.key CROSS JOIN json_each(:ns) f ON f.key = a.key
        CROSS JOIN json_each(:codecs) g ON g.key = a.key CROSS JOIN json_each(:payloads) h ON h.key = a.key
        WHERE true ON CONFLICT (club_id, seg_id) DO NOTHING""",
}


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """A statement of the cloud's in SQLite's words; lists (`ANY`) are filled in when it is run."""
    for pattern, instead in WORDS:
        sql = re.sub(pattern, instead, sql)
    return UNNEST.sub(_table_of_lists, sql)


def _table_of_lists(found: re.Match[str]) -> str:
    """`unnest(:a, :b) AS t (x, y)` as a join of JSON arrays by position."""
    lists = [part.strip().lstrip(":") for part in found.group(1).split(",")]
    name, after = found.group(2), ""
    if name is not None and name.lower() in NOT_NAMES:
        name, after = None, f" {name}"
    given = found.group(3)
    columns = [part.strip() for part in given.split(",")] if given else [name or "c"] * len(lists)
    if len(set(columns)) < len(columns):
        columns = [f"c{number}" for number in range(len(lists))]
    shown = ", ".join(f"l{n}.value AS {column}" for n, column in enumerate(columns))
    joined = " CROSS JOIN ".join(  # CROSS: in this order, or a dozen lists are every row with every other
        f"json_each(:{name}) l{n}" + (f" ON l{n}.key = l0.key" if n else "") for n, name in enumerate(lists)
    )
    alias = f" AS {name}" if name else ""
    return f"(SELECT {shown} FROM {joined}){alias}{after}"


@lru_cache(maxsize=512)
def prepared(sql: bytes | str) -> tuple[str, bool]:
    """A statement of the cloud's as it is run here, and whether it has lists to fill in."""
    text = sql.decode() if isinstance(sql, bytes) else sql
    text = BY_HAND_BY_TEXT().get(text) or translated(text)
    return text, ANY.search(text) is not None


def plain(value: Any) -> Any:
    """A parameter as SQLite takes it."""
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, Jsonb):
        return json.dumps(value.obj)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=lambda it: it.hex() if isinstance(it, bytes) else str(it))
    return value


def filled(sql: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The statement with its lists written out, and plain parameters."""
    more: dict[str, Any] = {}

    def listed(found: re.Match[str]) -> str:
        values = params[found.group(1)]
        names = [f"{found.group(1)}__{number}" for number in range(len(values))]
        more.update(zip(names, values, strict=True))
        return ("NOT IN (" if "<>" in found.group(0) else "IN (") + ", ".join(f":{it}" for it in names) + ")"

    return ANY.sub(listed, sql), {**{name: plain(value) for name, value in params.items()}, **more}


class _Result:
    """What psycopg's row makers ask of a result: names of columns."""

    status = pq.ExecStatus.TUPLES_OK

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self.nfields = [name.encode() for name in names], len(names)

    def fname(self, number: int) -> bytes:
        return self._names[number]


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of an answer."""

    result: _Result
    is_json: tuple[bool, ...]
    has_json: bool

    def unpacked(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """JSON columns as what they hold."""
        return tuple(
            json.loads(value) if holds and isinstance(value, str) else value
            for holds, value in zip(self.is_json, row, strict=True)
        )


@lru_cache(maxsize=512)
def _shape(names: tuple[str, ...]) -> Shape:
    is_json = tuple(name in json_columns() for name in names)
    return Shape(_Result(names), is_json, any(is_json))


class Runs(Protocol):
    """What statements are put to; `turn` comes before each."""

    async def turn(self, sql: bytes | str, params: Mapping[str, Any]) -> None: ...

    def run(self, sql: bytes | str, params: Mapping[str, Any]) -> sqlite3.Cursor: ...


class Cursor:
    """The answer to one statement."""

    _encoding = "utf-8"

    def __init__(self, memory: Runs, row_factory: Any = None) -> None:
        self._memory, self._factory = memory, row_factory
        self._rows: list[Any] = []
        self.rowcount = -1
        self.pgresult: _Result | None = None

    async def __aenter__(self) -> Cursor:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, sql: bytes | str, params: Mapping[str, Any] | None = None) -> Cursor:
        params = params or {}
        await self._memory.turn(sql, params)
        done = self._memory.run(sql, params)
        self.rowcount = done.rowcount
        rows: list[Any] = done.fetchall()
        if done.description is not None:
            shape = _shape(tuple([column[0] for column in done.description]))
            if rows and shape.has_json:
                rows = [shape.unpacked(row) for row in rows]
            self.pgresult = shape.result
            self.rowcount = max(self.rowcount, len(rows))
            if rows and self._factory is not None:
                make = self._factory(self)
                rows = [make(row) for row in rows]
        self._rows = rows
        return self

    async def executemany(self, sql: bytes | str, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            await self._memory.turn(sql, row)
            self._memory.run(sql, row)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def fetchone(self) -> Any:
        return self._rows[0] if self._rows else None


class Memory:
    """One database in memory; it is its only connection. Transactions on it are in `side_by_side`."""

    broken = closed = False

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.sqlite = new_connection() if shelf is None else shelf.take()
        self._shelf = shelf
        self.sqlite.create_function("pg_advisory_xact_lock", -1, lambda *_: None)
        self.sqlite.create_function("hashtext", 1, lambda text: hash(text))
        self.sqlite.create_function("unhex", 1, bytes.fromhex)

    @classmethod
    def migrated(cls) -> Memory:
        """A new one with every table of the cloud."""
        memory = cls()
        for sql in migrations():
            for pattern, instead in OF_TABLES:
                sql = re.sub(pattern, instead, sql)
            for statement in sql.split(";"):
                if statement.strip() and "ALTER COLUMN" not in statement:  # SQLite keeps it all alike
                    for one in _one_change_each(statement):
                        memory.sqlite.execute(one)
        return memory

    def content(self) -> bytes:
        """All of it, to be restored from."""
        return bytes(self.sqlite.serialize())

    def restore(self, content: bytes) -> None:
        """Go back to what `content` says, as after a restore from a backup."""
        put_into(self.sqlite, content)

    def throw_away(self) -> None:
        """Of no use any more."""
        if self._shelf is None:
            self.sqlite.close()
        else:
            self._shelf.give_back(self.sqlite)

    async def turn(self, sql: bytes | str, params: Mapping[str, Any]) -> None:
        """Nobody else is here."""

    def run(self, sql: bytes | str, params: Mapping[str, Any]) -> sqlite3.Cursor:
        text, has_lists = prepared(sql)
        try:
            if has_lists:
                return self.sqlite.execute(*filled(text, params))
            return self.sqlite.execute(text, {name: plain(value) for name, value in params.items()})
        except sqlite3.IntegrityError as error:
            kind = psycopg.errors.UniqueViolation if "UNIQUE" in str(error) else psycopg.IntegrityError
            raise kind(str(error)) from error
        except sqlite3.Error as error:
            raise NotImplementedError(f"this statement is not understood here ({error}):\n{text}") from error

    async def execute(self, sql: bytes | str, params: Mapping[str, Any] | None = None) -> Cursor:
        return await Cursor(self).execute(sql, params)

    def cursor(self, row_factory: Any = None) -> Cursor:
        return Cursor(self, row_factory)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A savepoint inside the transaction that is open."""
        self.sqlite.execute("SAVEPOINT inner_one")
        try:
            yield
        except BaseException:
            self.sqlite.execute("ROLLBACK TO inner_one")
            raise
        finally:
            self.sqlite.execute("RELEASE inner_one")


@lru_cache(maxsize=1)
def migrations() -> list[str]:
    """The cloud's migrations, in order."""
    found = sorted(files("cloud.store.migrations").iterdir(), key=lambda it: it.name)
    return [it.read_text(encoding="utf-8") for it in found if it.name.endswith(".sql")]


@lru_cache(maxsize=1)
def json_columns() -> frozenset[str]:
    """Names of the columns that hold JSON."""
    return frozenset(
        re.findall(r"^\s*(?:ADD COLUMN )?(\w+)\s+jsonb\b", "\n".join(migrations()), re.MULTILINE)
    )


@lru_cache(maxsize=1)
def BY_HAND_BY_TEXT() -> dict[str, str]:
    """Statements no rule translates, by the product's own text."""
    from cloud.store.queries import SQL

    return {SQL[name].decode(): sql for name, sql in BY_HAND.items() if name in SQL}


def _one_change_each(statement: str) -> list[str]:
    """`ALTER TABLE t ADD COLUMN a, ADD COLUMN b` is two statements for SQLite."""
    found = re.match(r"\s*ALTER TABLE (\w+)\s+(ADD COLUMN .*)$", statement, re.DOTALL)
    if found is None:
        return [statement]
    parts = re.split(r",\s*(?=ADD COLUMN)", found.group(2))
    return [f"ALTER TABLE {found.group(1)} {part}" for part in parts]
