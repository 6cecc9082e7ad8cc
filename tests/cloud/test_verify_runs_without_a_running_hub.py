"""`touchline-hub verify` compares from the card itself where no hub runs, and never beside one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub import cli
from hub.config import HubSettings
from hub.serving import owned
from hub.store import sync_findings, sync_limits
from sync import client as sync_client
from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]
Says = Callable[..., tuple[int, str]]


@pytest.fixture
def says(
    tmp_path: Path, line: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Says:
    """Run a verb of the hub whose way out ends at the service; its status and all it said."""
    opened = sync_client._open
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sync_client, "_open", lambda url, transport: opened(url, line))

    def go(*arguments: str) -> tuple[int, str]:
        status = cli.main(list(arguments))
        said = capsys.readouterr()
        return status, (said.out + said.err).strip()

    return go


@pytest.fixture
def hub(tmp_path: Path, start: Start) -> HubOn:
    """A hub with a training, where the commands expect it; nothing of it was sent."""
    (tmp_path / "data").mkdir()
    hub = start("data/hub")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return hub


def test_it_syncs_first_then_compares_and_keeps_what_it_found(
    hub: HubOn, says: Says, start: Start, db: Any
) -> None:
    hub.stop()
    status, words = says("verify")
    assert (status, "exactly what this hub has: 5 records" in words) == (0, True), words
    again = start("data/hub")
    assert again.books.pending == 0
    kept = again.ask(sync_findings.last_finding)
    assert kept is not None
    assert kept.words == words
    assert kept.is_equal
    again.stop()

    db.execute("UPDATE row_state SET doc = jsonb_set(doc, '{name}', '\"Eve\"') WHERE tbl = 'athlete'")
    status, words = says("verify", "--json")
    assert status == 1
    found = json.loads(words)
    assert [it["tbl"] for it in found["differences"]] == ["athlete"]
    assert not found["is_equal"]


def test_it_says_what_stands_in_its_way(
    hub: HubOn, says: Says, line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.is_down = True
    status, words = says("verify")
    assert (status, "did not answer" in words) == (1, True), words
    hub.store.write_now(lambda db: sync_limits.put_paused(db, True))
    assert "the sync is paused" in says("verify")[1]
    hub.stop()
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path / "empty"))
    status, words = says("verify")
    assert (status, "belongs to no club" in words) == (1, True), words


def test_it_never_writes_beside_whoever_holds_the_folder(hub: HubOn, says: Says, tmp_path: Path) -> None:
    hub.stop()
    with owned(HubSettings.from_env({"TOUCHLINE_DATA": str(tmp_path / "data")})):
        status, words = says("verify")
    assert status == 1
    assert "in use by another hub" in words
