"""Fifty rows a page by place: behind a row or before it, so that a page stays while rows come and go.

It numbers no pages, and a place need not be that of a row that is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

A_PAGE = 50
Row = TypeVar("Row")


class Ask(Protocol[Row]):
    """Up to `most` rows behind a place in order, "" the start; `is_back`: before it, the nearest first."""

    async def __call__(self, place: str, most: int, *, is_back: bool = False) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of rows, with the places that the links before and behind it name, "" where there is none."""

    rows: list[Row]
    before: str
    after: str


async def page(
    ask: Ask[Row], place_of: Callable[[Row], str], *, after: str = "", before: str = ""
) -> Page[Row]:
    """The rows behind or before a place; the first where none is named, or there is nothing of the kind."""
    rows = (await ask(before, A_PAGE, is_back=True))[::-1] if before else []
    if len(rows) < A_PAGE:
        rows = [] if before else await ask(after, A_PAGE)
        rows = rows or await ask("", A_PAGE)
    if not rows:
        return Page([], "", "")
    first, last = place_of(rows[0]), place_of(rows[-1])
    has_earlier = await ask(first, 1, is_back=True)
    has_later = await ask(last, 1)
    return Page(rows, first if has_earlier else "", last if has_later else "")
