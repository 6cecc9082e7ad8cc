"""An upload may take longer than the idle time as long as it gets on; one that does not is given up."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from unittest import mock

import msgspec
import pytest

from sync import client, wire
from sync.client import CloudClient
from sync.digest import content_digest
from sync.errors import CloudUnreachable

IDLE_S = 1.5
BODY_BYTES = 512 << 10
READ_BYTES = 32 << 10


async def answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event, pause_s: float
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    got = 0
    while got < BODY_BYTES:
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), pause_s)
            return
        got += len(await reader.read(READ_BYTES))
    body = msgspec.json.encode(wire.SegmentResponse(stored=[]))
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}content-digest: {content_digest(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def sent_to(pause_s: float) -> float:
    """Seconds an upload takes to a server that reads 32 KiB and then rests for so long."""
    over, listening = asyncio.Event(), socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 10)
    listening.bind(("127.0.0.1", 0))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answered(reader, writer, over, pause_s)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, sock=listening, limit=READ_BYTES)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    began = time.monotonic()
    try:
        with mock.patch.object(client, "IDLE_S", IDLE_S):
            async with CloudClient(url, "hub-1", bytes(32)) as cloud:
                cloud._token = "token"
                await cloud.send_samples(bytes(BODY_BYTES), wire.FRAMES)
    finally:
        server.close()
        over.set()
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def test_an_upload_that_gets_on_is_waited_for() -> None:
    assert asyncio.run(sent_to(0.12)) > IDLE_S


def test_an_upload_that_stands_still_is_given_up() -> None:
    with pytest.raises(CloudUnreachable):
        asyncio.run(asyncio.wait_for(sent_to(30.0), 10))
