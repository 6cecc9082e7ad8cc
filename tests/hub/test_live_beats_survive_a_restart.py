"""Variability on the board comes from the straps' own intervals, and a new process takes it up to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics.dfa import Alpha1
from hub.analytics.flags import Flag
from hub.domain import Contact, Reading
from tests.hub.ground import Ground, run

SQUAD = 3


def intervals(number: int) -> list[int]:
    """A heart of 700 beats at some 140 bpm, in 1/1024 s."""
    noise = np.random.default_rng(number).normal(0, 1.5, 700)
    return [int(it) for it in (430 + number + 12 * np.sin(np.arange(700) / 5) + noise).round()]


async def beat(ground: Ground, seconds: int) -> None:
    """Every strap tells the beats of each second as they fall due; the hub ticks as often."""
    due = {number: np.cumsum(intervals(number)) / 1.024 for number in range(1, SQUAD + 1)}
    for _ in range(seconds):
        before_ms = ground.mono_ms - 1_000_000
        ground.pass_ms(1_000)
        for number, ends_ms in due.items():
            told = np.flatnonzero((ends_ms > before_ms) & (ends_ms <= before_ms + 1_000))
            rr = tuple(intervals(number)[i] for i in told)
            ground.recorder.hear(Reading(f"S{number}", ground.mono_ms, 140, rr, Contact.YES))
        await ground.recorder.tick()
        await ground.recorder.refresh_alpha1()


Shown = dict[str, tuple[float | None, Alpha1 | None]]


def shown(ground: Ground) -> Shown:
    return {athlete_id: (s.rmssd_ms, s.alpha1) for athlete_id, s in ground.live().items()}


@pytest.mark.parametrize("seconds_before", [0, 3, 150, 301])
def test_a_restart_refolds_the_beats_of_a_hub_that_never_stopped(tmp_path: Path, seconds_before: int) -> None:
    async def story(
        ground: Ground, *, with_restart: bool
    ) -> tuple[Shown, dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]]:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, seconds_before)
        if with_restart:
            await ground.restart()
        refolded = ground.board.beat_windows(ground.mono_ms)
        await beat(ground, 10)
        return shown(ground), refolded, ground.board.beat_windows(ground.mono_ms)

    grounds = [Ground(tmp_path / name) for name in ("restarted", "steady")]
    restarted = run(story(grounds[0], with_restart=True))
    steady = run(story(grounds[1], with_restart=False))
    for found, expected in zip(restarted[1:], steady[1:], strict=True):
        assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in expected.items()}
    assert restarted[0] == steady[0]
    for ground in grounds:
        ground.close()


def test_after_two_minutes_everyone_has_an_experimental_alpha1(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        await ground.start()
        await beat(ground, 60)
        for rmssd_ms, alpha1 in shown(ground).values():
            assert rmssd_ms is not None
            assert alpha1 is not None
            assert alpha1.flags == (Flag.EXPERIMENTAL, Flag.TOO_LITTLE_DATA)
        await beat(ground, 65)
        for number, (rmssd_ms, alpha1) in enumerate(shown(ground).values(), start=1):
            rr_ms = np.array(intervals(number)[: int(125 / 0.43)]) / 1.024
            assert rmssd_ms == pytest.approx(np.sqrt((np.diff(rr_ms) ** 2).mean()), rel=0.1)
            assert alpha1 is not None
            assert alpha1.alpha1 is not None
            assert alpha1.flags == (Flag.EXPERIMENTAL,)
        ground.pass_ms(11_000)
        assert set(shown(ground).values()) == {(None, None)}  # the beats are too old to speak of now

    run(story())


def test_without_a_session_nothing_is_counted(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(SQUAD)
        await beat(ground, 50)
        assert set(shown(ground).values()) == {(None, None)}
        await ground.start()
        assert set(shown(ground).values()) == {(None, None)}

    run(story())
