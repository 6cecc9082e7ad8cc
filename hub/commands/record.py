"""`touchline-hub record FILE`: raw radio events into a file, beside the running hub or instead of it.

Beside a hub the hub itself writes, since it holds the radio; otherwise the radio is opened here, and straps
are connected as the hub would. Heart rates go into no database.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.clock import mono_ms
from hub.config import HubSettings
from hub.control import ask
from hub.devices.fleet import Fleet
from hub.devices.recording import RecordingRadio, RecordingWriter
from hub.domain import Reading
from hub.errors import ActionRefused
from hub.radio import close_radio, open_radio
from hub.replaying.recording import new_recording

EVERY_S, GLANCE_S = 1.0, 0.2


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `record` takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, such as match.radio")
    parser.add_argument("--seconds", type=float, help="how long (until Ctrl-C)")


def run(settings: HubSettings, options: argparse.Namespace) -> int:
    """Record until Ctrl-C or for so long; 0 where anything was heard, 1 where nothing or not all was kept."""
    logging.getLogger().setLevel(logging.WARNING)
    path = options.file.resolve()
    answer = ask(settings.control_path, "record", file=str(path))
    if answer is not None:
        kept = _beside(settings, _checked(answer), options.seconds)
    else:
        kept = asyncio.run(_instead(settings, path, options.seconds))
    size = path.stat().st_size if path.exists() else 0
    print(
        f"{kept['events']} events in {path}, {size / 1024:.0f} KiB. Play it: touchline-hub replay {path.name}"
    )
    if kept["trouble"]:
        print(f"error: {kept['trouble']}; {kept['lost']} events are missing.", file=sys.stderr)
    return 1 if kept["trouble"] or not kept["events"] else 0


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise ActionRefused(answer["error"], hint=answer.get("hint", ""))
    return answer


def _beside(settings: HubSettings, answer: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    """The hub writes; this asks once a second how far it is, which also keeps it writing."""
    print("The running hub records. Ctrl-C ends the recording; the hub goes on.", flush=True)
    with _stop_signals() as came:
        return _watched(settings, answer, seconds, came)


def _watched(
    settings: HubSettings, answer: dict[str, Any], seconds: float | None, came: list[int]
) -> dict[str, Any]:
    began_s = asked_s = time.monotonic()
    while not came and (seconds is None or time.monotonic() - began_s < seconds):
        time.sleep(GLANCE_S)
        if time.monotonic() - asked_s < EVERY_S:
            continue
        asked_s = time.monotonic()
        told = ask(settings.control_path, "record")
        if told is None or "error" in told:
            return answer | {"trouble": "the hub has stopped"}
        answer = told
        _show(asked_s - began_s, answer["events"], answer["bytes"])
        if answer["trouble"]:
            break
    return ask(settings.control_path, "record", end=True) or answer


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """The Ctrl-Cs and polite kills that have come; neither breaks off in mid-word."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _instead(settings: HubSettings, path: Path, seconds: float | None) -> dict[str, Any]:
    inner = await open_radio(settings)
    names = tuple(receiver.name for receiver in inner.receivers())
    try:
        writer = new_recording(path, names, time.time_ns() // 1_000_000)
    except ActionRefused:
        await close_radio(settings, inner)
        raise
    radio = RecordingRadio(inner, writer, mono_ms)

    def ignore(_reading: Reading) -> None:
        """The events are enough."""

    fleet = Fleet(radio, ignore, mono_ms, slots_per_adapter=settings.slots_per_adapter)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    print("No hub runs here, so this listens and connects by itself. Ctrl-C ends it.", flush=True)
    listening = asyncio.create_task(fleet.run())
    try:
        await _until_told(stopping, listening, fleet, writer, seconds)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await close_radio(settings, radio)
    return {"events": writer.events, "lost": writer.lost, "trouble": writer.trouble}


async def _until_told(
    stopping: asyncio.Event,
    listening: asyncio.Task[None],
    fleet: Fleet,
    writer: RecordingWriter,
    seconds: float | None,
) -> None:
    began_s = time.monotonic()
    while not (stopping.is_set() or listening.done() or writer.trouble):
        left_s = EVERY_S if seconds is None else min(EVERY_S, began_s + seconds - time.monotonic())
        if left_s <= 0:
            return
        stop = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({stop, listening}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        _show(time.monotonic() - began_s, writer.events, writer.size_bytes, fleet.trouble)


def _show(elapsed_s: float, events: int, size: int, trouble: str | None = None) -> None:
    """One line that lives in the terminal; nothing where nobody watches."""
    if sys.stderr.isatty():
        minutes, seconds = divmod(int(elapsed_s), 60)
        said = f"{minutes:02d}:{seconds:02d}  {events} events  {size / 1024:.0f} KiB  {trouble or ''}"
        print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)
