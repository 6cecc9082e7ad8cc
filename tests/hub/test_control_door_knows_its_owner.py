"""The door for commands answers whoever holds its note, and nobody else."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hub.control import MOST_BYTES, ControlDoor, ask
from hub.errors import ActionRefused

T = TypeVar("T")


async def _echo(question: dict[str, Any], data: bytes) -> dict[str, Any]:
    return {"name": question.get("name"), "size": len(data)}


async def _refuse(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
    raise ActionRefused("the ground is closed.", hint="Come back tomorrow.")


def beside_a_door(path: Path, work: Coroutine[Any, Any, T]) -> T:
    async def story() -> T:
        door = ControlDoor(path, {"echo": _echo, "refuse": _refuse})
        await door.open()
        try:
            return await work
        finally:
            await door.close()

    return asyncio.run(story())


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "control.json"


def test_a_command_gets_its_answer_and_may_bring_bytes(note: Path) -> None:
    data = bytes(3_000_000)
    answer = beside_a_door(note, asyncio.to_thread(ask, note, "echo", data, name="run.fit"))
    assert answer == {"name": "run.fit", "size": len(data)}


def test_a_refusal_comes_with_its_hint(note: Path) -> None:
    answer = beside_a_door(note, asyncio.to_thread(ask, note, "refuse"))
    assert answer == {
        "error": "This cannot be done now: the ground is closed.",
        "hint": "Come back tomorrow.",
    }


def test_an_unknown_command_is_told_so(note: Path) -> None:
    answer = beside_a_door(note, asyncio.to_thread(ask, note, "dance"))
    assert answer is not None
    assert "does not know" in answer["error"]
    assert answer["hint"]


def test_the_note_is_its_owners_alone_and_goes_with_the_hub(note: Path) -> None:
    async def look() -> int:
        return stat.S_IMODE(note.stat().st_mode)  # noqa: ASYNC240

    assert beside_a_door(note, look()) == 0o600
    assert not note.exists()
    assert list(note.parent.iterdir()) == []


@pytest.mark.parametrize("secret", ["wrong", "", "schlüssel", 7, None, ["a"]])
def test_a_wrong_secret_gets_nothing(note: Path, secret: object) -> None:
    assert beside_a_door(note, asyncio.to_thread(say, note, {"verb": "echo", "secret": secret})) == b""


@pytest.mark.parametrize(
    "question",
    [b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b"3\n", b"\xff\xfe\n", b"", b"{" * 200_000 + b"\n"],
)
def test_a_stranger_that_speaks_something_else_gets_nothing(note: Path, question: bytes) -> None:
    assert beside_a_door(note, asyncio.to_thread(say_bytes, note, question)) == b""


@pytest.mark.parametrize("size", [MOST_BYTES + 1, -1, "many", None])
def test_an_impossible_size_gets_nothing(note: Path, size: object) -> None:
    async def asked() -> bytes:
        secret = json.loads(note.read_text())["secret"]  # noqa: ASYNC240
        return await asyncio.to_thread(say, note, {"verb": "echo", "secret": secret, "size": size})

    assert beside_a_door(note, asked()) == b""


def test_without_a_hub_there_is_no_answer(note: Path) -> None:
    assert ask(note, "echo") is None
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for left in ("", "no json", "{}", "[1]", json.dumps({"port": port, "secret": "s"})):
        note.write_text(left)
        assert ask(note, "echo") is None


def say(note: Path, question: dict[str, object]) -> bytes:
    return say_bytes(note, json.dumps(question).encode() + b"\n")


def say_bytes(note: Path, question: bytes) -> bytes:
    port = json.loads(note.read_text())["port"]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
        try:
            stranger.sendall(question)
            stranger.shutdown(socket.SHUT_WR)
            return stranger.recv(100)
        except OSError:  # it hung up before all was said
            return b""
