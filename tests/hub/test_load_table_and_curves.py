"""The load table is the formula over the stored samples; the curve breaks where nothing was heard."""

from __future__ import annotations

import numpy as np
import pytest

from hub.analytics.load import session_load
from hub.errors import NotFound
from hub.results.loads import LONGEST_CURVE, heart_series, load_table
from hub.store import athletes
from tests.hub.ground import Ground, run

Curve = tuple[list[int], list[int | None]]


async def recorded(ground: Ground, plan: list[tuple[int, int | None]]) -> str:
    """A session of (seconds, bpm or None for silence) for one athlete; its id."""
    await ground.add_squad(1)
    session = await ground.start()
    for seconds, bpm in plan:
        if bpm is None:
            ground.pass_ms(seconds * 1_000)
        else:
            await ground.train(seconds, {"S1": bpm}, tick=False)
            await ground.recorder.tick()
    ground.pass_ms(1)
    await ground.recorder.end_session()
    return session.session_id


def curve(ground: Ground, session_id: str) -> Curve:
    ((_, seconds, rates),) = ground.store.read_now(lambda db: heart_series(db, session_id))
    return seconds, rates


def test_the_table_is_the_formula_over_what_was_heard(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        rng = np.random.default_rng(3)
        at_ms, bpm = [], []
        for _ in range(400):
            ground.pass_ms(int(rng.integers(200, 3_000)))
            rate = int(rng.integers(90, 199))
            ground.hear("S1", rate)
            at_ms.append(ground.mono_ms)
            bpm.append(rate)
            if rng.random() < 0.3:
                await ground.recorder.tick()
        ground.pass_ms(1)
        profile = ground.store.read_now(lambda db: athletes.athlete(db, "a1")).profile
        columns = np.array(at_ms, np.int64), np.array(bpm, np.int16)
        expected = session_load(*columns, profile, session.mono0_ms, ground.mono_ms)
        await ground.recorder.tick()
        live = ground.table(session)["a1"]
        await ground.recorder.end_session()
        for row in (live, ground.table(session)["a1"]):
            assert row.banister_au == pytest.approx(expected.banister_au)
            assert row.edwards_au == pytest.approx(expected.edwards_au)
            assert row.zone_s == pytest.approx(expected.zone_s)
            assert row.mean_bpm == pytest.approx(expected.mean_bpm)
            assert row.coverage == pytest.approx(expected.coverage)
            assert row.max_bpm == expected.max_bpm
            assert row.is_hr_max_exceeded == (expected.above_max_s > 0)

    run(story())


def test_rows_stand_in_shirt_number_order_and_only_for_those_who_wore_a_strap(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(12)
        session = await ground.start()
        await ground.train(2, {"S11": 120, "S2": 120, "S10": 120})
        assert [row.shirt_number for row in ground.table(session).values()] == [2, 10, 11]

    run(story())


def test_a_former_athlete_keeps_their_row(ground: Ground) -> None:
    session_id = run(recorded(ground, [(5, 140)]))
    ground.store.write_now(lambda db: db.execute("UPDATE athlete SET is_active = 0"))
    assert len(ground.store.read_now(lambda db: load_table(db, session_id))) == 1


def test_an_unknown_session_is_not_found(ground: Ground) -> None:
    for question in (load_table, heart_series):
        with pytest.raises(NotFound) as missing:
            ground.store.read_now(lambda db: question(db, "nowhere"))  # noqa: B023
        assert missing.value.hint


def test_a_live_session_counts_silence_up_to_now(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(100, {"S1": 140})
        ground.pass_ms(100_000)
        assert ground.table(session)["a1"].coverage == pytest.approx(99 / 200)
        assert ground.live()["a1"].coverage == pytest.approx(99 / 200)

    run(story())


def test_a_curve_has_a_point_a_second_and_breaks_in_a_gap_of_more_than_10_s(ground: Ground) -> None:
    session_id = run(recorded(ground, [(5, 140), (9, None), (5, 150), (10, None), (5, 160)]))
    seconds, rates = curve(ground, session_id)
    assert rates == [140] * 5 + [150] * 5 + [None] + [160] * 5
    assert seconds == [*range(1, 6), *range(15, 20), 29, *range(30, 35)]


def test_a_long_curve_is_thinned_to_1500_points_and_keeps_its_gaps(ground: Ground) -> None:
    gappy: list[tuple[int, int | None]] = [(40, 140), (30, None)] * 60
    session_id = run(recorded(ground, [*gappy, (2_000, 150)]))
    seconds, rates = curve(ground, session_id)
    assert len(seconds) <= LONGEST_CURVE
    assert rates.count(None) == 60
    assert seconds == sorted(seconds)


def test_a_long_curve_of_a_slow_sensor_is_not_torn_into_points(ground: Ground) -> None:
    """A watch that writes every 5 s is thinned like any other; its steps are no gaps."""

    async def story() -> str:
        await ground.add_squad(1)
        session = await ground.start()
        for _ in range(4_000):
            ground.pass_ms(5_000)
            ground.hear("S1", 140)
        await ground.recorder.end_session()
        return session.session_id

    _, rates = curve(ground, run(story()))
    assert None not in rates
    assert LONGEST_CURVE / 2 < len(rates) <= LONGEST_CURVE
