"""A long change written so that it can be parted: where it yields, what was done so far may be committed.

It knows no database; Database.write_in_steps parts such a change, `at_once` makes all of it in one go.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]


def at_once(steps: Steps[T]) -> T:
    """The whole change inside the caller's transaction; its answer."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def in_pieces(things: Iterable[T], n: int) -> Iterator[Sequence[T]]:
    """At most `n` things at a time, in their order."""
    left = iter(things)
    while piece := list(islice(left, n)):
        yield piece
