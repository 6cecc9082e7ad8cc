"""What a virtual strap says, as bytes: one notification, one Polar record. It sends nothing."""

from __future__ import annotations

from hub.devices.virtual.brands import Brand
from hub.devices.virtual.training import Heart

MOST_RR_IN_A_NOTIFICATION = 8
"""So many fit a small packet beside the energy."""


def measurement_of(
    heart: Heart, brand: Brand, listened_s: float, *, in_contact: bool, energy_kj: int | None = None
) -> bytes:
    """One Heart Rate Measurement; off the skin a strap repeats a stale rate without beats."""
    contact = 0x06 if brand.senses_contact else 0x00
    if not in_contact:
        return bytes([contact & 0x04, heart.bpm])
    rr_1024 = heart.beats(listened_s)[:MOST_RR_IN_A_NOTIFICATION] if brand.sends_rr else ()
    flags = contact | (0x10 if rr_1024 else 0) | (0x08 if energy_kj is not None else 0)
    energy = b"" if energy_kj is None else energy_kj.to_bytes(2, "little")
    return bytes([flags, heart.bpm]) + energy + b"".join(rr.to_bytes(2, "little") for rr in rr_1024)


def polar_record_of(
    heart: Heart, frame: int, *, in_contact: bool, is_battery_ok: bool = True, stamp_ms: int = 0
) -> bytes:
    """The heart-rate record of an advertisement, after the company id.

    The kHz field, which nobody reads, tells `stamp_ms` modulo 256.
    """
    status = 0x20 | is_battery_ok | (0x02 if in_contact else 0) | (frame & 0x07) << 2
    return bytes([status, stamp_ms & 0xFF, heart.bpm, heart.bpm])
