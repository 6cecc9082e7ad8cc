"""A recording of raw radio events beside a running hub: begun, watched and ended through the control door.

It ends by itself when nobody asks for a while, so that a command killed in between fills no disk. It knows
neither straps nor values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.devices.recording import RecordingRadio, RecordingWriter
from hub.errors import ActionRefused

FORGOTTEN_S = 15.0


class RadioRecording:
    """The hub's radio with a recording that may run; `record` is the control door's verb."""

    def __init__(self, radio: RecordingRadio, wall_ms: Callable[[], int]) -> None:
        self._radio = radio
        self._wall_ms = wall_ms
        self._path: Path | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def record(self, question: dict[str, Any], _data: bytes) -> dict[str, Any]:
        """Begin with `file`, end with `end`, and say how far it is. Raises ActionRefused."""
        if "file" in question:
            self._begin(Path(str(question["file"])))
        writer = self._radio.writer
        if writer is None:
            raise ActionRefused("The recording has ended.", hint="Start it again with another file.")
        answer = {"events": writer.events, "lost": writer.lost, "bytes": writer.size_bytes,
                  "trouble": writer.trouble, "file": str(self._path)}  # fmt: skip
        if question.get("end"):
            self.end()
        else:
            self._wait_for_the_next_question()
        return answer

    def _begin(self, path: Path) -> None:
        if self._radio.writer is not None:
            raise ActionRefused(f"A recording to {self._path} is running.", hint="End that one first.")
        names = tuple(receiver.name for receiver in self._radio.receivers())
        writer = new_recording(path, names, self._wall_ms())
        self._path = path
        self._radio.begin(writer)

    def _wait_for_the_next_question(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.get_running_loop().call_later(FORGOTTEN_S, self.end)

    def end(self) -> None:
        """Close the file, if one is being written."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        self._radio.end()


def new_recording(path: Path, receivers: tuple[str, ...], started_at_ms: int) -> RecordingWriter:
    """The file, begun. Raises ActionRefused where it is there already or cannot be written."""
    try:
        return RecordingWriter(path, receivers, started_at_ms)
    except FileExistsError as error:
        raise ActionRefused(
            f"{path} is there already.", hint="Choose another name; recordings are not overwritten."
        ) from error
    except OSError as error:
        raise ActionRefused(
            f"{path}: {error.strerror}.", hint="Choose a folder the hub may write to."
        ) from error
