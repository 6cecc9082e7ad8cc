"""Two sources relate by the rules in order, always with the athlete as part of the key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hub.devices.exports.found import FoundSession, KnownBy, Person, Track
from hub.imports.hearing import NO_BEATS
from hub.imports.keep import source_id_of
from hub.imports.likeness import Beats, Likeness, likeness
from hub.imports.twins import Relation, overlap, relation, shift_ms
from hub.store.sources import SourceRow
from sync.segments import unseal
from tests.imports import made

BEATS: dict[str, Beats] = {}


def source(name: str, found: FoundSession, athlete_id: str | None = "a1", number: int = 0) -> SourceRow:
    """A source as `keep` would make it, its heart rates at hand."""
    read = made.file(name, *[found] * (number + 1))
    it = read.sessions[number]
    streams = {stream.channel: stream for stream in it.streams}
    source_id = source_id_of(read.sha256, number)
    BEATS[source_id] = NO_BEATS
    if "hr" in streams:
        parts = [unseal(segment) for segment in streams["hr"].segments]
        at_ms = np.concatenate([p.mono_ms for p in parts])
        BEATS[source_id] = Beats(at_ms, np.concatenate([p.bpm for p in parts]))
    return SourceRow(
        source_id, "i1", None, athlete_id, read.sha256, number, read.provider, read.format, found.identity,
        found.device, found.person.device_serial, found.person.name, found.person.account, found.sport,
        found.title, found.started_at_ms, found.elapsed_s, None, found.distance_m, None, found.utc_offset_s,
        str(found.offset_known_by), found.n_records, (), (), it.heart.n, it.heart.mean, it.heart.max, it.rr_n,
        streams["hr"].stream_id if "hr" in streams else None, None,
    )  # fmt: skip


def heart(one: SourceRow, other: SourceRow, moved_ms: int) -> Likeness | None:
    b = BEATS[other.source_id]
    return likeness(BEATS[one.source_id], Beats(b.at_ms + moved_ms, b.bpm), 5 if moved_ms else 60)


def between(one: SourceRow, other: SourceRow) -> Relation | None:
    """Their relation, asked both ways round."""
    found = relation(one, other, heart)
    assert relation(other, one, heart) is found
    return found


RUN = source("run.fit", made.session())


def test_one_effort_in_two_formats_is_the_same_effort() -> None:
    assert between(RUN, source("run.tcx", made.session(29.9, at_s=1))) is Relation.SAME_EFFORT


def test_the_same_identity_is_the_same_recording_even_when_it_was_cut() -> None:
    whole = source("a.fit", made.session(identity="garmin 1 2 3"))
    edited = source("b.fit", made.session(12, at_s=600, identity="garmin 1 2 3"))
    assert between(whole, edited) is Relation.SAME_IDENTITY


def test_the_legs_of_one_file_share_its_identity_and_stay_apart() -> None:
    swim = source("tri.fit", made.session(identity="x"))
    ride = replace(source("tri.fit", made.session(at_s=1800, identity="x"), number=1), sport="cycling")
    assert between(swim, ride) is None


def test_a_strap_three_seconds_later_is_the_same_session() -> None:
    strap = source("strap.fit", made.session(at_s=3, device="Polar H10", sensor_lag_s=-4, error_bpm=1))
    watch = source("watch.fit", made.session(device="Fenix"))
    assert between(strap, watch) is Relation.SAME_SESSION


def test_another_heart_at_the_same_time_on_another_device_is_another_session() -> None:
    strap = source("strap.fit", made.session(heart=6, device="Polar H10"))
    assert between(strap, source("watch.fit", made.session(device="Fenix"))) is None


def test_a_short_recording_inside_a_long_one_is_the_same_session() -> None:
    assert between(RUN, source("ring.csv", made.session(8, at_s=700, device="Ring"))) is Relation.SAME_SESSION


@pytest.mark.parametrize("at_s", [1800, 400])
def test_what_overlaps_little_is_two_sessions(at_s: int) -> None:
    assert between(RUN, source("next.fit", made.session(at_s=at_s))) is None


@pytest.mark.parametrize("other", ["a2", None])
def test_the_athlete_is_part_of_every_key(other: str | None) -> None:
    assert between(RUN, source("run.tcx", made.session(), other)) is None
    assert between(source("x.fit", made.session(), None), source("y.fit", made.session(), None)) is None


def test_nobody_known_is_told_again_only_by_identity_and_person() -> None:
    ana, bea = Person("Ana"), Person("Bea")
    one = source("1.fit", made.session(identity="w", person=ana), None)
    assert (
        between(one, source("2.fit", made.session(identity="w", person=ana), None)) is Relation.SAME_IDENTITY
    )
    assert between(one, source("3.fit", made.session(identity="w", person=bea), None)) is None


def test_incompatible_sports_need_hearts_that_agree() -> None:
    row = made.session(sport="rowing")
    assert between(RUN, source("row.tcx", row)) is Relation.SAME_SESSION
    assert between(RUN, source("none.tcx", made.session(sport="rowing", heart=None))) is None


def test_people_of_a_team_file_share_the_session() -> None:
    ana = source("team.csv", made.session(person=Person("Ana")), None)
    bea = replace(source("team.csv", made.session(person=Person("Bea"), heart=5), number=1), athlete_id="a2")
    assert between(ana, bea) is Relation.TEAM_FILE


@pytest.mark.parametrize("hours", [1, -1, 5.5, -9.75, 14, 0.5, 1.25, 15])
def test_whole_hours_apart_with_all_else_equal_is_a_zone_error(hours: float) -> None:
    moved = source("moved.tcx", made.session(shift_s=round(hours * 3600), offset_known_by=KnownBy.ASSUMED))
    is_offered = hours not in (0.5, 1.25, 15)
    assert between(RUN, moved) is (Relation.ZONE_SHIFT if is_offered else None)
    if is_offered:
        assert shift_ms(RUN, moved, heart) == -round(hours * 3_600_000)


def test_two_equal_trainings_on_one_day_are_no_zone_error() -> None:
    evening = source("evening.fit", made.session(at_s=7200, heart=2))
    assert between(RUN, evening) is None
    still = source("still.fit", made.session(heart=None))
    assert between(still, source("later.fit", made.session(at_s=7200, heart=None))) is None


def test_a_format_that_leaves_pauses_out_tells_of_the_same_effort() -> None:
    paused = source("paused.tcx", made.session(30, silent=[(600, 1200)]))
    told = made.session(30, silent=[(600, 1200)])
    at_ms = told.track.at_ms[~np.isnan(told.track.column("bpm"))]
    squeezed = np.where(at_ms >= at_ms[0] + 600_000, at_ms - 600_000, at_ms)
    bpm = told.track.column("bpm")[~np.isnan(told.track.column("bpm"))]
    short = replace(told, elapsed_s=1200.0, track=Track(squeezed, {"bpm": bpm}))
    assert between(paused, source("short.csv", short)) is Relation.SAME_EFFORT


def test_overlap_is_a_share_of_the_shorter() -> None:
    assert overlap((0, 100), (20, 120)) == pytest.approx(0.8)
    assert overlap((0, 100), (40, 50)) == 1.0
    assert overlap((0, 100), (100, 200)) == 0.0
    assert overlap((0, 100), (50, 50)) == 1.0


def test_the_lag_between_two_sensors_is_found() -> None:
    late = source("late.fit", made.session(sensor_lag_s=17))
    found = heart(RUN, late, 0)
    assert found is not None
    assert found.lag_s == -17
    assert found.r == pytest.approx(1.0, abs=0.01)
