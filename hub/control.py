"""The door through which commands on the same machine reach a running hub.

It listens on loopback at a port written, with a secret, to a file only the hub's owner can read; it is
not for tablets and knows no pages. One question is a line of JSON, bytes of a file may follow.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.errors import HubError

Verb = Callable[[dict[str, Any], bytes], Awaitable[dict[str, Any]]]
MOST_BYTES = 96 << 20
ANSWER_S = 120.0


class ControlDoor:
    """Answers the named verbs until closed."""

    def __init__(self, path: Path, verbs: dict[str, Verb]) -> None:
        self._path, self._verbs, self._secret = path, verbs, secrets.token_urlsafe(32)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, and leave a note of where."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        note = json.dumps({"port": port, "secret": self._secret})
        draft = self._path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(note)
        draft.replace(self._path)

    async def close(self) -> None:
        """Stop listening and take the note away."""
        self._path.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = json.loads(await reader.readline())
            if not self._is_known(question) or (size := int(question.get("size", 0))) > MOST_BYTES:
                return
            answer = await self._answer(question, await reader.readexactly(size))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ValueError, TypeError, asyncio.IncompleteReadError, ConnectionError):
            pass  # a caller that hung up or does not speak this
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _is_known(self, question: object) -> bool:
        secret = question.get("secret") if isinstance(question, dict) else None
        return isinstance(secret, str) and hmac.compare_digest(secret.encode(), self._secret.encode())

    async def _answer(self, question: dict[str, Any], data: bytes) -> dict[str, Any]:
        verb = self._verbs.get(str(question.get("verb")))
        if verb is None:
            return {"error": "The running hub does not know this command.", "hint": "Restart the hub."}
        try:
            return await verb(question, data)
        except HubError as error:
            return {"error": str(error), "hint": error.hint}


def ask(path: Path, verb: str, data: bytes = b"", **fields: object) -> dict[str, Any] | None:
    """Ask the running hub; None where none runs on this data folder, or it hung up. Blocks."""
    try:
        note = json.loads(path.read_text())
        with socket.create_connection(("127.0.0.1", note["port"]), timeout=ANSWER_S) as connection:
            question = {"verb": verb, "secret": note["secret"], "size": len(data), **fields}
            connection.sendall(json.dumps(question).encode() + b"\n" + data)
            with connection.makefile("rb") as lines:
                answer = lines.readline()
        return json.loads(answer) if answer else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
