"""OpenField's rows sorted into players, and a player's rows into sessions with their periods.

It adds no row to another: a whole without a row of its own has a frame and no totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hub.devices.exports.found import Stated
from hub.devices.exports.metrics import METRES_IN
from hub.devices.exports.rows import Row
from hub.devices.exports.table import fold

APART_MS = 3 * 3_600_000  # periods further apart are of two sessions


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a player's whole session, or one period of it. `timer_s` is its stated duration."""

    row: Row
    player: str
    period: str
    is_whole: bool
    started_ms: int
    elapsed_s: float
    timer_s: float | None
    stated: Sequence[Stated]

    @property
    def ended_ms(self) -> int:
        """Its end."""
        return self.started_ms + round(self.elapsed_s * 1000)

    @property
    def mark(self) -> str:
        """What tells this player from another of the same name."""
        return fold(self.row.text("shirt_number") or self.row.text("position"))

    @property
    def distance_m(self) -> float | None:
        """Its total distance, None where the file has none in a known unit."""
        for one in self.stated:
            if one.name == "total_distance" and one.unit in METRES_IN:
                return one.value * METRES_IN[one.unit]
        return None


def players(lines: Iterable[Line]) -> list[tuple[str, list[Line]]]:
    """Each player's lines with a mark; of two people of one name, it is the shirt or position."""
    lines = list(lines)
    wholes = Counter((fold(line.player), line.started_ms) for line in lines if line.is_whole)
    shared = {name for (name, _), n in wholes.items() if n > 1}
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        name = fold(line.player)
        groups.setdefault((name, line.mark if name in shared else ""), []).append(line)
    return [(mark, group) for (_, mark), group in groups.items()]


def parted(lines: Sequence[Line]) -> list[tuple[Line, list[Line]]]:
    """A player's sessions, each with the periods that begin in it."""
    by_start = sorted(lines, key=lambda line: line.started_ms)
    parts = [line for line in by_start if not line.is_whole]
    wholes: dict[int, tuple[Line, list[Line]]] = {}
    for line in by_start:
        if line.is_whole and line.started_ms in wholes:
            line.row.hold("a second row for the whole session of this player")
        elif line.is_whole:
            wholes[line.started_ms] = (line, [])
    if not wholes:
        return _framed(parts)
    for part in parts:
        home = [its for whole, its in wholes.values() if whole.started_ms <= part.started_ms < whole.ended_ms]
        if home:
            home[-1].append(part)
        else:
            part.row.hold("it lies in no session of this player")
    return list(wholes.values())


def _framed(parts: Sequence[Line]) -> list[tuple[Line, list[Line]]]:
    """Periods without a row of their whole: those near each other are a session, without any totals."""
    found: list[tuple[Line, list[Line]]] = []
    for part in parts:
        whole, its = found[-1] if found else (part, [])
        if not its or part.started_ms - whole.ended_ms > APART_MS:
            found.append((replace(part, period="", timer_s=None, stated=()), [part]))
            continue
        ended_ms = max(whole.ended_ms, part.ended_ms)
        its.append(part)
        found[-1] = (replace(whole, elapsed_s=(ended_ms - whole.started_ms) / 1000), its)
    return found
