"""A key is on the disk under its name before the cloud hears of it, so that power may fail at any step."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.syncing.enrolment import load_key, load_next_key, prepare_next_key
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]


class PowerCut(BaseException):
    """Nothing runs after it."""


class Card:
    """A folder whose names are safe only once it was synced: power fails at the `cut`th step."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.steps, self.cut = folder, 0, -1
        self.lasting = self._names()
        self._fsync, self._replace = os.fsync, Path.replace
        patch.setattr(os, "fsync", self._synced)
        patch.setattr(Path, "replace", lambda path, target: self._renamed(path, target))

    def _names(self) -> dict[str, bytes]:
        return {it.name: it.read_bytes() for it in self.folder.glob("hub.[kn]e*")}

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.cut:
            raise PowerCut

    def _synced(self, handle: int) -> None:
        self._fsync(handle)
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            self.lasting = self._names()
        self._step()

    def _renamed(self, path: Path, target: Path) -> Path:
        self._step()
        moved = self._replace(path, target)
        self._step()
        return moved

    def fails_at(self, cut: int) -> None:
        self.steps, self.cut, self.lasting = 0, cut, self._names()

    def comes_back(self) -> None:
        """As the disk has it: every name given since the folder was last synced is gone."""
        self.cut = -1
        for name in self._names():
            (self.folder / name).unlink()
        for name, content in self.lasting.items():
            (self.folder / name).write_bytes(content)


async def _rotate(hub: HubOn) -> None:
    async with hub.dial() as client:
        await client.rotate(prepare_next_key(hub.key_path))


def test_wherever_power_fails_while_a_key_is_handed_over_the_hub_gets_in_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    hub.sync()
    card = Card(hub.card, monkeypatch)
    for cut in range(1, 50):
        card.fails_at(cut)
        try:
            run(_rotate(hub))
        except PowerCut:
            card.comes_back()
            hub.relay = hub._relay()
            hub.athlete(f"Ann {cut}")
            assert hub.sync().ops_sent == 1, f"cut at step {cut}"
            run(_rotate(hub))
            continue
        break
    assert cut > 6, "every step of a whole one was tried"
    assert load_next_key(hub.key_path) is None
    card.comes_back()
    assert hub.sync().ops_sent == 0, "nor is a key lost that was handed over long ago"


def test_a_hubs_very_first_key_is_safe_before_it_joins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card(tmp_path, monkeypatch)
    seed = load_key(tmp_path / "hub.key")
    card.comes_back()
    assert load_key(tmp_path / "hub.key") == seed
