"""Who wore which stream when, changed stretch by stretch: whose one was is always known and never double.

It changes no row itself; it says which assignments are to be changed and which are new. A span made empty
(`to_ms` equal to `from_ms`) counts for nobody, since records are never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.domain import Assignment

FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch [from_ms, to_ms) of a stream's own time and whose it is; `to_ms` None is from now on.

    `athlete_id` None is nobody's: the samples stay and count for no one.
    """

    stream_id: str
    from_ms: int
    to_ms: int | None
    athlete_id: str | None

    @property
    def end_ms(self) -> int:
        """The end as a number, also where there is none yet."""
        return FOR_EVER if self.to_ms is None else self.to_ms


def end_ms(worn: Assignment) -> int:
    """The end as a number, also where there is none yet."""
    return FOR_EVER if worn.to_ms is None else worn.to_ms


def whose(worn: Iterable[Assignment], stream_id: str, from_ms: int, to_ms: int | None) -> list[Cell]:
    """Whose each part of a stretch is now, in order of time; together they are the stretch."""
    last_ms = FOR_EVER if to_ms is None else to_ms
    cells, at_ms = [], from_ms
    for it in sorted((it for it in worn if it.stream_id == stream_id), key=lambda it: it.from_ms):
        begin, end = max(it.from_ms, at_ms), min(end_ms(it), last_ms)
        if begin >= end:
            continue
        if begin > at_ms:
            cells.append(Cell(stream_id, at_ms, begin, None))
        cells.append(Cell(stream_id, begin, _open(end), it.athlete_id))
        at_ms = end
    if at_ms < last_ms:
        cells.append(Cell(stream_id, at_ms, _open(last_ms), None))
    return cells


def painted(
    worn: Sequence[Assignment], cell: Cell, session_id: str, new_id: Callable[[], str]
) -> list[Assignment]:
    """The assignments to change or add so that the cell, and nothing else, is its athlete's.

    `worn` are those of one session. What has nothing to change is not touched.
    """
    if cell.from_ms >= cell.end_ms or all(
        it.athlete_id == cell.athlete_id for it in whose(worn, cell.stream_id, cell.from_ms, cell.to_ms)
    ):
        return []
    changed: list[Assignment] = []
    for it in worn:
        if it.stream_id == cell.stream_id:
            changed += _cut(it, cell, new_id)
    if cell.athlete_id is not None:
        new = Assignment(new_id(), cell.stream_id, cell.athlete_id, session_id, cell.from_ms, cell.to_ms)
        changed.append(new)
    return changed


def given(worn: Sequence[Assignment], cell: Cell, shift_ms: Mapping[str, int]) -> list[Cell]:
    """All cells that change when a stretch is given to an athlete: nobody has two hearts at one time.

    What the athlete wore besides in that stretch becomes nobody's. `shift_ms` by stream brings its own time
    to the session's; a stream that is not in it is left alone.
    """
    others: list[Cell] = []
    if cell.athlete_id is not None:
        shift = shift_ms.get(cell.stream_id, 0)
        for it in worn:
            own = shift_ms.get(it.stream_id)
            if it.athlete_id != cell.athlete_id or it.stream_id == cell.stream_id or own is None:
                continue
            begin = max(it.from_ms, cell.from_ms + shift - own)
            end = min(end_ms(it), cell.end_ms + shift - own if cell.to_ms is not None else FOR_EVER)
            if begin < end:
                others.append(Cell(it.stream_id, begin, _open(end), None))
    return [*others, cell]


def after(worn: Sequence[Assignment], changed: Iterable[Assignment]) -> list[Assignment]:
    """The assignments once the changed ones are in place; empty ones are left out."""
    by_id = {it.assignment_id: it for it in (*worn, *changed)}
    return [it for it in by_id.values() if it.to_ms != it.from_ms]


def _cut(it: Assignment, cell: Cell, new_id: Callable[[], str]) -> list[Assignment]:
    """One assignment without the cell: shortened, parted or made empty."""
    if it.from_ms >= cell.end_ms or end_ms(it) <= cell.from_ms:
        return []
    has_left, has_right = it.from_ms < cell.from_ms, end_ms(it) > cell.end_ms
    if has_left:
        parts = [replace(it, to_ms=cell.from_ms)]
        if has_right:
            parts.append(replace(it, assignment_id=new_id(), from_ms=cell.end_ms))
        return parts
    if has_right:
        return [replace(it, from_ms=cell.end_ms)]
    return [replace(it, to_ms=it.from_ms)]


def _open(end: int) -> int | None:
    return None if end >= FOR_EVER else end
