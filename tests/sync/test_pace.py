"""Batches follow what the link carries; waits grow, scatter and stay within five minutes."""

from __future__ import annotations

from random import Random

from sync.pace import MAX_BYTES, MIN_BYTES, START_BYTES, Pace, wait_s


def test_batches_settle_near_three_seconds_of_a_steady_link() -> None:
    pace = Pace()
    for _ in range(50):
        pace.succeeded(pace.limit_bytes, 0.2 + pace.limit_bytes / 32_000)
    took_s = 0.2 + pace.limit_bytes / 32_000
    assert 2.5 < took_s < 3.5


def test_batches_reach_one_mebibyte_and_no_more_on_a_fast_link() -> None:
    pace = Pace()
    for _ in range(10):
        pace.succeeded(pace.limit_bytes, 0.01)
    assert pace.limit_bytes == MAX_BYTES


def test_every_failure_halves_and_growth_is_careful_afterwards() -> None:
    pace = Pace()
    for _ in range(4):
        pace.succeeded(pace.limit_bytes, 0.01)
    pace.failed()
    assert pace.limit_bytes == 8 * START_BYTES
    pace.succeeded(pace.limit_bytes, 0.01)
    assert pace.limit_bytes == 9 * START_BYTES
    for _ in range(20):
        pace.failed()
    assert pace.limit_bytes == MIN_BYTES


def test_a_small_batch_says_nothing_about_the_link() -> None:
    pace = Pace()
    pace.succeeded(100, 5.0)
    assert pace.limit_bytes == START_BYTES


def test_the_clouds_own_limit_is_kept() -> None:
    pace = Pace()
    pace.cap(4096)
    pace.succeeded(4096, 0.01)
    assert pace.limit_bytes == 4096


def test_waits_are_jittered_between_one_second_and_five_minutes() -> None:
    rng = Random(3)
    for failures in range(1, 60):
        assert 1.0 <= wait_s(failures, rng) <= min(300.0, 2.0**failures)
    assert len({round(wait_s(20, rng)) for _ in range(50)}) > 25


def test_what_the_cloud_asks_for_is_waited_but_never_more_than_five_minutes() -> None:
    assert wait_s(1, Random(1), asked_s=40) == 40
    assert wait_s(1, Random(1), asked_s=1e9) == 300
