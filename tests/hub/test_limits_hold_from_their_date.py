"""Changed limits: shown before they are applied, recomputed afterwards, undone to the very same numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from hub.analytics.custom_zones import EdgeUnit, ZoneEdges
from hub.analytics.effective import How
from hub.analytics.profile import Sex
from hub.domain import LoadRow, Session
from hub.errors import ActionRefused, NotFound
from hub.results.kept import results_of
from hub.results.preview import Preview, preview, preview_removal
from hub.results.profiles import NewChange, athletes_on, day_of, faults, propose_change, set_removed
from hub.results.recalculation import Recalculation
from hub.store import profile_changes, session_results, sessions
from hub.store.records import propose
from tests.hub.ground import Ground, run

TODAY = date(2026, 12, 31)
DAY_MS = 86_400_000


class Club:
    """A ground with sessions on three days, and the recalculation as it is told to run."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.recalculation = Recalculation(ground.store, lambda: ground.wall_ms)
        self.sessions: list[Session] = []

    async def train(self) -> None:
        await self.ground.add_squad(2)
        for bpm in (140, 160, 180):
            await self.ground.start()
            await self.ground.train(90, {"S1": bpm, "S2": bpm - 20})
            self.ground.pass_ms(500)
            self.sessions.append(await self.ground.recorder.end_session())
            self.ground.pass_ms(DAY_MS)

    @property
    def days(self) -> list[date]:
        return [day_of(session) for session in self.sessions]

    def change(self, new: NewChange, athlete_id: str = "a1") -> str:
        moment = self.ground.moment()
        return self.ground.store.write_now(
            lambda db: propose_change(db, moment, athlete_id, new, "coach", TODAY)
        )

    def set_removed(self, change_id: str, is_removed: bool) -> None:
        moment = self.ground.moment()
        self.ground.store.write_now(lambda db: set_removed(db, moment, change_id, is_removed))

    def preview(self, new: NewChange) -> Preview:
        return self.ground.store.read_now(lambda db: preview(db, "a1", new, self.ground.wall_ms))

    def loads(self) -> list[LoadRow]:
        return [self.ground.table(session)["a1"] for session in self.sessions]

    def kept(self, at: int, athlete_id: str = "a1") -> list[session_results.KeptResult]:
        session_id = self.sessions[at].session_id
        return self.ground.store.read_now(lambda db: session_results.history(db, session_id, athlete_id))

    def current(self) -> list[str]:
        """The results every session now shows of a1, as kept."""
        rows = [self.kept(at)[0] for at in range(len(self.sessions))]
        assert all(row.superseded_why is None for row in rows)
        return [row.new.results for row in rows]


@pytest.fixture
def club(ground: Ground) -> Club:
    made = Club(ground)
    run(made.train())
    return made


def hr_max(day: date, bpm: int | None, **more: object) -> NewChange:
    return NewChange(day, How.MEASURED, {"hr_max_bpm": bpm, **more})


def settle(club: Club) -> int:
    return asyncio.run(club.recalculation.settle())


def test_results_are_kept_once_a_session_has_ended(club: Club) -> None:
    assert club.kept(0) == []
    assert settle(club) == 3
    assert [len(club.kept(at)) for at in range(3)] == [1, 1, 1]
    assert club.kept(0)[0].new.why == "the session ended"
    assert settle(club) == 0


def test_a_kept_result_says_what_a_fresh_one_says(club: Club) -> None:
    fresh = club.loads()
    settle(club)
    assert [row.recomputed_at_ms for row in club.loads()] == [None] * 3
    assert club.loads() == fresh


def test_a_change_counts_for_sessions_of_its_day_and_later_ones(club: Club) -> None:
    before = club.loads()
    club.change(hr_max(club.days[1], 210))
    after = club.loads()
    assert after[0] == before[0]
    for at in (1, 2):
        assert (after[at].banister_au or 0) < (before[at].banister_au or 0)


def test_a_session_after_midnight_belongs_to_its_local_day(club: Club) -> None:
    session, day = club.sessions[1], club.days[1]
    midnight_ms = session.started_at_ms // DAY_MS * DAY_MS
    fields = {"started_at_ms": midnight_ms - 1_800_000, "ended_at_ms": midnight_ms, "utc_offset_s": 3600}
    moment = club.ground.moment()
    club.ground.store.write_now(lambda db: propose(db, moment, "session", session.session_id, fields))
    reached = [it.session.session_id for it in club.preview(hr_max(day, 210)).effects]
    assert session.session_id in reached
    later = [it.session.session_id for it in club.preview(hr_max(day + timedelta(days=1), 210)).effects]
    assert session.session_id not in later


def test_a_preview_writes_nothing_and_says_what_applying_will_give(club: Club) -> None:
    settle(club)
    tables = ("profile_change", "session_result", "result_stale", "outbox")
    counts = [club.ground.count(table) for table in tables]
    new = hr_max(club.days[1], 210, zones=ZoneEdges(EdgeUnit.BPM, (120.0, 150.0)))
    before, shown = club.loads(), club.preview(new)
    assert [club.ground.count(table) for table in tables] == counts
    assert [it.session.session_id for it in shown.effects] == [it.session_id for it in club.sessions[1:]]
    assert [it.before.banister_au for it in shown.effects] == [it.banister_au for it in before[1:]]
    club.change(new)
    settle(club)
    after = club.loads()[1:]
    assert [it.after.banister_au for it in shown.effects] == [it.banister_au for it in after]
    assert [it.after.edwards_au for it in shown.effects] == [it.edwards_au for it in after]
    assert [it.after.zone_s for it in shown.effects] == [it.zone_s for it in after]
    assert [it.zone_edges_bpm for it in after] == [(120.0, 150.0)] * 2
    assert len(shown.changed) == 2


def test_a_preview_is_the_same_before_anything_was_kept(club: Club) -> None:
    unkept = club.preview(hr_max(club.days[0], 205))
    settle(club)
    assert club.preview(hr_max(club.days[0], 205)) == unkept


def test_apply_then_undo_gives_back_the_very_same_results(club: Club) -> None:
    settle(club)
    before = club.current()
    change_id = club.change(hr_max(club.days[0], 215, sex=Sex.MALE, mass_kg=70.0))
    assert settle(club) == 3
    assert club.current() != before
    undo = club.ground.store.read_now(lambda db: preview_removal(db, change_id))
    club.set_removed(change_id, True)
    assert settle(club) == 3
    assert club.current() == before
    assert [it.after.banister_au for it in undo.effects] == [row.banister_au for row in club.loads()]
    club.set_removed(change_id, False)
    settle(club)
    assert club.current() != before


def test_old_values_stay_readable_with_why_they_were_superseded(club: Club) -> None:
    settle(club)
    first = club.kept(2)[0].new
    day = club.days[2]
    change_id = club.change(hr_max(day, 215))
    settle(club)
    club.set_removed(change_id, True)
    settle(club)
    newest, changed, oldest = club.kept(2)
    assert newest.superseded_why is None
    assert changed.superseded_why == f"the values from {day} were taken back"
    assert oldest.superseded_why == f"new values from {day}"
    assert oldest.new == first
    assert {it.metric_id: it.value for it in results_of(first.results)} == {
        it.metric_id: it.value for it in results_of(newest.new.results)
    }
    assert len(club.kept(0)) == 1
    assert club.loads()[2].recomputed_at_ms == newest.new.computed_at_ms


def test_others_are_left_alone(club: Club) -> None:
    settle(club)
    club.change(hr_max(club.days[0], 215))
    settle(club)
    assert [len(club.kept(at, "a2")) for at in range(3)] == [1, 1, 1]


def test_what_a_crash_left_to_do_is_done_after_the_restart(club: Club) -> None:
    settle(club)
    club.change(hr_max(club.days[0], 215))
    club.recalculation = Recalculation(club.ground.store, lambda: club.ground.wall_ms)
    assert asyncio.run(club.recalculation.waiting()).total == 3
    assert settle(club) == 3
    assert asyncio.run(club.recalculation.waiting()).is_running is False


def test_a_corrected_assignment_is_recomputed_and_the_former_wearer_retired(club: Club) -> None:
    settle(club)
    session, moment = club.sessions[0], club.ground.moment()
    club.ground.add_athlete(9)

    (worn,) = [
        it
        for it in club.ground.store.read_now(lambda db: sessions.assignments(db, session.session_id))
        if it.athlete_id == "a1"
    ]
    given = {"athlete_id": "a9"}
    club.ground.store.write_now(
        lambda db: propose(db, moment, "stream_assignment", worn.assignment_id, given)
    )
    assert settle(club) == 1
    (gone,) = club.kept(0)
    assert gone.superseded_why == "who wore what was changed"
    assert len(club.kept(0, "a9")) == 1
    assert set(club.ground.table(session)) == {"a2", "a9"}


def test_a_live_session_uses_the_limits_of_its_day(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(60, {"S1": 150})
        before = ground.live()["a1"].banister_au or 0
        new = hr_max(day_of(session), 210)
        ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", new, "coach", TODAY))
        await ground.recorder.roster_changed({"a1"})
        live = ground.live()["a1"]
        assert live.athlete.hr_max_bpm == 210
        assert 0 < (live.banister_au or 0) < before
        assert live.banister_au == pytest.approx(ground.table(session)["a1"].banister_au)

    run(story())


def test_a_session_started_later_uses_the_limits_of_then(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        await ground.train(5, {"S1": 150})
        first = await ground.recorder.end_session()
        new = hr_max(day_of(first) + timedelta(days=2), 210)
        ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", new, "coach", TODAY))
        await ground.recorder.roster_changed({"a1"})
        assert ground.live()["a1"].athlete.hr_max_bpm == 186
        ground.pass_ms(2 * DAY_MS)
        await ground.start()
        assert ground.live()["a1"].athlete.hr_max_bpm == 210

    run(story())


def test_the_highest_held_rate_is_found_with_its_session(club: Club) -> None:
    settle(club)
    held = club.ground.store.read_now(lambda db: session_results.highest_held(db, "a1", 0))
    assert held is not None
    assert (held.bpm, held.session_id) == (180, club.sessions[2].session_id)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "fields", "at least one"),
        ({"hr_max_bpm": 50}, "hr_max_bpm", "HRmax must be above the resting heart rate: 50 is not above 50"),
        ({"hr_rest_bpm": 190}, "hr_max_bpm", "186 is not above 190"),
        ({"vt1_bpm": 170, "vt2_bpm": 160}, "vt2_bpm", "VT2 must be above VT1"),
        ({"lthr_bpm": 186}, "lthr_bpm", "LTHR must be below HRmax"),
        ({"vt1_bpm": 45}, "vt1_bpm", "VT1 must be above the resting heart rate"),
        ({"zones": ZoneEdges(EdgeUnit.PERCENT_LTHR, (80.0, 90.0))}, "edges", "%LTHR need that value"),
        ({"zones": ZoneEdges(EdgeUnit.BPM, (120.0, 300.0))}, "edges", "which no heart reaches"),
        ({"mass_kg": 5.0}, "mass_kg", "20 to 250 kg"),
        ({"born_on": TODAY}, "born_on", "must lie before today"),
    ],
)
def test_what_cannot_be_true_is_refused_in_words(
    ground: Ground, fields: Mapping[str, object], field: str, said: str
) -> None:
    ground.add_athlete(1)
    new = NewChange(date(2026, 11, 1), How.MEASURED, dict(fields))
    wrong = ground.store.read_now(lambda db: faults(db, "a1", new, TODAY))
    assert said in wrong[field]
    with pytest.raises(ActionRefused):
        ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", new, "coach", TODAY))
    assert ground.count("profile_change") == 0


@pytest.mark.parametrize(
    ("day", "said"), [(TODAY + timedelta(days=1), "lies in the future"), (date(1970, 1, 1), "from 1990 on")]
)
def test_a_day_that_cannot_be_is_refused(ground: Ground, day: date, said: str) -> None:
    ground.add_athlete(1)
    wrong = ground.store.read_now(lambda db: faults(db, "a1", hr_max(day, 190), TODAY))
    assert said in wrong["valid_from"]


def test_a_change_that_contradicts_a_later_one_is_refused(ground: Ground) -> None:
    ground.add_athlete(1)
    later = NewChange(date(2026, 11, 10), How.MEASURED, {"lthr_bpm": 175})
    ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", later, "coach", TODAY))
    wrong = ground.store.read_now(lambda db: faults(db, "a1", hr_max(date(2026, 11, 1), 170), TODAY))
    assert wrong == {"lthr_bpm": "LTHR must be below HRmax: 175 is not below 170 (from 2026-11-10 on)."}


def test_an_unknown_athlete_or_change_is_not_found(ground: Ground) -> None:
    with pytest.raises(NotFound):
        ground.store.read_now(lambda db: faults(db, "nobody", hr_max(date(2026, 11, 1), 190), TODAY))
    with pytest.raises(NotFound):
        ground.store.read_now(lambda db: profile_changes.change(db, "nothing"))


def test_the_roster_shows_the_limits_of_the_day_asked_for(ground: Ground) -> None:
    ground.add_athlete(1)
    new = hr_max(date(2026, 11, 10), 199)
    ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", new, "coach", TODAY))
    seen = [
        ground.store.read_now(lambda db, day=day: athletes_on(db, day))[0].hr_max_bpm  # type: ignore[misc]
        for day in (date(2026, 11, 9), date(2026, 11, 10))
    ]
    assert seen == [186, 199]
