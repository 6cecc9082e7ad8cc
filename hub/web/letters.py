"""Refused edits in words: whose, who made them and when, and the values a person may mend.

It decides about none; what is sent again is the desk's and the store's business.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.store import dead_letters, records, two_edits
from hub.store.dead_letters import DeadLetter
from hub.syncing.words import reason_words
from hub.web.typed import is_unseen

KIND_WORDS = {
    "athlete": "Athlete", "profile_change": "Values from a date", "session": "Session", "strap": "Strap",
    "stream": "Recording", "stream_assignment": "Who wore which strap", "source": "Import",
    "daily_value": "Value of a day", "two_edits": "Edits that met", "segment": "Recording",
    "insight": "Insight", "refused_edit": "Decision about a refused edit",
}  # fmt: skip
MOST_FIELDS = 6
MOST_CHARACTERS = 400
NAMES = ("name", "title")


@dataclass(frozen=True, slots=True)
class Letter:
    """A refused edit in words; `whose` is "" and `made_ms` None where that is not known.

    `settled` is what was decided about it, by whom and where, "" where nothing was.
    """

    op_id: str
    kind: str
    whose: str
    what: str
    reason: str
    made_by: str
    made_ms: int | None
    may_mend: bool
    settled: str = ""
    settled_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A plain value as a form shows it; `kind` is text, whole, number or yes-no."""

    field: str
    label: str
    text: str
    kind: str


def kind_words(tbl: str) -> str:
    """A table as people call what is in it."""
    return KIND_WORDS.get(tbl, tbl.replace("_", " ").capitalize())


def worded(db: Connection, it: DeadLetter) -> Letter:
    """One of them as pages say it."""
    shown = [f"{_label(name)} {_short(value)}" for name, value in it.fields.items()]
    more = f" and {len(shown) - MOST_FIELDS} more" if len(shown) > MOST_FIELDS else ""
    what = ", ".join(shown[:MOST_FIELDS]) + more
    return Letter(
        it.op_id, kind_words(it.tbl), _whose(db, it) if it.fields else "", what, reason_words(it.reason),
        it.made_by, dead_letters.made_ms(db, it), bool(values(it.fields)), it.settled, it.settled_ms,
    )  # fmt: skip


def _whose(db: Connection, it: DeadLetter) -> str:
    """The names of the athlete, strap or session it is of."""
    doc = {**it.fields, **records.shown(db, it.tbl, it.pk)}
    found = [str(doc[name]) for name in NAMES if doc.get(name)]
    if it.tbl != "athlete" and isinstance(doc.get("athlete_id"), str):
        found.insert(0, two_edits.called(db, doc["athlete_id"]))
    if it.tbl != "session" and isinstance(doc.get("session_id"), str):
        title = records.shown(db, "session", doc["session_id"]).get("title")
        found += [str(title)] if title else []
    return " · ".join(_short(name) for name in found)


def values(fields: Mapping[str, Any]) -> list[Value]:
    """What of an edit a person may mend: plain values; names of records, lists and what is unset are not."""
    plain = {name: it for name, it in fields.items() if not name.endswith("_id")}
    return [Value(name, _label(name), *_typed(it)) for name, it in plain.items() if _is_plain(it)]


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= MOST_CHARACTERS


def _typed(value: str | float) -> tuple[str, str]:
    """The text of an input and what it takes."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), "yes-no"
    if isinstance(value, str):
        return value, "text"
    return str(value), "whole" if isinstance(value, int) else "number"


def mended(fields: Mapping[str, Any], form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields with what was typed, each of the kind it was, and what is wrong by field."""
    new, faults = dict(fields), {}
    for it in values(fields):
        if it.field not in form:
            continue
        try:
            new[it.field] = _read(it, form[it.field].strip())
        except ValueError as error:
            faults[it.field] = str(error)
    return new, faults


def _read(it: Value, text: str) -> str | int | float | bool:
    """What was typed, as the kind of value it was. Raises ValueError with a sentence."""
    if it.kind == "yes-no":
        return text == "yes"
    if it.kind == "text":
        if it.field in NAMES and is_unseen(text):
            raise ValueError("Give a name that can be seen.")
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"Give at most {MOST_CHARACTERS} characters.")
        return text
    plain = text.replace(",", ".").replace("\N{MINUS SIGN}", "-")
    digits = plain.removeprefix("-")
    if it.kind == "whole":
        if not (digits.isascii() and digits.isdigit() and len(digits) < 17):
            raise ValueError(f"“{_short(text)}” is not a whole number. Write it in digits, like {it.text}.")
        return int(plain)
    is_number = digits.isascii() and digits.replace(".", "", 1).isdigit() and len(digits) < 25
    if not is_number or not math.isfinite(float(plain)):
        raise ValueError(f"“{_short(text)}” is not a number. Write it in digits, like {it.text}.")
    return float(plain)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
