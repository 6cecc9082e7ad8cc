"""Motion reaches whoever wore it, on the session's clock, and becomes distances, sprints and a heat map."""

from __future__ import annotations

import math
from sqlite3 import Connection
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics.flags import Flag
from hub.domain import Session
from hub.errors import NotFound
from hub.results.external import external_table, squad_map
from hub.store.worn import heart_rates, motion
from sync.motion import Motion, seal_motion
from tests.hub.ground import Ground, run

Floats = NDArray[np.float64]
A_METRE_DEG = 1 / 111_195.08
MIDDLE = (59.9, 10.75)


async def recorded(ground: Ground, seconds: int = 300, athletes: int = 1) -> Session:
    """A finished session whose straps beat steadily."""
    await ground.add_squad(athletes)
    await ground.start()
    await ground.train(seconds, {f"S{number}": 140 for number in range(1, athletes + 1)}, tick=False)
    return await ground.recorder.end_session()


def give(ground: Ground, session: Session, athlete_id: str, moved: Motion, boot_no: int = 0) -> None:
    stream_id = str(uuid4())
    sealed = [seal_motion(stream_id, boot_no, piece) for piece in moved.pieces()]
    ground.add_stream(session, athlete_id, "motion", *sealed)


def at(session: Session, rate_hz: int, seconds: int, from_s: int = 0) -> NDArray[np.int64]:
    """Civil times from so many seconds into the session."""
    first_ms = session.started_at_ms + 1000 * from_s
    return first_ms + np.arange(seconds * rate_hz, dtype=np.int64) * (1000 // rate_hz)


def table(ground: Ground, session: Session) -> dict[str, tuple[float, float]]:
    """Distance and coverage by athlete."""
    rows = ground.store.read_now(lambda db: external_table(db, session.session_id))
    return {row.athlete.athlete_id: (row.load.distance_m, row.load.coverage) for row in rows}


def on_ground(metres: Floats, turn_deg: float) -> dict[str, Floats]:
    turn = math.radians(turn_deg)
    east = metres[:, 0] * math.cos(turn) - metres[:, 1] * math.sin(turn)
    north = metres[:, 0] * math.sin(turn) + metres[:, 1] * math.cos(turn)
    across = A_METRE_DEG / math.cos(math.radians(MIDDLE[0]))
    return {"latitude_deg": MIDDLE[0] + north * A_METRE_DEG, "longitude_deg": MIDDLE[1] + east * across}


def test_a_row_for_everyone_who_moved_with_their_distance(ground: Ground) -> None:
    session = run(recorded(ground, athletes=3))
    for athlete_id, speed in (("a3", 2.0), ("a1", 6.0)):
        times = at(session, 10, 300)
        moved = Motion.of_columns(times, {"speed_mps": np.full(3000, speed)})
        give(ground, session, athlete_id, moved)
    rows = ground.store.read_now(lambda db: external_table(db, session.session_id, {"a1": 7.0}))
    assert [row.athlete.athlete_id for row in rows] == ["a1", "a3"]
    first, third = rows[0].load, rows[1].load
    assert first.distance_m == pytest.approx(6 * 299.9)
    assert first.high_speed_m == pytest.approx(first.distance_m)
    assert (first.sprints, first.own_sprints, first.high_speed_bouts) == (0, 1, 1)
    assert (third.high_speed_m, third.own_sprints, third.top_speed_m_s) == (0, None, 2)
    assert third.coverage == pytest.approx(299.9 / 300)
    with pytest.raises(NotFound):
        ground.store.read_now(lambda db: external_table(db, "nowhere"))


def test_motion_is_no_heart_rate_and_heart_rates_are_no_motion(ground: Ground) -> None:
    session = run(recorded(ground))
    before = ground.store.read_now(lambda db: heart_rates(db, session))["a1"]
    assert ground.store.read_now(lambda db: motion(db, session)) == {}
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 300), {"power_w": np.full(300, 200.0)}))
    after = ground.store.read_now(lambda db: heart_rates(db, session))["a1"]
    assert after.mono_ms.tolist() == before.mono_ms.tolist()
    assert list(ground.store.read_now(lambda db: motion(db, session))) == ["a1"]
    assert ground.store.read_now(lambda db: motion(db, session, {"a2"})) == {}


def test_a_files_times_are_put_on_the_sessions_clock(ground: Ground) -> None:
    session = run(recorded(ground))
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 60, 30), {"speed_mps": np.full(60, 3.0)}))
    (found,) = ground.store.read_now(lambda db: motion(db, session)).values()
    assert found.mono_ms.tolist() == [session.mono0_ms + 1000 * second for second in range(30, 90)]


def test_what_was_moved_after_a_reboot_counts_too(ground: Ground) -> None:
    async def story() -> Session:
        await ground.add_squad(1)
        session = await ground.start()
        ground.pass_ms(100_000)
        first = session.mono0_ms + 1000 * np.arange(100, dtype=np.int64)
        give(ground, session, "a1", Motion.of_columns(first, {"speed_mps": np.full(100, 3.0)}), 1)
        await ground.reboot(off_ms=20_000)
        second = ground.mono_ms + 1000 * np.arange(100, dtype=np.int64)
        give(
            ground, session, "a1", Motion.of_columns(second, {"speed_mps": np.full(100, 4.0)}), ground.boot_no
        )
        ground.pass_ms(100_000)
        return await ground.recorder.end_session()

    session = run(story())
    (found,) = ground.store.read_now(lambda db: motion(db, session)).values()
    assert np.diff(found.mono_ms).tolist() == [1000] * 99 + [21_000] + [1000] * 99
    assert table(ground, session)["a1"] == pytest.approx((3 * 99 + 4 * 99, 198 / 220), abs=0.1)


def test_two_receivers_on_one_athlete_are_not_added_up(ground: Ground) -> None:
    """A vest at 10 Hz for 200 s and a watch at 1 Hz throughout: the watch counts only after the vest."""
    session = run(recorded(ground))
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 300), {"speed_mps": np.full(300, 3.0)}))
    give(ground, session, "a1", Motion.of_columns(at(session, 10, 200), {"speed_mps": np.full(2000, 4.0)}))
    (found,) = ground.store.read_now(lambda db: motion(db, session)).values()
    seconds = (found.mono_ms - session.mono0_ms) / 1000
    assert set(found.speed_mmps[seconds < 200].tolist()) == {4000}
    assert seconds[found.speed_mmps == 3000].tolist() == [float(second) for second in range(205, 300)]


def test_one_streams_two_spans_are_both_kept_whole(ground: Ground) -> None:
    session = run(recorded(ground))
    moved = Motion.of_columns(at(session, 1, 300), {"speed_mps": np.full(300, 3.0)})
    give(ground, session, "a1", moved)
    half_ms = session.started_at_ms + 150_000

    def split(db: Connection) -> None:
        db.execute(
            "INSERT INTO stream_assignment(assignment_id, stream_id, athlete_id, session_id, from_ms, to_ms)"
            " SELECT 'later', a.stream_id, athlete_id, session_id, ?, to_ms"
            " FROM stream_assignment a JOIN stream USING (stream_id) WHERE channel = 'motion'",
            (half_ms,),
        )
        db.execute(
            "UPDATE stream_assignment SET to_ms = ? WHERE assignment_id != 'later'"
            " AND stream_id IN (SELECT stream_id FROM stream WHERE channel = 'motion')",
            (half_ms,),
        )

    ground.store.write_now(split)
    (found,) = ground.store.read_now(lambda db: motion(db, session)).values()
    assert len(found) == 300


def test_the_squads_pitch_is_found_from_where_all_of_them_ran(ground: Ground) -> None:
    session = run(recorded(ground, athletes=2))
    rng = np.random.default_rng(6)
    halves = {"a1": (0.0, 52.5), "a2": (52.5, 105.0)}
    for athlete_id, (low, high) in halves.items():
        where = rng.uniform((low, 0), (high, 68), (2990, 2))
        where[:3] = (low, 0), (high, 68), (low, 68)
        where = np.concatenate((where, np.full((10, 2), 400.0)))
        poor = {"hdop": np.where(np.arange(3000) < 2990, 0.8, 5.0)}
        moved = Motion.of_columns(at(session, 10, 300), {**on_ground(where, 25), **poor})
        give(ground, session, athlete_id, moved)
    squad = ground.store.read_now(lambda db: squad_map(db, session.session_id))
    assert squad is not None
    assert (squad.pitch.length_m, squad.pitch.width_m) == pytest.approx((105, 68), abs=1.5)
    corners = on_ground(np.array([(0, 0), (105, 68)], float), 25)
    assert squad.pitch.place(*corners.values()) == pytest.approx(np.array([(0, 0), (105, 68)]), abs=1)
    assert [athlete.athlete_id for athlete, _ in squad.maps] == ["a1", "a2"]
    left, right = (found.seconds for _, found in squad.maps)
    columns = left.shape[1]
    assert left[:, : columns // 2].sum() > 270
    assert right[:, columns // 2 + 1 :].sum() > 270
    assert left[:, columns // 2 + 1 :].sum() == right[:, : columns // 2 - 1].sum() == 0


def test_corners_given_decide_where_the_pitch_is(ground: Ground) -> None:
    session = run(recorded(ground))
    stand = on_ground(np.full((300, 2), 10.0), 40)
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 300), stand))
    shape = on_ground(np.array([(0, 0), (100, 0), (100, 60), (0, 60)], float), 40)
    corners = list(zip(shape["latitude_deg"].tolist(), shape["longitude_deg"].tolist(), strict=True))
    squad = ground.store.read_now(lambda db: squad_map(db, session.session_id, corners, cell_m=20))
    assert squad is not None
    ((_, found),) = squad.maps
    assert found.seconds.shape == (3, 5)
    assert found.seconds[0, 0] == found.inside_s == pytest.approx(299)


def test_where_nobody_has_positions_there_is_no_map(ground: Ground) -> None:
    session = run(recorded(ground))
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 300), {"speed_mps": np.full(300, 3.0)}))
    assert ground.store.read_now(lambda db: squad_map(db, session.session_id)) is None
    assert table(ground, session)["a1"][0] == pytest.approx(3 * 299)


def test_positions_alone_are_a_distance_that_says_so(ground: Ground) -> None:
    session = run(recorded(ground))
    walked = on_ground(np.stack((2.0 * np.arange(300), np.zeros(300)), axis=1), 70)
    give(ground, session, "a1", Motion.of_columns(at(session, 1, 300), walked))
    (row,) = ground.store.read_now(lambda db: external_table(db, session.session_id))
    assert row.load.distance_m == pytest.approx(2 * 299, rel=1e-3)
    assert Flag.SPEED_FROM_POSITIONS in row.load.flags
