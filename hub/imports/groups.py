"""Things that belong together, found from pairs that do: the same groups whatever the order of the pairs.

A pair never joins two groups that each hold an anchor (a session recorded live), so the strongest pair of
each thing decides which anchor it goes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two things that belong together; a smaller `weakness` is followed first."""

    weakness: tuple[int, int]
    one: str
    other: str


def groups(things: Iterable[str], pairs: Iterable[Pair], anchors: Set[str] = frozenset()) -> list[list[str]]:
    """Every thing in exactly one group; things sorted within a group, groups by their first."""
    home = {thing: thing for thing in things}
    anchored = {thing: thing in anchors for thing in home}

    def root(thing: str) -> str:
        while home[thing] != thing:
            home[thing] = home[home[thing]]
            thing = home[thing]
        return thing

    for pair in sorted(pairs):
        one, other = sorted((root(pair.one), root(pair.other)))
        if one != other and not (anchored[one] and anchored[other]):
            home[other] = one
            anchored[one] |= anchored[other]
    found: dict[str, list[str]] = {}
    for thing in sorted(home):
        found.setdefault(root(thing), []).append(thing)
    return sorted(found.values())
