"""Whatever boots and files a session is made of, the cloud computes the very loads the hub shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import psycopg
import pytest

from hub.domain import LoadRow, Session
from hub.store import boots, sessions
from hub.store.outbox import StoreOutbox
from hub.wearing.judgement import session_trust
from sync.motion import Motion, seal_motion
from sync.segments import seal
from sync.wire import Anchor, PushResponse
from tests.cloud.sender import Sender, steady
from tests.hub.ground import Ground, run

Db = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "ground")
    yield made
    made.close()


class Meeting:
    """A ground whose hub tells the cloud everything it has, and both sides' loads side by side."""

    def __init__(self, ground: Ground, hub: Sender, db: Db, settle: Callable[[], None]) -> None:
        self.ground, self.hub, self.db, self.settle = ground, hub, db, settle
        self.outbox = StoreOutbox(ground.store, "boot", ground.moment, lambda anchor: None)

    async def sync(self, *, with_anchors: bool = True) -> None:
        ops = await self.outbox.pending_ops(1 << 20)
        anchors = list(await self.outbox.anchors()) if with_anchors else []
        sent = self.hub.push(*ops, anchors=anchors)
        answer = msgspec.json.decode(sent.content, type=PushResponse)
        assert [result.status for result in answer.results] == ["ok"] * len(ops)
        await self.outbox.record_pushed(answer)
        ids = await self.outbox.unsent_segment_ids(1000)
        self.hub.send_segments(*await self.outbox.segments(ids))
        self.settle()

    def cloud(self, session: Session) -> dict[str, tuple[object, ...]]:
        rows = self.db.execute(
            "SELECT athlete_id, banister_au, edwards_au, coverage, estimated_s, mean_bpm, zone_s"
            " FROM session_load WHERE session_id = %s",
            (session.session_id,),
        ).fetchall()
        return {str(row[0]): row[1:] for row in rows}

    def are_equal(self, session: Session) -> dict[str, LoadRow]:
        """The hub's rows, once they and the time that is doubtful were found equal to the cloud's."""
        table, there = self.ground.table(session), self.cloud(session)
        assert set(there) == set(table)
        for athlete_id, row in table.items():
            banister, edwards, coverage, estimated, mean, zones = there[athlete_id]
            assert banister == pytest.approx(row.banister_au)
            assert edwards == pytest.approx(row.edwards_au)
            assert coverage == pytest.approx(row.coverage)
            assert estimated == pytest.approx(row.estimated_s)
            assert mean == pytest.approx(row.mean_bpm)
            assert zones == pytest.approx(list(row.zone_s))
        assert self.doubts(session) == {who: self.trusted(session).get(who, 0) for who in table}
        return table

    def doubts(self, session: Session) -> dict[str, int]:
        """By athlete the ms whose rates the cloud doubts."""
        rows = self.db.execute(
            "SELECT athlete_id, doubtful_ms FROM session_load WHERE session_id = %s", (session.session_id,)
        ).fetchall()
        return {str(row[0]): int(str(row[1])) for row in rows}

    def trusted(self, session: Session) -> dict[str, int]:
        """The same as the hub judges it."""
        found = self.ground.store.read_now(
            lambda db: session_trust(db, sessions.session(db, session.session_id))
        )
        return {who: trust.doubtful_ms for who, trust in found.items()}


@pytest.fixture
def meeting(ground: Ground, hub: Sender, db: Db, settle: Callable[[], None]) -> Meeting:
    return Meeting(ground, hub, db, settle)


async def interrupted(ground: Ground) -> Session:
    """100 s, a power cut of 400 s true time, 100 s more, ended in the second boot."""
    await ground.add_squad(2)
    session = await ground.start()
    await ground.train(100, {"S1": 140, "S2": 150})
    await ground.reboot(off_ms=400_000)
    await ground.train(100, {"S1": 170})
    await ground.recorder.end_session()
    return session


def test_a_session_that_went_on_after_a_reboot(meeting: Meeting) -> None:
    async def story() -> None:
        session = await interrupted(meeting.ground)
        await meeting.sync()
        rows = meeting.are_equal(session)
        assert rows["a1"].coverage == pytest.approx(198 / 600, abs=0.003)
        assert rows["a2"].coverage == pytest.approx(99 / 600, abs=0.003)

    run(story())


def test_doubtful_rates_are_the_very_ones_the_hub_doubts(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        await ground.add_squad(2)
        session = await ground.start()
        for second in range(60):
            await ground.train(
                1, {"S1": 120 + 3 * (second % 2), "S2": 230 if 20 <= second < 23 else 110 + second}
            )
        await ground.train(50, {"S1": 150})
        ground.pass_ms(500)
        await ground.recorder.end_session()
        await meeting.sync()
        meeting.are_equal(session)
        doubts = meeting.doubts(session)
        assert doubts["a1"] == pytest.approx(20_000, abs=2_000)
        assert doubts["a2"] == pytest.approx(3_000, abs=1_000)

    run(story())


def test_a_file_that_fills_the_gap_of_a_live_session(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(60, {"S1": 140})
        ground.pass_ms(300_000)
        await ground.train(60, {"S1": 140})
        await ground.recorder.end_session()
        await meeting.sync()
        assert meeting.are_equal(session)["a1"].coverage == pytest.approx(118 / 420, abs=0.003)
        from_ms = session.started_at_ms + 60_500
        ground.add_stream(session, "a1", "hr", seal(str(uuid4()), 0, steady(160, 300, from_ms=from_ms)))
        await meeting.sync()
        assert meeting.are_equal(session)["a1"].coverage == pytest.approx(419 / 420, abs=0.003)

    run(story())


def test_a_boot_whose_true_time_is_learnt_late_counts_from_then_on(meeting: Meeting) -> None:
    async def story() -> None:
        session = await interrupted(meeting.ground)
        await meeting.sync(with_anchors=False)
        banister = meeting.cloud(session)["a1"][0]
        await meeting.sync()
        rows = meeting.are_equal(session)
        assert isinstance(banister, float)
        assert isinstance(rows["a1"].banister_au, float)
        assert banister < rows["a1"].banister_au / 2

    run(story())


def test_a_surer_anchor_moves_both_alike(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        session = await interrupted(ground)
        surer = Anchor(
            boot_no=ground.boot_no,
            mono_ms=ground.mono_ms,
            wall_ms=ground.wall_ms - 370_000,
            err_ms=5,
            source="cloud",
        )
        ground.store.write_now(lambda db: boots.add_anchor(db, surer))
        await meeting.sync()
        assert meeting.are_equal(session)["a1"].estimated_s == pytest.approx(31, abs=0.1)

    run(story())


def test_motion_is_kept_and_adds_nothing_to_heart_rate_loads(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(100, {"S1": 140})
        await ground.recorder.end_session()
        at_ms = session.started_at_ms + 100 * np.arange(1000, dtype=np.int64)
        motion = Motion.of_columns(at_ms, {"speed_mps": np.full(1000, 3.0), "power_w": np.full(1000, 200.0)})
        before = ground.table(session)["a1"]
        segment = seal_motion(str(uuid4()), 0, motion)
        ground.add_stream(session, "a1", "motion", segment)
        await meeting.sync()
        assert meeting.are_equal(session)["a1"] == before
        kept = meeting.db.execute("SELECT payload FROM segment WHERE codec = 2").fetchall()
        assert kept == [(segment.payload,)]

    run(story())
