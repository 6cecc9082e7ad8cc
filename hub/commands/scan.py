"""`touchline-hub scan`: the straps in the air as a table that lives in the terminal, or as JSON.

Beside a running hub it asks that hub, which holds the radio; otherwise it opens the radio itself. It connects
as the hub would and keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, TextIO

from hub.clock import mono_ms
from hub.config import HubSettings
from hub.control import ask
from hub.devices.fleet import Fleet
from hub.domain import Reading
from hub.errors import ActionRefused
from hub.radio import close_radio, open_radio

USUAL_S = 12.0
EVERY_S = 1.0
FRESH_MS = 5_000
SILENCE = "No strap was heard. Wet the electrodes, put one on, and try again nearer the hub."
WAYS = {"gatt": "connected", "broadcast": "broadcast"}
HEAD = ("strap", "name", "way in", "receiver", "signal", "bpm", "contact", "battery", "lost", "note")
WIDTHS = (17, 22, 9, 10, 8, 4, 7, 7, 5, 0)
CLEAR, HOME, END_OF_LINE, BELOW = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"

Answer = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `scan` takes."""
    parser.add_argument(
        "--seconds", type=float, help=f"how long to listen (until Ctrl-C in a terminal, else {USUAL_S:g})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON at the end instead of a table")


def run(settings: HubSettings, options: argparse.Namespace) -> int:
    """Listen and print; 0 where a strap was heard, 1 where none was."""
    is_live = sys.stdout.isatty() and not options.json
    seconds = options.seconds
    if seconds is None and not is_live:
        seconds = USUAL_S
    answer = asyncio.run(_listen(settings, seconds, sys.stdout if is_live else None))
    if options.json:
        print(json.dumps(answer, indent=1))
    elif not is_live:
        print(_said(answer))
    return 0 if answer["straps"] else 1


def radio_answer(fleet: Fleet, now_mono_ms: int, bpm: Callable[[str], int | None]) -> Answer:
    """What the radio knows now as JSON can carry it; `bpm` is a strap's last value, where it is fresh."""
    straps = []
    for status in fleet.statuses():
        at_ms = status.last_reading_mono_ms
        age_ms = None if at_ms is None else max(0, now_mono_ms - at_ms)
        is_fresh = age_ms is not None and age_ms <= FRESH_MS
        straps.append(asdict(status) | {"age_ms": age_ms, "bpm": bpm(status.strap_id) if is_fresh else None})
    return {
        "straps": straps,
        "receivers": [asdict(receiver) for receiver in fleet.receiver_statuses()],
        "foreign": fleet.foreign,
        "trouble": fleet.trouble,
    }


async def _listen(settings: HubSettings, seconds: float | None, screen: TextIO | None) -> Answer:
    """Ask once a second until the time is up or Ctrl-C; the last answer."""
    ends_at = None if seconds is None else time.monotonic() + seconds
    async with _radio(settings) as (look, by_whom):
        answer = await look()
        if screen is not None:
            screen.write(CLEAR)
        try:
            while ends_at is None or time.monotonic() < ends_at:
                if screen is not None:
                    _draw(screen, f"{by_whom}. Ctrl-C ends.", answer)
                left_s = EVERY_S if ends_at is None else min(EVERY_S, ends_at - time.monotonic())
                await asyncio.sleep(max(0.0, left_s))
                answer = await look()
        except asyncio.CancelledError:
            if screen is None:
                raise
        if screen is not None:
            _draw(screen, f"{by_whom}, {time.strftime('%H:%M:%S')}.", answer)
            screen.write("\n")
        return answer


@asynccontextmanager
async def _radio(settings: HubSettings) -> AsyncIterator[tuple[Callable[[], Awaitable[Answer]], str]]:
    """A question that answers what is heard now: the running hub's, or one of a radio of our own."""
    if await asyncio.to_thread(ask, settings.control_path, "radio") is not None:

        async def ask_hub() -> Answer:
            answer = await asyncio.to_thread(ask, settings.control_path, "radio")
            if answer is None or "error" in answer:
                raise ActionRefused("the hub has stopped.", hint="Scan again.")
            return answer

        yield ask_hub, "As the running hub hears it"
        return
    radio = await open_radio(settings)
    latest: dict[str, Reading] = {}

    def take(reading: Reading) -> None:
        latest[reading.strap_id] = reading

    fleet = Fleet(
        radio, take, mono_ms,
        slots_per_adapter=settings.slots_per_adapter,
    )  # fmt: skip

    def bpm(strap_id: str) -> int | None:
        return latest[strap_id].bpm if strap_id in latest else None

    async def look() -> Answer:
        if listening.done():
            listening.result()
        return radio_answer(fleet, mono_ms(), bpm)

    listening = asyncio.create_task(fleet.run())
    try:
        yield look, "As this machine hears it"
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await close_radio(settings, radio)


# --- words


def table(answer: Answer, most: int | None = None) -> list[str]:
    """The answer as lines: receivers, then straps, the nearest first, at most so many of them."""
    lines = [_receiver_line(receiver) for receiver in answer["receivers"]]
    straps = sorted(answer["straps"], key=lambda it: (-(it["rssi_dbm"] or -127), it["strap_id"]))
    shown = straps if most is None else straps[: max(1, most - len(lines) - 3)]
    if straps:
        lines += ["", _row(HEAD), *(_row(_cells(strap)) for strap in shown)]
    if len(shown) < len(straps):
        lines.append(f"… and {len(straps) - len(shown)} more, farther away")
    return lines


def _said(answer: Answer) -> str:
    if not answer["straps"]:
        return answer["trouble"] or SILENCE
    return "\n".join(table(answer))


def _draw(screen: TextIO, title: str, answer: Answer) -> None:
    """Over the last table, without flicker."""
    columns, rows = shutil.get_terminal_size()
    live = sum(strap["age_ms"] is not None and strap["age_ms"] <= FRESH_MS for strap in answer["straps"])
    head = f"{len(answer['straps'])} straps, {live} live. {title}"
    lines = [head, *table(answer, rows - 2)] if answer["straps"] else [head, *table(answer), "", SILENCE]
    screen.write(HOME + "\n".join(line[:columns] + END_OF_LINE for line in lines[: rows - 1]) + BELOW)
    screen.flush()


def _receiver_line(it: Answer) -> str:
    slots = f"{it['used']} of {it['slots']} links" if it["slots"] is not None else f"{it['used']} links"
    state = it["trouble"] or f"{it['mode']}, {slots}"
    return f"{it['kind']} {it['name']}: {state}"


def _cells(it: Answer) -> tuple[str, ...]:
    value = "" if it["age_ms"] is not None else "no value yet"
    is_fresh = it["age_ms"] is not None and it["age_ms"] <= FRESH_MS
    return (
        str(it["strap_id"]),
        str(it["name"]),
        "pod" if it["is_pod"] else WAYS.get(it["via"], "–"),
        str(it["adapter"]),
        "–" if it["rssi_dbm"] is None else f"{it['rssi_dbm']} dBm",
        "–" if it["bpm"] is None else str(it["bpm"]),
        {"yes": "yes", "no": "no"}.get(it["contact"], "–"),
        "–" if it["battery_percent"] is None else f"{it['battery_percent']} %",
        "–" if it["packet_loss"] is None else f"{it['packet_loss'] * 100:.0f} %",
        str(it["trouble"] or value or ("" if is_fresh else "silent")),
    )


def _row(cells: tuple[str, ...]) -> str:
    fitted = (f"{cell[: width or None]:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return "  ".join(fitted).rstrip()
