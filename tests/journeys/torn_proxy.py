"""A link that tears, between real processes: TCP cut after so many bytes, or HTTP with a fate a request.

It runs on a thread of its own and counts what passes both ways. Everything it does comes from its seed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

CHUNK = 1460  # a packet
FATES = (
    "arrives", "request cut", "answer cut", "delayed", "doubled", "replayed late", "request damaged",
    "answer damaged", "gateway", "short answer", "portal", "black hole",
)  # fmt: skip
PORTAL = b"<html><body>Welcome to Stadium WiFi. Please accept our terms.</body></html>"


class Pace:
    """A link's one-way capacity: whoever sends waits until its bytes are through."""

    def __init__(self, bytes_per_s: float | None) -> None:
        self._bytes_per_s, self._free_at_s = bytes_per_s, 0.0

    async def pass_on(self, size: int) -> None:
        """Wait as long as `size` bytes take behind those already under way."""
        if self._bytes_per_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        self._free_at_s = max(self._free_at_s, now_s) + size / self._bytes_per_s
        await asyncio.sleep(self._free_at_s - now_s)


class TornProxy:
    """A proxy to 127.0.0.1:`target_port`; `with` starts and ends it.

    `cut_every_bytes` resets each connection after an exponentially distributed number of bytes of that mean.
    `fates` gives each HTTP request in turn one of FATES, and "arrives" when they are used up.
    `kbit_s` and `delay_s` shape each direction. `bytes_up` and `bytes_down` got through; `handed_up` and
    `handed_down` were given to the link, what a cut then swallowed among them.
    """

    def __init__(
        self,
        target_port: int,
        seed: int,
        *,
        cut_every_bytes: float | None = None,
        fates: list[str] | None = None,
        kbit_s: float | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self._target, self.rng = target_port, Random(seed)
        self.cut_every_bytes, self.fates, self._delay_s = cut_every_bytes, fates, delay_s
        rate = None if kbit_s is None else kbit_s * 1000 / 8
        self._up, self._down = Pace(rate), Pace(rate)
        self.bytes_up = self.bytes_down = self.handed_up = self.handed_down = self.cuts = 0
        self.met: Counter[str] = Counter()
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        handler = self._pumped if self.fates is None else self._judged
        server = await asyncio.start_server(self._safely(handler), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _safely(
        self, handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
            writer.transport.abort()

        return handled

    # --- raw: shaped, and cut by bytes

    async def _pumped(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._target)
        every = self.cut_every_bytes
        left = [1 << 60 if every is None else 1 + round(self.rng.expovariate(1 / every))]
        both = [
            asyncio.create_task(self._pump(near_in, far_out, self._up, left, is_up=True)),
            asyncio.create_task(self._pump(far_in, near_out, self._down, left, is_up=False)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            far_out.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pace: Pace,
        left: list[int],
        *,
        is_up: bool,
    ) -> None:
        while data := await source.read(CHUNK):
            if is_up:
                self.handed_up += len(data)
            else:
                self.handed_down += len(data)
            data = data[: left[0]]
            left[0] -= len(data)
            await pace.pass_on(len(data))
            if is_up:
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)
            if self._delay_s:
                self._later(self._delay_s, sink, data)
            else:
                sink.write(data)
                await sink.drain()
            if left[0] <= 0:
                self.cuts += 1
                return
        await asyncio.sleep(self._delay_s)

    @staticmethod
    def _later(delay_s: float, sink: asyncio.StreamWriter, data: bytes) -> None:
        def write() -> None:
            if not sink.transport.is_closing():
                sink.write(data)

        asyncio.get_running_loop().call_later(delay_s, write)

    # --- HTTP: a fate for each request

    async def _judged(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        while True:
            head, body = await _message(near_in)
            self.bytes_up += len(head) + len(body)
            fate = self.fates.pop(0) if self.fates else "arrives"
            self.met[fate] += 1
            answer = await self._answer(fate, head, body)
            if answer is None:
                return
            self.bytes_down += len(answer)
            near_out.write(answer)
            await near_out.drain()
            if fate in ("answer cut", "short answer", "gateway", "portal"):
                return

    async def _answer(self, fate: str, head: bytes, body: bytes) -> bytes | None:
        """What goes back, None for a reset."""
        if fate == "black hole":
            await asyncio.sleep(3600)
        if fate == "gateway":
            return _page(b"502 Bad Gateway", b"<h1>502</h1>")
        if fate == "portal":
            return _page(b"200 OK", PORTAL)
        if fate == "request cut":
            await self._cut_off(head + body)
            return None
        if fate == "replayed late":
            self._replay(head, body, 2 + 4 * self.rng.random())
            return None
        if fate == "delayed":
            await asyncio.sleep(0.5 + self.rng.random())
        if fate == "doubled":
            self._replay(head, body, 0.0)
        if fate == "request damaged" and body:
            body = self._flipped(body)
        far_head, far_body = await self._asked(head, body)
        if fate == "answer damaged" and far_body:
            far_body = self._flipped(far_body)
        whole = far_head + far_body
        if fate == "answer cut":
            return whole[: self.rng.randrange(1, len(whole))]
        if fate == "short answer" and far_body:
            return _with_length(far_head, len(far_body) // 2) + far_body[: len(far_body) // 2]
        return whole

    async def _asked(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            far_out.write(head + body)
            await far_out.drain()
            return await _message(far_in)
        finally:
            far_out.transport.abort()

    async def _cut_off(self, whole: bytes) -> None:
        """The far side sees the beginning of the request and then nothing more."""
        _, far_out = await asyncio.open_connection("127.0.0.1", self._target)
        far_out.write(whole[: self.rng.randrange(1, len(whole))])
        await far_out.drain()
        far_out.close()

    def _replay(self, head: bytes, body: bytes, after_s: float) -> None:
        async def replayed() -> None:
            await asyncio.sleep(after_s)
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._asked(head, body)

        task = asyncio.create_task(replayed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flipped(self, data: bytes) -> bytes:
        at = self.rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self.rng.randrange(8))]) + data[at + 1 :]


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one HTTP message with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


def _with_length(head: bytes, length: int) -> bytes:
    lines = [
        b"content-length: %d" % length if line.lower().startswith(b"content-length:") else line
        for line in head.split(b"\r\n")
    ]
    return b"\r\n".join(lines)


def _page(status: bytes, words: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        len(words),
        words,
    )
