"""What the cloud's Postgres holds, asked beside the running cloud."""

from __future__ import annotations

from typing import Any

import psycopg

from cloud.config import CloudSettings
from cloud.store.embedded import embedded_server
from tests.journeys.world import Ground

COUNTED = ("change_log", "row_state", "segment", "dead_letter", "session_load")


class CloudView:
    """Questions to the embedded server of a ground's cloud."""

    def __init__(self, ground: Ground) -> None:
        self._postgres = CloudSettings.from_env(ground.env).postgres_dir

    def _ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with embedded_server(self._postgres) as url, psycopg.connect(url) as db:
            return db.execute(question.encode(), values).fetchall()

    def months_pass(self, days: int, silent_hub: str) -> None:
        """Everything in the feed, and what was last heard of one hub, is that much longer ago."""
        ms = days * 86_400_000
        self._ask("UPDATE change_log SET stamp_ms = stamp_ms - %s RETURNING seq", ms)
        heard = "UPDATE hub SET seen_ms = seen_ms - %s WHERE hub_id = %s RETURNING hub_id"
        assert self._ask(heard, ms, silent_hub) == [(silent_hub,)]

    def read_by(self, hub_id: str) -> int:
        """How far a hub has read the feed, as it said last."""
        return int(self._ask("SELECT pull_cursor FROM hub WHERE hub_id = %s", hub_id)[0][0])

    def is_forgotten(self, seq: int) -> bool:
        """Whether the feed holds nothing up to an entry any more."""
        return not self._ask("SELECT seq FROM change_log WHERE seq <= %s", seq)

    def count(self, table: str) -> int:
        """Rows in one of the tables that must not grow by repetition."""
        assert table in COUNTED
        return int(self._ask(f"SELECT count(*) FROM {table}")[0][0])

    def everything(self) -> dict[str, int]:
        """All counts."""
        return {table: self.count(table) for table in COUNTED}

    def rows(self, tbl: str) -> list[str]:
        """Primary keys of one kind of record."""
        return [row[0] for row in self._ask("SELECT pk FROM row_state WHERE tbl = %s ORDER BY pk", tbl)]

    def held(self) -> list[tuple[str, str]]:
        """What came from hubs: every record by its kind and key, every recording by its id."""
        rows = self._ask(
            "SELECT tbl, pk FROM row_state WHERE tbl <> 'insight'"
            " UNION ALL SELECT 'recording', encode(seg_id, 'hex') FROM segment ORDER BY 1, 2"
        )
        return [(str(tbl), str(pk)) for tbl, pk in rows]

    def put_away_as_erased(self) -> list[tuple[str, str]]:
        """Records that say of an edit that it was put away, refused for being about somebody erased."""
        return [
            ("refused_edit", row[0])
            for row in self._ask("SELECT op_id FROM dead_letter WHERE code = 'erased'")
        ]

    def loads(self, session_id: str) -> dict[str, float | None]:
        """Banister AU by athlete, as the cloud computed it."""
        rows = self._ask("SELECT athlete_id, banister_au FROM session_load WHERE session_id = %s", session_id)
        return {row[0]: row[1] for row in rows}

    def hub_ops(self) -> list[str]:
        """Ids of every op a hub sent and the club's feed holds."""
        return [str(row[0]) for row in self._ask("SELECT op_id FROM change_log WHERE hub_id IS NOT NULL")]

    def segments(self) -> dict[bytes, bytes]:
        """Every segment's payload by its id."""
        return {bytes(row[0]): bytes(row[1]) for row in self._ask("SELECT seg_id, payload FROM segment")}
