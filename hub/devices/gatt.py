"""Heart Rate and Battery characteristics (0x2A37, 0x2A19) from their bytes, keeping whatever is good.

It judges no physiology: an odd RR interval is passed on raw, and stale rates are the fleet's concern.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain import Contact
from hub.errors import DecodeError

HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
HEART_RATE_MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_INFORMATION_SERVICE = "0000180a-0000-1000-8000-00805f9b34fb"
SERIAL_NUMBER = "00002a25-0000-1000-8000-00805f9b34fb"
MAKER_NAME = "00002a29-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER = "00002a24-0000-1000-8000-00805f9b34fb"
BODY_LOCATION = "00002a38-0000-1000-8000-00805f9b34fb"

_IS_16_BIT = 0x01
_IN_CONTACT = 0x02
_HAS_CONTACT_SENSOR = 0x04
_HAS_ENERGY = 0x08
_HAS_RR = 0x10

_LOCATIONS = ("other", "chest", "wrist", "finger", "hand", "ear lobe", "foot")

HIGHEST_BPM = 250
"""Above this no heart beats; some straps send such a rate in 16 bits when they lost count."""


@dataclass(frozen=True, slots=True)
class HeartRate:
    """One Heart Rate Measurement; `bpm` None while the strap is searching (it sends 0).

    `rr_1024` are intervals in 1/1024 s, oldest first. `is_malformed` says that some bytes made no
    sense; the fields that are set are still good.
    """

    bpm: int | None
    rr_1024: tuple[int, ...]
    contact: Contact
    energy_kj: int | None
    is_malformed: bool


def decode_heart_rate(data: bytes) -> HeartRate:
    """The fields of one 2A37 notification (Heart Rate Service 1.0).

    Raises DecodeError where not even a heart rate is there.
    """
    rate_end = 3 if data and data[0] & _IS_16_BIT else 2
    if len(data) < rate_end:
        raise DecodeError(f"a heart rate measurement of {len(data)} bytes ({data.hex()}) has no heart rate.")
    flags = data[0]
    rate = int.from_bytes(data[1:rate_end], "little")
    rest = data[rate_end:]
    is_malformed = rate > HIGHEST_BPM

    energy_kj = None
    if flags & _HAS_ENERGY:
        if len(rest) < 2:
            return HeartRate(_bpm(rate), (), _contact(flags), None, True)
        energy_kj = int.from_bytes(rest[:2], "little")
        rest = rest[2:]

    rr_1024: tuple[int, ...] = ()
    if flags & _HAS_RR:
        whole = len(rest) // 2 * 2
        rr_1024 = tuple(int.from_bytes(rest[i : i + 2], "little") for i in range(0, whole, 2))
        rest = rest[whole:]
    return HeartRate(_bpm(rate), rr_1024, _contact(flags), energy_kj, is_malformed or bool(rest))


def decode_battery(data: bytes) -> int:
    """Battery Level in percent. Raises DecodeError for anything that is not one byte 0..100."""
    if len(data) != 1 or data[0] > 100:
        raise DecodeError(f"a battery level is one byte up to 100, not {data.hex() or 'nothing'}.")
    return data[0]


def decode_location(data: bytes) -> str | None:
    """Body Sensor Location (0x2A38) in a word; None for one the specification does not know."""
    return _LOCATIONS[data[0]] if len(data) == 1 and data[0] < len(_LOCATIONS) else None


def _bpm(rate: int) -> int | None:
    return rate if 0 < rate <= HIGHEST_BPM else None


def _contact(flags: int) -> Contact:
    if not flags & _HAS_CONTACT_SENSOR:
        return Contact.UNSUPPORTED
    return Contact.YES if flags & _IN_CONTACT else Contact.NO
