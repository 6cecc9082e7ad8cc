"""Quality and fusion on series of values: what is wrong is flagged and counted, and a strap is one stream."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.devices.fusion import FEWEST_MS_BETWEEN_BROADCASTS, Fuser, Verdict
from hub.devices.quality import Observed, Quality
from hub.devices.source import Sighting
from hub.devices.strap_watch import StrapWatch
from hub.domain import Contact, Flaw, Reading, Via

YES, NO, UNSUPPORTED = Contact.YES, Contact.NO, Contact.UNSUPPORTED


def judged(*values: Observed) -> list[tuple[Flaw, ...]]:
    quality = Quality()
    return [quality.judge(value) for value in values]


def steady(seconds: int, bpm: int = 120, start_ms: int = 0) -> list[Observed]:
    """A healthy strap: a value a second, beats that differ a little and add up."""
    chance = Random(1)
    series, beat_ms, before_ms = [], 0.0, 0.0
    for second in range(seconds):
        intervals = []
        while beat_ms + 60_000 / bpm <= (second + 1) * 1_000:
            beat_ms += 60_000 / bpm + chance.uniform(-15, 15)
            intervals.append(round((beat_ms - before_ms) * 1.024))
            before_ms = beat_ms
        series.append(Observed(start_ms + second * 1_000, bpm, YES, tuple(intervals)))
    return series


def test_a_healthy_strap_has_no_flaws() -> None:
    assert set(judged(*steady(300))) == {()}


@pytest.mark.parametrize("bpm", [40, 60, 97, 150, 205])
def test_intervals_that_run_across_packets_are_no_gap(bpm: int) -> None:
    assert all(Flaw.RR_GAP not in flaws for flaws in judged(*steady(120, bpm)))


def test_values_that_did_not_come_are_counted() -> None:
    quality = Quality()
    series = steady(60)
    for value in series[:20] + series[23:]:
        quality.judge(value)
    assert (quality.missed, quality.taken) == (3, 57)
    assert quality.counts[Flaw.GAP] == 1
    assert quality.counts[Flaw.RR_GAP] == 1
    assert quality.loss(59_500) == pytest.approx(3 / 60)


def test_silence_until_now_is_loss_too() -> None:
    quality = Quality()
    for value in steady(30):
        quality.judge(value)
    assert quality.loss(29_500) == 0
    assert quality.loss(39_000) == pytest.approx(9 / 39)
    assert quality.loss(10_000_000) == 1


def test_a_counter_tells_late_from_lost() -> None:
    late = judged(Observed(0, 80, YES, counter=1), Observed(1_900, 80, YES, counter=2))
    lost = judged(Observed(0, 80, YES, counter=1), Observed(1_900, 80, YES, counter=3))
    assert (late[-1], lost[-1]) == ((), (Flaw.GAP,))


def test_a_missing_packet_breaks_the_beats_and_a_doubled_one_does_too() -> None:
    series = steady(40, 60)
    doubled = [*series[:20], Observed(19_500, 60, YES, (1024, 1024, 1024)), *series[20:]]
    assert any(Flaw.RR_GAP in flaws for flaws in judged(*doubled))
    without = series[:20] + series[24:]
    assert any(Flaw.RR_GAP in flaws for flaws in judged(*without))


def test_a_rate_that_jumps_is_flagged_until_it_lasts() -> None:
    series = [Observed(second * 1_000, bpm, YES) for second, bpm in enumerate([100, 180, 101, *[181] * 8])]
    assert [Flaw.JUMP in flaws for flaws in judged(*series)] == [
        False, True, False, True, True, True, True, False, False, False, False,
    ]  # fmt: skip


def test_a_rate_after_a_pause_is_nobodys_jump() -> None:
    assert judged(Observed(0, 60, YES), Observed(20_000, 180, YES))[-1] == (Flaw.GAP,)


def test_the_same_rate_for_half_a_minute_without_a_living_beat_is_flat() -> None:
    dead = [Observed(second * 1_000, 72, UNSUPPORTED) for second in range(40)]
    assert [Flaw.FLAT in flaws for flaws in judged(*dead)] == [False] * 30 + [True] * 10
    alive = [Observed(second * 1_000, 72, YES, (850 + second % 2,)) for second in range(40)]
    assert not any(Flaw.FLAT in flaws for flaws in judged(*alive))


def test_searching_and_off_the_skin_are_told_apart() -> None:
    assert judged(Observed(0, None, YES), Observed(1_000, 70, NO)) == [
        (Flaw.SEARCHING,),
        (Flaw.CONTACT_LOST,),
    ]


def test_an_energy_total_that_goes_back_is_reordered_and_a_reset_is_not() -> None:
    energies = [10, 12, 11, 0, 1]
    series = [Observed(n * 1_000, 80, YES, energy_kj=energy) for n, energy in enumerate(energies)]
    assert [Flaw.REORDERED in flaws for flaws in judged(*series)] == [False, False, True, False, False]


observed = st.builds(
    Observed,
    mono_ms=st.integers(0, 10_000_000),
    bpm=st.none() | st.integers(1, 250),
    contact=st.sampled_from(Contact),
    rr_1024=st.lists(st.integers(0, 0xFFFF), max_size=9).map(tuple),
    is_malformed=st.booleans(),
    counter=st.none() | st.integers(0, 7),
    energy_kj=st.none() | st.integers(0, 0xFFFF),
)


@given(st.lists(observed, max_size=60))
def test_no_series_upsets_the_judge_and_the_counts_add_up(series: list[Observed]) -> None:
    quality = Quality()
    flags = [flaw for value in series for flaw in quality.judge(value)]
    assert sum(quality.counts.values()) == len(flags)
    assert quality.taken == len(series)
    assert quality.missed >= 0
    loss = quality.loss(max((value.mono_ms for value in series), default=0))
    assert loss is None if not series else loss is None or 0 <= loss <= 1


events = st.lists(
    st.tuples(st.integers(0, 1_500), st.integers(0, 7), st.integers(60, 62), st.booleans()), max_size=80
)


@given(events)
def test_a_stream_moves_forward_and_never_repeats_itself(events: list[tuple[int, int, int, bool]]) -> None:
    fuser, now_ms = Fuser(), 0
    taken: list[tuple[int, Via]] = []
    for wait_ms, frame, bpm, is_gatt in events:
        now_ms += wait_ms
        if is_gatt:
            verdict = fuser.notification(bytes([6, bpm]), now_ms)
        else:
            verdict = fuser.broadcast(frame, bpm, YES, now_ms, is_linked=False)
        if verdict is Verdict.NEW:
            taken.append((now_ms, Via.GATT if is_gatt else Via.BROADCAST))
    for (before_ms, before), (after_ms, after) in pairwise(taken):
        assert after_ms >= before_ms
        if after is Via.BROADCAST:
            least_ms = 3_000 if before is Via.GATT else FEWEST_MS_BETWEEN_BROADCASTS
            assert after_ms - before_ms >= least_ms


@given(st.lists(st.integers(0, 300), min_size=4, max_size=4), st.integers(0, 1_000))
def test_four_relays_with_their_delays_give_each_value_once(delays_ms: list[int], seed: int) -> None:
    chance = Random(seed)
    heard = sorted(
        (second * 1_000 + delay_ms + chance.randint(0, 250), second % 8, 60 + second % 5)
        for second in range(30)
        for delay_ms in delays_ms
    )
    fuser = Fuser()
    taken = [
        one for one in heard if fuser.broadcast(one[1], one[2], YES, one[0], is_linked=False) is Verdict.NEW
    ]
    assert 27 <= len(taken) <= 30
    assert {(after[1] - before[1]) % 8 for before, after in pairwise(taken)} <= {1, 2}


TAKEN = (Verdict.NEW, Verdict.BUNCHED)


@given(
    st.lists(st.tuples(st.integers(1, 4_000), st.integers(0, 3_999)), min_size=1, max_size=4),
    st.integers(0, 1_000),
)
@example([(3_000, 500)], 0)
def test_values_handed_on_in_bunches_are_each_taken_once(ears: list[tuple[int, int]], seed: int) -> None:
    """An ear of (every, from) hands on what it heard every so many ms: a busy bus, a relay on bad Wi-Fi."""
    chance = Random(seed)
    values = [(second * 1_000 + chance.randint(0, 100), 60 + chance.randint(0, 2)) for second in range(40)]
    heard = sorted(
        (at_ms + (since_ms - at_ms) % every_ms, number, repeat)
        for every_ms, since_ms in ears
        for number, (value_ms, _bpm) in enumerate(values)
        for repeat in range(3)
        for at_ms in (value_ms + repeat * 300,)
    )
    fuser = Fuser()
    taken = [
        number
        for at_ms, number, _repeat in heard
        if fuser.broadcast(number % 8, values[number][1], YES, at_ms, is_linked=False) in TAKEN
    ]
    assert [number for number in taken if number > 5] == list(range(6, 40))  # before, no gap tells of a bunch


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 7), st.integers(60, 62)), max_size=200))
def test_a_counter_that_moves_with_every_repeat_brings_no_more_than_two_values_a_second(
    adverts: list[tuple[int, int, int]],
) -> None:
    fuser, now_ms = Fuser(), 0
    taken: list[int] = []
    for wait_ms, frame, bpm in adverts:
        now_ms += wait_ms
        if fuser.broadcast(frame, bpm, YES, now_ms, is_linked=False) in TAKEN:
            taken.append(now_ms)
    for first_ms, last_ms in zip(taken, taken[17:], strict=False):
        assert last_ms - first_ms >= 8_000


def test_a_strap_without_a_working_counter_gives_a_value_whenever_it_changes() -> None:
    fuser = Fuser()
    rates = (80, 81, 80, 80, 82)
    taken = [
        bpm
        for second, bpm in enumerate(rates)
        for repeat in range(3)
        if fuser.broadcast(0, bpm, YES, second * 1_000 + repeat * 300, is_linked=False) in TAKEN
    ]
    assert taken == [80, 81, 80, 82]


def test_a_bunch_becomes_readings_in_order_and_nothing_is_counted_as_lost() -> None:
    readings: list[Reading] = []
    watch = watch_on(readings)
    watch.connected_by = None
    for second in range(60):
        came_ms = second * 1_000 if second < 30 else 30_000 + (second - 30) // 3 * 3_000 + 2_000
        polar = bytes([0x23 | (second % 8) << 2, 0, 100 + second])
        watch.on_sighting(
            Sighting("C0:00:00:00:00:01", "Polar H10 A0000001", "hci0", -60, False, polar, None), came_ms
        )
    assert [reading.bpm for reading in readings] == list(range(100, 160))
    assert [reading.mono_ms for reading in readings] == [second * 1_000 for second in range(60)]
    assert watch.quality.loss(60_000) == 0


def test_what_stays_away_is_lost_though_a_bunch_follows() -> None:
    quality = Quality()
    for at_ms, counter in ((0, 0), (1_000, 1), (6_000, 4), (6_001, 5), (6_002, 6), (7_000, 7)):
        quality.judge(Observed(at_ms, 120, YES, counter=counter))
    assert quality.missed == 2  # those of the counter's 2 and 3


def watch_on(readings: list[Reading]) -> StrapWatch:
    sighting = Sighting("C0:00:00:00:00:01", "Polar H10 A0000001", "hci0", -60, True, None, None)
    watch = StrapWatch(sighting, 0, readings.append)
    watch.on_sighting(sighting, 0)
    watch.connected_by = "hci0"
    return watch


def test_the_same_notification_twice_is_one_reading_and_counted() -> None:
    readings: list[Reading] = []
    watch = watch_on(readings)
    for at_ms in (1_000, 1_050, 2_000):
        watch.on_notification(bytes.fromhex("163c0004"), at_ms)
    assert [reading.mono_ms for reading in readings] == [1_000, 2_000]
    assert watch.quality.counts[Flaw.DUPLICATE] == 1


def test_a_doubtful_rate_says_so() -> None:
    readings: list[Reading] = []
    watch = watch_on(readings)
    for second, bpm in enumerate((100, 101, 190, 102)):
        watch.on_notification(bytes([0x06, bpm]), second * 1_000)
    assert [reading.is_doubtful for reading in readings] == [False, False, True, False]


def test_what_cannot_be_read_is_counted_not_shown() -> None:
    readings: list[Reading] = []
    watch = watch_on(readings)
    for second in range(100):
        watch.on_notification(b"\x06", second * 1_000)
    assert readings == []
    assert watch.quality.counts[Flaw.MALFORMED] == 100


def test_a_strap_taken_off_that_repeats_its_last_frame_falls_silent() -> None:
    readings: list[Reading] = []
    watch = watch_on(readings)
    watch.connected_by = None
    stuck = Sighting(
        "C0:00:00:00:00:01", "Polar H10 A0000001", "hci0", -60, False, bytes.fromhex("33000038"), None
    )
    for at_ms in range(0, 60_000, 300):
        watch.on_sighting(stuck, at_ms)
    assert len(readings) == 1
    assert (watch.quality.loss(60_000) or 0) > 0.9
