"""Tries that fail are spaced out, and never in step with each other."""

from __future__ import annotations

from random import Random

import pytest

from hub.devices.backoff import SPREAD, Backoff

STEPS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


def test_waits_follow_the_steps_and_stay_on_the_last() -> None:
    backoff = Backoff(STEPS_S, lambda: 0.5)
    assert [backoff.next_s() for _ in range(8)] == pytest.approx([*STEPS_S, 30.0, 30.0])


def test_success_begins_at_the_first_step_again() -> None:
    backoff = Backoff(STEPS_S, lambda: 0.5)
    for _ in range(4):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == pytest.approx(1.0)


def test_two_straps_lost_together_do_not_come_back_together() -> None:
    random = Random(3)
    waits_s = [Backoff(STEPS_S, random.random).next_s() for _ in range(24)]
    assert len({round(wait_s, 3) for wait_s in waits_s}) > 20
    assert all(1 - SPREAD <= wait_s <= 1 + SPREAD for wait_s in waits_s)
