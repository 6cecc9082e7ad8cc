"""Which original files are kept on disk, since when and how large."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Original:
    """One kept file: its size as exported, and compressed on disk."""

    sha256: str
    filename: str
    size_bytes: int
    packed_bytes: int
    kept_at_ms: int


def add(db: Connection, original: Original) -> None:
    """A file was put away; the first name it came under stays."""
    db.execute(
        "INSERT OR IGNORE INTO original VALUES (?, ?, ?, ?, ?)",
        (original.sha256, original.filename, original.size_bytes, original.packed_bytes, original.kept_at_ms),
    )


def of_hash(db: Connection, sha256: str) -> Original | None:
    """One kept file."""
    row = db.execute(
        "SELECT sha256, filename, size_bytes, packed_bytes, kept_at_ms FROM original WHERE sha256 = ?",
        (sha256,),
    ).fetchone()
    return None if row is None else Original(*row)


def total_bytes(db: Connection) -> int:
    """What all kept files take on disk."""
    return int(db.execute("SELECT coalesce(sum(packed_bytes), 0) FROM original").fetchone()[0])


def beyond(db: Connection, most_total_bytes: int) -> list[str]:
    """The hashes of the oldest files that do not fit, oldest first."""
    room, gone = most_total_bytes, []
    rows = db.execute("SELECT sha256, packed_bytes FROM original ORDER BY kept_at_ms DESC, rowid DESC")
    for sha256, packed_bytes in rows.fetchall():
        room -= packed_bytes
        if room < 0:
            gone.append(str(sha256))
    return gone[::-1]


def forget(db: Connection, sha256: str) -> None:
    """The file is gone."""
    db.execute("DELETE FROM original WHERE sha256 = ?", (sha256,))
