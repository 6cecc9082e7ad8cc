"""The pitch starts with one line, ends when told to, and says in one sentence why it cannot start."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from tests.devices.pitch_process import COMMAND, ROOT, PitchProcess


def test_it_says_when_the_straps_advertise() -> None:
    with PitchProcess("--athletes", "3") as pitch:
        assert pitch.ready_line == f"ready port={pitch.port} athletes=3"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_word(number: int) -> None:
    with PitchProcess("--athletes", "2", "--faults", "mixed") as pitch:
        pitch.signal(number)
        assert pitch.end() == (0, "")


def test_quit_ends_it_and_nonsense_does_not() -> None:
    with PitchProcess("--athletes", "2") as pitch:
        pitch.say("silence 9")
        pitch.say("dance 1")
        pitch.say("quit")
        status, complaints = pitch.end()
    assert status == 0
    assert complaints.splitlines()[0] == "there is no strap '9'"
    assert complaints.splitlines()[1].startswith("'dance' is not one of silence, wake")


def test_a_taken_port_is_one_sentence_and_status_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        attempt = subprocess.run(
            [*COMMAND, "--port", str(port)], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
        )
    assert attempt.returncode == 2
    assert attempt.stderr == f"The pitch cannot listen on 127.0.0.1 port {port}: Address already in use.\n"


def test_help_shows_examples() -> None:
    attempt = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "examples:\n  python -m hub.devices.virtual.pitch --athletes 24" in attempt.stdout
