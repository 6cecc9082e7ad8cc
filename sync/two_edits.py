"""Two people changed one field without knowing of each other: whose value stands, and the one that did not.

Pure: the record both sides keep of it, and whether it still asks for a word. Which edits met like this is
found in the cloud, where their order is decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TABLE = "two_edits"
"""Rows are locked in the order of their tables' names: this one comes behind every table it tells of."""
WATCHED: Mapping[str, frozenset[str]] = {
    "athlete": frozenset({"name", "shirt_number", "sex", "hr_max_bpm", "hr_rest_bpm", "is_active"}),
    "session": frozenset({"title", "sport", "is_removed"}),
    "strap": frozenset({"athlete_id"}),
    "profile_change": frozenset({
        "valid_from", "hr_max_bpm", "hr_rest_bpm", "vt1_bpm", "vt2_bpm", "lthr_bpm", "zones", "lactate",
        "mass_kg", "born_on", "sex", "clears", "note", "is_removed",
    }),
}  # fmt: skip
"""What people type. Everything else is written by one machine alone."""
OPEN, KEPT, OTHER = "open", "kept", "other"
STATES = (OPEN, KEPT, OTHER)
WRITTEN_BY_CLOUD = (
    "of_tbl", "of_pk", "field", "athlete_id",
    *(f"{side}{part}" for side in ("stands", "other") for part in ("", "_by", "_hub", "_ms", "_sure")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two values: who set it, on which hub (None: online), and when.

    `at_ms` is epoch ms as the cloud stamped it; `is_sure` False says that the hub's clock was not known then.
    """

    value: Any
    by: str
    hub_id: str | None
    at_ms: int
    is_sure: bool


@dataclass(frozen=True, slots=True)
class TwoEdits:
    """A field with the value that stands and the one that was set beside it."""

    two_edits_id: str
    tbl: str
    pk: str
    field: str
    athlete_id: str | None
    stands: Side
    other: Side
    state: str = OPEN
    settled_by: str = ""

    def is_open(self, current: Any) -> bool:
        """Whether somebody should look: nobody has, and the field still has the value that stood."""
        return self.state == OPEN and current == self.stands.value


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two edits with the field's value now, what the record they are of is called, and all of it in words."""

    edits: TwoEdits
    current: Any
    called: str
    field_words: str
    stands_words: str
    other_words: str
    current_words: str

    @property
    def is_open(self) -> bool:
        """Whether it still asks for a word."""
        return self.edits.is_open(self.current)

    @property
    def shown(self) -> str:
        """What stands, as JSON text: a page says it back with the choice that was made on it."""
        return json.dumps(self.current, ensure_ascii=False, sort_keys=True)

    def was_shown(self, choice: str, shown: str | None) -> bool:
        """Whether whoever chose knew what stands now; `shown` None is a page that does not say.

        True, too, where it is so already.
        """
        if choice == OTHER and self.current == self.edits.other.value:
            return True
        if choice == self.edits.state == OPEN:
            return True
        if shown is not None:
            return shown == self.shown
        return choice == OPEN or self.current == self.edits.stands.value

    @property
    def changed_words(self) -> str:
        """What somebody is told whose page showed another value than stands."""
        return f"{self.field_words} of {self.called} was set to {self.current_words} meanwhile."

    @property
    def outcome(self) -> str:
        """How it ended, as a sentence; empty while it asks."""
        if self.is_open:
            return ""
        by = f" by {self.edits.settled_by}" if self.edits.settled_by else ""
        if self.edits.state == OTHER and self.current == self.edits.other.value:
            return f"{self.other_words} was chosen{by}."
        if self.edits.state == KEPT and self.current == self.edits.stands.value:
            return f"{self.stands_words} was kept{by}."
        return f"It was changed since, to {self.current_words}."


def to_fields(it: TwoEdits) -> dict[str, Any]:
    """The record's fields; values as JSON text, since they may be of any kind."""
    fields: dict[str, Any] = {"of_tbl": it.tbl, "of_pk": it.pk, "field": it.field, "state": it.state}
    fields |= {"settled_by": it.settled_by, "athlete_id": it.athlete_id}
    for name, side in (("stands", it.stands), ("other", it.other)):
        fields |= {
            name: json.dumps(side.value, ensure_ascii=False, sort_keys=True), f"{name}_by": side.by,
            f"{name}_hub": side.hub_id, f"{name}_ms": side.at_ms, f"{name}_sure": side.is_sure,
        }  # fmt: skip
    return fields


def from_fields(two_edits_id: str, fields: Mapping[str, Any]) -> TwoEdits | None:
    """The record as it was written; None where something is missing, as after an erasure."""
    try:
        sides = [_side(fields, name) for name in ("stands", "other")]
        return TwoEdits(
            two_edits_id, fields["of_tbl"], fields["of_pk"], fields["field"], fields.get("athlete_id"),
            sides[0], sides[1], fields.get("state") or OPEN, fields.get("settled_by") or "",
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None


def _side(fields: Mapping[str, Any], name: str) -> Side:
    return Side(
        json.loads(fields[name]), fields.get(f"{name}_by") or "", fields.get(f"{name}_hub"),
        int(fields[f"{name}_ms"]), bool(fields.get(f"{name}_sure", True)),
    )  # fmt: skip


FIELD_WORDS: Mapping[str, str] = {
    "name": "the name", "shirt_number": "the shirt number", "sex": "the sex", "hr_max_bpm": "HRmax",
    "hr_rest_bpm": "the resting heart rate", "is_active": "whether they are active", "title": "the title",
    "sport": "the sport", "is_removed": "whether it was taken away", "athlete_id": "who wears it",
    "valid_from": "the first day", "vt1_bpm": "the first threshold", "vt2_bpm": "the second threshold",
    "lthr_bpm": "the threshold heart rate", "zones": "the zones", "lactate": "the lactate test",
    "mass_kg": "the body mass", "born_on": "the birthday", "clears": "what is unset", "note": "the note",
}  # fmt: skip
UNITS = {"_bpm": " bpm", "_kg": " kg"}
SEX_WORDS = {"F": "female", "M": "male", "U": "not given"}


def field_words(field: str) -> str:
    """What a field is called on pages, in the middle of a sentence."""
    return FIELD_WORDS.get(field, field.replace("_", " "))


def value_words(field: str, value: Any, called: str | None = None) -> str:
    """A value as pages say it; `called` is the name of the athlete an id stands for."""
    if called is not None:
        return called
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field == "sex":
        return SEX_WORDS.get(str(value), str(value))
    if isinstance(value, str | int | float):
        unit = next((words for end, words in UNITS.items() if field.endswith(end)), "")
        return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"
    return json.dumps(value, ensure_ascii=False)
