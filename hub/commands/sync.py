"""`touchline-hub sync`: one round, the state on one screen, what changes, or why not all is synced.

It goes through the running hub; without one a single round is run from here. It prints and decides nothing.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

from hub.config import HubSettings
from hub.control import ask
from hub.errors import ActionRefused
from hub.store import boots, ledger, sync_findings, sync_limits, two_edits
from hub.store.database import Database
from hub.store.ledger import Ledger
from hub.store.ledger_kinds import KindLine, kind_lines
from hub.store.sync_findings import Finding
from hub.store.sync_limits import SyncLimits
from hub.syncing.alone import sync_alone
from hub.syncing.clock_words import clock_dispute
from hub.syncing.words import (
    Reason,
    View,
    bytes_words,
    counted,
    kept_words,
    reason_words,
    reasons,
    span_words,
    to_come_words,
)

EXAMPLES = """\
example:
  touchline-hub sync                 send and fetch now, then say what happened
  touchline-hub sync --status        the whole ledger on one screen
  touchline-hub sync --explain       in plain words why not everything is synced, and what happens next
  touchline-hub sync --watch         a line whenever something changes, until Ctrl-C
  touchline-hub sync --status --json for a script

exit status:
  0  done; with --explain: everything is synced
  1  it could not be done, and why is said
  3  with --explain: something is not synced
"""
NOT_SYNCED = 3
EVERY_S = 1.0
AT_REST: Any = SimpleNamespace(
    state="idle", detail="", last_error=None, next_try_s=None, only_network=None, network=None, eta_s=None,
    bytes_pending=0,
)  # fmt: skip
"""Stands for a hub that does not run, where only what is stored and sent is the question."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything there is to say, read at one moment; `view` None while no hub runs."""

    books: Ledger
    kinds: list[KindLine]
    limits: SyncLimits
    finding: Finding | None
    met_open: int
    view: View | None
    refused: Mapping[str, int]
    reasons: list[Reason]
    now_ms: int
    clock: Reason | None = None


def add_arguments(parser: ArgumentParser) -> None:
    """What may be asked for."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--once", action="store_true", help="one round now (what is done without options)")
    which.add_argument("--watch", action="store_true", help="say what changes, until Ctrl-C")
    which.add_argument("--status", action="store_true", help="only say how it stands")
    which.add_argument("--explain", action="store_true", help="say why something is not synced")
    parser.add_argument("--json", action="store_true", help="print JSON; with --watch one object a line")
    parser.epilog = EXAMPLES


def run(settings: HubSettings, options: Namespace) -> int:
    """Do what was asked; the exit status. Raises HubError."""
    if options.watch:
        watch(settings, is_json=options.json)
        return 0
    words = None if options.status or options.explain else _round(settings)
    state = read_state(settings)
    if options.json:
        print(json.dumps(as_json(state, words), indent=1))
    elif options.explain:
        print(explained(state))
    elif options.status:
        print(screen(state))
    else:
        print(words)
        print(in_short(state))
    return NOT_SYNCED if options.explain and state.reasons else 0


def _round(settings: HubSettings) -> str:
    """A whole round's words, by the running hub or from here. Raises HubError."""
    answer = ask(settings.control_path, "sync")
    if answer is None:
        refuse_alone(settings)
        return sync_alone(settings)
    if "error" in answer:
        raise ActionRefused(answer["error"], hint=answer.get("hint", ""))
    return str(answer["words"])


def refuse_alone(settings: HubSettings) -> None:
    """Raises ActionRefused where a round without a running hub is not to be: no club, or somebody paused."""
    state = read_state(settings)
    if state.books.hub_id is None:
        raise ActionRefused(
            "no hub is running here, and this one belongs to no club.",
            hint="Start it with touchline-hub run and enter a claim code on its sync page.",
        )
    if state.limits.is_paused:
        raise ActionRefused("the sync is paused.", hint="Let it go on from the sync page first.")


def read_state(settings: HubSettings) -> State:
    """How it stands: the store as it is on disk, and the running hub's own view."""
    answer = ask(settings.control_path, "sync_state")
    path = settings.database_path
    database = Database.open(path, read_only=path.exists())
    try:
        books, kinds, limits, finding, met_open, clock = database.read_now(
            lambda db: (
                ledger.sync_ledger(db), kind_lines(db), sync_limits.sync_limits(db),
                sync_findings.last_finding(db), two_edits.count_open(db),
                clock_dispute(db, boots.newest(db)),
            )
        )  # fmt: skip
    finally:
        database.close()
    is_running = answer is not None and "view" in answer
    view: Any = SimpleNamespace(**answer["view"]) if answer is not None and is_running else None
    now_ms = int(answer["now_ms"]) if answer is not None and is_running else time.time_ns() // 1_000_000
    refused: Counter[str] = Counter()
    for line in kinds:
        refused.update(line.refused)
    why = reasons(books, view, refused, finding, now_ms)
    return State(books, kinds, limits, finding, met_open, view, refused, why, now_ms, clock)


def explained(state: State) -> str:
    """Why something is not synced and what comes of it, a paragraph a reason."""
    lines = [f"{it.why}\n  {it.next}" for it in state.reasons]
    but = " but what was put away" if state.books.segments_kept else ""
    if not lines:
        lines = [
            f"Everything{but} is synced: what was recorded here is online,"
            " and what was changed online is here."
        ]
    if kept := kept_words(state.books.segments_kept):
        lines.append(kept.replace(". ", ".\n  ", 1))
    if state.clock is not None:
        lines.append(f"{state.clock.why}\n  {state.clock.next}")
    if state.met_open:
        pairs = "1 pair of edits" if state.met_open == 1 else f"{state.met_open} pairs of edits"
        lines.append(f"{pairs} met; the newer value stands.\n  The sync page has the other one a tap away.")
    if state.finding is None and state.books.hub_id is not None:
        lines.append("Both sides were never compared.\n  touchline-hub verify does it.")
    return "\n".join(lines)


def screen(state: State) -> str:
    """The whole state on one screen."""
    books, view = state.books, state.view
    head = "synced" if not state.reasons else state.reasons[0].why.rstrip(".")
    facts = [("Sync", head)]
    if books.hub_id is not None:
        facts.append(("Club", f"{books.club_name or '–'} at {books.cloud_url}"))
        facts.append(("Last contact", _ago(books.last_contact_ms, state.now_ms)))
    if view is not None:
        again = f", next try in {span_words(view.next_try_s)}" if view.next_try_s else ""
        facts.append(("Last round", f"{view.detail}{again}"))
    if books.pending:
        left = f", about {span_words(view.eta_s)} left" if view is not None and view.eta_s is not None else ""
        size = f" ({bytes_words(view.bytes_pending)})" if view is not None and view.bytes_pending else ""
        facts.append(("Waiting", f"{books.pending}{size}{left}"))
    if coming := to_come_words(books):
        facts.append(("To come", coming))
    facts.append(("May use", limit_words(state.limits)))
    if state.finding is not None:
        facts.append(("Compared", f"{_ago(state.finding.at_ms, state.now_ms)}: {state.finding.words}"))
    if kept := state.books.segments_kept:
        recordings = "recording" if kept == 1 else "recordings"
        facts.append(("Put away", f"{kept} refused {recordings}, kept on this hub only"))
    if state.clock is not None:
        facts.append(("Clocks", state.clock.why.rstrip(".")))
    if state.met_open:
        facts.append(("Edits that met", f"{state.met_open} to decide"))
    lines = [f"{name + ':':<16}{words}" for name, words in facts]
    if state.kinds:
        lines += ["", f"{'':<26}{'here':>9}{'waiting':>9}{'in cloud':>10}{'refused':>9}"]
        lines += [_kind_line(it) for it in state.kinds]
    return "\n".join(lines)


def _kind_line(it: KindLine) -> str:
    said = [reason_words(code) for code in sorted(it.refused)]
    apart = [f"{n} {what}" for n, what in ((it.kept, "put away"), (it.not_shown, "not shown here")) if n]
    why = "; ".join([*said, *apart])
    line = f"{it.name:<26}{it.have:>9}{it.pending:>9}{it.stored:>10}{it.refused_n:>9}"
    return f"{line}  {why}".rstrip()


def limit_words(limits: SyncLimits) -> str:
    """What the sync may use."""
    if limits.is_paused:
        return "nothing: somebody paused it"
    speed = f"{limits.cap_kbit_s} kbit/s" if limits.cap_kbit_s else "the whole link"
    return f"{speed}, {f'only on {limits.only_network}' if limits.only_network else 'on any network'}"


def in_short(state: State) -> str:
    """How it stands in a sentence or two a person can act on, whether a hub runs or not."""
    books = state.books
    if books.hub_id is None:
        return "This hub is not enrolled; enter a claim code on its sync page."
    said = f"{_held(books.ops_accepted, books.segments_stored)} are in the cloud."
    why = reasons(books, state.view or AT_REST, state.refused, state.finding, state.now_ms)
    return " ".join([said, *(it.why for it in why)]) if why else f"Synced: {said}"


def watch(
    settings: HubSettings, *, is_json: bool, tell: Callable[[str], None] = print, most: int | None = None
) -> None:
    """A line at first and whenever something changes; `most` readings, or until interrupted."""
    before, count = "", 0
    while most is None or count < most:
        state = read_state(settings)
        line = json.dumps(as_json(state, None)) if is_json else watched(state)
        known = json.dumps({**as_json(state, None), "now_ms": 0}) if is_json else line
        if known != before:
            tell(line if is_json else f"{time.strftime('%H:%M:%S')}  {line}")
        before, count = known, count + 1
        if most is None or count < most:
            time.sleep(EVERY_S)


def _held(edits: int, recordings: int) -> str:
    return f"{counted(edits, 'edit')} and {counted(recordings, 'recording')}"


def watched(state: State) -> str:
    """One line: the state, what waits, and how long it will take."""
    books, view = state.books, state.view
    if not state.reasons:
        return f"synced; {_held(books.ops_accepted, books.segments_stored)} in the cloud"
    waits = f"{_held(books.ops_pending, books.segments_pending)} wait"
    left = f", about {span_words(view.eta_s)} left" if view is not None and view.eta_s is not None else ""
    return f"{'not running' if view is None else view.state}: {waits}{left}. {state.reasons[0].why}"


def as_json(state: State, words: str | None) -> dict[str, Any]:
    """Everything, for a script."""
    said = {} if words is None else {"round": words}
    return {
        **said,
        "is_synced": not state.reasons,
        "reasons": [asdict(it) for it in state.reasons],
        "ledger": asdict(state.books),
        "kinds": [asdict(it) for it in state.kinds],
        "limits": asdict(state.limits),
        "running": None if state.view is None else vars(state.view),
        "last_comparison": None if state.finding is None else asdict(state.finding),
        "edits_to_decide": state.met_open,
        "clocks_disagree": None if state.clock is None else asdict(state.clock),
        "now_ms": state.now_ms,
    }


def _ago(at_ms: int | None, now_ms: int) -> str:
    return "never" if at_ms is None else f"{span_words((now_ms - at_ms) / 1000)} ago"
