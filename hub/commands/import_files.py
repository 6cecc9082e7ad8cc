"""`touchline-hub import`: files are read here and kept by the running hub or, without one, by this process.

A dry run keeps them too, in a copy of the database that is thrown away. It knows no format.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from hub.clock import Clock, boot_id, mono_ms
from hub.config import HubSettings
from hub.control import ask
from hub.devices.exports.found import Setting
from hub.errors import ActionRefused, NotFound
from hub.import_desk import kept_with_original
from hub.imports.jobs import Outcome
from hub.imports.parcel import packed
from hub.imports.pool import Pool
from hub.imports.readfile import ReadFile
from hub.imports.undo import settling
from hub.serving import owned
from hub.store import athletes, boots, csv_mappings
from hub.store.database import Database
from hub.store.records import Moment
from hub.store.steps import at_once

Keep = Callable[[ReadFile], Outcome]
BEST_FIRST = ("imported", "linked", "duplicate", "quarantined", "failed")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file given, in the shape `--json` prints; an archive has one member an export."""

    file: str
    status: str
    format: str
    error: str | None
    hint: str | None
    warnings: list[str]
    sessions: list[dict[str, Any]]
    detail: str
    members: list[dict[str, Any]]


def run(settings: HubSettings, options: Namespace) -> int:
    """Import files and folders, say what became of each; 1 where any failed."""
    with _kept(settings, options.athlete, options.dry_run) as (keep, mappings):
        setting = Setting(settings.zone, mappings=mappings)
        originals = None if options.dry_run else settings.database_path.with_name("originals")
        return asyncio.run(_all(options, setting, originals, keep))


async def _all(options: Namespace, setting: Setting, originals: Path | None, keep: Keep) -> int:
    files = list(files_of(options.paths))
    counts: dict[str, int] = {}
    pool = Pool(originals=originals)
    try:
        for number, path in enumerate(files, 1):
            _show_progress(number, len(files), path)
            outcomes = [keep(read) async for read in pool.read(path, setting, path.name)]
            report = report_of(path, outcomes)
            counts[report.status] = counts.get(report.status, 0) + 1
            print(json.dumps(asdict(report)) if options.json else _lines(report), flush=True)
    finally:
        await pool.close()
    if not options.json and len(files) > 1:
        said = ", ".join(f"{counts[status]} {status}" for status in BEST_FIRST if status in counts)
        print(f"{len(files)} files: {said}.")
    if not options.json and options.dry_run:
        print("This was a dry run: nothing was kept.")
    return 1 if not files or counts.get("failed") else 0


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and every file in the folders named, in the order of their names."""
    for path in paths:
        if path.is_dir():
            inside = (it for it in sorted(path.rglob("*")) if it.is_file())
            yield from (it for it in inside if not any(p.startswith(".") for p in it.relative_to(path).parts))
        else:
            yield path


def report_of(path: Path, outcomes: Sequence[Outcome]) -> FileReport:
    """The outcomes of one file's exports as one report; the best of them names it."""
    statuses = {it.status for it in outcomes}
    status = next((it for it in BEST_FIRST if it in statuses), "failed")
    failed = [it for it in outcomes if it.status == "failed"]
    warnings = [warning for it in outcomes for warning in it.warnings]
    if status != "failed":
        warnings += [f"{_member(it)}: {it.detail} {it.hint}".strip() for it in failed]
    chief = next((it for it in outcomes if it.status == status), None)
    is_archive = any("!" in it.name for it in outcomes)
    is_lost = status in ("failed", "quarantined")
    return FileReport(
        file=str(path),
        status=status,
        format=", ".join(dict.fromkeys(it.format for it in outcomes if it.format)),
        error=chief.detail if chief and is_lost else None,
        hint=(chief.hint or None) if chief and is_lost else None,
        warnings=warnings,
        sessions=[session for it in outcomes for session in it.sessions],
        detail="; ".join(dict.fromkeys(it.detail for it in outcomes if it.status == status)),
        members=[
            {"name": _member(it), "status": it.status, "detail": it.detail} for it in outcomes if is_archive
        ],
    )


def _member(it: Outcome) -> str:
    return it.name.partition("!")[2] or it.name


def _lines(report: FileReport) -> str:
    hint = f" {report.hint}" if report.hint else ""
    told = "".join(f"\n  note: {warning}" for warning in report.warnings)
    return f"{report.file}: {report.status}: {report.detail}{hint}{told}"


def _show_progress(number: int, total: int, path: Path) -> None:
    if total > 1 and sys.stderr.isatty():
        print(f"\r\x1b[K[{number}/{total}] {path.name}", end="\r", file=sys.stderr, flush=True)


# --- where the files are kept


@contextmanager
def _kept(
    settings: HubSettings, whose: str | None, is_dry_run: bool
) -> Iterator[tuple[Keep, dict[str, dict[str, Any]]]]:
    """What keeps a read file: a copy, the running hub, or the database itself; and the saved mappings."""
    running = ask(settings.control_path, "status")
    if is_dry_run:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "hub.db"
            _copied(settings.database_path, copy)
            with _kept_in(copy, whose) as kept:
                yield kept
    elif running is not None:
        with closing(Database.open(settings.database_path, read_only=True)) as database:
            athlete_id = database.read_now(lambda db: athlete_called(db, whose)) if whose else None
            mappings = database.read_now(csv_mappings.by_signature)
        yield (lambda read: _kept_by_hub(settings, read, athlete_id)), mappings
    else:
        with owned(settings), _kept_in(settings.database_path, whose) as kept:
            yield kept


@contextmanager
def _kept_in(path: Path, whose: str | None) -> Iterator[tuple[Keep, dict[str, dict[str, Any]]]]:
    with closing(Database.open(path)) as database:
        boot_no = database.write_now(lambda db: boots.register(db, boot_id()))
        clock = Clock(boot_no, database.read_now(lambda db: boots.best_anchor(db, boot_no, mono_ms())))
        athlete_id = database.read_now(lambda db: athlete_called(db, whose)) if whose else None

        def moment() -> Moment:
            return Moment(boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

        def keep(read: ReadFile) -> Outcome:
            return database.write_now(lambda db: kept_with_original(db, moment(), read, athlete_id))

        database.write_now(lambda db: at_once(settling(db, moment())))
        yield keep, database.read_now(csv_mappings.by_signature)


def _kept_by_hub(settings: HubSettings, read: ReadFile, athlete_id: str | None) -> Outcome:
    answer = ask(settings.control_path, "keep", packed(read), athlete_id=athlete_id)
    if answer is None:
        return Outcome(read.name, "failed", "the hub stopped meanwhile.", hint="Start it and try again.")
    if "error" in answer:
        raise ActionRefused(answer["error"], hint=answer["hint"])
    lists = {name: tuple(answer[name]) for name in ("session_ids", "warnings", "sessions")}
    return Outcome(**{**answer, **lists})


def _copied(database: Path, copy: Path) -> None:
    """A consistent copy of the database as it stands, also beside a running hub; none of one not yet made."""
    if database.exists():
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as here,
            closing(sqlite3.connect(copy)) as there,
        ):
            here.backup(there)


def athlete_called(db: Connection, whose: str) -> str:
    """The id of the one athlete with this name, shirt number or id. Raises NotFound with those known."""
    wanted = whose.strip().casefold()
    known = athletes.all_athletes(db, include_inactive=True)
    found = [a for a in known if wanted in (a.athlete_id, a.name.casefold(), str(a.shirt_number))]
    if len(found) != 1:
        names = ", ".join(a.name for a in (found or known)[:8]) or "nobody yet"
        raise NotFound(f"one athlete called {whose!r}.", hint=f"Known: {names}.")
    return found[0].athlete_id
