"""A new process on the same data shows the same loads, in the same boot and in the next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hub.results.loads import heart_series
from tests.hub.ground import Ground, run

RATES = {"S1": 140, "S2": 171}


@pytest.mark.parametrize("seconds_before", [0, 3, 299, 301, 640])
def test_a_restart_refolds_to_the_loads_of_a_hub_that_never_stopped(
    tmp_path: Path, seconds_before: int
) -> None:
    async def story(ground: Ground, *, with_restart: bool) -> dict[str, tuple[float | None, ...]]:
        await ground.add_squad(2)
        await ground.start()
        await ground.train(seconds_before, RATES)
        if with_restart:
            await ground.restart()
        await ground.train(20, RATES)
        return {k: (s.banister_au, s.edwards_au, s.coverage) for k, s in ground.live().items()}

    grounds = [Ground(tmp_path / name) for name in ("restarted", "steady")]
    restarted = run(story(grounds[0], with_restart=True))
    steady = run(story(grounds[1], with_restart=False))
    for athlete_id, numbers in steady.items():
        assert restarted[athlete_id] == pytest.approx(numbers)
    assert grounds[0].stored() == grounds[1].stored()
    for ground in grounds:
        ground.close()


def test_a_restart_resumes_the_session_and_its_assignments(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(5, {"S1": 120})
        await ground.restart()
        assert ground.recorder.session == session
        heard += await ground.train(5, {"S1": 120})
        ground.pass_ms(1)
        ended = await ground.recorder.end_session()
        assert ground.spans(session) == [("a1", 0, 10_001)]
        assert ground.stored() == Counter(heard)
        assert not ended.is_live

    run(story())


def test_a_killed_process_loses_at_most_the_last_tick(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        heard = await ground.train(5, {"S1": 120})
        await ground.train(1, {"S1": 121}, tick=False)
        await ground.restart()
        heard += await ground.train(1, {"S1": 122})
        assert ground.stored() == Counter(heard)

    run(story())


def test_a_reboot_in_mid_session_goes_on_with_the_load_so_far(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(101, {"S1": 140})
        before = ground.live()["a1"].banister_au
        await ground.reboot(off_ms=40_000)
        resumed = ground.live()["a1"]
        assert resumed.banister_au == pytest.approx(before)
        shot = ground.board.snapshot(ground.mono_ms, ground.wall_ms)
        assert shot.elapsed_s == pytest.approx(141)
        heard += await ground.train(101, {"S1": 140})
        assert ground.stored() == Counter(heard)
        # 100 s, an estimated bridge of 41 s over the reboot, 100 s
        row, live = ground.table(session)["a1"], ground.live()["a1"]
        assert row.estimated_s == pytest.approx(41)
        assert row.coverage == pytest.approx(241 / 242, abs=1e-4)
        assert live.banister_au == pytest.approx(row.banister_au)
        assert live.coverage == pytest.approx(row.coverage, abs=1e-4)

    run(story())


def test_a_reboot_closes_the_old_boots_spans_behind_their_last_sample(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(5, {"S1": 140, "S2": 150})
        last_ms = ground.mono_ms
        await ground.reboot()
        worn = ground.store.read_now(
            lambda db: db.execute(
                "SELECT from_ms, to_ms FROM stream_assignment ORDER BY athlete_id"
            ).fetchall()
        )
        assert worn == [(session.mono0_ms, last_ms + 1)] * 2
        assert ground.count("tick") == 0
        await ground.train(5, {"S1": 140})
        assert ground.count("stream_assignment") == 3
        await ground.restart()
        await ground.train(5, {"S1": 140})
        assert ground.count("stream_assignment") == 3

    run(story())


def test_a_session_ended_in_a_later_boot_is_over_and_keeps_both_parts(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(100, {"S1": 140})
        await ground.reboot(off_ms=400_000)
        await ground.train(100, {"S1": 160})
        live = ground.table(session)["a1"]
        ended = await ground.recorder.end_session()
        assert not ended.is_live
        assert ended.ended_at_ms == session.started_at_ms + 600_000
        await ground.reboot()
        assert ground.recorder.session is None
        row = ground.table(session)["a1"]
        # the very last sample falls on the end, which is open
        assert row.coverage == pytest.approx(198 / 600, abs=0.003)
        assert row.banister_au == pytest.approx(live.banister_au, rel=0.02)
        ((athlete, seconds, rates),) = ground.store.read_now(lambda db: heart_series(db, session.session_id))
        assert athlete.athlete_id == "a1"
        assert (seconds[0], rates[0], rates[-1]) == (1, 140, 160)
        assert rates.count(None) == 1
        assert 595 <= seconds[-1] <= 600

    run(story())


def test_a_strap_that_changes_hands_after_a_reboot_does_not_take_the_first_half_with_it(
    ground: Ground,
) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(100, {"S1": 140})
        await ground.reboot()
        await ground.recorder.assign("S1", "a2")
        await ground.train(50, {"S1": 180})
        table = ground.table(session)
        assert table["a1"].max_bpm == 140
        assert table["a2"].mean_bpm == pytest.approx(180)
        assert ground.live()["a2"].banister_au == pytest.approx(table["a2"].banister_au)

    run(story())


def test_silence_after_a_reboot_lowers_the_coverage_of_table_and_board_alike(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(101, {"S1": 140})
        await ground.reboot(off_ms=50_000)
        ground.pass_ms(49_000)
        assert ground.table(session)["a1"].coverage == pytest.approx(100 / 200)
        assert ground.live()["a1"].coverage == pytest.approx(100 / 200)

    run(story())
