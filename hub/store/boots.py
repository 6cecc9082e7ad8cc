"""Boots of this machine and the facts that tie their monotonic clocks to true time.

Samples keep only (boot, mono_ms); wall time is a view worked out here. It never sets a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from sqlite3 import Connection

from sync import true_time
from sync.true_time import View
from sync.wire import Anchor

CIVIL_BOOT = 0
STEP = 4096
VERIFIED = ("ntp", "cloud", "gps")
EXACT = ("ntp", "cloud")
"""Time told to this machine itself; a file's GPS time is inferred, and gives way to it whatever it claims."""
TAKEN_BACK_MS = true_time.TAKEN_BACK_MS
ANCHORS_A_PAGE = 100
_COLUMNS = "boot_no, mono_ms, wall_ms, err_ms, source"
_UNTOLD = "boot_no > 0 AND source != 'system' AND told_err_ms IS NOT err_ms"
ANCHORS_TOLD = (
    "ALTER TABLE anchor ADD COLUMN told_err_ms INTEGER",
    "ALTER TABLE anchor ADD COLUMN written_in TEXT",
    f"CREATE INDEX anchor_untold ON anchor(boot_no, mono_ms) WHERE {_UNTOLD}",
)
"""The error an anchor had when the cloud acknowledged it, so that one taken back since is told again; and the
newest bundle it was written into."""


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
        f"INSERT OR IGNORE INTO anchor({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        (anchor.boot_no, anchor.mono_ms, anchor.wall_ms, anchor.err_ms, anchor.source),
    )


def learn(db: Connection, anchor: Anchor) -> None:
    """Remember what network time or the cloud said where it makes a boot's time notably surer, about once an
    hour, or contradicts it; the hourly ones of days long past are thinned to one a day."""
    known = [it for it in _of_boot(db, anchor.boot_no) if it.source in EXACT]
    if not true_time.is_worth_keeping(known, anchor):
        return
    add_anchor(db, anchor)
    gone = true_time.to_forget(_of_boot(db, anchor.boot_no))
    db.executemany(
        "DELETE FROM anchor WHERE boot_no = ? AND mono_ms = ?", ((it.boot_no, it.mono_ms) for it in gone)
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
        "UPDATE anchor SET err_ms = ?, written_in = NULL"
        " WHERE boot_no = ? AND mono_ms = ? AND source = 'gps'",
        (TAKEN_BACK_MS, boot_no, mono_ms),
    )


def telling(db: Connection, boot_no: int) -> list[Anchor]:
    """The anchors a boot's time is seen through, in order; GPS gives way to what is exact, a tablet to GPS,
    and the system's own word to all."""
    return true_time.telling(_of_boot(db, boot_no))


def view(db: Connection, boot_no: int) -> View[Anchor]:
    """A boot's time by all that was told of it by anybody but its own system."""
    return true_time.view([it for it in _of_boot(db, boot_no) if it.source != "system"])


def _of_boot(db: Connection, boot_no: int) -> list[Anchor]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM anchor WHERE boot_no = ? ORDER BY mono_ms", (boot_no,))
    return [_anchor(row) for row in rows]


def all_telling(db: Connection) -> dict[int, list[Anchor]]:
    """What every boot is seen through that was told the time by anybody but its own system."""
    return {boot_no: it.told for boot_no, it in all_views(db).items()}


def all_views(db: Connection) -> dict[int, View[Anchor]]:
    """The same of every boot that was told anything."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM anchor WHERE boot_no > 0 AND source != 'system'")
    boots: dict[int, list[Anchor]] = {}
    for row in rows:
        boots.setdefault(row[0], []).append(_anchor(row))
    found = {boot_no: true_time.view(facts) for boot_no, facts in boots.items()}
    return {boot_no: it for boot_no, it in found.items() if it.believed}


def best_anchor(db: Connection, boot_no: int, mono_ms: int | None = None) -> Anchor | None:
    """The anchor of a boot that is surest about a moment of it, or about its own; the newest among equals."""
    known = telling(db, boot_no)
    if mono_ms is not None:
        return true_time.best_at(known, mono_ms)
    return min(known, key=lambda it: (it.err_ms, -it.mono_ms), default=None)


def newest_known_ms(db: Connection) -> int:
    """The latest true time anything surely took place at: exact anchors and contacts; 0 where none did.

    Certificates are judged by it, so that no file may say it, nor a word others contradict: one dated 2089
    would end them all.
    """
    marks = ", ".join("?" * len(EXACT))
    rows = db.execute(
        f"SELECT boot_no, max(wall_ms) FROM anchor WHERE source IN ({marks}) AND err_ms < ?"
        " GROUP BY boot_no ORDER BY 2 DESC",
        (*EXACT, TAKEN_BACK_MS),
    )
    surely_ms = 0
    for boot_no, most_ms in rows:
        if most_ms <= surely_ms:
            break
        surely_ms = max(surely_ms, _surely_ms(view(db, boot_no)))
    return surely_ms


def _surely_ms(it: View[Anchor]) -> int:
    """The last word that is believed, or the other one where it is not settled and that is earlier."""
    sides = (it.believed,) if it.is_settled else (it.believed, it.against)
    return min(max(word.wall_ms for word in side) for side in sides)


def verified_anchors(db: Connection, limit: int = ANCHORS_A_PAGE) -> list[Anchor]:
    """A page of what the cloud has not acknowledged yet, the unverified system clock's word left out.

    Those of GPS come first, however old their boot is, and those taken back tell so; then the newest.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM anchor WHERE {_UNTOLD}"
        " ORDER BY source != 'gps', boot_no DESC, mono_ms DESC LIMIT ?",
        (limit,),
    )
    return [_anchor(row) for row in rows]


def mark_told(db: Connection, anchors: Iterable[Anchor]) -> None:
    """The cloud has acknowledged these as they were then."""
    db.executemany(
        "UPDATE anchor SET told_err_ms = ? WHERE boot_no = ? AND mono_ms = ?",
        ((it.err_ms, it.boot_no, it.mono_ms) for it in anchors),
    )


def mark_written(db: Connection, anchors: Iterable[Anchor], bundle_id: str) -> None:
    """These are in a bundle on a stick, which counts for nothing until the cloud answers it."""
    db.executemany(
        "UPDATE anchor SET written_in = ? WHERE boot_no = ? AND mono_ms = ? AND err_ms = ?",
        ((bundle_id, it.boot_no, it.mono_ms, it.err_ms) for it in anchors),
    )


def mark_answered(db: Connection, bundle_id: str) -> None:
    """The cloud has answered this bundle."""
    db.execute("UPDATE anchor SET told_err_ms = err_ms WHERE written_in = ?", (bundle_id,))


def doubt_told(db: Connection) -> None:
    """The cloud may have lost any of them, or know this hub by another name: all are told again, which does
    no harm there."""
    db.execute("UPDATE anchor SET told_err_ms = NULL, written_in = NULL")


def _anchor(row: tuple[int, int, int, int, str]) -> Anchor:
    return Anchor(boot_no=row[0], mono_ms=row[1], wall_ms=row[2], err_ms=row[3], source=row[4])


def shift_ms(db: Connection, from_boot: int, to_boot: int, near_ms: int | None = None) -> int:
    """What to add to a mono_ms of one boot to get the same moment on another boot's clock.

    Against the civil clock (boot 0) it is right at `near_ms` of the boot, between two boots where they meet.
    0 within one boot, and where either boot has no anchor (nothing better is known).
    """
    if from_boot == to_boot:
        return 0
    here, there = telling(db, from_boot), telling(db, to_boot)
    return true_time.shift_ms(from_boot, here, to_boot, there, near_ms) or 0
