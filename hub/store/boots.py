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
EXACT = ("ntp", "cloud")
"""Time told to this machine itself; a file's GPS time is inferred, and gives way to it whatever it claims."""
TAKEN_BACK_MS = 1 << 50
"""An anchor that is wrong by so much was taken back: facts are never deleted, and this one says nothing."""


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


def rank(source: str) -> int:
    """How far a source is believed before any other: network time and the cloud, GPS, all that guess."""
    return 2 if source in EXACT else 1 if source in VERIFIED else 0


def add_gps_anchor(db: Connection, boot_no: int, mono_ms: int, wall_ms: int, err_ms: int) -> Anchor:
    """Remember what a recording stamped by GPS says of a boot; at a moment no other anchor stands at."""
    taken = {row[0] for row in db.execute("SELECT mono_ms FROM anchor WHERE boot_no = ?", (boot_no,))}
    by_ms = next(it for it in range(len(taken) + 1) if mono_ms + it not in taken)
    anchor = Anchor(
        boot_no=boot_no, mono_ms=mono_ms + by_ms, wall_ms=wall_ms + by_ms, err_ms=err_ms, source="gps"
    )
    add_anchor(db, anchor)
    return anchor


def take_back_gps_anchor(db: Connection, boot_no: int, mono_ms: int) -> None:
    """What was believed of GPS at this moment of a boot is believed no more."""
    db.execute(
        "UPDATE anchor SET err_ms = ? WHERE boot_no = ? AND mono_ms = ? AND source = 'gps'",
        (TAKEN_BACK_MS, boot_no, mono_ms),
    )


def best_anchor(db: Connection, boot_no: int) -> Anchor | None:
    """The most certain anchor of a boot, the newest among equals; GPS gives way to what is exact, a tablet
    to GPS, and the system's own word to all."""
    row = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor WHERE boot_no = ? AND err_ms < ?"
        " ORDER BY source = 'system', source = 'tablet', source = 'gps', err_ms, mono_ms DESC LIMIT 1",
        (boot_no, TAKEN_BACK_MS),
    ).fetchone()
    return None if row is None else _anchor(row)


def newest_known_ms(db: Connection) -> int:
    """The latest true time anything surely took place at: exact anchors and contacts; 0 where none did.

    Certificates are judged by it, so that no file may say it: one dated 2089 would end them all.
    """
    marks = ", ".join("?" * len(EXACT))
    row = db.execute(
        f"SELECT max(wall_ms) FROM anchor WHERE source IN ({marks}) AND err_ms < ?",
        (*EXACT, TAKEN_BACK_MS),
    ).fetchone()
    return int(row[0] or 0)


def best_anchors(db: Connection) -> dict[int, Anchor]:
    """Every boot's most certain anchor, the system's own unverified word left out."""
    rows = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor WHERE source != 'system'"
        " AND boot_no > 0 AND err_ms < ?"
        " ORDER BY boot_no, source != 'tablet', source != 'gps', err_ms DESC, mono_ms",
        (TAKEN_BACK_MS,),
    )
    return {row[0]: _anchor(row) for row in rows}


def verified_anchors(db: Connection, limit: int = 50) -> list[Anchor]:
    """The newest anchors worth telling the cloud: those not taken from the unverified system clock.

    Those of GPS come first, however old their boot is, and those taken back tell so.
    """
    rows = db.execute(
        "SELECT boot_no, mono_ms, wall_ms, err_ms, source FROM anchor"
        " WHERE source != 'system' AND boot_no > 0"
        " ORDER BY source != 'gps', boot_no DESC, mono_ms DESC LIMIT ?",
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
