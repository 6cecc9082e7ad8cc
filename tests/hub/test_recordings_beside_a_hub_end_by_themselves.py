"""A recording asked for through the control door: one at a time, ended on request or when nobody asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.devices.recording import RecordingRadio, read_events, read_header
from hub.devices.replay import ReplayClock, ReplayRadio
from hub.devices.virtual.generate import Script, generate
from hub.errors import ActionRefused
from hub.replaying.recording import FORGOTTEN_S, RadioRecording
from tests.sim import clockwork


def recording_of(folder: Path) -> tuple[RadioRecording, RecordingRadio]:
    generate(folder / "source", Script(athletes=1, minutes=0.1))
    radio = RecordingRadio(ReplayRadio(folder / "source", ReplayClock(60)), None, lambda: 5)
    return RadioRecording(radio, lambda: 1_790_000_000_000), radio


def test_one_recording_at_a_time_begins_is_watched_and_ends(tmp_path: Path) -> None:
    async def story() -> None:
        recording, radio = recording_of(tmp_path)
        with pytest.raises(ActionRefused, match="has ended"):
            await recording.record({}, b"")
        answer = await recording.record({"file": str(tmp_path / "a")}, b"")
        assert (answer["events"], answer["trouble"]) == (0, "")
        with pytest.raises(ActionRefused, match="is running"):
            await recording.record({"file": str(tmp_path / "b")}, b"")
        await recording.record({"end": True}, b"")
        assert radio.writer is None
        for wrong in (tmp_path / "a", tmp_path / "no folder" / "c"):
            with pytest.raises(ActionRefused):
                await recording.record({"file": str(wrong)}, b"")

    asyncio.run(story())
    header = read_header(tmp_path / "a")
    assert (header["started_at_ms"], header["receivers"]) == (1_790_000_000_000, ["hci0"])
    assert list(read_events(tmp_path / "a")) == []


def test_a_recording_nobody_asks_about_ends(tmp_path: Path) -> None:
    async def story() -> None:
        recording, radio = recording_of(tmp_path)
        await recording.record({"file": str(tmp_path / "a")}, b"")
        for _ in range(4):
            await asyncio.sleep(0.9 * FORGOTTEN_S)
            await recording.record({}, b"")
        await asyncio.sleep(0.9 * FORGOTTEN_S)
        assert radio.writer is not None
        await asyncio.sleep(0.2 * FORGOTTEN_S)
        assert radio.writer is None

    clockwork.run(story())
