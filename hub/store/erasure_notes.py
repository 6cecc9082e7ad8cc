"""How many athletes were erased since that was last told in the diary; who they were is not known any more.

It erases nothing and names nobody.
"""

from __future__ import annotations

from sqlite3 import Connection

from hub.store import meta

TOLD = "erasures_noted"


def begin(db: Connection) -> None:
    """What was erased before anything was told stays untold."""
    if meta.value(db, TOLD) is None:
        meta.put(db, TOLD, _count(db))


def take_new(db: Connection) -> int:
    """How many came since; they count as told from now on."""
    n = _count(db)
    new = n - meta.number(db, TOLD)
    if new:
        meta.put(db, TOLD, n)
    return max(0, new)


def words(n: int) -> str:
    """A line for the diary."""
    who = "an athlete was" if n == 1 else f"{n} athletes were"
    return f"{who} erased online: everything about {'them' if n == 1 else 'each'} was taken off this hub"


def _count(db: Connection) -> int:
    return int(db.execute("SELECT count(*) FROM erased").fetchone()[0])
