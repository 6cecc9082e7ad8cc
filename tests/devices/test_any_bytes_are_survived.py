"""Every decoder on constructed notifications in each form the services allow, and on arbitrary bytes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.broadcast import PolarBroadcast, decode_polar
from hub.devices.gatt import HeartRate, decode_battery, decode_heart_rate, decode_location
from hub.devices.identity import id_from_serial
from hub.devices.running import RunningMeasurement, decode_running
from hub.devices.sensors import KINDS
from hub.domain import Contact, MotionReading
from hub.errors import DecodeError

YES, NO, UNSUPPORTED = Contact.YES, Contact.NO, Contact.UNSUPPORTED

# Constructed after the Heart Rate Service, but for the first two, by what straps differ in: flags of the
# contact sensor, energy, width, intervals. The others stand for no brand; what real sensors sent is in
# `test_captured_notifications_are_read.py`.
HEART_RATES = {
    "captured from a Polar H10": ("105819030f03", HeartRate(88, (793, 783), UNSUPPORTED, None, False)),
    "captured from a Polar H10, later": ("1055db02b302", HeartRate(85, (731, 691), UNSUPPORTED, None, False)),
    "contact and no intervals": ("0648", HeartRate(72, (), YES, None, False)),
    "taken off with a stale rate": ("0448", HeartRate(72, (), NO, None, False)),
    "contact and one beat": ("163c0004", HeartRate(60, (1024,), YES, None, False)),
    "energy and beats": ("1e9605009a019901", HeartRate(150, (410, 409), YES, 5, False)),
    "energy alone": ("0e501027", HeartRate(80, (), YES, 10_000, False)),
    "wide rate": ("1fb400ffff5501", HeartRate(180, (341,), YES, 65_535, False)),
    "sensor bit without contact bit": ("1400", HeartRate(None, (), NO, None, False)),
    "contact bit alone": ("12500004", HeartRate(80, (1024,), UNSUPPORTED, None, False)),
    "rate and nothing else": ("0048", HeartRate(72, (), UNSUPPORTED, None, False)),
    "lost at 300": ("012c01", HeartRate(None, (), UNSUPPORTED, None, True)),
}

# Constructed; captures of foot pods were not found.
RUNNING = {
    "walking": ("000003b4", RunningMeasurement(3000, 180, None, None, False, False)),
    "running, everything": ("073303aa780010270000", RunningMeasurement(3199, 170, 1200, 10_000, True, False)),
    "stride alone": ("01000064c800", RunningMeasurement(0, 100, 2000, None, False, False)),
    "distance alone": ("020000640a000000", RunningMeasurement(0, 100, None, 10, False, False)),
    "promised and cut off": ("070003b478", RunningMeasurement(3000, 180, None, None, True, True)),
    "a byte too many": ("000003b400", RunningMeasurement(3000, 180, None, None, False, True)),
    "fastest there is": ("04ffffff", RunningMeasurement(255_996, 255, None, None, True, False)),
}


@pytest.mark.parametrize(("data", "meaning"), HEART_RATES.values(), ids=HEART_RATES.keys())
def test_a_heart_rate_notification_means_what_the_service_says(data: str, meaning: HeartRate) -> None:
    assert decode_heart_rate(bytes.fromhex(data)) == meaning


@pytest.mark.parametrize(("data", "meaning"), RUNNING.values(), ids=RUNNING.keys())
def test_a_running_measurement_means_what_the_service_says(data: str, meaning: RunningMeasurement) -> None:
    assert decode_running(bytes.fromhex(data)) == meaning


@pytest.mark.parametrize("data", ["", "00", "0003b4"])
def test_a_running_measurement_without_speed_and_cadence_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode_running(bytes.fromhex(data))


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.none() | st.integers(0, 0xFFFF),
    st.none() | st.integers(0, 0xFFFF_FFFF),
    st.booleans(),
)
def test_what_a_pod_puts_in_comes_out(
    speed: int, cadence: int, stride_cm: int | None, distance_dm: int | None, is_running: bool
) -> None:
    flags = (stride_cm is not None) | (distance_dm is not None) << 1 | is_running << 2
    data = bytes([flags]) + speed.to_bytes(2, "little") + bytes([cadence])
    data += b"" if stride_cm is None else stride_cm.to_bytes(2, "little")
    data += b"" if distance_dm is None else distance_dm.to_bytes(4, "little")
    stride_mm = None if stride_cm is None else stride_cm * 10
    assert decode_running(data) == RunningMeasurement(
        round(speed / 0.256), cadence, stride_mm, distance_dm, is_running, False
    )


def decode_everything(data: bytes) -> None:
    """Each decoder gives its type or a DecodeError; anything else is a failure of the test."""
    for decode, kind in (
        (decode_heart_rate, HeartRate),
        (decode_running, RunningMeasurement),
        (decode_battery, int),
        *((lambda raw, read=sensor.read: read("pod", 0, raw), MotionReading) for sensor in KINDS),
    ):
        try:
            value = decode(data)
        except DecodeError:
            continue
        assert isinstance(value, kind)
    assert isinstance(decode_polar(data), PolarBroadcast | None)
    assert isinstance(decode_location(data), str | None)
    assert isinstance(id_from_serial(data), str | None)


@given(st.binary(max_size=600))
def test_any_bytes_give_a_typed_value_or_a_typed_error(data: bytes) -> None:
    decode_everything(data)


def test_a_hundred_thousand_random_notifications_are_survived() -> None:
    chance = Random(11)
    for _ in range(100_000):
        decode_everything(chance.randbytes(chance.randrange(24)))
