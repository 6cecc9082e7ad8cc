"""A limit of speed people set: bytes wait until as many may pass.

It measures no link; without a limit nothing ever waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

PIECE_BYTES = 8 << 10
_BURST_S = 0.25


class Throttle:
    """`kbit_s` may be changed while bytes wait; None is no limit. It counts both directions together."""

    def __init__(self, kbit_s: int | None = None) -> None:
        self.kbit_s = kbit_s
        self._free_at_s = 0.0

    async def passed(self, size: int) -> None:
        """Wait so long that `size` bytes more keep to the limit, on average over a quarter of a second."""
        if self.kbit_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        self._free_at_s = max(self._free_at_s, now_s - _BURST_S) + size * 8 / (self.kbit_s * 1000)
        if self._free_at_s > now_s:
            await asyncio.sleep(self._free_at_s - now_s)

    async def pieces(self, content: bytes) -> AsyncIterator[bytes]:
        """The content in pieces, each when it may go; small, so that a slow link still shows progress."""
        for at in range(0, len(content), PIECE_BYTES):
            piece = content[at : at + PIECE_BYTES]
            await self.passed(len(piece))
            yield piece
