"""Questions about straps and the streams they speak in."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import Strap

CHANNEL = "hr"


@dataclass(frozen=True, slots=True)
class Stream:
    """What one strap said during one boot on one channel; `stream_no` is its short number in journal rows."""

    stream_no: int
    stream_id: str
    boot_no: int
    strap_id: str
    channel: str = CHANNEL


def all_straps(db: Connection) -> list[Strap]:
    """Every strap ever assigned or recorded."""
    rows = db.execute("SELECT strap_id, name, address, athlete_id FROM strap ORDER BY name, strap_id")
    return [Strap(*row) for row in rows]


def strap(db: Connection, strap_id: str) -> Strap | None:
    """One strap, or None where the hub never kept it."""
    row = db.execute(
        "SELECT strap_id, name, address, athlete_id FROM strap WHERE strap_id = ?", (strap_id,)
    ).fetchone()
    return None if row is None else Strap(*row)


def stream(db: Connection, boot_no: int, strap_id: str) -> Stream | None:
    """The heart-rate stream of a strap in a boot, if it has begun."""
    row = db.execute(
        "SELECT stream_no, stream_id, boot_no, sensor_id, channel FROM stream"
        " WHERE boot_no = ? AND sensor_id = ? AND channel = 'hr'",
        (boot_no, strap_id),
    ).fetchone()
    return None if row is None else Stream(*row)


def stream_on(db: Connection, boot_no: int, strap_id: str, channel: str) -> Stream | None:
    """The stream of a strap in a boot on any channel, if it has begun."""
    row = db.execute(
        "SELECT stream_no, stream_id, boot_no, sensor_id, channel FROM stream"
        " WHERE boot_no = ? AND sensor_id = ? AND channel = ?",
        (boot_no, strap_id, channel),
    ).fetchone()
    return None if row is None else Stream(*row)


def stream_by_no(db: Connection, stream_no: int) -> Stream:
    """The stream behind a journal row's short number."""
    row = db.execute(
        "SELECT stream_no, stream_id, boot_no, sensor_id, channel FROM stream WHERE stream_no = ?",
        (stream_no,),
    ).fetchone()
    return Stream(*row)


def stream_by_id(db: Connection, stream_id: str) -> Stream | None:
    """A stream by its id."""
    row = db.execute(
        "SELECT stream_no, stream_id, boot_no, sensor_id, channel FROM stream WHERE stream_id = ?",
        (stream_id,),
    ).fetchone()
    return None if row is None else Stream(*row)
