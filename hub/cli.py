"""The hub's commands: what to type, what is said, and with which exit status it ends.

It parses and prints; the work is done by the parts. Status 0 is success, 1 a failure that is explained,
2 a command that was not understood.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hub import __version__, metric_docs
from hub.analytics.errors import UnknownMetric
from hub.app import Hub, serve
from hub.commands import bundle as bundle_command
from hub.commands import import_files as import_command
from hub.commands import radio_test as radio_test_command
from hub.commands import record as record_command
from hub.commands import replay as replay_command
from hub.commands import scan as scan_command
from hub.commands import sync as sync_command
from hub.commands import verify as verify_command
from hub.config import HubSettings
from hub.control import ask
from hub.errors import ActionRefused, HubError
from hub.store import accounts, ledger
from hub.store.database import Database
from hub.syncing.words import sure_words

SETUP_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
EXAMPLES = """\
examples:
  touchline-hub demo                       a whole squad, hub and cloud on this machine
  touchline-hub run                        the pitchside hub
  touchline-hub scan --seconds 20          which straps are in earshot
  touchline-hub radio-test                 what this machine's adapters can do
  touchline-hub record match.radio         raw radio events, to play again
  touchline-hub replay match.radio --speed 20
  touchline-hub import run.fit --athlete 7
  touchline-hub import season/ export.zip --dry-run
  touchline-hub sync                       send and fetch now, then say what happened
  touchline-hub bundle --to /media/usb     what is pending, onto a stick
  touchline-hub metrics banister_trimp
  touchline-hub status --json

The data folder is $TOUCHLINE_DATA (default ./touchline-data).
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "apscheduler", "bumble", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings = HubSettings.from_env(os.environ)
        logging.getLogger().setLevel(settings.log_level.upper())
        verb: Callable[[HubSettings, argparse.Namespace], int] = options.verb
        return verb(settings, options)
    except HubError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        print("hint: Check the path, your rights to it, and the room on the disk.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="touchline-hub",
        description="The pitchside hub: heart-rate straps and files in, live load on tablets out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"touchline-hub {__version__}")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def verb(
        name: str, what: str, run: Callable[[HubSettings, argparse.Namespace], int], example: str
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name, help=what, description=what, epilog=f"example:\n  touchline-hub {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        added.set_defaults(verb=run)
        return added

    run = verb("run", "Run the hub until Ctrl-C.", _run, "run --host 0.0.0.0 --port 8000")
    run.add_argument("--host", help="address to listen on (TOUCHLINE_HOST, 127.0.0.1)")
    run.add_argument("--port", type=_port, help="port to listen on (TOUCHLINE_PORT, 8000)")
    run.add_argument("--backend", choices=("bluez", "virtual"), help="radio (TOUCHLINE_BACKEND, bluez)")

    demo = verb("demo", "Run virtual straps, a hub and a cloud until Ctrl-C.", _demo, "demo --speed 20")
    demo.add_argument("--athletes", type=int, default=24, help="how many athletes train (default 24)")
    demo.add_argument("--speed", type=float, default=1.0, help="how fast the plan passes (default 1)")
    demo.add_argument("--faults", choices=("none", "silent", "mixed"), default="none", help="what goes wrong")

    scan_command.add_options(
        verb("scan", "Show the straps in earshot as a live table.", scan_command.run, "scan --seconds 20")
    )

    record_command.add_options(
        verb("record", "Record raw radio events, beside the hub or instead of it.", record_command.run,
             "record match.radio")
    )  # fmt: skip
    replay_command.add_options(
        verb("replay", "Play a recorded or made-up session through the whole hub.", _replay,
             "replay match.radio --speed 20\n"
             "  touchline-hub replay --athletes 24 --faults swaps,foreign --speed 60")
    )  # fmt: skip
    radio_test_command.add_options(
        verb("radio-test", "Measure what this machine's adapters hear, hold, lose and delay.",
             radio_test_command.run, "radio-test --hold 60 --json")
    )  # fmt: skip

    take = verb(
        "import", "Import export files of any wearable, also beside a running hub.", _import,
        "import season/ export.zip --dry-run",
    )  # fmt: skip
    take.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, archives or folders")
    take.add_argument("--athlete", help="name, shirt number or id of whose they are (else as the files say)")
    take.add_argument("--dry-run", action="store_true", help="only say what would become of them")
    take.add_argument("--json", action="store_true", help="print one JSON object a file")

    metrics = verb("metrics", "Say what each number means and how it is computed.", _metrics, "metrics rmssd")
    metrics.add_argument("ids", nargs="*", metavar="ID", help="only these, and in full")
    metrics.add_argument("--json", action="store_true", help="print JSON")

    sync = verb("sync", "Send what is pending and fetch what is new, through the running hub.", _sync, "sync")
    sync_command.add_arguments(sync)

    bundle_command.add_arguments(
        verb(
            "bundle", "Carry what is pending to the cloud on a USB stick, and its answer back.",
            bundle_command.run, bundle_command.EXAMPLE,
        )
    )  # fmt: skip
    verify_command.add_arguments(
        verb("verify", "Compare with the cloud what both should have.", verify_command.run, "verify")
    )
    rejoin = verb(
        "rejoin", "Go on as a hub of its own, where its card was copied or the club has shut it out.",
        _rejoin, "rejoin ABCD-EFGH",
    )  # fmt: skip
    rejoin.add_argument("code", help="a claim code made in the cloud")
    verb("rotate", "Give this hub a new key for the cloud.", _rotate, "rotate")

    status = verb("status", "Say how the hub is.", _status, "status --json")
    status.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 65535")
    return int(text)


# --- run, demo, scan


def _run(settings: HubSettings, options: argparse.Namespace) -> int:
    given = {name: getattr(options, name) for name in ("host", "port", "backend") if getattr(options, name)}
    settings = replace(settings, **given)

    def on_ready(hub: Hub) -> None:
        print(f"touchline-hub {__version__} listens on http://{settings.host}:{settings.port}")
        code = hub.database.write_now(lambda db: accounts.ensure_setup_code(db, _new_setup_code()))
        if code is not None:
            print(f"Open that page to set the hub up; the set-up code is {code}")
        sys.stdout.flush()

    asyncio.run(serve(settings, on_ready))
    return 0


def _new_setup_code() -> str:
    letters = [secrets.choice(SETUP_ALPHABET) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


def _replay(settings: HubSettings, options: argparse.Namespace) -> int:
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("hub.devices").setLevel(logging.ERROR)  # the recorded links were lost long ago
    return replay_command.run(settings, options, Hub)


def _demo(settings: HubSettings, options: argparse.Namespace) -> int:
    from hub import demo  # the demo extra is optional

    logging.getLogger().setLevel(logging.WARNING)
    wanted = demo.DemoOptions(settings, options.athletes, options.speed, options.faults)
    try:
        demo.run(wanted, lambda line: print(line, flush=True))
    except KeyboardInterrupt:  # before the hub was up; afterwards it stops by itself
        print("Stopped.")
    return 0


# --- import, sync, status


def _metrics(_settings: HubSettings, options: argparse.Namespace) -> int:
    worded = metric_docs.metrics_json if options.json else metric_docs.metrics_text
    try:
        print(worded(options.ids))
    except UnknownMetric as error:
        raise ActionRefused(str(error), hint="touchline-hub metrics lists them all.") from error
    return 0


def _import(settings: HubSettings, options: argparse.Namespace) -> int:
    return import_command.run(settings, options)


class _Store:
    """The hub's database for the length of a `with`, to read; a fresh data folder gets its schema."""

    def __init__(self, settings: HubSettings) -> None:
        self._path = settings.database_path

    def __enter__(self) -> Database:
        self._database = Database.open(self._path, read_only=self._path.exists())
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _sync(settings: HubSettings, options: argparse.Namespace) -> int:
    return sync_command.run(settings, options)


def _rejoin(settings: HubSettings, options: argparse.Namespace) -> int:
    print(_asked(settings, "rejoin", code=options.code)["words"])
    return 0


def _rotate(settings: HubSettings, _options: argparse.Namespace) -> int:
    print(_asked(settings, "rotate")["words"])
    return 0


def _asked(settings: HubSettings, verb: str, **fields: object) -> dict[str, Any]:
    """The running hub's answer. Raises ActionRefused where none runs or it refuses."""
    answer = ask(settings.control_path, verb, b"", **fields)
    if answer is None:
        raise ActionRefused(
            "no hub is running here.", hint="Start it with touchline-hub run; it syncs itself."
        )
    if "error" in answer:
        raise ActionRefused(answer["error"], hint=answer.get("hint", ""))
    return answer


def _status(settings: HubSettings, options: argparse.Namespace) -> int:
    running = ask(settings.control_path, "status")
    with _Store(settings) as database:
        standing = database.read_now(ledger.sync_ledger)
    if options.json:
        print(json.dumps({"running": running, "ledger": asdict(standing)}, indent=1))
        return 0
    if running is None:
        print(f"No hub is running on {settings.data}.")
    else:
        live = f"{running['fresh']} of {running['athletes']} athletes live"
        session = running["session"] or "no session"
        print(f"The hub runs at {running['url']} (process {running['pid']}): {live}, {session}.")
        clock = running["clock"]
        told = sure_words(clock["err_ms"]) if clock["verified"] else "not verified yet"
        print(f"The time is {told}.")
    print(sync_command.in_short(sync_command.read_state(settings)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
