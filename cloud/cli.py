"""touchline-cloud: serve, migrate, enrol, accept, erase, revoke, restored.

It only reads arguments, wires the parts and turns errors into one sentence with a hint.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

import msgspec
import uvicorn

from cloud import accounts, admin, bundle_command
from cloud.app import create_cloud, own_version
from cloud.clock import now_ms
from cloud.config import CloudSettings, parse_port
from cloud.errors import CloudError, PortTaken, SettingInvalid
from cloud.own_keys import OwnKeys
from cloud.store.database import connect, database_url
from cloud.store.migrate import migrate
from sync import claim

GRACEFUL_S = 3
KEPT_OPEN_S = 75
"""How long a silent connection stays open: longer than a hub keeps it, which else would speak to nobody."""

EXAMPLES = """examples:
  touchline-cloud serve                                   the service on http://127.0.0.1:8100
  touchline-cloud serve --host 0.0.0.0 --port 8443        behind a TLS proxy
  touchline-cloud enrol --club "FC Example"               a claim code for one hub
  touchline-cloud enrol --club "FC Example" --coach anna@example.org
  touchline-cloud migrate --dry-run                       what an update would do to the database
  touchline-cloud accept /media/usb/*.tlb --answer /media/usb    bundles from a stick, answers onto it
  touchline-cloud erase --club "FC Example" "Ann Example" all data of an athlete, here and on every hub
  touchline-cloud erase --club "FC Example" --receipts    which hubs have carried erasures out
  touchline-cloud revoke --club "FC Example" HUB_ID       shut a hub out
  touchline-cloud restored                                after the database was put back to a backup

environment:
  TOUCHLINE_DATA    data folder (default ./touchline-data); the embedded Postgres lives in it
  DATABASE_URL      a Postgres server of your own (15 or newer) instead of the embedded one
  TOUCHLINE_CLOUD_HOST, TOUCHLINE_CLOUD_PORT    where serve listens (default 127.0.0.1, 8100)
  TOUCHLINE_CLOUD_KEYS    PEM files of the certificate hubs see and of the key to follow, commas between
"""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What `enrol --json` prints; `coach_password` is null when the account was there before.

    `claim_code_with_key` is for a hub that does not know the date, null without TOUCHLINE_CLOUD_KEYS.
    """

    club_id: str
    club: str
    claim_code: str
    claim_code_expires_at: str
    claim_code_with_key: str | None = None
    coach: str | None = None
    coach_password: str | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is 0, 1 for a failure, 2 for wrong arguments."""
    arguments = parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        settings = CloudSettings.from_env(os.environ)
        return int(arguments.verb(arguments, settings))
    except CloudError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        print(
            "hint: Check that the data folder can be written and that the disk is not full.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="touchline-cloud",
        description="Touchline's online service: takes in what hubs send and shows it to coaches.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"touchline-cloud {own_version()}")
    names = "serve | migrate | enrol | accept | erase | revoke | restored"
    verbs = top.add_subparsers(required=True, metavar=names)

    def verb(name: str, words: str, example: str) -> argparse.ArgumentParser:
        return verbs.add_parser(
            name,
            help=words,
            description=f"{words[0].upper()}{words[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    one = verb("serve", "bring the database up to date and serve", "touchline-cloud serve --port 8100")
    one.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    one.add_argument("--port", help="port to listen on (default 8100)")
    one.set_defaults(verb=serve)
    one = verb("migrate", "bring the database up to date", "touchline-cloud migrate --dry-run")
    one.add_argument("--dry-run", action="store_true", help="only print what would be applied")
    one.set_defaults(verb=run_migrate)
    one = verb(
        "enrol",
        "make a claim code for a hub, and the club and coach if missing",
        'touchline-cloud enrol --club "FC Example" --coach anna@example.org',
    )
    one.add_argument("--club", required=True, metavar="NAME", help="the club's name; made if missing")
    one.add_argument("--coach", metavar="EMAIL", help="also make a coach's account")
    one.add_argument("--password-stdin", action="store_true", help="read the new coach's password from stdin")
    one.add_argument("--json", action="store_true", help="print the result as JSON")
    one.set_defaults(verb=enrol)
    one = verb(
        "accept",
        "take bundles that hubs wrote onto a stick",
        "touchline-cloud accept /media/usb/*.tlb --answer /media/usb",
    )
    bundle_command.add_arguments(one)
    one = verb(
        "erase",
        "erase an athlete's data, here and on every hub",
        'touchline-cloud erase --club "FC Example" "Ann Example"',
    )
    one.add_argument("--club", required=True, metavar="NAME", help="the club's name")
    one.add_argument("athlete", nargs="?", help="the athlete's name or id")
    one.add_argument("--yes", action="store_true", help="do not ask again")
    one.add_argument("--receipts", action="store_true", help="list erasures and which hubs have done them")
    one.set_defaults(verb=admin.erase)
    one = verb("revoke", "shut a hub out of its club", 'touchline-cloud revoke --club "FC Example" HUB_ID')
    one.add_argument("--club", required=True, metavar="NAME", help="the club's name")
    one.add_argument("hub_id", help="the hub's id, as on the hubs page")
    one.set_defaults(verb=admin.revoke)
    one = verb(
        "restored",
        "tell every hub that the database was put back to a backup",
        "touchline-cloud restored",
    )
    one.set_defaults(verb=admin.restored)
    return top


def serve(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Listen until told to stop; the embedded server this starts is stopped with it."""
    host = arguments.host or settings.host
    port = parse_port(arguments.port) if arguments.port else settings.port
    listener = listen(host, port)
    with listener, database_url(settings) as url:
        applied = asyncio.run(migrate(url))
        if applied:
            print(f"database brought up to date: {', '.join(applied)}", flush=True)
        app = create_cloud(replace(settings, database_url=url))
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_S,
            timeout_keep_alive=KEPT_OPEN_S,
        )
        shown = f"[{host}]" if ":" in host else host
        print(f"touchline cloud on http://{shown}:{listener.getsockname()[1]}", flush=True)
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
        return 0 if server.started else 1


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, taken before anything is started. Raises PortTaken or SettingInvalid."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise SettingInvalid(f"{host!r} is not an address ({error.strerror}).") from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"{host}:{port}") from error
        raise SettingInvalid(f"Cannot listen on {host}:{port} ({error.strerror}).") from error
    return listener


def run_migrate(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Apply or list what is missing."""
    with database_url(settings) as url:
        names = asyncio.run(migrate(url, is_dry_run=arguments.dry_run))
    word = "would apply" if arguments.dry_run else "applied"
    print("\n".join(f"{word} {name}" for name in names) if names else "nothing to do")
    return 0


def enrol(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Print a claim code, and the coach's password if the account is new."""
    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else None
    in_use = OwnKeys(settings.keys).in_use
    with database_url(settings) as url:
        enrolled = asyncio.run(_enrol(url, arguments.club, arguments.coach, password))
    if in_use:
        named = claim.shown(enrolled.claim_code, in_use)
        enrolled = msgspec.structs.replace(enrolled, claim_code_with_key=named)
    if arguments.json:
        print(msgspec.json.encode(enrolled).decode())
        return 0
    print(f"club:       {enrolled.club}")
    code = claim.shown(enrolled.claim_code)
    print(f"claim code: {code}   (for one hub, until {enrolled.claim_code_expires_at})")
    if enrolled.claim_code_with_key is not None:
        print(f"or:         {enrolled.claim_code_with_key}   (for a hub that does not know the date)")
    if enrolled.coach is not None:
        print(f"coach:      {enrolled.coach}")
        told = enrolled.coach_password or "unchanged (this account was there before)"
        print(f"password:   {told}")
    return 0


async def _enrol(url: str, club_name: str, email: str | None, password: str | None) -> Enrolled:
    await migrate(url)
    db = await connect(url)
    try:
        async with db.transaction():
            at_ms = now_ms()
            club = await accounts.ensure_club(db, club_name, at_ms)
            coach = await accounts.ensure_coach(db, club, email, password, at_ms) if email else None
            code = await accounts.new_claim_code(db, club, at_ms)
    finally:
        await db.close()
    expires = datetime.fromtimestamp((at_ms + accounts.CODE_TTL_MS) / 1000, UTC)
    return Enrolled(
        club_id=club.club_id,
        club=club.name,
        claim_code=code,
        claim_code_expires_at=expires.isoformat(timespec="seconds"),
        coach=coach.email if coach else None,
        coach_password=coach.password if coach else None,
    )


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP end the program the way Ctrl-C does, so that everything is closed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
