"""The board's stream: one frame a tick, worded once, its bytes shared by every client.

It does no rendering per client and keeps no queue: a slow client skips frames, it never delays one.
Publishing and streaming happen on the one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from hub.board import BoardSnapshot
from hub.web.tiles import BoardView, board_view

LIFETIME_S = 600.0
RECONNECT_MS = 1000


def frame_bytes(seq: int, view: BoardView) -> bytes:
    """One server-sent event. Both roles see the same board, so one wording serves them."""
    frame = {
        "seq": seq,
        "key": view.key,
        "clock": view.clock,
        "top": [view.elapsed, view.fresh, view.unassigned, view.warning],
        "tiles": [tile.patch() for tile in view.tiles],
    }
    return b"id: %d\ndata: %s\n\n" % (seq, msgspec.json.encode(frame))


class Frames:
    """The newest frame and who waits for the next one."""

    def __init__(self) -> None:
        self._latest: bytes | None = None
        self._mailboxes: set[Mailbox] = set()

    def publish(self, snapshot: BoardSnapshot) -> None:
        """Word the snapshot once and hand the same bytes to every mailbox."""
        self._latest = frame_bytes(snapshot.seq, board_view(snapshot))
        for mailbox in self._mailboxes:
            mailbox.put(self._latest)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was published yet."""
        return self._latest is None

    @property
    def clients(self) -> int:
        """How many streams are open now."""
        return len(self._mailboxes)

    def open(self) -> Mailbox:
        """A mailbox that already holds the newest frame, if there is one."""
        mailbox = Mailbox()
        if self._latest is not None:
            mailbox.put(self._latest)
        self._mailboxes.add(mailbox)
        return mailbox

    def close(self, mailbox: Mailbox) -> None:
        """Forget a client that has gone."""
        self._mailboxes.discard(mailbox)


class Mailbox:
    """Room for one frame: a newer one replaces what was not fetched."""

    def __init__(self) -> None:
        self._frame: bytes | None = None
        self._arrived = asyncio.Event()

    def put(self, frame: bytes) -> None:
        """Replace whatever is waiting."""
        self._frame = frame
        self._arrived.set()

    async def take(self) -> bytes:
        """The newest frame not yet taken; waits for one."""
        await self._arrived.wait()
        self._arrived.clear()
        frame, self._frame = self._frame, None
        assert frame is not None
        return frame


async def stream(
    frames: Frames, stopping: asyncio.Event, *, lifetime_s: float = LIFETIME_S
) -> AsyncIterator[bytes]:
    """Frames for one client until its lifetime is over or the hub stops; then the browser reconnects."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + lifetime_s
    mailbox = frames.open()
    halt = asyncio.create_task(stopping.wait())
    take: asyncio.Task[bytes] | None = None
    try:
        yield b"retry: %d\n\n" % RECONNECT_MS
        while not stopping.is_set():
            take = take or asyncio.create_task(mailbox.take())
            left_s = ends_at - loop.time()
            done, _ = await asyncio.wait({take, halt}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if halt in done or take not in done:
                return
            frame, take = take.result(), None
            yield frame
    finally:
        frames.close(mailbox)
        for task in (halt, take):
            if task is not None:
                task.cancel()
