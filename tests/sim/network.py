"""The way between a hub and the cloud, as bad as a ground's: each request meets a fate drawn from the seed.

Requests may be lost, answered in vain, doubled, held and delivered minutes later, damaged, or answered by a
stranger. The bytes are the product's own; nothing here understands them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

import httpx

from tests.sim.cloud_side import CloudDied, CloudSide

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

    def fate(self, rng: Random) -> str:
        if rng.random() >= self.share:
            return "arrives"
        return rng.choices(list(self.weights), list(self.weights.values()))[0]


def weather(rng: Random) -> Weather:
    """One day's weather: some fates common, others absent."""
    chosen = sorted({"answer lost", "cloud dies", *rng.sample(FATES, rng.randint(2, len(FATES)))})
    return Weather(rng.choice((0.1, 0.3, 0.5)), {fate: rng.random() + 0.05 for fate in chosen})


class Link(httpx.AsyncBaseTransport):
    """One hub's line; whatever it holds back is delivered in its own time, or by `flush`."""

    def __init__(self, cloud: CloudSide, rng: Random, sky: Weather) -> None:
        self.cloud, self.rng, self.sky = cloud, rng, sky
        self.under_way: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        fate = self.sky.fate(self.rng)
        await asyncio.sleep(self._delay_s())
        if fate == "lost":
            raise httpx.ConnectError("no route to host")
        if fate == "black hole":
            await asyncio.sleep(IDLE_S)
            raise httpx.ReadTimeout("nothing heard")
        if fate == "late":
            self._deliver_later(request, body, 1 + 120 * self.rng.random())
            await asyncio.sleep(IDLE_S)
            raise httpx.ReadTimeout("nothing heard")
        if fate in ("gateway", "portal"):
            return _page(502 if fate == "gateway" else 200)
        if fate == "busy":
            return httpx.Response(503, headers={"retry-after": "5"}, stream=httpx.ByteStream(b"busy"))
        return await self._delivered(fate, request, body)

    async def _delivered(self, fate: str, request: httpx.Request, body: bytes) -> httpx.Response:
        if fate == "doubled":
            self._deliver_later(request, body, 30 * self.rng.random())
        if fate == "request damaged" and body:
            body = _flipped(body, self.rng)
        if fate == "cloud dies":
            self.cloud.database.dies_at = self.rng.choice((1, 2, 2))
        try:
            answer = await self.cloud.serve(request, body)
        except CloudDied:
            raise httpx.ReadError("connection reset") from None
        await asyncio.sleep(self._delay_s())
        if fate == "answer lost":
            raise httpx.ReadError("connection reset")
        content = await answer.aread()
        if fate == "answer damaged" and content:
            content = _flipped(content, self.rng)
        if fate == "cut short":
            content = content[: len(content) // 2]
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(content)
        )

    def _delay_s(self) -> float:
        return self.rng.choice((0.01, 0.05, 0.3, 2.0)) * self.rng.random()

    def _deliver_later(self, request: httpx.Request, body: bytes, after_s: float) -> None:
        async def deliver() -> None:
            await asyncio.sleep(after_s)
            try:
                await self.cloud.serve(request, body)
            except CloudDied:
                return

        if len(self.under_way) < KEPT_MOST:
            task = asyncio.create_task(deliver())
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)


def _page(status: int) -> httpx.Response:
    words = b"<html>Welcome to Stadium WiFi</html>"
    return httpx.Response(status, headers={"content-type": "text/html"}, stream=httpx.ByteStream(words))


def _flipped(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
