"""Made-up sessions for a replay, as the command's options describe them: athletes, fitness, drills, faults.

It only words and checks the options; the squad's bodies and straps are the virtual pitch's.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import ActionRefused, SettingInvalid

if TYPE_CHECKING:
    from hub.devices.virtual.training import Drill

FAULTS = {"dropouts": "dropouts", "swaps": "swaps", "dead-batteries": "batteries", "foreign": ""}
"""As they are written, and as the generator calls them; foreign straps are no fault of anybody's."""

FOREIGN_STRAPS = 6
MOST_ATHLETES = 200


def add_generation(parser: argparse.ArgumentParser) -> None:
    """The options that make a session up."""
    made = parser.add_argument_group("a made-up session instead of a recorded one")
    made.add_argument("--athletes", type=_athletes, metavar="N", help="how many athletes train")
    made.add_argument("--minutes", type=_minutes, default=90.0, help="how long (default 90)")
    made.add_argument(
        "--fitness",
        type=float,
        default=0.0,
        metavar="BPM",
        help="resting rates so much lower, or higher below 0",
    )
    made.add_argument(
        "--drills", default="", metavar="NAME:MIN,...", help="the plan, such as jog:10,interval:4,recovery:3"
    )
    made.add_argument(
        "--faults", type=_faults, default=(), metavar="NAME,...", help=f"what goes wrong: {', '.join(FAULTS)}"
    )
    made.add_argument("--broadcast", type=int, default=0, metavar="N", help="so many straps only broadcast")
    made.add_argument("--seed", type=int, default=1, help="same seed, same session (default 1)")
    made.add_argument("--only-write", action="store_true", help="write FILE and play nothing")


def is_generated(options: argparse.Namespace) -> bool:
    """Whether a session is to be made up."""
    return options.athletes is not None


def generated(options: argparse.Namespace, path: Path) -> Path:
    """The session, written to a new file. Raises ActionRefused, or SettingInvalid without the demo extra."""
    try:
        from hub.devices.virtual.generate import Script, generate
    except ImportError as error:
        raise SettingInvalid(
            "--athletes.", hint="Install the demo extra: pip install 'touchline[demo]'."
        ) from error
    script = Script(
        athletes=options.athletes,
        minutes=options.minutes,
        broadcast=options.broadcast,
        foreign=FOREIGN_STRAPS if "foreign" in options.faults else 0,
        faults=tuple(FAULTS[name] for name in options.faults if FAULTS[name]),
        fitness=options.fitness,
        drills=_plan(options.drills),
        seed=options.seed,
        started_at_ms=time.time_ns() // 1_000_000 - round(options.minutes * 60_000),
    )
    try:
        generate(path, script)
    except FileExistsError as error:
        raise ActionRefused(f"{path} is there already.", hint="Choose another name.") from error
    except OSError as error:
        raise ActionRefused(f"{path}: {error.strerror}.", hint="Choose another folder.") from error
    return path


def _plan(text: str) -> tuple[Drill, ...]:
    """The drills named, each for so many minutes; the usual plan for none."""
    from dataclasses import replace

    from hub.devices.virtual.training import DRILLS, PLAN

    if not text.strip():
        return PLAN
    plan = []
    for part in text.split(","):
        name, _, minutes = part.strip().rpartition(":")
        known = DRILLS.get(name.strip())
        if known is None or not _is_number(minutes) or not 0 < float(minutes) <= 600:
            raise ActionRefused(
                f"--drills: {part.strip()!r} is no drill with its minutes.",
                hint=f"Such as jog:10. There are: {', '.join(DRILLS)}.",
            )
        plan.append(replace(known, duration_s=float(minutes) * 60))
    return tuple(plan)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _athletes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ATHLETES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_ATHLETES}")
    return int(text)


def _minutes(text: str) -> float:
    if not _is_number(text) or not 0 < float(text) <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes up to 600")
    return float(text)


def _faults(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if name not in FAULTS:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(FAULTS)}")
    return names
