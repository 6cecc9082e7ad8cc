"""`touchline-hub replay`: a recorded or generated session through the whole hub, faster than it was.

Fleet, recorder, store, board and pages are the hub's own; the database is the replay's, is not enrolled and
is thrown away unless a folder is named. It plays what was heard and judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from hub.config import HubSettings
from hub.devices.recorded_straps import straps_of
from hub.devices.recording import read_header
from hub.devices.replay import FASTEST, ReplayClock, ReplayRadio
from hub.devices.source import RadioSource
from hub.domain import Role
from hub.errors import ActionRefused
from hub.replaying.clock import Tempo
from hub.replaying.generated_session import add_generation, generated, is_generated
from hub.replaying.squad import People, people_made_up, people_of_hub, store_people, strangers
from hub.store import accounts
from hub.store.database import Database
from hub.store.records import Moment
from hub.web.auth import hashed

STAFF = "replay"
PORT_BESIDE_THE_HUB = 10
PROGRESS_S = 1.0
SETTLE_S = 2.0


class PlayingHub(Protocol):
    """What a replay needs of a hub."""

    database: Database
    recorder: Any
    board: Any
    clock: Any
    stopping: asyncio.Event

    def moment(self) -> Moment: ...

    async def run(self, on_ready: Callable[[], None]) -> None: ...


HubMaker = Callable[[HubSettings, Database, RadioSource, Tempo], PlayingHub]


@dataclass(frozen=True, slots=True)
class Play:
    """One replay: what is played, by whom it is worn, how fast, and whether to stop at its end."""

    path: Path
    title: str
    heard: dict[str, str]
    is_made_up: bool
    speed: float
    stops_at_end: bool


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `replay` takes."""
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE",
        help="a recording; with any of the options of a made-up session, the new file to keep that in",
    )  # fmt: skip
    parser.add_argument("--speed", type=_speed, default=1.0, help="how fast it passes, 1 to 60 (default 1)")
    parser.add_argument("--port", type=int, help="port of the pages (the hub's port plus 10)")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the replay's data in this new folder"
    )
    parser.add_argument("--stop-at-end", action="store_true", help="end with the recording, not with Ctrl-C")
    add_generation(parser)


def run(settings: HubSettings, options: argparse.Namespace, make_hub: HubMaker) -> int:
    """Play until Ctrl-C, or with `--stop-at-end` until it is over; 0 where heart rates were heard."""
    if options.file is None and not is_generated(options):
        raise ActionRefused("No recording was named.", hint="Name a file, or make one up: --athletes 24.")
    with tempfile.TemporaryDirectory(prefix="touchline-replay-") as scratch:
        path = options.file
        if is_generated(options):
            path = generated(options, options.file or Path(scratch) / "made-up.radio")
            print(
                f"Made up {options.athletes} athletes training for {options.minutes:g} minutes.", flush=True
            )
            if options.only_write:
                print(f"Written to {path}. Play it: touchline-hub replay {path} --speed 20")
                return 0
        play = _play(path, options)
        with _own_folder(options.keep, Path(scratch)) as folder:
            port = options.port or settings.port + PORT_BESIDE_THE_HUB
            own = replace(settings, data=folder, port=port, watched=(), usb=())
            return asyncio.run(_played(own, play, _people(settings, play), make_hub))


def _speed(text: str) -> float:
    with suppress(ValueError):
        if 1 <= float(text) <= FASTEST:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {FASTEST:g}")


def _play(path: Path, options: argparse.Namespace) -> Play:
    try:
        heard = straps_of(path)
    except OSError as error:
        raise ActionRefused(f"{path}: {error.strerror}.", hint="Name a file made by record.") from error
    is_made_up = is_generated(options)
    return Play(path, f"Replay of {path.stem}", heard, is_made_up, options.speed, options.stop_at_end)


@contextmanager
def _own_folder(kept: Path | None, scratch: Path) -> Iterator[Path]:
    """The replay's data folder. Raises ActionRefused for a folder that holds a hub's data already."""
    folder = kept or scratch / "data"
    if (folder / "hub" / "hub.db").exists():
        raise ActionRefused(f"{folder} holds the data of a hub.", hint="Name a folder that is new.")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def _people(settings: HubSettings, play: Play) -> People:
    """Whose straps they are; empty where nobody is known and names have to be made up."""
    if play.is_made_up:
        return people_made_up(play.heard)
    return people_of_hub(settings.database_path, play.heard) or people_made_up(play.heard)


async def _played(settings: HubSettings, play: Play, people: People, make_hub: HubMaker) -> int:
    clock = ReplayClock(play.speed)
    radio = ReplayRadio(play.path, clock, waits=True)
    clock.hold(radio.first_ms)
    started_ms = int(read_header(play.path).get("started_at_ms") or 0) or time.time_ns() // 1_000_000
    database = Database.open(settings.database_path)
    try:
        hub = make_hub(
            settings, database, radio, Tempo(clock, f"replay {uuid4()}", radio.first_ms, started_ms)
        )
        password = secrets.token_urlsafe(9)
        hash_ = await hashed(password)
        moment = hub.moment()
        everybody = people or strangers(play.heard, moment)
        database.write_now(lambda db: store_people(db, moment, everybody))
        database.write_now(
            lambda db: accounts.create_user(db, STAFF, hash_, Role.ADMIN, time.time_ns() // 1_000_000)
        )
        up = asyncio.Event()
        running = asyncio.create_task(hub.run(up.set))
        watching = asyncio.create_task(
            _watch(hub, radio, clock, play, up, f"{_url(settings)}  name {STAFF}  password {password}")
        )
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and watching.exception() is not None:
            hub.stopping.set()
        if watching.done() and play.stops_at_end:
            hub.stopping.set()
        await running
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        return 0 if radio.events and play.heard else 1
    finally:
        await radio.close()
        database.close()


def _url(settings: HubSettings) -> str:
    return f"http://{settings.host}:{settings.port}"


async def _watch(
    hub: PlayingHub, radio: ReplayRadio, clock: ReplayClock, play: Play, up: asyncio.Event, door: str
) -> None:
    """Start the session with the recording, show how far it is, end the session with it."""
    await up.wait()
    print(f"{door}\n{len(play.heard)} straps, {_clock_words(radio.last_ms - radio.first_ms)} "
          f"at {play.speed:g} times its speed.", flush=True)  # fmt: skip
    offset_s = time.localtime(hub.clock.wall_ms() / 1000).tm_gmtoff
    await hub.recorder.start_session(play.title, "training", offset_s)
    radio.may_begin.set()
    while not radio.finished.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(PROGRESS_S):
                await radio.finished.wait()
        _show(hub, clock.now_ms() - radio.first_ms, radio.last_ms - radio.first_ms)
    clock.go_on_at(1.0)  # from here on what is shown grows old as it should
    with suppress(ActionRefused):  # somebody has ended it on the board
        await hub.recorder.end_session()
    await asyncio.sleep(SETTLE_S / 10 if play.stops_at_end else 0)
    end = "" if play.stops_at_end else " The pages stay; Ctrl-C ends."
    print(f"\n{play.title} is over: {radio.events} events.{end}", flush=True)


def _show(hub: PlayingHub, at_ms: int, of_ms: int) -> None:
    """One line that lives in the terminal; nothing where nobody watches."""
    if sys.stderr.isatty():
        fresh = hub.board.snapshot(hub.clock.mono_ms(), hub.clock.wall_ms()).fresh
        said = f"{_clock_words(at_ms)} of {_clock_words(of_ms)}, {fresh} athletes live"
        print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)


def _clock_words(ms: int) -> str:
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
