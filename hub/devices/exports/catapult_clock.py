"""When a vest's rows were recorded, and what the lines above them say.

It reads no row's values; a file whose date could be day or month first is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hub.devices.exports.found import Setting
from hub.devices.exports.table import duration_s, fold, number
from hub.devices.exports.written_time import as_epoch_ms, date_order, epoch_ms, moment
from hub.errors import ExportUnreadable

KEY = re.compile(r"[#\s]*([A-Za-z][A-Za-z ]{1,24}?)\s*[:=]\s*(.*)", re.DOTALL)
RAW_HZ, LONGEST_MS = 100, 24 * 3_600_000
Said = Mapping[str, str]


def keys_in(cells: Sequence[str]) -> dict[str, str]:
    """What lines like "DeviceID: 71, DeviceFamily: S6" or "Date=05Feb2014" say, by folded key."""
    found: dict[str, str] = {}
    for at, cell in enumerate(cells):
        match = KEY.fullmatch(cell.strip()[:200])
        if match:
            value = match.group(2).strip() or (cells[at + 1].strip() if at + 1 < len(cells) else "")
            found[fold(match.group(1))] = value.strip('"')
    return found


def start_ms_of(said: Said, setting: Setting) -> int | None:
    """When the first row was recorded, None where no line above the table says."""
    centi = said.get("centisectime", "")
    if centi.isascii() and centi.isdigit() and (at_ms := epoch_ms(centi[:-2])) is not None:
        return at_ms + int(centi[-2:]) * 10
    text = said.get("reference time") or f"{said.get('date', '')} {said.get('time', '')}".strip()
    order = date_order([text])
    if order is None:
        raise ExportUnreadable(
            "its date could be day or month first.", hint="Export it from OpenField with CentisecTime."
        )
    at = moment(text, order)
    return None if at is None else as_epoch_ms(at, setting.zone)[0]


class RowClock:
    """Tells when a row was recorded: by its own columns, or by its number from the start of the file."""

    def __init__(self, place: Mapping[str, int], start_ms: int | None, is_raw: bool) -> None:
        self.place, self.start_ms, self.is_raw = place, start_ms, is_raw
        self.first_s: float | None = None

    def at_ms(self, n: int, cells: Sequence[str]) -> int | None:
        """Epoch ms of the nth row from 0, None where nothing says."""
        if self.is_raw:
            return None if self.start_ms is None else self.start_ms + n * 1000 // RAW_HZ
        if "unix_s" in self.place:
            second_ms, centi = epoch_ms(cells[self.place["unix_s"]]), 0.0
            if "centi" in self.place:
                centi = number(cells[self.place["centi"]]) or 0.0
            return None if second_ms is None or not 0 <= centi < 100 else second_ms + round(centi * 10)
        text = cells[self.place["since_s"]]
        since_s = duration_s(text)
        since_s = number(text) if since_s is None else since_s
        if since_s is None or self.start_ms is None or not 0 <= since_s < LONGEST_MS / 1000:
            return None
        if self.first_s is None:  # a time of day, or seconds that began before this piece of the recording
            self.first_s = since_s if since_s > 60 else 0.0
        return self.start_ms + round((since_s - self.first_s) * 1000)
