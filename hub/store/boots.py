"""Boots of this machine and the facts that tie their monotonic clocks to true time.

Samples keep only (boot, mono_ms); wall time is a view worked out here. It never sets a clock.
"""

from __future__ import annotations

import hashlib
from sqlite3 import Connection

from sync.wire import Anchor

CIVIL_BOOT = 0
STEP = 4096
VERIFIED = ("ntp", "cloud", "gps")


def register(db: Connection, boot_id: str) -> int:
    """The number of this boot, given a new one if it was never seen.

    Numbers rise from boot to boot, in steps: a restored or copied card goes on counting from the same boot,
    and its next one must not take a number the other has used.
    """
    row = db.execute("SELECT boot_no FROM boot WHERE boot_id = ?", (boot_id,)).fetchone()
    if row is not None:
        return int(row[0])
    last = newest(db)
    boot_no = 1 if last == 0 else (last // STEP + 1) * STEP + _salt(boot_id)
    db.execute("INSERT INTO boot(boot_no, boot_id) VALUES (?, ?)", (boot_no, boot_id))
    return boot_no


def _salt(boot_id: str) -> int:
    return int.from_bytes(hashlib.sha256(boot_id.encode()).digest()[:4], "big") % STEP


def newest(db: Connection) -> int:
    """The number of the latest boot."""
    return int(db.execute("SELECT max(boot_no) FROM boot").fetchone()[0])


def add_anchor(db: Connection, anchor: Anchor) -> None:
    """Remember that at `mono_ms` of a boot it was `wall_ms`, give or take `err_ms`."""
    db.execute(
        "INSERT OR IGNORE INTO anchor VALUES (?, ?, ?, ?, ?)",
        (anchor.boot_no, anchor.mono_ms, anchor.wall_ms, anchor.err_ms, anchor.source),
    )


def best_anchor(db: Connection, boot_no: int) -> Anchor | None:
    """The most certain anchor of a boot, the newest among equals; a tablet's only before the system's own."""
    row = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor WHERE boot_no = ?"
        " ORDER BY source = 'system', source = 'tablet', err_ms, mono_ms DESC LIMIT 1",
        (boot_no,),
    ).fetchone()
    return None if row is None else _anchor(row)


def newest_known_ms(db: Connection) -> int:
    """The latest true time anything surely took place at: verified anchors and contacts; 0 where none did."""
    marks = ", ".join("?" * len(VERIFIED))
    row = db.execute(f"SELECT max(wall_ms) FROM anchor WHERE source IN ({marks})", VERIFIED).fetchone()
    return int(row[0] or 0)


def best_anchors(db: Connection) -> dict[int, Anchor]:
    """Every boot's most certain anchor, the system's own unverified word left out."""
    rows = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor WHERE source != 'system'"
        " AND boot_no > 0 ORDER BY boot_no, source != 'tablet', err_ms DESC, mono_ms"
    )
    return {row[0]: _anchor(row) for row in rows}


def verified_anchors(db: Connection, limit: int = 50) -> list[Anchor]:
    """The newest anchors worth telling the cloud: those not taken from the unverified system clock."""
    rows = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor"
        " WHERE source != 'system' AND boot_no > 0 ORDER BY boot_no DESC, mono_ms DESC LIMIT ?",
        (limit,),
    )
    return [_anchor(row) for row in rows]


def _anchor(row: tuple[int, int, int, int, str]) -> Anchor:
    return Anchor(boot_no=row[0], mono_ms=row[1], wall_ms=row[2], err_ms=row[3], source=row[4])


def shift_ms(db: Connection, from_boot: int, to_boot: int) -> int:
    """What to add to a mono_ms of one boot to get the same moment on another boot's clock.

    0 within one boot, and where either boot has no anchor (nothing better is known).
    """
    if from_boot == to_boot:
        return 0
    a, b = best_anchor(db, from_boot), best_anchor(db, to_boot)
    if a is None or b is None:
        return 0
    return (a.wall_ms - a.mono_ms) - (b.wall_ms - b.mono_ms)
