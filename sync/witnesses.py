"""What several words about one boot's time are worth together: which agree, whom to believe, what is settled.

Pure, and the same on a hub and in the cloud. It draws no line through what it believes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

DRIFT = 50e-6
"""A Pi's crystal may gain or lose so much of the time: what an anchor says grows unsure with the distance."""
ROUNDED_MS = 2
"""Every time is a whole millisecond, on either clock."""
WEIGHTS = {"cloud": 3}
WEIGHT = 2
"""The cloud proves who it is, network time does not: one word against one, the cloud's is taken. Two of
anybody's outweigh any single one, so that one liar among three is found."""
COUNTED = 2
"""A source weighs no more for saying the same again and again: a router that is a day off says it hourly."""
LEAD = WEIGHT
"""What is believed must outweigh all else by a whole word before the matter is settled."""


_key: Callable[[Fact], tuple[int, int, int, str]] = attrgetter("mono_ms", "wall_ms", "err_ms", "source")


class Fact(Protocol):
    """At `mono_ms` of its boot it was `wall_ms`, give or take `err_ms`."""

    @property
    def mono_ms(self) -> int: ...
    @property
    def wall_ms(self) -> int: ...
    @property
    def err_ms(self) -> int: ...
    @property
    def source(self) -> str: ...


F = TypeVar("F", bound=Fact)
Indices = set[int]


@dataclass(frozen=True, slots=True)
class Verdict(Generic[F]):
    """Whom to believe and whom not, each in order of time; not `is_settled`: the others may be right."""

    believed: list[F]
    against: list[F]
    is_settled: bool = True


def agree(one: Fact, other: Fact) -> bool:
    """Whether both can be true: no further apart than their errors and what a crystal drifts between them."""
    apart = abs((one.wall_ms - one.mono_ms) - (other.wall_ms - other.mono_ms))
    return apart <= one.err_ms + other.err_ms + DRIFT * abs(one.mono_ms - other.mono_ms) + ROUNDED_MS


def judge(facts: Sequence[F]) -> Verdict[F]:
    """The weightiest of the sets that agree, whatever order the words are given in.

    Among equals the larger set counts, then the one with the surest word, then the one heard last.
    """
    facts = sorted(facts, key=_key)
    if _all_agree(facts):
        return Verdict(facts, [])
    sets = _sets(facts)
    best = max(sets, key=lambda it: _rank(facts, it))
    lead = min(_weight(facts, best - it) - _weight(facts, it - best) for it in sets if it != best)
    believed = [it for at, it in enumerate(facts) if at in best]
    against = [it for at, it in enumerate(facts) if at not in best]
    return Verdict(believed, against, lead >= LEAD)


def unbent(facts: list[F]) -> list[F]:
    """Of words in order of time those a crystal can go through, the surest first.

    Two may agree only because both are unsure: a line through them would be no crystal's, and make a training
    longer or shorter than it was.
    """
    if len(facts) < 2 or all(map(_is_straight, facts, facts[1:])):
        return facts
    kept: list[F] = []
    for it in sorted(facts, key=_surest):
        at = bisect_right(kept, _key(it), key=_key)
        if all(_is_straight(it, other) for other in kept[max(0, at - 1) : at + 1]):
            kept.insert(at, it)
    return kept


def _is_straight(one: Fact, other: Fact) -> bool:
    apart = abs((one.wall_ms - one.mono_ms) - (other.wall_ms - other.mono_ms))
    return apart <= DRIFT * abs(one.mono_ms - other.mono_ms) + ROUNDED_MS


def _all_agree(facts: Sequence[Fact]) -> bool:
    """Whether there is nothing to judge, as nearly always; of words in order of time."""
    low, high, at_ms = -inf, inf, 0
    for it in facts:
        mono_ms, err_ms = it.mono_ms, it.err_ms
        offset, drift = it.wall_ms - mono_ms, DRIFT * (mono_ms - at_ms)
        low, high, at_ms = low - drift, high + drift, mono_ms
        if offset - err_ms > high + ROUNDED_MS or offset + err_ms < low - ROUNDED_MS:
            return False
        if offset - err_ms > low:
            low = offset - err_ms
        if offset + err_ms < high:
            high = offset + err_ms
    return True


def _sets(facts: Sequence[Fact]) -> list[Indices]:
    """Sets of words that agree, one around each word that is in none yet, the surest first."""
    found: list[Indices] = []
    for at in sorted(range(len(facts)), key=lambda at: _surest(facts[at])):
        if not any(at in it for it in found):
            found.append(_agreeing(facts, at))
    return found


def _agreeing(facts: Sequence[Fact], seed: int) -> Indices:
    """A word and those around it that agree with all taken so far, the later ones first, then the earlier.

    What was taken leaves the true offset between a lowest and a highest value, which spread by the drift; so
    each word is compared once.
    """
    taken, at_ms, err_ms = {seed}, facts[seed].mono_ms, facts[seed].err_ms
    low = beyond_low = float(facts[seed].wall_ms - at_ms - err_ms)
    high = beyond_high = float(facts[seed].wall_ms - at_ms + err_ms)
    for ahead in (range(seed + 1, len(facts)), range(seed - 1, -1, -1)):
        for at in ahead:
            it = facts[at]
            drift, offset = DRIFT * abs(it.mono_ms - at_ms), it.wall_ms - it.mono_ms
            least, most = offset - it.err_ms, offset + it.err_ms
            if least <= high + drift + ROUNDED_MS and low <= most + drift + ROUNDED_MS:
                taken.add(at)
                low, high = max(low, least + drift), min(high, most - drift)
                beyond_low, beyond_high = max(beyond_low, least - drift), min(beyond_high, most + drift)
        low, high = beyond_low, beyond_high  # what the later ones leave at the seed, for the earlier
    return taken


def _weight(facts: Sequence[Fact], chosen: Iterable[int]) -> int:
    said = Counter(facts[at].source for at in chosen)
    return sum(WEIGHTS.get(source, WEIGHT) * min(n, COUNTED) for source, n in said.items())


def _rank(facts: Sequence[Fact], chosen: Indices) -> tuple[int, int, int, list[tuple[int, int, int, str]]]:
    """Of two sets the later in this order is believed; the last part settles what nothing else does."""
    latest_first = [_key(facts[at]) for at in sorted(chosen, reverse=True)]
    return _weight(facts, chosen), len(chosen), -min(facts[at].err_ms for at in chosen), latest_first


def _surest(it: Fact) -> tuple[int, int, int, str]:
    return it.err_ms, -it.mono_ms, -it.wall_ms, it.source
