"""Running pods through sessions, restarts and reboots: every measurement is kept once and on its athlete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import numpy as np
import pytest

from hub.domain import MotionReading, Session
from hub.errors import NotFound, StoreUnavailable
from hub.pods import Pods
from hub.results.external import external_table
from hub.store import pods as pods_table
from hub.store import sessions, straps
from hub.store.worn import motion
from hub.wearing.labels import MOST_LABELS
from tests.hub.ground import Ground

POD, OTHER = "POD1", "POD2"


class Runners:
    """Pods beside the ground's recorder, told what to say."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.pods = self._new()

    def _new(self) -> Pods:
        return Pods(self.ground.store, self.ground.moment, lambda: self.ground.recorder.session)

    async def run(self, seconds: int, speed_mmps: dict[str, int], *, tick: bool = True) -> None:
        for _ in range(seconds):
            self.ground.pass_ms(990)
            for pod_id, speed in speed_mmps.items():
                self.pods.hear(MotionReading(pod_id, self.ground.mono_ms, speed, 170, 1200, speed // 10))
            self.ground.pass_ms(10)
            if tick:
                await self.ground.recorder.tick()
                await self.pods.tick()

    def lose_power(self) -> None:
        """Off for 40 s: the next process finds another boot's clock."""
        self.ground.wall_ms, self.ground.mono_ms = self.ground.wall_ms + 40_000, 20_000
        self.ground._start_boot("boot-2")

    async def restart(self) -> None:
        """A new process: the pods first, as the hub does."""
        self.pods = self._new()
        await self.pods.restore()
        await self.ground.restart()

    async def end(self) -> Session:
        ended = await self.ground.recorder.end_session()
        await self.pods.tick()
        return ended

    def speeds(self, session: Session) -> dict[str, list[int]]:
        """mm/s by athlete, as stored."""
        found = self.ground.store.read_now(lambda db: motion(db, session))
        return {who: rows.speed_mmps.tolist() for who, rows in found.items()}


def story(ground: Ground, tell: Callable[[Runners], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        await ground.add_squad(2)
        runners = Runners(ground)
        await runners.pods.restore()
        await tell(runners)

    asyncio.run(whole())


def test_speed_and_cadence_of_a_session_are_the_athletes_motion_and_external_load(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        session = await ground.start()
        await it.run(320, {POD: 3_000})
        await it.end()
        stored = ground.store.read_now(lambda db: motion(db, session))["a1"]
        assert stored.speed_mmps.tolist() == [3_000] * 320
        assert stored.cadence_per_min_x10.tolist() == [1_700] * 320
        assert (np.diff(stored.mono_ms) == 1_000).all()
        assert ground.store.read_now(pods_table.open_strides) == []
        (row,) = ground.store.read_now(lambda db: external_table(db, session.session_id))
        assert row.athlete.athlete_id == "a1"
        assert row.load.distance_m == pytest.approx(3.0 * 319, rel=0.01)
        assert row.load.top_speed_m_s is None or row.load.top_speed_m_s == pytest.approx(3.0)

    story(ground, tell)


def test_a_pod_leaves_the_athletes_strap_alone_and_a_second_pod_replaces_the_first(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        session = await ground.start()
        await it.run(20, {POD: 2_000, OTHER: 4_000})
        await it.pods.assign(OTHER, "a1")
        await it.run(15, {POD: 2_000, OTHER: 4_000})
        assert it.pods.wearers() == {OTHER: "a1"}
        await it.end()
        assert it.speeds(session) == {"a1": [2_000] * 20 + [4_000] * 15}, "from its first second on"
        wearers = ground.recorder._who.wearer
        assert wearers["S1"] == "a1"

    story(ground, tell)


def test_a_pod_given_late_counts_from_the_sessions_start_if_nobody_wore_it(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        session = await ground.start()
        await it.run(4, {POD: 2_500})
        await it.pods.assign(POD, "a2")
        await it.run(3, {POD: 2_600})
        await it.end()
        assert it.speeds(session) == {"a2": [2_500] * 4 + [2_600] * 3}

    story(ground, tell)


@pytest.mark.parametrize("reboots", [False, True])
def test_a_restart_in_mid_session_loses_nothing_that_was_ticked(ground: Ground, reboots: bool) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        session = await ground.start()
        await it.run(7, {POD: 3_100})
        await it.run(1, {POD: 9_999}, tick=False)
        if reboots:
            it.lose_power()
        await it.restart()
        await it.run(6, {POD: 3_200})
        await it.end()
        assert it.speeds(session) == {"a1": [3_100] * 7 + [3_200] * 6}
        worn = ground.store.read_now(lambda db: sessions.assignments(db, session.session_id))
        assert all(one.to_ms is not None for one in worn)
        assert ground.store.read_now(pods_table.still_worn) == []

    story(ground, tell)


def test_sessions_do_not_run_into_one_another(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        first = await ground.start()
        await it.run(4, {POD: 1_000})
        await it.end()
        await it.run(3, {POD: 1_111})
        second = await ground.start()
        await it.run(5, {POD: 2_000})
        await it.end()
        assert it.speeds(first) == {"a1": [1_000] * 4}
        assert it.speeds(second) == {"a1": [2_000] * 5}

    story(ground, tell)


def test_while_the_disk_refuses_measurements_wait_and_are_written_once(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        session = await ground.start()
        await it.run(2, {POD: 1_500})
        ground.store.trouble = StoreUnavailable("full")
        await it.run(3, {POD: 1_600})
        ground.store.trouble = None
        await it.run(2, {POD: 1_700})
        await it.end()
        assert it.speeds(session) == {"a1": [1_500] * 2 + [1_600] * 3 + [1_700] * 2}

    story(ground, tell)


def test_an_unknown_athlete_is_refused_and_old_values_are_not_shown(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        with pytest.raises(NotFound):
            await it.pods.assign(POD, "nobody")
        assert it.pods.wearers() == {}
        await it.run(1, {POD: 1_500})
        assert set(it.pods.latest()) == {POD}
        ground.pass_ms(6_000)
        assert it.pods.latest() == {}

    story(ground, tell)


def test_what_each_athletes_pod_says_is_told_by_athlete_and_no_longer_than_it_is_new(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        await it.run(1, {POD: 1_500, OTHER: 2_500})
        assert {who: said.speed_mmps for who, said in it.pods.on_athletes().items()} == {"a1": 1_500}
        await it.pods.assign(OTHER, "a1")
        assert {who: said.speed_mmps for who, said in it.pods.on_athletes().items()} == {"a1": 2_500}
        ground.pass_ms(6_000)
        assert it.pods.on_athletes() == {}

    story(ground, tell)


def test_after_a_restart_the_recorder_leaves_pods_to_those_who_keep_them(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        await it.pods.assign(POD, "a1")
        await ground.start()
        await it.run(5, {POD: 3_000})
        await it.restart()
        assert POD not in ground.recorder._who.worn
        await it.run(5, {POD: 3_000})
        await it.end()
        told = (
            "SELECT count(*) FROM outbox WHERE tbl = 'stream_assignment' AND fields LIKE '%to_ms%' AND pk = ?"
        )
        (worn,) = [row[0] for row in ground.store.read_now(lambda db: db.execute(
            "SELECT assignment_id FROM stream_assignment JOIN stream USING (stream_id) WHERE sensor_id = ?",
            (POD,)).fetchall())]  # fmt: skip
        edits = ground.store.read_now(lambda db: db.execute(told, (worn,)).fetchone()[0])
        assert edits == 2, "begun once and ended once"

    story(ground, tell)


def test_names_of_a_thousand_passing_pods_and_straps_are_not_all_kept(ground: Ground) -> None:
    async def tell(it: Runners) -> None:
        sizes = []
        for round_no in range(4):
            for number in range(1_000):
                stranger = f"X{round_no}-{number}"
                ground.recorder.label_strap(stranger, f"Polar {stranger}", "AA:BB")
                it.pods.label(stranger, f"Pod {stranger}", "AA:BB")
            ground.recorder.label_strap("S9", "Polar H10 S9", "AA:09")  # heard all the time
            it.pods.label(POD, "Stryd", "AA:01")
            sizes.append((len(ground.recorder._who.labels), len(it.pods._labels)))
        assert sizes[1:] == [(MOST_LABELS, MOST_LABELS)] * 3
        await ground.recorder.assign("S9", "a1")
        await it.pods.assign(POD, "a1")
        kept = ground.store.read_now(lambda db: (straps.strap(db, "S9"), pods_table.all_pods(db)))
        assert kept[0] is not None
        assert (kept[0].name, kept[1][0].name) == ("Polar H10 S9", "Stryd")

    story(ground, tell)
