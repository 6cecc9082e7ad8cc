"""Polar Flow's RR CSV holds "duration,offline" and no time: its start is that of the session CSV beside it.

It corrects no interval; implausible ones and those with lost contact are flagged and keep their length.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hub.devices.exports.csv_text import form_of
from hub.devices.exports.found import Found, FoundSession, Person, Setting
from hub.devices.exports.polar_flow import LONGEST_S, MOST_ROWS, is_polar_flow_csv, read_flow_start
from hub.devices.exports.polar_json import text
from hub.devices.exports.polar_track import intervals
from hub.devices.exports.source import Source
from hub.devices.exports.table import HeldRows, fold, number, rows_of
from hub.devices.exports.written_time import as_epoch_ms, moment
from hub.errors import ExportUnreadable

LONGEST_RR_MS = 86_400_000
_HEAD = re.compile(rb'(?:\xef\xbb\xbf)?\s*"?duration"?\s*[,;\t]\s*"?offline"?\s*[\r\n]', re.IGNORECASE)
_ENDING = re.compile(r"(?:[._-](?:hrv|rr))?(?:\.csv|\.txt)?$|[._-](?:hrv|rr)$", re.IGNORECASE)


def is_polar_rr_csv(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is an RR CSV of Polar Flow."""
    return _HEAD.match(head[:200].replace(b"\0", b"")) is not None


def started_at_of(source: Source, setting: Setting) -> int | None:
    """Epoch ms UTC at which a session CSV says it began; None where it is none or says nothing."""
    try:
        is_session = is_polar_flow_csv(source.head())
        return read_flow_start(source, setting).started_at_ms if is_session else None
    except ExportUnreadable:
        return None


def read_polar_rr_csv(source: Source, setting: Setting) -> Found:
    """The intervals, from the start that the session CSV beside it tells, or the mapping's `started_at`.

    Raises ExportUnreadable where neither tells it: the file itself holds no time.
    """
    about = _about(source, setting)
    form, held = form_of(source), HeldRows()
    rr_ms: list[float] = []
    is_offline: list[bool] = []
    for line_no, cells in rows_of(source, form, held):
        if fold(cells[0]) == "duration":
            continue
        if len(rr_ms) >= MOST_ROWS:
            held.add(line_no, f"it and all rows after it are beyond {MOST_ROWS:,}", ",".join(cells))
            break
        value = number(cells[0])
        if value is None or not 0 < value <= LONGEST_RR_MS:
            held.add(line_no, "is no RR interval", ",".join(cells))
            continue
        rr_ms.append(value)
        is_offline.append(len(cells) > 1 and cells[1].strip().lower() == "true")
    if not rr_ms:
        raise ExportUnreadable("it holds no RR intervals.", hint="Export the session again from Polar Flow.")
    session = replace(
        about,
        elapsed_s=min(sum(rr_ms) / 1000, LONGEST_S),
        rr=intervals(about.started_at_ms, rr_ms, is_offline),
    )
    return Found("Polar RR CSV", "polar", (session,), held=tuple(held.rows))


def _about(source: Source, setting: Setting) -> FoundSession:
    """Whose and when: by the session CSV of the same name, else by the start time that was given."""
    base = _ENDING.sub("", source.name, count=1)
    for name in (f"{base}.csv", f"{base}.CSV"):
        twin = source.sibling(name) if name != source.name else None
        if twin is not None and is_polar_flow_csv(twin.head()):
            about = read_flow_start(twin, setting)
            return replace(about, timer_s=None, distance_m=None, energy_kcal=None, stated=())
    given = _given(text((setting.mapping or {}).get("started_at")), setting)
    if given is None:
        raise ExportUnreadable(
            "it holds RR intervals of Polar Flow without a start time.",
            hint=f"Import it together with the session's own CSV ({base}.csv), or give the start time.",
        )
    return given


def _given(written: str, setting: Setting) -> FoundSession | None:
    at = moment(written)
    if at is None:
        return None
    at_ms, ahead_s, _ = as_epoch_ms(at, setting.zone)
    return FoundSession(Person(), "other", "", at_ms, 0.0, utc_offset_s=ahead_s)
