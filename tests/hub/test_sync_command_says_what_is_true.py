"""`touchline-hub sync` says how it stands and why, in words and for scripts, beside a hub or without."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from types import SimpleNamespace
from typing import Any

import pytest

from hub import cli
from hub.commands import sync as sync_command
from hub.config import HubSettings
from hub.store import meta, sync_findings, sync_limits
from hub.store.database import Database
from hub.store.ledger import Ledger
from hub.store.records import Moment, propose
from hub.store.sync_findings import Finding
from hub.store.sync_limits import SyncLimits
from hub.syncing.words import is_synced, reasons

NOW_MS = 1_795_276_000_000
BOOKS = Ledger(0, 9, 0, 0, 4, 9, 12, NOW_MS - 5000, "hub", "Rovers", "https://cloud.test")
VIEW = dict(
    state="idle", detail="up to date", last_error=None, next_try_s=None, only_network=None, network="wlan0",
    eta_s=None, bytes_pending=0,
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubSettings:
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))
    settings = HubSettings.from_env({"TOUCHLINE_DATA": str(tmp_path)})
    settings.database_path.parent.mkdir(parents=True)
    ids = iter(f"00000000-0000-4000-8000-{n:012}" for n in range(99))

    def fill(db: Connection) -> None:
        moment = Moment(1, 5, NOW_MS, lambda: next(ids))
        propose(db, moment, "athlete", "a", {"name": "Ann"})
        propose(db, moment, "athlete", "a", {"hr_max_bpm": 900})
        db.execute("UPDATE outbox SET state = 'dead', reason = 'invalid' WHERE seq = 2")
        for key, value in (("hub_id", "hub"), ("club_name", "Rovers"), ("cloud_url", "https://cloud.test")):
            meta.put(db, key, value)

    database = Database.open(settings.database_path)
    database.write_now(fill)
    database.close()
    return settings


def change(settings: HubSettings, what: Any) -> None:
    database = Database.open(settings.database_path)
    database.write_now(what)
    database.close()


def view(**other: Any) -> Any:
    return SimpleNamespace(**VIEW | other)


def test_the_screen_shows_every_kind_with_what_waits_and_what_was_refused(
    here: HubSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sync", "--status"]) == 0
    said = capsys.readouterr().out
    assert "Rovers at https://cloud.test" in said
    assert "Last contact:   never" in said
    line = next(it for it in said.splitlines() if it.startswith("Athletes"))
    assert line.split()[4:8] == ["1", "1", "0", "1"]
    assert line.endswith("a value cannot be right")


def test_explaining_names_each_reason_with_what_comes_of_it_and_ends_with_3(
    here: HubSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sync", "--explain"]) == 3
    said = capsys.readouterr().out
    for words in ("No hub is running here.", "refused 1 item: 1 because a value cannot be right",
                  "1 edit waits to be sent.", "The cloud was never reached.", "never compared"):  # fmt: skip
        assert words in said


def test_scripts_get_the_same_as_json(here: HubSettings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sync", "--status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["is_synced"] is False
    assert said["running"] is None
    assert said["ledger"]["ops_pending"] == 1
    assert said["kinds"][0]["refused"] == {"invalid": 1}
    assert len(said["reasons"]) == 4


def test_watching_says_only_what_changes(here: HubSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            change(here, lambda db: db.execute("UPDATE outbox SET state = 'acked' WHERE state = 'pending'"))

    monkeypatch.setattr(time, "sleep", nap)
    sync_command.watch(here, is_json=False, tell=lines.append, most=4)
    assert len(lines) == 2
    assert "1 edit and 0 recordings wait" in lines[0]
    assert "0 edits and 0 recordings wait" in lines[1]


def test_a_round_without_a_hub_is_not_run_while_somebody_paused_it(
    here: HubSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    change(here, lambda db: sync_limits.put_paused(db, True))
    assert cli.main(["sync", "--once"]) == 1
    assert "paused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("books", "refused", "finding", "words"),
    [
        ({}, {}, None, "Synced: 9 edits and 4 recordings are in the cloud."),
        ({"ops_pending": 2}, {}, None, "2 edits wait to be sent."),
        ({}, {"corrupt": 1}, None, "The cloud refused 1 item: 1 because it is damaged."),
        ({}, {}, Finding(NOW_MS - 9000, "3 of 15 differ", False, 3, (), ()), "found 3 differences."),
        ({"last_contact_ms": NOW_MS - 7_300_000}, {}, None, "The cloud was last reached 2 hours ago."),
        ({"hub_id": None}, {}, None, "This hub is not enrolled"),
    ],
)
def test_a_round_ends_with_synced_only_where_nothing_speaks_against_it(
    books: dict[str, Any], refused: dict[str, int], finding: Finding | None, words: str
) -> None:
    ledger = replace(BOOKS, **books)
    state = sync_command.State(ledger, [], SyncLimits(), finding, 0, None, refused, [], NOW_MS)
    said = sync_command.in_short(state)
    assert words in said
    assert said.startswith("Synced") == words.startswith("Synced")
    assert "No hub is running" not in said


def test_help_has_examples_and_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["sync", "--help"])
    said = capsys.readouterr().out
    for words in ("--once", "--watch", "--status", "--explain", "--json", "example:", "exit status:"):
        assert words in said


@pytest.mark.parametrize(
    ("books", "seen", "refused", "words"),
    [
        ({}, {"state": "offline", "last_error": "No route."}, {}, "No route."),
        ({}, {"state": "paused"}, {}, "paused"),
        ({}, {"state": "waiting", "only_network": "ClubWifi"}, {}, "only the network ClubWifi"),
        ({}, {"state": "failed", "last_error": "It said 500."}, {}, "It said 500."),
        ({"segments_pending": 2}, {"state": "syncing", "eta_s": 90.0}, {}, "2 recordings wait"),
        ({"last_contact_ms": NOW_MS - 7_300_000}, {}, {}, "last reached 2 hours ago"),
        ({"last_contact_ms": None}, {}, {}, "never reached"),
        ({}, {}, {"erased": 3}, "whose data was erased"),
        ({"hub_id": None}, {}, {}, "belongs to no club"),
    ],
)
def test_synced_is_never_said_while_something_speaks_against_it(
    books: dict[str, Any], seen: dict[str, Any], refused: dict[str, int], words: str
) -> None:
    from dataclasses import replace

    standing = replace(BOOKS, **books)
    found = reasons(standing, view(**seen), refused, None, NOW_MS)
    assert words in " ".join(f"{it.why} {it.next}" for it in found)
    assert not is_synced(standing, view(**seen), refused, None, NOW_MS)


def test_synced_is_said_when_nothing_does() -> None:
    assert is_synced(BOOKS, view(), {}, None, NOW_MS)
    unlike = Finding(NOW_MS - 60_000, "2 differ.", False, 2, (), ())
    assert not is_synced(BOOKS, view(), {}, unlike, NOW_MS)


def test_findings_are_kept_whole(here: HubSettings) -> None:
    day = sync_findings.DayProof("2026-11-21", "", 3, 4, True, "ab" * 32)
    unlike = sync_findings.Unlike("2026-11-21", "", "athlete", "a", "only on this hub")
    club = sync_findings.Club(
        NOW_MS, (sync_findings.ClubHub("hub", "touchline", "1", NOW_MS, False, 3, 4),),
        (sync_findings.Receipt(NOW_MS, 1, 0, True),),
    )  # fmt: skip
    finding = Finding(NOW_MS, "1 differs.", False, 1, (day,), (unlike,))
    change(here, lambda db: sync_findings.keep_finding(db, finding))
    change(here, lambda db: sync_findings.keep_club(db, club))
    database = Database.open(here.database_path, read_only=True)
    assert database.read_now(sync_findings.last_finding) == finding
    assert database.read_now(sync_findings.last_club) == club
    database.close()
