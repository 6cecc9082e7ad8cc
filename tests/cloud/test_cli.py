"""The command line: short, honest, with a hint and an exit code."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest

from cloud.accounts import CODE_ALPHABET
from cloud.cli import main
from cloud.config import CloudSettings
from cloud.errors import SettingInvalid
from sync.claim import normal


@pytest.fixture(autouse=True)
def _settings(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))


def test_enrol_prints_code_and_password_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", "--club", "FC Example", "--coach", "Ann@Example.org"]) == 0
    words = capsys.readouterr().out.split()
    shown = words[words.index("code:") + 1]
    code = normal(shown)
    assert shown == f"{code[:4]}-{code[4:]}"
    assert len(code) == 8
    assert set(code) <= set(CODE_ALPHABET)
    assert len(words[words.index("password:") + 1]) >= 16
    assert main(["enrol", "--club", "fc example", "--coach", "ann@example.org"]) == 0
    assert "unchanged" in capsys.readouterr().out


def test_a_given_password_is_read_from_stdin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["enrol", "--club", "FC", "--coach", "a@b.c", "--password-stdin"]
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(arguments) == 1
    assert "at least 12 characters" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough to pass\n"))
    assert main(arguments) == 0
    assert "long enough to pass" in capsys.readouterr().out


def test_a_coach_belongs_to_one_club(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", "--club", "FC", "--coach", "a@b.c"]) == 0
    assert main(["enrol", "--club", "Other", "--coach", "a@b.c"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: This e-mail address belongs to a coach of another club. (a@b.c)",
        "hint: Use another address.",
    ]


def test_migrate_says_when_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--dry-run"]) == 0
    assert capsys.readouterr().out == "nothing to do\n"


def test_a_taken_port_is_one_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: Another program already listens there: 127.0.0.1:{port}")
    assert hint.startswith("hint: ")


def test_an_absent_database_is_one_sentence_and_a_hint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert main(["migrate"]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: The database cannot be reached:")
    assert "DATABASE_URL" in hint


@pytest.mark.parametrize("arguments", [[], ["enrol"], ["dance"], ["serve", "--nonsense"]])
def test_wrong_arguments_are_exit_code_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments", [["--help"], ["serve", "--help"], ["enrol", "--help"], ["migrate", "--help"]]
)
def test_help_shows_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


def test_settings_come_from_the_environment() -> None:
    assert CloudSettings.from_env({}) == CloudSettings()
    given = CloudSettings.from_env(
        {"TOUCHLINE_DATA": "/d", "TOUCHLINE_CLOUD_PORT": "1", "DATABASE_URL": "postgres://h/d"}
    )
    assert (given.data_dir, given.port, given.database_url) == (Path("/d"), 1, "postgres://h/d")
    for wrong in ({"TOUCHLINE_CLOUD_PORT": "99999"}, {"DATABASE_URL": "mysql://h"}):
        with pytest.raises(SettingInvalid):
            CloudSettings.from_env(wrong)
