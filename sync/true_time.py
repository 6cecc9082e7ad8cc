"""A boot's wall time as a view through what is known of it: anchors, and straight lines between them.

Pure, and the same on a hub and in the cloud. It decides nothing about what is moved when the view does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic

from sync import witnesses
from sync.witnesses import F, Fact, judge, unbent

DRIFT = witnesses.DRIFT
agree = witnesses.agree
WANDER = DRIFT / 10
"""Between two anchors the drift itself is known, and only its change with the warmth of the day is not."""
TAKEN_BACK_MS = 1 << 50
"""An anchor that is wrong by so much was taken back: facts are never deleted, and this one says nothing."""
GIVES_WAY = {"hello": 1, "gps": 2, "tablet": 3, "system": 4}
"""Sources that give way to every other, in this order: a greeting heard by the cloud is late by its way
there, a file's GPS time is inferred, a tablet guesses, and the system's own word is nobody's."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
AGAIN_MS = 60_000
"""Where words contradict one another, a source's next one is kept so soon."""
EACH_HOUR_FOR_MS = 2 * DAY_MS
THINNED = ("ntp", "cloud", "hello")


def grown_ms(fact: Fact, mono_ms: int) -> float:
    """How far an anchor may be wrong about another moment of its boot."""
    return fact.err_ms + DRIFT * abs(mono_ms - fact.mono_ms)


@dataclass(frozen=True, slots=True)
class View(Generic[F]):
    """What a boot's time is seen through, `told`, of what is `believed` of it, and what contradicts that.

    All are in order of time. Where it is not `is_settled` whom to believe, the others may be right.
    """

    told: list[F]
    believed: list[F]
    against: list[F]
    is_settled: bool


def view(facts: Sequence[F]) -> View[F]:
    """One boot's, by its anchors of the source that is believed before the others.

    What gives way to that contradicts nobody. What is told is believed, no other knows its moment better, and
    a crystal can have gone from one to the next.
    """
    standing = [it for it in facts if it.err_ms < TAKEN_BACK_MS]
    ways = {it.source: 0 for it in standing}
    surest = min((GIVES_WAY.get(source, 0) for source in ways), default=0)
    known = [source for source in ways if GIVES_WAY.get(source, 0) == surest]
    judged = judge([it for it in standing if it.source in known] if len(known) < len(ways) else standing)
    told = unbent(_not_known_better(_not_known_better(judged.believed)[::-1])[::-1])
    return View(told, judged.believed, judged.against, judged.is_settled)


def telling(facts: Sequence[F]) -> list[F]:
    """Of one boot's anchors those its view goes through, in order of time."""
    return view(facts).told


def _not_known_better(facts: list[F]) -> list[F]:
    """Without those of which one before them in the row is surer even from there."""
    kept: list[F] = []
    best, at_ms = inf, 0
    for it in facts:
        best, at_ms = best + DRIFT * abs(it.mono_ms - at_ms), it.mono_ms
        if it.err_ms <= best:
            kept.append(it)
            best = it.err_ms
    return kept


def best_at(facts: Sequence[F], mono_ms: int) -> F | None:
    """Of telling anchors the surest about a moment, the newest among equals."""
    return min(facts, key=lambda it: (grown_ms(it, mono_ms), -it.mono_ms), default=None)


def wall_at(facts: Sequence[Fact], mono_ms: int) -> int:
    """Epoch ms of a moment by one boot's telling anchors, at least one: by the nearest, or on the line
    between its neighbours."""
    at = bisect_right(facts, mono_ms, key=lambda it: it.mono_ms)
    if at == 0 or at == len(facts):
        nearest = facts[0] if at == 0 else facts[-1]
        return nearest.wall_ms + mono_ms - nearest.mono_ms
    before, after = facts[at - 1], facts[at]
    share = (mono_ms - before.mono_ms) / (after.mono_ms - before.mono_ms)
    return round(before.wall_ms + share * (after.wall_ms - before.wall_ms))


def err_at(facts: Sequence[Fact], mono_ms: int) -> float:
    """How far `wall_at` may be wrong, in ms."""
    at = bisect_right(facts, mono_ms, key=lambda it: it.mono_ms)
    if at == 0 or at == len(facts):
        return grown_ms(facts[0] if at == 0 else facts[-1], mono_ms)
    before, after = facts[at - 1], facts[at]
    nearer_ms = min(mono_ms - before.mono_ms, after.mono_ms - mono_ms)
    return max(before.err_ms, after.err_ms) + WANDER * nearer_ms


def apart_ms(seen: View[F]) -> int:
    """How far the words of one boot contradict what is believed of it, at most; 0 where none does."""
    return max((abs(it.wall_ms - wall_at(seen.told, it.mono_ms)) for it in seen.against), default=0)


def doubt_at(seen: View[F], mono_ms: int) -> float:
    """How far a boot's time may be wrong, in ms: where it is not settled whom to believe, so far that the
    others may be right."""
    known = err_at(seen.told, mono_ms)
    if seen.is_settled:
        return known
    others = (abs(it.wall_ms - wall_at(seen.told, it.mono_ms)) + grown_ms(it, mono_ms) for it in seen.against)
    return max(*others, 0.0) + known


def shift_ms(
    from_boot: int, here: Sequence[Fact], to_boot: int, there: Sequence[Fact], near_ms: int | None = None
) -> int | None:
    """What to add to one boot's times for the same moments on another's clock; None where either is unknown.

    `here` and `there` are their telling anchors; boot 0 is the civil clock and needs none. What spans two
    boots lies at the end of the earlier and at the beginning of the later, so there the shift is right: it
    does not move as a running boot learns more. Against the civil clock it is right at `near_ms` of the boot.
    """
    here_ms = _offset_ms(from_boot, here, to_boot, near_ms)
    there_ms = _offset_ms(to_boot, there, from_boot, near_ms)
    return None if here_ms is None or there_ms is None else here_ms - there_ms


def _offset_ms(boot_no: int, facts: Sequence[Fact], other_boot: int, near_ms: int | None) -> int | None:
    if boot_no == 0:
        return 0
    if not facts:
        return None
    if other_boot == 0 and near_ms is not None:
        return wall_at(facts, near_ms) - near_ms
    edge = facts[-1] if boot_no < other_boot else facts[0]
    return edge.wall_ms - edge.mono_ms


def is_worth_keeping(facts: Sequence[Fact], new: Fact) -> bool:
    """Whether a new anchor at least halves how unsure its moment is by a boot's anchors that agree with it.

    Their age counts in whole hours, so that it is about one an hour however often the cloud is greeted; where
    the hub is sure to a second only, the next may be hours away. Where words contradict one another, the
    first of a source is news at once, and its second one a minute later settles whether it was a slip.
    """
    alike = [it for it in facts if agree(it, new)]
    if len(alike) < len(facts) and sum(it.source == new.source for it in alike) < witnesses.COUNTED:
        said_at = (it.mono_ms for it in facts if it.source == new.source)
        return all(abs(new.mono_ms - it) >= AGAIN_MS for it in said_at)
    known = min(
        (it.err_ms + DRIFT * HOUR_MS * (abs(new.mono_ms - it.mono_ms) // HOUR_MS) for it in telling(alike)),
        default=inf,
    )
    return 2 * new.err_ms <= known


def to_forget(facts: Sequence[F]) -> list[F]:
    """What of a boot's anchors may be forgotten: of all two days older than the newest, the surest of each
    day stays, and the very first; of those that are contradicted likewise. A boot of a year so keeps some
    four hundred. What was read off a file or a tablet stays, for it may be taken back.
    """
    seen = view(facts)
    told = seen.told
    if not told:
        return []
    until_day = (told[-1].mono_ms - EACH_HOUR_FOR_MS) // DAY_MS
    kept = _one_a_day(told) | _one_a_day(seen.against)
    old = (it for it in facts if it.source in THINNED and it.mono_ms // DAY_MS < until_day)
    return [it for it in old if it.mono_ms not in kept]


def _one_a_day(facts: Sequence[Fact]) -> set[int]:
    """When the first of them was said, and the surest of each day."""
    surest: dict[int, Fact] = {}
    for it in facts[1:]:
        known = surest.setdefault(it.mono_ms // DAY_MS, it)
        if it.err_ms < known.err_ms:
            surest[it.mono_ms // DAY_MS] = it
    return {it.mono_ms for it in (*facts[:1], *surest.values())}
