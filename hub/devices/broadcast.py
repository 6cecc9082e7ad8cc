"""Heart rate out of a Polar advertisement: manufacturer data of company 0x006B, without a connection.

It does not say whether a frame is new: whoever listens compares `frame` with the last one heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.devices.gatt import HIGHEST_BPM
from hub.domain import Contact

POLAR_COMPANY = 0x006B

_IS_BATTERY_OK = 0x01
_IN_CONTACT = 0x02
_IS_OTHER_RECORD = 0x40


@dataclass(frozen=True, slots=True)
class PolarBroadcast:
    """One heart-rate record; `fast_bpm` is the strap's less smoothed average where it sends one.

    `frame` counts 0..7 and moves with every new value, about once a second.
    """

    bpm: int | None
    fast_bpm: int | None
    frame: int
    contact: Contact
    is_battery_ok: bool


def decode_polar(data: bytes) -> PolarBroadcast | None:
    """The heart-rate record among the records of an advertisement (company id already removed).

    None where there is none: a truncated advertisement says nothing rather than something wrong.
    """
    at = 0
    while at < len(data):
        if not data[at] & _IS_OTHER_RECORD:
            return _heart_rate_record(data[at:])
        if at + 1 >= len(data):
            return None
        at += 2 + data[at + 1]
    return None


def _heart_rate_record(record: bytes) -> PolarBroadcast | None:
    """[status][kHz][average] or [status][kHz][fast average][slow average]; always the last record."""
    if len(record) not in (3, 4):
        return None
    status = record[0]
    return PolarBroadcast(
        bpm=_bpm(record[-1]),
        fast_bpm=_bpm(record[2]) if len(record) == 4 else None,
        frame=(status >> 2) & 0x07,
        contact=Contact.YES if status & _IN_CONTACT else Contact.NO,
        is_battery_ok=bool(status & _IS_BATTERY_OK),
    )


def _bpm(rate: int) -> int | None:
    return rate if 0 < rate <= HIGHEST_BPM else None
