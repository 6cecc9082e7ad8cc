"""Digests by day and squad, equal on both sides exactly when both hold the same records and segments.

Pure: each side brings its own records and segment ids and gets buckets that can be compared and opened.
It does not say which side is right.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SEGMENT = "segment"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """A confirmed record."""

    tbl: str
    pk: str
    doc: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """One thing in a bucket: a record's table and key, or "segment" and its id, and its digest."""

    tbl: str
    pk: str
    sha256: str


Key = tuple[str, str]
"""(day, squad): the local day as YYYY-MM-DD, "" for what has none."""


def buckets(records: Iterable[Record], segments: Iterable[tuple[bytes, str]]) -> dict[Key, list[Held]]:
    """Everything by day and squad, in a lasting order; `segments` are (id, stream id) pairs.

    A session lies on its local day, and with it who took part in it and what was recorded of them; a value of
    a day on that day; the rest on no day.
    """
    kept = [it for it in records if it.doc]
    sessions = {it.pk: _key(it.doc, _session_day(it.doc)) for it in kept if it.tbl == "session"}
    streams: dict[str, Key] = {}
    found: dict[Key, list[Held]] = defaultdict(list)
    for record in kept:
        key = _key_of(record, sessions)
        found[key].append(Held(record.tbl, record.pk, digest_of(record.doc)))
        stream_id = record.doc.get("stream_id")
        if record.tbl == "stream_assignment" and isinstance(stream_id, str):
            streams[stream_id] = min(key, streams.get(stream_id, key))
    for seg_id, stream_id in segments:
        found[streams.get(stream_id, ("", ""))].append(Held(SEGMENT, seg_id.hex(), seg_id.hex()))
    return {key: sorted(held, key=lambda it: (it.tbl, it.pk)) for key, held in sorted(found.items())}


def bucket_digest(held: Iterable[Held]) -> str:
    """One digest of all that lies in a bucket, whatever order it was found in."""
    whole = hashlib.sha256()
    for line in sorted(f"{it.tbl}\0{it.pk}\0{it.sha256}\n" for it in held):
        whole.update(line.encode())
    return whole.hexdigest()


def digest_of(doc: Mapping[str, Any]) -> str:
    """A record's content, whatever order its fields came in; 1.0 and 1 are one number, as in JSON."""
    text = json.dumps(_plain(doc), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(here: Iterable[Held], there: Iterable[Held]) -> tuple[list[Held], list[Held], list[Held]]:
    """What is only here, what is only there, and what is on both sides but not the same (as it is here)."""
    mine, theirs = {(it.tbl, it.pk): it for it in here}, {(it.tbl, it.pk): it for it in there}
    only_here = [it for key, it in sorted(mine.items()) if key not in theirs]
    only_there = [it for key, it in sorted(theirs.items()) if key not in mine]
    unlike = [it for key, it in sorted(mine.items()) if key in theirs and theirs[key].sha256 != it.sha256]
    return only_here, only_there, unlike


def _key_of(record: Record, sessions: Mapping[str, Key]) -> Key:
    if record.tbl == "session":
        return sessions[record.pk]
    session_id = record.doc.get("session_id")
    if isinstance(session_id, str) and session_id in sessions:
        return sessions[session_id]
    day = record.doc.get("date") if record.tbl == "daily_value" else ""
    return _key(record.doc, day if isinstance(day, str) else "")


def _key(doc: Mapping[str, Any], day: str) -> Key:
    squad = doc.get("squad_id")
    return day, squad if isinstance(squad, str) else ""


def _session_day(doc: Mapping[str, Any]) -> str:
    started_at_ms, offset_s = doc.get("started_at_ms"), doc.get("utc_offset_s") or 0
    if type(started_at_ms) is not int or type(offset_s) is not int:
        return ""
    try:
        return (EPOCH + timedelta(milliseconds=started_at_ms, seconds=offset_s)).date().isoformat()
    except OverflowError:
        return ""


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
