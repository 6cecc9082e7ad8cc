"""What must hold of edits made online, beside what the judge demands of every edit.

One that was saved is in the feed exactly once and stands at that moment, one that was refused or cut off is
not there at all; and where two people's edits of a field met, neither knowing of the other's, that is noted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync.two_edits import TABLE, WATCHED

if TYPE_CHECKING:
    from tests.sim.judge import Edit, Entry

SAVED, NOT_SAVED, UNDER_WAY = "saved", "not saved", "under way"
Field = tuple[str, str, str]
Say = Callable[[str, str], None]
Stands = Callable[[str, str], tuple[Mapping[str, Any], Mapping[str, int]]]
"""A record's fields and their stamps."""


@dataclass(slots=True)
class Save:
    """A coach's change under a name nobody else has, so that the feed tells it apart.

    `seen` is the head of the feed when the form was opened, and `shown` what stood in it; None where there
    is no form.
    """

    by: str
    tbl: str
    pk: str
    fields: dict[str, Any]
    seen: int
    shown: Mapping[str, Any] | None = None
    state: str = UNDER_WAY


class Office:
    """Every save of a world, and which of them came into the feed."""

    def __init__(self, say: Say, is_erased: Callable[[Any], bool]) -> None:
        self._say, self._is_erased = say, is_erased
        self.saves: dict[str, Save] = {}
        self._last: dict[Field, list[tuple[int, Entry]]] = {}
        self._standing: dict[Field, tuple[int, Any]] = {}

    def begins(self, save: Save) -> Save:
        """Somebody presses the button."""
        self.saves[save.by] = save
        return save

    def forget(self, log: Iterable[int]) -> None:
        """The cloud went back to a backup: what was saved since is gone."""
        kept = set(log)
        for field, entries in self._last.items():
            self._last[field] = [it for it in entries if it[0] in kept]
        held = {it.by for entries in self._last.values() for _, it in entries}
        for save in self.saves.values():
            if save.state == SAVED and save.by not in held:
                save.state = NOT_SAVED

    def committed(
        self, new: Sequence[tuple[int, Entry]], author: Callable[[str], Edit | None], stands: Stands
    ) -> None:
        """One commit of the cloud, `stands` being its records behind it and `author` who made an edit."""
        notes = [it for _, it in new if it.tbl == TABLE and it.kind == "set" and "stands" in it.fields]
        last: dict[Field, tuple[int, Entry]] = {}
        for seq, entry in new:
            for name in entry.fields if entry.kind == "set" else ():
                last[entry.tbl, entry.pk, name] = seq, entry
        for field, (seq, entry) in last.items():
            doc, stamps = stands(*field[:2])
            value, there = entry.fields[field[2]], doc.get(field[2])
            has_won = stamps.get(field[2]) == entry.stamp_ms
            if entry.by in self.saves and there != value:
                self._say("I6", f"{entry.by}'s {field} = {value!r} was saved and does not stand")
            rival = self._rival(field, entry, author)
            if field[2] == "athlete_id" and any(map(self._is_erased, (value, rival, there))):
                rival = None  # nothing is noted of people who were erased
            if rival is not None and not _is_noted(field, value, rival if has_won else there, there, notes):
                words = f"{entry.by}'s {value!r} met {rival!r}, {there!r} stands: not noted"
                self._say("met", f"{field}: {words}")
            self._last.setdefault(field, []).append((seq, entry))
            if has_won:
                self._standing[field] = seq, value

    def _rival(self, field: Field, entry: Entry, author: Callable[[str], Edit | None]) -> Any:
        """Another's value of a watched field that differs and of which the author could not know, or None."""
        if field[2] not in WATCHED.get(field[0], ()) or entry.resolves is not None:
            return None
        mine = entry.fields[field[2]]
        if entry.hub_id is None:
            save, (seq, value) = self.saves.get(entry.by), self._standing.get(field, (0, None))
            if save is None or save.shown is None or seq <= save.seen:
                return None
            return None if value in (mine, save.shown.get(field[2])) else value
        edit = author(entry.op_id)
        others = [it for it in self._last.get(field, ()) if it[1].hub_id != entry.hub_id]
        if edit is None or not others or others[-1][0] <= edit.cursor:
            return None
        value = others[-1][1].fields[field[2]]
        return None if value == mine else value

    def at_rest(self, log: Mapping[int, Entry]) -> None:
        """I1 for every save."""
        for save in self.saves.values():
            came = [it for it in log.values() if it.by == save.by and (it.tbl, it.pk) == (save.tbl, save.pk)]
            wanted = 1 if save.state == SAVED else 0
            if save.state == UNDER_WAY or len(came) != wanted:
                self._say("I1", f"{save.by}'s edit of {save.tbl} was {save.state} and came {len(came)} times")
            if any({**it.fields, **save.fields} != it.fields for it in came if it.kind == "set"):
                self._say("I1", f"{save.by} saved {save.fields}, the feed says {came[0].fields}")


def _is_noted(field: Field, mine: Any, met: Any, there: Any, notes: Sequence[Entry]) -> bool:
    """Whether somebody is told that `there` stands: beside what it met where mine won, beside mine else."""
    untold = met if there == mine else mine
    about = [it for it in notes if (it.fields["of_tbl"], it.fields["of_pk"], it.fields["field"]) == field]
    return untold == there or any(
        json.loads(it.fields["stands"]) == there and json.loads(it.fields["other"]) == untold for it in about
    )
