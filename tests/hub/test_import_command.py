"""`touchline-hub import`: on a fresh folder, for an athlete, dry, over folders and archives, and as JSON."""

from __future__ import annotations

import json
import shlex
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub import cli
from hub.commands import import_files as import_command
from hub.config import HubSettings
from hub.errors import NotFound
from hub.store import imports, originals, sessions, sources
from hub.store.database import Database
from hub.store.records import propose
from tests.imports.own_files import fit_run, gpx_run, tcx_run, whoop_sleeps, zipped
from tests.store.small_store import PERSON, counted_ids, moment

NAME = str(PERSON["name"])
KEYS = {"file", "status", "format", "error", "hint", "warnings", "sessions", "detail", "members"}
SESSION_KEYS = {
    "id", "athlete", "sport", "started_at", "utc_offset_s", "elapsed_s", "timer_s", "distance_m",
    "energy_kcal", "hr", "rr_n", "records", "laps",
}  # fmt: skip


class Desk:
    """A folder of files and a data folder, with the command run in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder / "files", capsys
        self.folder.mkdir()
        self.settings = HubSettings(data=folder / "data", zone=ZoneInfo("UTC"))

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def run(self, *paths: Path, athlete: str | None = None, dry_run: bool = False) -> tuple[int, list[Any]]:
        options = Namespace(paths=list(paths), athlete=athlete, dry_run=dry_run, json=True)
        status = import_command.run(self.settings, options)
        return status, [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]

    def words(self, *paths: Path, **more: Any) -> str:
        options = Namespace(paths=list(paths), athlete=None, dry_run=False, json=False)
        import_command.run(self.settings, Namespace(**vars(options) | more))
        return self.capsys.readouterr().out

    def stored(self, question: Any) -> Any:
        database = Database.open(self.settings.database_path)
        try:
            return database.read_now(question)
        finally:
            database.close()

    def add_athlete(self) -> None:
        database = Database.open(self.settings.database_path)
        database.write_now(lambda db: propose(db, moment(counted_ids(), boot_no=0), "athlete", "a1", PERSON))
        database.close()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_fresh_data_folder_is_made_and_the_session_waits_in_the_inbox(desk: Desk) -> None:
    status, (told,) = desk.run(desk.file("run.fit", fit_run(120)))
    assert (status, told["status"], told["format"], told["error"]) == (0, "imported", "FIT", None)
    assert "waits in the inbox" in told["detail"]
    assert [it.athlete_id for it in desk.stored(sources.waiting)] == [None]
    assert desk.stored(originals.total_bytes) > 0


def test_each_file_is_one_object_of_exactly_the_named_keys(desk: Desk) -> None:
    desk.add_athlete()
    _, (told,) = desk.run(desk.file("run.fit", fit_run(120)), athlete=NAME.upper())
    assert told.keys() == KEYS
    (session,) = told["sessions"]
    assert session.keys() == SESSION_KEYS
    assert session["hr"] == {"n": 120, "mean": pytest.approx(105.5), "max": 111}
    assert session["athlete"] == NAME
    assert (session["started_at"], session["utc_offset_s"]) == ("2026-03-01T09:00:00+00:00", 3600)
    assert (session["elapsed_s"], session["rr_n"], session["records"]) == (119.0, 0, 120)
    assert session["id"] == desk.stored(sessions.recent)[0].session_id


def test_the_same_again_is_a_duplicate_and_a_twin_is_linked(desk: Desk) -> None:
    desk.add_athlete()
    files = (
        desk.file("a.fit", fit_run(300)),
        desk.file("b.fit", fit_run(300)),
        desk.file("c.tcx", tcx_run(300)),
    )
    status, told = desk.run(*files, athlete="a1")
    assert (status, [it["status"] for it in told]) == (0, ["imported", "duplicate", "linked"])
    assert len({it["sessions"][0]["id"] for it in told}) == 1


def test_one_file_that_fails_ends_with_1_and_costs_the_others_nothing(desk: Desk) -> None:
    desk.file("a.fit", fit_run(60))
    desk.file("b.fit", b"MZ" + bytes(300))
    desk.file("c.gpx", gpx_run(60))
    status, told = desk.run(desk.folder)
    assert (status, [it["status"] for it in told]) == (1, ["imported", "failed", "imported"])
    assert (told[1]["error"], told[1]["hint"]) == (
        "it is a program, not an export.", "Choose the file from the watch.",
    )  # fmt: skip
    assert told[1]["sessions"] == []


def test_a_folder_gives_every_file_below_it_but_the_hidden_ones(desk: Desk) -> None:
    for name in ("2/b.fit", "1/a.fit", ".trash/c.fit", "1/.d.fit"):
        desk.file(name, fit_run(60 + len(name)))
    _, told = desk.run(desk.folder)
    assert [Path(it["file"]).name for it in told] == ["a.fit", "b.fit"]


def test_an_archive_is_one_object_with_its_members(desk: Desk) -> None:
    packed = zipped({"sleeps.csv": whoop_sleeps(), "run.fit": fit_run(60), "read me.txt": b"hello\n"})
    _, (told,) = desk.run(desk.file("export.zip", packed))
    assert told["status"] == "imported"
    assert told["format"] == "WHOOP CSV, FIT"
    assert {it["name"]: it["status"] for it in told["members"]} == {
        "sleeps.csv": "imported", "run.fit": "imported",
    }  # fmt: skip
    assert any("read me.txt" in warning for warning in told["warnings"])


def test_nothing_of_a_dry_run_is_kept_and_it_says_what_would_become(desk: Desk) -> None:
    desk.add_athlete()
    desk.run(desk.file("a.fit", fit_run(300)), athlete="a1")
    before = desk.stored(lambda db: (imports.recent(db), originals.total_bytes(db)))
    files = (
        desk.file("a2.fit", fit_run(300)),
        desk.file("b.tcx", tcx_run(300)),
        desk.file("c.csv", whoop_sleeps()),
    )
    status, told = desk.run(*files, athlete="a1", dry_run=True)
    assert (status, [it["status"] for it in told]) == (0, ["duplicate", "linked", "imported"])
    assert desk.stored(lambda db: (imports.recent(db), originals.total_bytes(db))) == before
    assert "This was a dry run: nothing was kept." in desk.words(files[2], dry_run=True)


def test_a_dry_run_on_a_fresh_folder_leaves_no_folder(desk: Desk) -> None:
    status, (told,) = desk.run(desk.file("a.fit", fit_run(60)), dry_run=True)
    assert (status, told["status"]) == (0, "imported")
    assert not desk.settings.data.exists()


def test_an_athlete_nobody_knows_is_said_before_anything_is_read(desk: Desk) -> None:
    desk.add_athlete()
    with pytest.raises(NotFound) as refused:
        desk.run(desk.file("a.fit", fit_run(60)), athlete="Zoe")
    assert "'Zoe'" in str(refused.value)
    assert NAME in refused.value.hint
    assert desk.stored(imports.recent) == []


def test_a_file_that_vanishes_fails_alone(desk: Desk) -> None:
    status, told = desk.run(desk.folder / "gone.fit", desk.file("a.fit", fit_run(60)))
    assert (status, [it["status"] for it in told]) == (1, ["failed", "imported"])
    assert told[0]["error"].endswith(".")
    assert told[0]["hint"]


def test_an_empty_folder_fails(desk: Desk) -> None:
    assert desk.run(desk.folder) == (1, [])


def test_people_are_told_in_words_with_a_sum_at_the_end(desk: Desk) -> None:
    desk.file("a.fit", fit_run(60))
    desk.file("b.fit", b"")
    said = desk.words(desk.folder)
    assert "a.fit: imported: nobody known yet" in said
    assert "b.fit: failed: it is empty. Copy it again; it did not arrive whole." in said
    assert said.endswith("2 files: 1 imported, 1 failed.\n")


def test_an_archive_with_a_bad_member_is_imported_with_a_note(desk: Desk) -> None:
    with zipfile.ZipFile(desk.folder / "mixed.zip", "w") as archive:
        archive.writestr("good.fit", fit_run(60))
        archive.writestr("bad.fit", fit_run(60)[:20])
    status, (told,) = desk.run(desk.folder / "mixed.zip")
    assert (status, told["status"]) == (0, "imported")
    assert any(warning.startswith("bad.fit: ") for warning in told["warnings"])


def test_the_guides_examples_work_as_they_stand(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add_athlete()
    for name in ("morning.fit", "strap.fit", "exports/1.fit", "exports/more/2.fit"):
        desk.file(name, fit_run(60 + len(name)))
    desk.file("watch.tcx", tcx_run(69))
    desk.file("season.zip", zipped({"a.gpx": gpx_run(90)}))
    guide = (Path(__file__).parents[2] / "docs" / "imports.md").read_text("utf-8")
    examples = [
        shlex.split(line, comments=True) for line in guide.splitlines() if line.startswith("touchline-hub")
    ]
    assert len(examples) == 5
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("TOUCHLINE_DATA", str(desk.settings.data))
    for _, *arguments in examples:
        assert cli.main([it for it in arguments if it not in (">", "outcome.jsonl")]) == 0, arguments
    assert "waits in the inbox" in desk.capsys.readouterr().out
