"""Polar's JSON as Polar writes it: bare NaN, numbers as strings, missing keys, and hostile ones refused.

It knows no file of theirs; it only makes asking a value safe, whatever stands in its place.
"""

from __future__ import annotations

import json
import math
import re

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

MOST_BYTES = 48 << 20  # a session has 0.1 to 4 MB
MOST_PARTS, MOST_VALUES = 600_000, 2_000_000  # objects and lists, and values: what they take once read
_ISO = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,10}(?:\.\d{0,9})?)S)?)?")
_AGAIN = "Ask Polar for the export again, or choose another file of it."

Day = tuple[float | None, float | None]  # seconds from the day's start, bpm


def load_json(source: Source) -> object:
    """The value in a file; a 24/7 heart rate is a tuple (Day), as a month has millions of them.

    Raises ExportUnreadable where it is too large, cut, nested too deeply or no JSON.
    """
    data = source.read(MOST_BYTES)
    n_parts, n_values = data.count(b"{") + data.count(b"["), data.count(b",")
    if n_parts > MOST_PARTS or n_values > MOST_VALUES:
        raise ExportUnreadable(
            f"it holds more ({n_parts:,} records, {n_values:,} values) than this can take at once.",
            hint="Choose the files of single sessions or days.",
        )
    try:
        return json.loads(data, object_hook=_slim)
    except RecursionError as error:
        raise ExportUnreadable("it is nested more deeply than any export.", hint=_AGAIN) from error
    except UnicodeDecodeError as error:
        raise ExportUnreadable(f"its text breaks at byte {error.start}.", hint=_AGAIN) from error
    except json.JSONDecodeError as error:
        raise ExportUnreadable(
            f"its JSON breaks at line {error.lineno}, column {error.colno}.", hint=_AGAIN
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise ExportUnreadable("it holds a number that is too long.", hint=_AGAIN) from error


def _slim(found: dict[str, object]) -> object:
    if "secondsFromDayStart" in found and "heartRate" in found:
        return number(found["secondsFromDayStart"]), number(found["heartRate"])
    return found


def number(value: object) -> float | None:
    """A finite number, written as one or as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str:
    """A string of at most 200 characters; "" for anything else."""
    return value[:200].strip() if isinstance(value, str) else ""


def table(value: object) -> dict[str, object]:
    """An object, {} for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[object]:
    """A list, [] for anything else (Polar writes {} for an empty list)."""
    return value if isinstance(value, list) else []


def span_s(value: object) -> float | None:
    """Seconds of "PT1H2M3.5S" or "27000s"; None for anything else."""
    written = text(value)
    if re.fullmatch(r"\d{1,9}(\.\d{0,9})?s", written):
        return float(written[:-1])
    match = _ISO.fullmatch(written)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


def first(found: dict[str, object], *keys: str) -> object:
    """The first of the keys that stands there with a value."""
    return next((found[key] for key in keys if found.get(key) is not None), None)
