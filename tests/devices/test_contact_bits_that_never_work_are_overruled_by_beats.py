"""A strap that says "no contact" on a beating heart is believed by its beats; one that works, by its bit."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.devices.contact import PROOF_BEATS, ContactBit
from hub.devices.source import Sighting
from hub.devices.strap_watch import StrapWatch
from hub.domain import Contact, Reading

YES, NO, UNSUPPORTED = Contact.YES, Contact.NO, Contact.UNSUPPORTED
WAHOO = bytes.fromhex("144659035803")
"""A worn Wahoo Blue HR: 70 bpm, "no contact", two intervals (stackoverflow.com/questions/10421633)."""


def beats(seconds: int, bpm: int = 70, seed: int = 1) -> list[tuple[int, ...]]:
    """The intervals of each second, 1/1024 s, of a heart that varies."""
    chance = Random(seed)
    return [(round(1024 * (60 / bpm + chance.uniform(-0.03, 0.03))),) for _ in range(seconds)]


def believed(
    bit: ContactBit, said: Contact, seconds: list[tuple[int, ...]], start_s: int = 0
) -> list[Contact]:
    return [bit.believed(said, (start_s + s) * 1_000, 70, rr) for s, rr in enumerate(seconds)]


def test_a_heart_that_beats_for_a_dozen_beats_overrules_the_bit_and_silence_gives_it_back() -> None:
    bit = ContactBit()
    found = believed(bit, NO, beats(30))
    assert found == [NO] * (PROOF_BEATS - 1) + [UNSUPPORTED] * (31 - PROOF_BEATS)
    silent = believed(bit, NO, [()] * 20, start_s=30)
    assert silent[:9] == [UNSUPPORTED] * 9
    assert silent[10:] == [NO] * 10
    assert believed(bit, NO, beats(2), start_s=50) == [UNSUPPORTED] * 2


def test_a_bit_that_has_ever_said_yes_is_believed_when_it_says_no() -> None:
    bit = ContactBit()
    believed(bit, YES, beats(3))
    assert set(believed(bit, NO, beats(60), start_s=3)) == {NO}


def test_a_bit_thought_broken_that_says_yes_after_all_is_believed_from_then_on() -> None:
    bit = ContactBit()
    believed(bit, NO, beats(30))
    assert believed(bit, YES, beats(1), start_s=30) == [YES]
    assert set(believed(bit, NO, beats(30), start_s=31)) == {NO}


def test_a_last_rate_without_beats_or_beats_no_heart_has_prove_nothing() -> None:
    chance = Random(2)
    noise: list[tuple[int, ...]] = [(chance.choice((53, 190, 2_300)),) for _ in range(60)]
    clock: list[tuple[int, ...]] = [(878,)] * 60
    other_rate = beats(60, bpm=140)
    silence: list[tuple[int, ...]] = [()] * 60
    for seconds in (silence, noise, clock, other_rate):
        assert set(believed(ContactBit(), NO, seconds)) == {NO}


@given(st.lists(st.tuples(st.sampled_from(list(Contact)), st.integers(30, 2_500)), max_size=80))
def test_only_a_no_is_ever_overruled(values: list[tuple[Contact, int]]) -> None:
    bit = ContactBit()
    for second, (said, rr) in enumerate(values):
        found = bit.believed(said, second * 1_000, 70, (rr,))
        assert found is said or (said is NO and found is UNSUPPORTED)


def test_a_worn_wahoo_strap_is_on_the_board_after_a_dozen_beats() -> None:
    heard: list[Reading] = []
    sighting = Sighting("C4:01:02:03:04:05", "Wahoo HRM", "hci0", -60, True, None, None)
    watch = StrapWatch(sighting, 0, heard.append)
    watch.on_sighting(sighting, 0)
    watch.settle_id()
    for second in range(20):
        moved = WAHOO[:4] + bytes([WAHOO[4] + second % 3]) + WAHOO[5:]
        watch.on_notification(moved, second * 1_000)
    assert heard[0].bpm is None
    assert [(it.bpm, it.contact, len(it.rr_1024)) for it in heard[-3:]] == [(70, UNSUPPORTED, 2)] * 3
