"""`touchline-hub sync` tells the same of refused recordings as the page: by reason, and what was put away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub import cli
from hub.config import HubSettings
from hub.store import boots, meta, refused_segments, segments
from hub.store.database import Database
from tests.store.small_store import WALL_MS, segment

SEGMENTS = [segment(stream, 1, 0) for stream in (1, 2, 3)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub of a club with three recordings, of which two were refused and one of these put away."""
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))
    path = HubSettings.from_env({"TOUCHLINE_DATA": str(tmp_path)}).database_path
    path.parent.mkdir(parents=True)
    database = Database.open(path)
    database.write_now(lambda db: boots.register(db, "boot-one"))
    database.write_now(lambda db: meta.put(db, "hub_id", "hub"))
    for it in SEGMENTS:
        database.write_now(lambda db, it=it: segments.add(db, it))  # type: ignore[misc]
    refused = {it.seg_id: "corrupt" for it in SEGMENTS[:2]}
    database.write_now(lambda db: refused_segments.record(db, refused, WALL_MS))
    database.write_now(lambda db: refused_segments.put_away(db, [SEGMENTS[0].seg_id], WALL_MS))
    database.close()
    return path


def test_the_screen_counts_what_waits_was_refused_and_was_put_away(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sync", "--status"]) == 0
    said = capsys.readouterr().out
    line = next(it for it in said.splitlines() if it.startswith("Heart-rate"))
    assert line.split()[2:6] == ["3", "1", "0", "1"]
    assert line.endswith("it is damaged; 1 put away")
    assert "Put away:       1 refused recording, kept on this hub only" in said


def test_explaining_says_that_what_was_put_away_is_here_only(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sync", "--explain"]) == 3
    said = capsys.readouterr().out
    assert "The cloud refused 1 item: 1 because it is damaged." in said
    assert "1 recording waits to be sent." in said
    assert "is put away.\n  It stays on this hub only and is never counted as synced." in said


def test_a_script_reads_the_same(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sync", "--status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    ledger, (kind,) = said["ledger"], said["kinds"]
    assert (ledger["segments_pending"], ledger["segments_refused"], ledger["segments_kept"]) == (1, 1, 1)
    assert (kind["pending"], kind["refused"], kind["kept"]) == (1, {"corrupt": 1}, 1)
