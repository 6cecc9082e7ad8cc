"""How many straps nobody wears a session takes in: the squad's always, of strangers only so many.

A crowd of made-up straps must not fill the store and the outbox. It judges no reading.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hub.domain import Reading

log = logging.getLogger(__name__)

MOST_STRANGERS = 128
"""Straps without a wearer whose readings one session keeps, to be given to somebody later."""


class Admission:
    """Stands before whoever takes readings; `session_id` is that of the running session or None."""

    def __init__(
        self,
        take: Callable[[Reading], None],
        is_ours: Callable[[str], bool],
        session_id: Callable[[], str | None],
    ) -> None:
        self._take, self._is_ours, self._session_id = take, is_ours, session_id
        self._session: str | None = None
        self._strangers: set[str] = set()
        self.turned_away = 0

    def hear(self, reading: Reading) -> None:
        """Hand a reading on, unless it is of one stranger too many."""
        session = self._session_id()
        if session != self._session:
            self._session, self.turned_away = session, 0
            self._strangers.clear()
        strap_id = reading.strap_id
        if session is not None and strap_id not in self._strangers and not self._is_ours(strap_id):
            if len(self._strangers) >= MOST_STRANGERS:
                self._turn_away(strap_id)
                return
            self._strangers.add(strap_id)
        self._take(reading)

    def _turn_away(self, strap_id: str) -> None:
        if self.turned_away == 0:
            words = "%d straps nobody wears are in the air; %s and more are left out"
            log.warning(words, MOST_STRANGERS, strap_id)
        self.turned_away += 1
