"""Texts of RR intervals, from Elite HRV, Kubios, HRV Logger, Polar Sensor Logger, Empatica, VNS or by hand.

It corrects no beat: implausible intervals are flagged and kept. When the recording began stands in the file,
in its name or in `setting.mapping["started_at"]`, otherwise it is refused; a copy's date on disk proves
nothing. `setting.mapping["unit"]` can say "1/1024 s", which no number betrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from hub.devices.exports import rr_beats, rr_lines
from hub.devices.exports.csv_mapping import started_at
from hub.devices.exports.csv_meanings import meaning_of
from hub.devices.exports.csv_rows import When
from hub.devices.exports.csv_sessions import placed
from hub.devices.exports.csv_text import Form, delimiter_of, form_of
from hub.devices.exports.found import Floats, Found, FoundSession, Ints, Person, RrSeries, Setting
from hub.devices.exports.hrv_summary import is_summary, read_summary
from hub.devices.exports.source import Source
from hub.devices.exports.table import HeldRows, fold, read_table
from hub.devices.exports.written import number
from hub.devices.exports.written_time import as_epoch_ms, date_order, epoch_ms, moment, time_in_name
from hub.errors import ExportUnreadable

TITLE = "RR recording"
NO_START = 'Name the file by its start, like "2026-03-01 07-50-42.txt", or give the time on the imports page.'
_EMPATICA = re.compile(r"\s*(\d{9,10}(?:\.\d+)?)\s*,\s*IBI\s*", re.ASCII)
_NUMBERS = re.compile(
    r"\s*[+-]?\d+(?:[.,]\d+)?(?:[eE]\d+)?(?:\s*[,;\s|]\s*[+-]?\d+(?:[.,]\d+)?)?\s*;?\s*", re.ASCII
)
LOOKED_AT_LINES = 60


@dataclass(frozen=True, slots=True)
class _Beats:
    """Intervals with their ends: epoch or wall ms where `start` is None, else ms since it."""

    rr_ms: Floats
    at_ms: Ints
    start: When | None = None
    is_rough: bool = False
    warnings: tuple[str, ...] = ()


def is_rr_text(head: str, name: str) -> bool:
    """Whether the first lines are of such a text; the name does not matter."""
    lines = [line for line in head.lstrip("\ufeff").splitlines()[:LOOKED_AT_LINES] if line.strip(" \0")]
    if not lines:
        return False
    if _EMPATICA.fullmatch(lines[0]) or (lines[0].startswith("#") and "KUBIOS" in lines[0].upper()):
        return True
    cells = lines[0].split(delimiter_of(lines[:LOOKED_AT_LINES]))
    if is_summary(cells) or _rr_places(cells) is not None:
        return True
    if any((known := meaning_of(cell)) is not None and known[0].name == "heart_rate" for cell in cells):
        return False  # a table of rates: intervals are not called so
    data = [line for line in lines if not line.startswith(("#", "Notiz"))]
    numeric = [line for line in data if _NUMBERS.fullmatch(line)]
    return len(numeric) >= 3 and len(numeric) >= 0.6 * len(data) and _is_plausible(numeric)


def read_rr_text(source: Source, setting: Setting) -> Found:
    """One recording, or the days of a summary. Raises ExportUnreadable."""
    form = form_of(source)
    held = HeldRows()
    head = source.head().decode(form.encoding, "replace").lstrip("\ufeff")
    first = next((line for line in head.splitlines() if line.strip()), "")
    cells = first.split(form.delimiter)
    if is_summary(cells):
        return read_summary(source, setting)
    empatica = _EMPATICA.fullmatch(first)
    if empatica:
        beats, maker = _empatica(source, form, held, empatica[1]), "empatica"
    elif _rr_places(cells):
        beats, maker, held = _timed_table(source, form, _unit(setting.mapping))
    else:
        beats, maker = _list(source, form, held, _unit(setting.mapping), first)
    session = _session(beats, setting, source.name)
    return Found(
        format="RR text", provider=maker, sessions=(session,), held=tuple(held.rows), warnings=beats.warnings
    )


def _rr_places(cells: list[str]) -> dict[str, int] | None:
    """Where a header has its RR intervals and, beside them, a time; None for another header."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        found = meaning_of(cell)
        if found is not None:
            places.setdefault(found[0].name, place)
    if "since start" in (fold(cell) for cell in cells) or {"rr"} == places.keys() & {"rr", "heart_rate"}:
        return places if "rr" in places and places.keys() & {"time", "date", "elapsed"} else None
    return None


def _unit(mapping: Mapping[str, object] | None) -> str:
    unit = (mapping or {}).get("unit")
    return unit if isinstance(unit, str) and unit in rr_beats.UNITS else ""


def _in_ms(values: Floats, unit: str) -> Floats:
    return values * rr_beats.UNITS[unit or rr_beats.unit_of(values)]


def _empatica(source: Source, form: Form, held: HeldRows, start: str) -> _Beats:
    start_ms = epoch_ms(start)
    columns = rr_lines.numbers_of(source, form.encoding, held, skip_lines=1).columns
    if start_ms is None or len(columns) != 2 or not len(columns[0]):
        raise _too_few(0)
    ends = np.round(np.clip(columns[0], 0, 1e7) * 1000).astype(np.int64)
    return _Beats(columns[1] * 1000, ends, When(start_ms, 0))


def _timed_table(source: Source, form: Form, unit: str) -> tuple[_Beats, str, HeldRows]:
    """A table with a time, and perhaps the ms since the start, beside each interval."""
    table = read_table(source, form=form)
    places = _rr_places(table.header)
    if places is None:
        raise _too_few(0)
    since_place = places.get("elapsed", -1)
    time_place = places.get("time", places.get("date", -1))
    rr: list[float] = []
    since: list[float] = []
    texts: list[str] = []
    for line_no, cells in table.rows:
        value = number(cells[places["rr"]], form.decimal_comma)
        if value is None:
            table.held_rows.add(line_no, "it is no RR interval", ", ".join(cells))
            continue
        if len(rr) >= rr_lines.MOST_LINES:
            raise ExportUnreadable(
                f"it has more than {rr_lines.MOST_LINES:,} lines.", hint="Export single days."
            )
        rr.append(value)
        texts.append(cells[time_place] if time_place >= 0 else "")
        seen = number(cells[since_place], form.decimal_comma) if since_place >= 0 else None
        since.append(np.nan if seen is None else seen)
    rr_ms = _in_ms(np.array(rr), unit)
    elapsed = np.array(since)
    maker = (
        "hrv logger"
        if since_place >= 0
        else "polar sensor logger"
        if "phone" in fold(table.header[0])
        else ""
    )
    start, at_ms = _times(texts)
    if len(elapsed) > 1 and not np.isnan(elapsed).any() and (np.diff(elapsed) >= 0).all():
        return _Beats(rr_ms, rr_beats.beside_times(elapsed, rr_ms), start), maker, table.held_rows
    if start is not None and at_ms is not None:
        return _Beats(rr_ms, rr_beats.spread(at_ms - start.ms, rr_ms), start), maker, table.held_rows
    warning = "The times beside the intervals do not rise; the intervals were added up instead."
    warnings = (warning,) if start else ()
    return _Beats(rr_ms, rr_beats.by_adding(rr_ms), start, False, warnings), maker, table.held_rows


def _times(texts: list[str]) -> tuple[When | None, Ints | None]:
    """(the first time, all times in its reckoning or None where they do not rise)."""
    order = date_order(texts)
    at_ms: list[int] = []
    first: When | None = None
    for text in texts:
        at = moment(text, order)
        since = epoch_ms(text) if at is None else None
        when = _when(at) if at else When(since, 0) if since is not None else None
        if when is None:
            return first, None
        first = first or when
        at_ms.append(when.ms)
    times = np.array(at_ms, np.int64)
    return first, times if len(times) and (np.diff(times) >= 0).all() else None


def _list(source: Source, form: Form, held: HeldRows, unit: str, first: str) -> tuple[_Beats, str]:
    """A list of intervals, of times, or of both."""
    numbers = rr_lines.numbers_of(source, form.encoding, held)
    n = len(numbers.columns[0]) if numbers.columns else 0
    if n < rr_beats.LEAST_BEATS:
        raise _too_few(n)
    comments = " ".join(numbers.comments[:20]).casefold()
    maker = "kubios" if "kubios" in comments else "vns analyse" if "notiz" in comments else ""
    if len(numbers.columns) == 2:
        one, other = numbers.columns
        if (np.diff(one) >= 0).all():
            rr_ms = _in_ms(other, unit)
            return _Beats(rr_ms, rr_beats.beside_times(one, rr_ms)), maker
        return _plain(one, unit), maker
    return _plain(numbers.columns[0], unit), maker


def _plain(values: Floats, unit: str) -> _Beats:
    if not unit and rr_beats.are_times(values):
        rr_ms, ends, is_rough = rr_beats.from_times(values)
        return _Beats(rr_ms, ends, None, is_rough)
    rr_ms = _in_ms(values, unit)
    return _Beats(rr_ms, rr_beats.by_adding(rr_ms))


def _session(beats: _Beats, setting: Setting, name: str) -> FoundSession:
    if len(beats.rr_ms) < rr_beats.LEAST_BEATS:
        raise _too_few(len(beats.rr_ms))
    said = started_at(setting.mapping) or (None if beats.start else time_in_name(name))
    start = _when(said) if said else beats.start
    if start is None:
        raise ExportUnreadable(
            "it holds RR intervals but does not say when they were recorded.", hint=NO_START
        )
    start_ms, offset_s, known_by = placed(start, setting.zone)
    ends = start_ms + beats.at_ms
    first_rr = float(beats.rr_ms[0])
    began_ms = min(
        start_ms, int(ends[0]) - (round(first_rr) if 0 < first_rr < rr_beats.MOST_ELAPSED_MS else 0)
    )
    series: RrSeries = rr_beats.flagged(beats.rr_ms, ends, beats.is_rough)
    return FoundSession(
        person=Person(),
        sport="other",
        written_sport="",
        started_at_ms=began_ms,
        elapsed_s=(int(ends[-1]) - began_ms) / 1000,
        utc_offset_s=offset_s,
        offset_known_by=known_by,
        title=TITLE,
        rr=series,
        n_records=len(beats.rr_ms),
    )


def _when(at: datetime) -> When:
    ms, offset_s, is_given = as_epoch_ms(at, UTC)
    return When(ms, offset_s if is_given else None)


def _is_plausible(lines: list[str]) -> bool:
    """Whether some column of the numbers could be intervals or beats' times."""
    is_decimal = rr_lines.comma_is_decimal([line.strip() for line in lines])
    rows = [
        [number(cell, is_decimal) for cell in rr_lines.split(line.strip(), is_decimal)[:2]] for line in lines
    ]
    for place in (0, 1):
        values = np.array(
            [row[place] for row in rows if len(row) > place and row[place] is not None], np.float64
        )
        if len(values) < rr_beats.LEAST_BEATS:
            continue
        middle = float(np.median(values))
        if rr_beats.are_times(values) or 300 <= middle <= 2000 or 0.3 <= middle <= 2.0:
            return True
    return False


def _too_few(n: int) -> ExportUnreadable:
    return ExportUnreadable(
        f"it holds {n} RR intervals, too few for a recording.", hint="Choose the export of RR intervals."
    )
