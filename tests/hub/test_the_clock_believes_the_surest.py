"""Wall time is a view of the boot's own clock through the surest anchor; a worse one changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import clock
from hub.clock import Clock
from tests.store.small_store import anchor


@pytest.fixture(autouse=True)
def _no_network_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", tmp_path / "none")


def test_before_anything_better_it_is_the_systems_time_and_not_verified() -> None:
    assert not Clock(1).is_verified


def test_a_known_anchor_of_this_boot_carries_over_a_restart() -> None:
    known = anchor(1, 1_000, 5_000_000, err_ms=50)
    restarted = Clock(1, known)
    assert restarted.is_verified
    assert restarted.wall_ms() - restarted.mono_ms() == pytest.approx(4_999_000, abs=50)
    assert not Clock(2, known).is_verified


@pytest.mark.parametrize(
    ("err_ms", "source", "boot_no", "is_adopted"),
    [
        (40, "cloud", 1, True),
        (50, "ntp", 1, True),
        (51, "cloud", 1, False),
        (15_000, "cloud", 1, False),
        (1, "system", 1, False),
        (1, "cloud", 2, False),
    ],
)
def test_only_an_anchor_at_least_as_sure_is_adopted(
    err_ms: int, source: str, boot_no: int, is_adopted: bool
) -> None:
    ticking = Clock(1, anchor(1, 1_000, 5_000_000, err_ms=50))
    newer = anchor(boot_no, 2_000, 9_000_000, err_ms=err_ms, source=source)
    ticking.learn(newer)
    assert (ticking.anchor == newer) is is_adopted


def test_network_time_is_trusted_once_it_has_set_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", tmp_path)
    assert Clock(1).anchor.source == "ntp"
