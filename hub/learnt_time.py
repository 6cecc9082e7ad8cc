"""What a person says to a time a file would tell a boot: believed, its sessions move at once; or taken back.

The anchor, the sessions that move and the files linked with them are one transaction. Whether a file can be
believed at all is found out where it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection

from hub.clock import Clock
from hub.imports import boot_time
from hub.rebasing import Moved, OffsetAt, correct
from hub.store import boots
from hub.store.database import Database
from hub.store.records import Moment


class LearntTime:
    """`moved` is called when sessions are elsewhere than before, `relink` of each as it moves."""

    def __init__(
        self, database: Database, clock: Clock, moment: Callable[[], Moment], offset_at: OffsetAt,
        relink: Moved, moved: Callable[[], None],
    ) -> None:  # fmt: skip
        self._database, self._clock, self._moment = database, clock, moment
        self._offset_at, self._relink, self._moved = offset_at, relink, moved

    async def answer(self, question_id: str, is_believed: bool) -> int:
        """Use a file's time for its boot, or leave it, or take it back; how many sessions moved.

        Raises NotFound.
        """
        settle = boot_time.take if is_believed else boot_time.leave

        def change(db: Connection) -> tuple[int | None, list[str]]:
            boot_no = settle(db, question_id)
            if boot_no is None:
                return None, []
            return boot_no, correct(db, self._moment(), self._offset_at, self._relink, (boot_no,))

        boot_no, gone = await self._database.write(change)
        if boot_no == self._clock.boot_no:
            now_ms = self._clock.mono_ms()
            known = await self._database.read(lambda db: boots.best_anchor(db, self._clock.boot_no, now_ms))
            self._clock.begin_anew(known)
        if gone:
            self._moved()
        return len(gone)
