"""Hold a strap to the hub: the one whose signal rises strongest above all others is the one in the hand.

It takes traces of signal strength and proposes; it assigns nothing. Where it is not sure it says so: a tie is
answered with "hold it closer", and two straps that are both near with "one at a time". A connected strap does
not advertise and has no signal to go by: straps are let go while somebody looks, and found like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median

NEAR_DBM = -55.0
"""A strap in the hand beside the hub is louder than this; at arm's length few are."""

RISE_DB = 8.0
CLEAR_DB = 6.0
"""So much louder than every other strap it has to be: a body's turn makes as much difference."""

NOW_MS = 3_000
BEFORE_MS = 20_000
KEPT_MS = 30_000
LISTENING_MS = 2_000
FEWEST_MS_BETWEEN = 500
HELD_OPEN_MS = 5_000
"""A strap that was let go stays so for this long after the last look, and is then connected again."""

Trace = Sequence[tuple[int, float]]
"""(mono_ms, dBm), oldest first."""


class Finding(Enum):
    """What the traces say. NOTHING: no strap comes nearer."""

    NOTHING = "nothing"
    CLOSER = "closer"
    TWO = "two"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Proposal:
    """`strap_ids` are the loudest first: one where FOUND, those to be told apart where TWO or CLOSER.

    `let_go` are the straps that were connected and are not for as long as somebody looks.
    """

    finding: Finding
    strap_ids: tuple[str, ...] = ()
    let_go: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Level:
    strap_id: str
    dbm: float
    rise_db: float

    @property
    def is_rising(self) -> bool:
        return self.rise_db >= RISE_DB

    @property
    def is_near(self) -> bool:
        return self.dbm >= NEAR_DBM


def proposal(
    traces: Mapping[str, Trace], begun_ms: int, now_ms: int, let_go: Set[str] = frozenset()
) -> Proposal:
    """Which strap is held to the hub now; `begun_ms` is when listening for traces began.

    A strap counts by its median of the last 3 s against its median of the 20 s before; one heard for the
    first time after 2 s of listening counts as risen, since a strap begins to speak when it is taken up. One
    that was near all the time is no candidate, but a candidate must be clearly louder than it, too. One of
    `let_go` begins to speak because it was let go, and has to rise like those heard all the time.
    """
    levels = sorted(_levels(traces, begun_ms, now_ms, let_go), key=lambda it: (-it.dbm, it.strap_id))
    rising = [it for it in levels if it.is_rising]
    if not rising:
        return Proposal(Finding.NOTHING)
    first = rising[0]
    rivals = [it for it in levels if it is not first and it.dbm > first.dbm - CLEAR_DB]
    held = tuple(it.strap_id for it in (first, *rivals) if it.is_rising and it.is_near)
    if len(held) > 1:
        return Proposal(Finding.TWO, held)
    if rivals or not first.is_near:
        return Proposal(Finding.CLOSER, (first.strap_id, *(it.strap_id for it in rivals)))
    return Proposal(Finding.FOUND, (first.strap_id,))


def _levels(traces: Mapping[str, Trace], begun_ms: int, now_ms: int, let_go: Set[str]) -> Iterable[_Level]:
    for strap_id, trace in traces.items():
        now = [dbm for at_ms, dbm in trace if now_ms - NOW_MS < at_ms <= now_ms]
        before = [dbm for at_ms, dbm in trace if now_ms - NOW_MS - BEFORE_MS < at_ms <= now_ms - NOW_MS]
        if now:
            level = median(now)
            is_new = trace[0][0] >= begun_ms + LISTENING_MS and strap_id not in let_go
            yield _Level(strap_id, level, level - median(before) if before else RISE_DB if is_new else 0.0)


class Traces:
    """The last half minute of every strap's signal, taken down about once a second while somebody looks."""

    def __init__(self) -> None:
        self._traces: dict[str, list[tuple[int, float]]] = {}
        self._begun_ms: int | None = None
        self._last_ms = 0
        self._let_go: set[str] = set()

    def hear(self, levels: Mapping[str, float], now_ms: int, linked: Set[str] = frozenset()) -> None:
        """Signal strength by strap, now. After a break nothing is known of before; looks may crowd.

        `linked` are straps that are connected now and let go so that they be heard.
        """
        is_begun = self._begun_ms is not None and 0 <= now_ms - self._last_ms <= KEPT_MS
        if not is_begun:
            self._traces, self._begun_ms, self._let_go = {}, now_ms, set()
        self._let_go |= linked
        if is_begun and now_ms - self._last_ms < FEWEST_MS_BETWEEN:
            return
        self._last_ms = now_ms
        for strap_id, dbm in levels.items():
            self._traces.setdefault(strap_id, []).append((now_ms, dbm))
        oldest_ms = now_ms - KEPT_MS
        kept = {s: [it for it in trace if it[0] >= oldest_ms] for s, trace in self._traces.items()}
        self._traces = {s: trace for s, trace in kept.items() if trace}

    def proposal(self, now_ms: int) -> Proposal:
        """Which strap is held to the hub now."""
        if self._begun_ms is None:
            return Proposal(Finding.NOTHING)
        found = proposal(self._traces, self._begun_ms, now_ms, self._let_go)
        return replace(found, let_go=tuple(sorted(self._let_go)))
