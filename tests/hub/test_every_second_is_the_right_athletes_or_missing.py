"""Dropouts, swaps, spares, restarts, power cuts: no second is another's, and none is lost unsaid."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from hub.domain import Session
from hub.store import sessions, straps
from hub.store.worn import heart_rates
from hub.wearing.desk import Parts, WearingDesk
from hub.wearing.judgement import session_trust
from tests.hub.ground import Ground

PEOPLE = ("a1", "a2", "a3", "a4")
SECONDS = 240


class Pitch:
    """Four hearts with straps that fail. Each has rates of its own, so that a sample tells whose it is."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.ground, self.rng = ground, Random(seed)
        self.chest = {f"S{n}": f"a{n}" for n in range(1, 5)} | {"S1b": "a1"}
        self.silent_until: dict[str, int] = {}
        self.second = 0
        self.said: dict[str, set[int]] = {athlete_id: set() for athlete_id in PEOPLE}
        """Seconds in which any strap on the athlete's chest was heard by a hub that ran."""

    async def changed(self, _session_id: str | None) -> None:
        """Nobody waits for it here."""

    @property
    def desk(self) -> WearingDesk:
        it = self.ground
        return WearingDesk(Parts(it.store, it.recorder, lambda: (), it.moment, self.changed))

    async def live(self, seconds: int) -> None:
        """Hearts beat, straps fail and come back."""
        for _ in range(seconds):
            self.second += 1
            self.ground.pass_ms(1_000)
            for strap_id, athlete_id in self.chest.items():
                if self.silent_until.get(strap_id, 0) >= self.second:
                    continue
                if self.rng.random() < 0.02:
                    self.silent_until[strap_id] = self.second + self.rng.choice((1, 3, 15, 40))
                    continue
                self.ground.hear(strap_id, heart(athlete_id, self.second))
                self.said[athlete_id].add(self.second)
            await self.ground.recorder.tick()

    async def mischief(self, session: Session) -> None:
        """One thing goes wrong."""
        ground, kind = self.ground, self.rng.randrange(4)
        if kind == 0:
            await ground.restart()
        elif kind == 1:
            await ground.reboot(off_ms=2_000)
        elif kind == 2:
            await self.swap(session)

    async def swap(self, session: Session) -> None:
        """Two exchange straps, and somebody notices it only half a minute later."""
        one, other = self.rng.sample(("S2", "S3", "S4"), 2)
        before = {it.strap_id: it.athlete_id for it in self.ground.store.read_now(straps.all_straps)}
        from_ms = self.session_ms(session) + 500
        self.chest[one], self.chest[other] = self.chest[other], self.chest[one]
        await self.live(30)
        await self.desk.swap(session.session_id, before[one] or "", before[other] or "", from_ms, "coach")

    def session_ms(self, session: Session) -> int:
        """Now, on the session's own clock: true time tells it in any boot."""
        return session.mono0_ms + self.ground.wall_ms - session.started_at_ms


def heart(athlete_id: str, second: int) -> int:
    """Rates that only this athlete has."""
    return 60 + 30 * PEOPLE.index(athlete_id) + second % 9


async def story(ground: Ground, seed: int) -> tuple[Session, Pitch]:
    await ground.add_squad(4)
    await ground.recorder.stand_by("S1b", "a1")
    session, pitch = await ground.start(), Pitch(ground, seed)
    while pitch.second < SECONDS:
        await pitch.live(pitch.rng.randint(5, 40))
        await pitch.mischief(session)
    await pitch.live(10)
    ground.pass_ms(500)
    await ground.recorder.end_session()
    return ground.store.read_now(lambda db: sessions.session(db, session.session_id)), pitch


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_each_second_is_the_right_athletes_or_counted_missing(
    ground: Ground, seed: int
) -> None:
    session, pitch = asyncio.run(story(ground, seed))
    heard = ground.store.read_now(lambda db: heart_rates(db, session))
    trust = ground.store.read_now(lambda db: session_trust(db, session))
    assert set(heard) == set(PEOPLE)
    for athlete_id, rates in heard.items():
        own = range(heart(athlete_id, 0), heart(athlete_id, 0) + 9)
        assert set(rates.bpm[rates.bpm > 0].tolist()) <= set(own), "a sample of another's heart"
        assert len(set(rates.mono_ms.tolist())) == len(rates.mono_ms), "a second counted twice"
        its = trust[athlete_id]
        if session.mono1_ms is not None:
            assert its.elapsed_ms == session.mono1_ms - session.mono0_ms
        assert its.good_ms + its.doubtful_ms + its.missing_ms == its.elapsed_ms
        covered_s = len(rates.mono_ms)
        assert covered_s <= len(pitch.said[athlete_id])
        if athlete_id != "a1":  # one strap: every second it was heard in is there
            assert covered_s == len(pitch.said[athlete_id])
        else:  # of two straps the spare covers all but what was not yet known to be silent
            assert covered_s >= 0.9 * len(pitch.said[athlete_id])
