"""Captured and constructed Polar advertisements (after the company id), and when one is a new reading."""

from __future__ import annotations

import pytest
from bleak.backends.device import BLEDevice
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.broadcast import PolarBroadcast, decode_polar
from hub.devices.radio import Sighting
from hub.devices.strap_watch import StrapWatch
from hub.domain import Contact, Reading, Via

YES, NO = Contact.YES, Contact.NO

GOLDEN = {
    "captured from an H7": ("3b1b5452", PolarBroadcast(82, 84, 6, YES, True)),
    "captured from an H10": ("33000038", PolarBroadcast(56, None, 4, YES, True)),
    "slow and fast average": ("2b0bb6ac", PolarBroadcast(172, 182, 2, YES, True)),
    "a wrist sensor's short record": ("72067f4437000000" + "33003c", PolarBroadcast(60, None, 4, YES, True)),
    "two other records, heart rate 0": (
        "720897c9c30000000000" + "7a0103" + "330000",
        PolarBroadcast(None, None, 4, YES, True),
    ),
    "no heart rate record": ("720897c9c30000000000", None),
    "a watch": ("720872acf50200000000" + "33005a", PolarBroadcast(90, None, 4, YES, True)),
    "off the skin": ("31000038", PolarBroadcast(56, None, 4, NO, True)),
    "battery to be replaced": ("32000038", PolarBroadcast(56, None, 4, YES, False)),
    "cut short": ("7208aa", None),
    "only the beginning of a record": ("72", None),
    "a heart rate record without a rate": ("3300", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("data", "meaning"), GOLDEN.values(), ids=GOLDEN.keys())
def test_an_advertisement_means_what_polar_says(data: str, meaning: PolarBroadcast | None) -> None:
    assert decode_polar(bytes.fromhex(data)) == meaning


@given(st.binary(max_size=40))
def test_any_bytes_give_plausible_values_or_none(data: bytes) -> None:
    broadcast = decode_polar(data)
    if broadcast is not None:
        assert broadcast.bpm is None or 0 < broadcast.bpm <= 250
        assert 0 <= broadcast.frame <= 7


def sighting(polar: str, name: str | None = "Polar H10 A0000001", adapter: str = "hci0") -> Sighting:
    device = BLEDevice("C0:00:00:00:00:01", name, None)
    return Sighting(device.address, name, adapter, -60, False, bytes.fromhex(polar), device)


def readings_of(*heard: tuple[int, Sighting]) -> list[Reading]:
    readings: list[Reading] = []
    watch = StrapWatch(heard[0][1], heard[0][0], readings.append)
    for at_ms, seen in heard:
        watch.on_sighting(seen, at_ms)
    return readings


def test_a_repeated_frame_is_one_reading() -> None:
    readings = readings_of(
        (0, sighting("33000038")), (600, sighting("33000038")), (1000, sighting("37000039"))
    )
    assert [(reading.mono_ms, reading.bpm) for reading in readings] == [(0, 56), (1000, 57)]
    assert {(reading.via, reading.strap_id) for reading in readings} == {(Via.BROADCAST, "A0000001")}


def test_an_adapter_that_lags_behind_does_not_bring_a_value_back() -> None:
    late = sighting("33000038", adapter="hci1")
    readings = readings_of((0, sighting("33000038")), (1000, sighting("37000039")), (1040, late))
    assert [reading.bpm for reading in readings] == [56, 57]


def test_the_same_rate_in_a_new_frame_is_a_new_reading() -> None:
    readings = readings_of((0, sighting("33000038")), (1000, sighting("37000038")))
    assert len(readings) == 2


def test_a_rate_broadcast_off_the_skin_is_no_heart_rate() -> None:
    (reading,) = readings_of((0, sighting("31000038")))
    assert (reading.bpm, reading.contact) == (None, NO)


def test_a_strap_without_a_name_is_known_by_its_address_after_a_while() -> None:
    readings = readings_of((0, sighting("33000038", None)), (3_500, sighting("37000039", None)))
    assert [reading.strap_id for reading in readings] == ["addr:C0:00:00:00:00:01"]
