"""The commands as a person runs them: help, exit status, and errors that say what to do next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import cli
from hub.config import HubSettings
from hub.errors import StoreUnavailable
from hub.serving import owned
from hub.store.database import Database
from hub.store.records import propose
from tests.devices.exports.fit_writer import run_file
from tests.store.small_store import PERSON, counted_ids, moment

ROOT = Path(__file__).parents[2]
RUN = run_file(datetime(2026, 11, 18, 17, 30, tzinfo=UTC), [(s, 150) for s in range(301)])
VERBS = ("run", "demo", "scan", "import", "sync", "status")


def command(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """touchline-hub in a process of its own, with a data folder of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHLINE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "hub.cli", *arguments],
        cwd=ROOT, env=environment | {"TOUCHLINE_DATA": str(folder)} | more, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one athlete, for commands run in this process."""
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))
    database = Database.open(HubSettings(data=tmp_path).database_path)
    database.write_now(lambda db: propose(db, moment(counted_ids(), boot_no=0), "athlete", "a1", PERSON))
    database.close()
    (tmp_path / "run.fit").write_bytes(RUN)
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_explains_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])
    assert ended.value.code == 0
    assert f"example:\n  touchline-hub {verb}" in capsys.readouterr().out


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n    {verb} " not in said] == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["import"], ["run", "--port", "99999"], ["run", "--port", "x"], ["scan", "-x"]],
)
def test_a_command_that_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2


def test_status_works_on_a_fresh_folder(tmp_path: Path) -> None:
    done = command(tmp_path / "new", "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No hub is running" in done.stdout
    assert "not enrolled" in done.stdout


def test_import_in_a_process_of_its_own_waits_in_the_inbox_until_an_athlete_is_given(here: Path) -> None:
    waiting = command(here, "import", str(here / "run.fit"), "--json")
    assert (waiting.returncode, waiting.stderr) == (0, "")
    assert [session["athlete"] for session in json.loads(waiting.stdout)["sessions"]] == [None]
    done = command(here, "import", str(here / "run.fit"), "--athlete", "7", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    given = json.loads(done.stdout)
    assert (given["status"], given["sessions"][0]["athlete"]) == ("duplicate", "Ada")


def test_metrics_says_what_a_number_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["metrics", "banister_trimp"]) == 0
    assert "Banister 1991" in capsys.readouterr().out
    assert cli.main(["metrics", "vibes"]) == 1
    assert "no such metric: vibes" in capsys.readouterr().err


def test_an_athlete_is_found_by_name_number_or_id(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for whose in ("ADA", "7", "a1"):
        assert cli.main(["import", str(here / "run.fit"), "--athlete", whose]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in said] == ["imported", "duplicate", "duplicate"]
    assert cli.main(["import", str(here / "run.fit"), "--athlete", "Bea"]) == 1
    assert "Known: Ada" in capsys.readouterr().err


def test_files_that_cannot_be_read_end_with_1_and_do_not_stop_the_others(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.fit").write_bytes(b"Dear diary")
    paths = [str(here / name) for name in ("missing.fit", "bad.fit", "run.fit")]
    assert cli.main(["import", *paths, "--athlete", "Ada"]) == 1
    said = capsys.readouterr().out.splitlines()
    outcomes = [line for line in said if line.startswith(str(here))]
    assert [line.split(": ")[1] for line in outcomes] == ["failed", "failed", "imported"]
    assert said[-1] == "3 files: 1 imported, 2 failed."


def test_sync_without_a_hub_says_how_to_start_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sync"]) == 1
    said = capsys.readouterr().err
    assert "no hub is running here" in said
    assert "hint: Start it with touchline-hub run" in said
    assert cli.main(["sync", "--status"]) == 0


def test_a_wrong_setting_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for name, text in (("TOUCHLINE_PORT", "http"), ("TOUCHLINE_LOG", "loud")):
        done = command(tmp_path, "status", **{name: text})
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: A setting cannot be used: {name}=")
        assert "hint: " in done.stderr


def test_a_damaged_store_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))
    path = HubSettings(data=tmp_path).database_path
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1_000)
    assert cli.main(["status"]) == 1


def test_a_second_hub_on_the_same_data_is_refused(tmp_path: Path) -> None:
    settings = HubSettings(data=tmp_path)
    with owned(settings), pytest.raises(StoreUnavailable, match="another hub") as refused, owned(settings):
        pass
    assert refused.value.hint
    with owned(settings):
        pass


def test_importing_here_while_a_hub_holds_the_data_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with owned(HubSettings(data=here)):
        assert cli.main(["import", str(here / "run.fit"), "--athlete", "7"]) == 1
    assert "another hub" in capsys.readouterr().err


def test_a_data_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file") as refused, owned(HubSettings(data=tmp_path / "file")):
        pass
    assert "TOUCHLINE_DATA" in refused.value.hint
