"""`touchline-hub scan`: a table that fits its terminal, through the running hub or a radio of its own."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from hub import cli
from hub.commands import scan as scan_command
from hub.commands.scan import table
from hub.config import HubSettings
from hub.control import ControlDoor
from tests.devices.pitch_process import PitchProcess

STRAP: dict[str, Any] = {
    "strap_id": "A0000001", "name": "Polar H10 A0000001", "via": "gatt", "adapter": "hci0", "rssi_dbm": -60,
    "bpm": 142, "contact": "yes", "battery_percent": 80, "packet_loss": 0.02, "trouble": "", "is_pod": False,
    "age_ms": 400,
}  # fmt: skip
ADAPTER = {"name": "hci0", "kind": "adapter", "slots": 7, "used": 1, "mode": "passive", "trouble": ""}
ANSWER: dict[str, Any] = {"straps": [STRAP], "receivers": [ADAPTER], "foreign": 3, "trouble": None}


def test_a_strap_is_one_line_with_everything_in_it() -> None:
    lines = table(ANSWER)
    assert lines[0] == "adapter hci0: passive, 1 of 7 links"
    assert lines[3].split() == [
        "A0000001", "Polar", "H10", "A0000001", "connected", "hci0", "-60", "dBm", "142", "yes",
        "80", "%", "2", "%",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"age_ms": None}, "no value yet"),
        ({"age_ms": 60_000}, "silent"),
        ({"trouble": "a watch holds it"}, "a watch holds it"),
        ({"is_pod": True}, "  pod  "),
        ({"via": "broadcast"}, "broadcast"),
        ({"rssi_dbm": None, "bpm": None, "battery_percent": None, "packet_loss": None}, "–"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(changed: dict[str, Any], said: str) -> None:
    assert said in table(ANSWER | {"straps": [STRAP | changed]})[3]


def test_a_thousand_straps_are_cut_to_the_terminal_the_nearest_first() -> None:
    crowd = [STRAP | {"strap_id": f"F{number:07}", "rssi_dbm": -50 - number % 50} for number in range(1_000)]
    lines = table(ANSWER | {"straps": crowd}, most=22)
    assert len(lines) <= 22
    assert lines[-1].startswith("… and 98")
    assert "F0000000" in lines[3]


async def _asked(folder: Path, screen: io.StringIO | None) -> dict[str, Any]:
    async def radio(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
        return ANSWER

    settings = HubSettings(data=folder)
    settings.control_path.parent.mkdir(parents=True)
    door = ControlDoor(settings.control_path, {"radio": radio})
    await door.open()
    try:
        return await scan_command._listen(settings, 0.1, screen)
    finally:
        await door.close()


def test_beside_a_running_hub_it_asks_that_hub(tmp_path: Path) -> None:
    screen = io.StringIO()
    assert asyncio.run(_asked(tmp_path, screen)) == ANSWER
    drawn = screen.getvalue()
    assert "1 straps, 1 live. As the running hub hears it" in drawn
    assert "A0000001" in drawn


def test_without_a_hub_it_opens_the_radio_and_says_which_receivers_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with PitchProcess("--athletes", "2", "--broadcast", "1") as pitch:
        monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path))
        monkeypatch.setenv("TOUCHLINE_BACKEND", "virtual")
        monkeypatch.setenv("TOUCHLINE_VIRTUAL_PORT", str(pitch.port))
        assert cli.main(["scan", "--seconds", "4", "--json"]) == 0
    heard = json.loads(capsys.readouterr().out)
    assert {it["strap_id"] for it in heard["straps"]} == {"A0000001", "A0000002"}
    assert [it["name"] for it in heard["receivers"]] == ["hci0"]
    assert any(it["bpm"] for it in heard["straps"])


def test_silence_says_what_to_do_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silence = ANSWER | {"straps": []}

    async def nothing(*_arguments: object) -> dict[str, Any]:
        return silence

    monkeypatch.setattr(scan_command, "_listen", nothing)
    options = argparse.Namespace(seconds=0.1, json=False)
    assert scan_command.run(HubSettings(data=tmp_path), options) == 1
    assert "Wet the electrodes" in capsys.readouterr().out
