"""The verbs about radio events on the real radio path: recorded, played through a whole hub, and measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import cli
from hub.devices.gatt import HEART_RATE_MEASUREMENT
from hub.devices.recording import read_events, read_header
from hub.devices.virtual.generate import Script, generate
from hub.store import athletes, sessions, worn
from hub.store.database import Database
from tests.devices.pitch_process import PitchProcess

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pitch() -> Iterator[PitchProcess]:
    with PitchProcess("--athletes", "4", "--broadcast", "1", "--slots", "2") as running:
        yield running


def variables(folder: Path, port: int) -> dict[str, str]:
    """The settings of a hub on the virtual pitch."""
    return {
        "TOUCHLINE_DATA": str(folder), "TOUCHLINE_BACKEND": "virtual", "TOUCHLINE_VIRTUAL_PORT": str(port),
        "TOUCHLINE_ADAPTERS": "hci0",
    }  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, pitch: PitchProcess, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own and the pitch's radio, for commands run in this process."""
    for name, value in variables(tmp_path, pitch.port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(folder: Path, port: int, *arguments: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "hub.cli", *arguments], cwd=folder,
        env={**os.environ, **variables(folder, port), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def free_port() -> int:
    from hub.serving import listening_socket

    with listening_socket("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])


def test_recording_without_a_hub_listens_by_itself_and_ends_cleanly(
    here: Path, pitch: PitchProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    file = here / "a.radio"
    recording = started(here, pitch.port, "record", "a.radio")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (file.exists() and file.stat().st_size > 900):
        time.sleep(0.1)
    recording.send_signal(signal.SIGINT)
    said, complaints = recording.communicate(timeout=20)
    assert (recording.returncode, complaints) == (0, "")
    assert f"touchline-hub replay {file.name}" in said
    events = list(read_events(file))
    assert read_header(file)["receivers"] == ["hci0"]
    assert {event[1] for event in events} >= {"s", "c", "n"}
    assert cli.main(["record", str(file)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_a_running_hub_records_on_request_with_the_links_it_already_has(
    here: Path, pitch: PitchProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = started(here, pitch.port, "run", "--port", str(free_port()))
    try:
        assert hub.stdout is not None
        assert "listens on" in hub.stdout.readline()
        time.sleep(3)
        assert cli.main(["radio-test"]) == 1
        assert "holds the radio" in capsys.readouterr().err
        assert cli.main(["record", "b.radio", "--seconds", "2.5"]) == 0
        assert cli.main(["record", "b.radio"]) == 1
        assert "is there already" in capsys.readouterr().err
    finally:
        hub.send_signal(signal.SIGTERM)
        hub.communicate(timeout=20)
    assert hub.returncode == 0
    events = list(read_events(here / "b.radio"))
    linked = {event[3] for event in events if event[1] == "c"}
    assert len(linked) == 2
    assert {event[2] for event in events if event[1] == "n"} == linked


def test_a_made_up_session_plays_through_the_whole_hub_and_nothing_is_lost(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(here / "made.radio", Script(athletes=5, minutes=1.5, seed=4, started_at_ms=1_790_000_000_000))
    options = ["--speed", "60", "--stop-at-end", "--keep", "kept", "--port", str(free_port())]
    assert cli.main(["replay", "made.radio", *options]) == 0
    assert "5 straps" in capsys.readouterr().out
    events = read_events(here / "made.radio")
    notified = sum(event[1] == "n" and event[3] == HEART_RATE_MEASUREMENT for event in events)
    database = Database.open(here / "kept" / "hub" / "hub.db", read_only=True)
    try:
        session = database.read_now(sessions.recent)[0]
        stored = database.read_now(lambda db: worn.heart_rates(db, session))
        everyone = database.read_now(athletes.all_athletes)
    finally:
        database.close()
    assert sum(len(rates.mono_ms) for rates in stored.values()) >= notified
    assert len(stored) == len(everyone) == 5
    assert session.title == "Replay of made"
    assert abs(session.started_at_ms - 1_790_000_000_000) < 2_000
    assert session.ended_at_ms is not None
    assert 88_000 < session.ended_at_ms - session.started_at_ms < 100_000


def test_a_session_is_made_up_by_its_options_and_only_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--athletes", "3", "--minutes", "2", "--faults", "dropouts,foreign", "--fitness", "5"]
    options += ["--drills", "jog:1,interval:1", "--only-write"]
    assert cli.main(["replay", "x.radio", *options]) == 0
    assert "touchline-hub replay" in capsys.readouterr().out
    assert len({event[3] for event in read_events(here / "x.radio") if event[1] == "s"}) == 3 + 6
    assert cli.main(["replay", "x.radio", *options]) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["replay"], 1, "No recording was named"),
        (["replay", "nowhere.radio"], 1, "is no recording"),
        (["replay", "x", "--speed", "61"], 2, "from 1 to 60"),
        (["replay", "--athletes", "0"], 2, "from 1 to 200"),
        (["replay", "--athletes", "2", "--faults", "rain"], 2, "dead-batteries"),
        (["replay", "--athletes", "2", "--drills", "chess:5"], 1, "jog"),
    ],
)
def test_what_cannot_be_played_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, complaint: str
) -> None:
    try:
        ended = cli.main(arguments)
    except SystemExit as exit:
        ended = int(exit.code or 0)
    assert ended == status
    assert complaint in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_the_radio_test_measures_slots_loss_and_delay(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["radio-test", "--listen", "5", "--hold", "2.5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (adapter,) = report["adapters"]
    assert (adapter["name"], adapter["air"]["straps"], adapter["air"]["broadcasting"]) == ("hci0", 4, 4)
    assert 0.6 < adapter["air"]["frames_s"] < 1.4
    links = adapter["links"]
    assert (links["held"], links["is_full"], links["lost"], links["dropped"]) == (2, True, 0, 0)
    assert 4 <= links["expected"] <= 6
    assert 0 <= links["delay_p99_ms"] < 500
    assert 0 < links["answer_p50_ms"] < 500
    assert report["advice"] == ["hci0 holds 2 links and no more: set TOUCHLINE_SLOTS=2."]
