"""The cloud as hubs see it: its own routes, gate, rules and SQL, on a database in memory and made-up time.

Left out are pages, the worker of loads and the schedule, which no hub waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock
from uuid import UUID

from litestar import Litestar

from cloud import accounts, clock
from cloud.api import api_router
from cloud.callers import ApiParts
from cloud.limits import TryLimit
from cloud.turns import never
from sync.client import enrol
from tests.sim import direct
from tests.sim.direct import Answered, Asked
from tests.sim.line import Line
from tests.sim.memory_postgres import Memory
from tests.sim.shelf import Shelf
from tests.sim.side_by_side import CloudDied, MemoryDatabase

EPOCH_MS = 1_795_000_000_000
CLUB = "Rovers"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A club in the cloud and the hubs that joined it."""

    clouds: Shelf
    club_id: str
    hubs: tuple[tuple[str, bytes], ...]


@lru_cache(maxsize=1)
def app() -> Litestar:
    """The routes, built once; each world puts its own parts in."""
    return Litestar([api_router()], logging_config=None, openapi_config=None)


class DyingDatabase(MemoryDatabase):
    """A database whose process may end just before a commit, when told to, and all it was doing with it."""

    dies_at = 0
    """The commit, counted from now, at which the process dies; 0 never."""

    def before_commit(self) -> None:
        if self.dies_at:
            self.dies_at -= 1
            if self.dies_at == 0:
                self.die()
                raise CloudDied


class CloudSide:
    """One cloud; `serve` answers a request, through the framework where it `is_whole`."""

    def __init__(
        self, memory: Memory, on_commit: Callable[[], None] | None = None, *, is_whole: bool = True
    ) -> None:
        self.memory, self._is_whole = memory, is_whole
        self.database = DyingDatabase(memory, on_commit)
        self._parts = ApiParts(cast(Any, self.database), lambda: None, TryLimit(1000, 600))
        self.faults: list[str] = []
        self.requests = 0

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look behind the service, at what is committed."""
        self.database.settle()
        return self.memory.sqlite.execute(sql, values).fetchall()

    async def serve(self, asked: Asked) -> Answered:
        """The service's answer. Raises CloudDied when its process ended over it or another's request."""
        self.requests += 1
        life = self.database.lives
        service = app()
        service.state.database = self.database
        service.state.api = self._parts
        answer = None if self._is_whole else await direct.answer(service, asked)
        if answer is None:
            answer = await _the_whole_way(service, asked)
        self.database.dies_at = 0
        if self.database.lives != life:
            raise CloudDied
        if answer.status_code == 500:
            self.faults.append(f"{asked.method} {asked.path}: {answer.body[:300]!r}")
        return answer


async def _the_whole_way(service: Litestar, asked: Asked) -> Answered:
    answer: dict[str, Any] = {"body": b""}

    events = [{"type": "http.request", "body": asked.body, "more_body": False}]

    async def receive() -> Any:
        return events.pop() if events else await never()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer["start"] = message
        else:
            answer["body"] += message.get("body", b"")

    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked.method,
        "headers": [(name.encode(), value.encode()) for name, value in asked.headers.items()],
        "path": asked.path, "raw_path": asked.path.encode(), "query_string": asked.query.encode(),
        "scheme": "https", "server": ("cloud.test", 443), "client": ("hub", 1), "root_path": "", "state": {},
    }  # fmt: skip
    await service(scope, receive, send)
    headers = {name.decode().lower(): value.decode() for name, value in answer["start"]["headers"]}
    return Answered(answer["start"]["status"], headers, answer["body"])


class Clear(Line):
    """A line without faults."""

    def __init__(self, cloud: CloudSide) -> None:
        self._cloud = cloud

    async def carry(self, asked: Asked) -> Answered:
        return await self._cloud.serve(asked)


def cloud_time(now_s: Callable[[], float]) -> Any:
    """For `cloud.clock.time`: the world's time."""
    return SimpleNamespace(time_ns=lambda: (EPOCH_MS + round(now_s() * 1000)) * 1_000_000)


@lru_cache(maxsize=1)
def enrolled(hubs: int = 3) -> Enrolled:
    """A cloud with a club and its hubs, enrolled the usual way."""

    async def story() -> Enrolled:
        cloud = CloudSide(Memory.migrated())
        async with cloud.database.transaction() as db:
            club = await accounts.ensure_club(db, CLUB, clock.now_ms())  # type: ignore[arg-type]
        joined = []
        for number in range(hubs):
            async with cloud.database.transaction() as db:
                code = await accounts.new_claim_code(db, club, clock.now_ms())  # type: ignore[arg-type]
            seed = Random(number).randbytes(32)
            answer = await enrol("https://cloud.test", seed, code, transport=Clear(cloud))
            joined.append((answer.hub_id, seed))
        return Enrolled(Shelf(cloud.memory.content()), club.club_id, tuple(joined))

    ids = [UUID(int=number) for number in range(1, 50)]
    with (
        mock.patch.object(clock, "time", cloud_time(lambda: 0.0)),
        mock.patch("uuid.uuid4", side_effect=ids),
        asyncio.Runner() as runner,
    ):
        return runner.run(story())
