"""Captured and constructed notifications, byte for byte, against what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.gatt import HIGHEST_BPM, HeartRate, decode_battery, decode_heart_rate
from hub.domain import Contact
from hub.errors import DecodeError

YES, NO, UNSUPPORTED = Contact.YES, Contact.NO, Contact.UNSUPPORTED
NINE, TWELVE = (307,) * 9, (307,) * 12

GOLDEN = {
    "plain, no contact sensor": ("0048", HeartRate(72, (), UNSUPPORTED, None, False)),
    "in contact": ("0648", HeartRate(72, (), YES, None, False)),
    "contact lost, the rate is stale": ("0448", HeartRate(72, (), NO, None, False)),
    "one interval of a second": ("163c0004", HeartRate(60, (1024,), YES, None, False)),
    "captured from a Polar H10": ("105819030f03", HeartRate(88, (793, 783), UNSUPPORTED, None, False)),
    "the same capture, later": ("1055db02b302", HeartRate(85, (731, 691), UNSUPPORTED, None, False)),
    "a rate of 300 in 16 bits": ("012c01", HeartRate(None, (), UNSUPPORTED, None, True)),
    "energy without intervals": ("0e501027", HeartRate(80, (), YES, 10_000, False)),
    "energy before intervals": ("1e9605009a019901", HeartRate(150, (410, 409), YES, 5, False)),
    "16 bits, all the energy there is": ("1fb400ffff5501", HeartRate(180, (341,), YES, 65_535, False)),
    "nine intervals fill a small packet": ("16c8" + "3301" * 9, HeartRate(200, NINE, YES, None, False)),
    "twelve need a larger one": ("16c8" + "3301" * 12, HeartRate(200, TWELVE, YES, None, False)),
    "searching, intervals promised": ("1400", HeartRate(None, (), NO, None, False)),
    "half an interval at the end": ("164800", HeartRate(72, (), YES, None, True)),
    "contact bit without the sensor's": ("12500004", HeartRate(80, (1024,), UNSUPPORTED, None, False)),
    "an artefact of 64 s stays raw": ("1000ffff", HeartRate(None, (65_535,), UNSUPPORTED, None, False)),
    "reserved flags": ("e648", HeartRate(72, (), YES, None, False)),
    "energy cut short": ("0e5010", HeartRate(80, (), YES, None, True)),
    "a byte after everything": ("064800", HeartRate(72, (), YES, None, True)),
}


@pytest.mark.parametrize(("data", "meaning"), GOLDEN.values(), ids=GOLDEN.keys())
def test_a_notification_means_what_the_service_says(data: str, meaning: HeartRate) -> None:
    assert decode_heart_rate(bytes.fromhex(data)) == meaning


@pytest.mark.parametrize("data", ["", "06", "01", "0148"])
def test_a_notification_without_a_whole_heart_rate_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_heart_rate(bytes.fromhex(data))


@given(st.binary(max_size=64))
def test_any_bytes_give_plausible_values_or_a_refusal(data: bytes) -> None:
    try:
        heart_rate = decode_heart_rate(data)
    except DecodeError:
        assert len(data) < 3
        return
    assert heart_rate.bpm is None or 0 < heart_rate.bpm <= HIGHEST_BPM
    assert all(0 <= rr <= 0xFFFF for rr in heart_rate.rr_1024)
    assert len(heart_rate.rr_1024) * 2 <= len(data) - 2


@given(
    st.integers(1, HIGHEST_BPM),
    st.none() | st.integers(0, 0xFFFF),
    st.lists(st.integers(0, 0xFFFF), max_size=12),
    st.booleans(),
)
def test_what_a_strap_puts_in_comes_out(bpm: int, energy_kj: int | None, rr: list[int], wide: bool) -> None:
    flags = 0x06 | wide | (0x08 if energy_kj is not None else 0) | (0x10 if rr else 0)
    data = bytes([flags]) + bpm.to_bytes(2 if wide else 1, "little")
    data += b"" if energy_kj is None else energy_kj.to_bytes(2, "little")
    data += b"".join(interval.to_bytes(2, "little") for interval in rr)
    assert decode_heart_rate(data) == HeartRate(bpm, tuple(rr), YES, energy_kj, False)


@pytest.mark.parametrize(("data", "percent"), [("00", 0), ("57", 87), ("64", 100)])
def test_a_battery_level_is_a_percentage(data: str, percent: int) -> None:
    assert decode_battery(bytes.fromhex(data)) == percent


@pytest.mark.parametrize("data", ["", "65", "ff", "5757"])
def test_anything_else_is_no_battery_level(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_battery(bytes.fromhex(data))
