"""The way between a hub and the cloud, as bad as a ground's: each request meets a fate drawn from the seed.

Requests may be lost, answered in vain, doubled, held and delivered minutes later, damaged, or answered by a
stranger. The bytes are the product's own; nothing here understands them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import httpx
import msgspec

from cloud.errors import ClubBusy
from sync import wire
from tests.sim.cloud_side import CloudSide
from tests.sim.direct import Answered, Asked
from tests.sim.line import Line
from tests.sim.side_by_side import CloudDied

IDLE_S = 20.0
FATES = (
    "lost", "answer lost", "doubled", "late", "request damaged", "answer damaged", "gateway", "portal",
    "cut short", "black hole", "cloud dies", "busy",
)  # fmt: skip
KEPT_MOST = 30


@dataclass(slots=True)
class Weather:
    """How often a request meets each fate; `share` 0 is a clear day."""

    share: float
    weights: dict[str, float]
    met: Counter[str] = field(default_factory=Counter)
    """How many requests met each fate so far."""

    def fate(self, rng: Random) -> str:
        fate = "arrives"
        if rng.random() < self.share:
            fate = rng.choices(list(self.weights), list(self.weights.values()))[0]
        self.met[fate] += 1
        return fate


def weather(rng: Random, fates: tuple[str, ...] = ()) -> Weather:
    """One day's weather: some fates common, others absent; foul, and only these, where fates are given."""
    if fates:
        return Weather(0.5, dict.fromkeys(fates, 1.0))
    chosen = sorted({"answer lost", "cloud dies", *rng.sample(FATES, rng.randint(2, len(FATES)))})
    return Weather(rng.choice((0.1, 0.3, 0.5)), {fate: rng.random() + 0.05 for fate in chosen})


class Link(Line):
    """One hub's line; whatever it holds back is delivered in its own time, or by `flush`."""

    def __init__(
        self, cloud: CloudSide, rng: Random, sky: Weather, is_down: Callable[[], bool] = lambda: False
    ) -> None:
        self.cloud, self.rng, self.sky, self._is_down = cloud, rng, sky, is_down
        self.under_way: set[asyncio.Task[Any]] = set()

    async def carry(self, asked: Asked) -> Answered:
        fate = "lost" if self._is_down() else self.sky.fate(self.rng)
        await asyncio.sleep(self._delay_s())
        if fate == "lost":
            raise httpx.ConnectError("no route to host")
        if fate == "black hole":
            await asyncio.sleep(IDLE_S)
            raise httpx.ReadTimeout("nothing heard")
        if fate == "late":
            self._deliver_later(asked, 1 + 80 * self.rng.random())
            await asyncio.sleep(IDLE_S)
            raise httpx.ReadTimeout("nothing heard")
        if fate in ("gateway", "portal"):
            return _page(502 if fate == "gateway" else 200)
        if fate == "busy":
            return _busy(self.rng.random() < 0.5)
        return await self._delivered(fate, asked)

    async def _delivered(self, fate: str, asked: Asked) -> Answered:
        if fate == "doubled":
            self._deliver_later(asked, 30 * self.rng.random())
        if fate == "request damaged" and asked.body:
            asked = replace(asked, body=_flipped(asked.body, self.rng))
        if fate == "cloud dies":
            self.cloud.database.dies_at = self.rng.choice((1, 2, 2))
        try:
            answer = await asyncio.shield(self._served(asked))
        except CloudDied:
            raise httpx.ReadError("connection reset") from None
        await asyncio.sleep(self._delay_s())
        if fate == "answer lost":
            raise httpx.ReadError("connection reset")
        if fate == "answer damaged" and answer.body:
            return replace(answer, body=_flipped(answer.body, self.rng))
        if fate == "cut short":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer

    def _served(self, asked: Asked) -> asyncio.Task[Answered]:
        """The cloud goes on with a request whether or not the hub is still there."""
        task = asyncio.create_task(self.cloud.serve(asked))
        self.under_way.add(task)
        task.add_done_callback(self._answered)
        return task

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self.under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits for it hears of it

    def _delay_s(self) -> float:
        return self.rng.choice((0.01, 0.05, 0.3, 2.0)) * self.rng.random()

    def _deliver_later(self, asked: Asked, after_s: float) -> None:
        async def deliver() -> None:
            await asyncio.sleep(after_s)
            try:
                await self.cloud.serve(asked)
            except CloudDied:
                return

        if len(self.under_way) < KEPT_MOST:
            task = asyncio.create_task(deliver())
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)


def _page(status: int) -> Answered:
    return Answered(status, {"content-type": "text/html"}, b"<html>Welcome to Stadium WiFi</html>")


def _busy(is_cloud: bool) -> Answered:
    """The cloud itself says that its club asks too much, or something before it that it is busy."""
    if not is_cloud:
        return Answered(503, {"retry-after": "5"}, b"busy")
    problem = wire.Problem(err=ClubBusy.err, err_class=ClubBusy.err_class)
    headers = {"content-type": "application/json", "retry-after": "5"}
    return Answered(429, headers, msgspec.json.encode(problem))


def _flipped(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
