"""A running pod on a shoe: the same Bluetooth device as a strap, with speed and cadence instead of beats.

Its athlete runs as hard as the heart beats; it models no stride beyond speed over cadence.
"""

from __future__ import annotations

from random import Random

from hub.devices.virtual.brands import Brand
from hub.devices.virtual.field import Field
from hub.devices.virtual.strap import VirtualStrap

POD = Brand("Garmin", "RD Pod", "RD Pod {digits}")

_HAS_STRIDE_AND_DISTANCE = 0x03
_IS_RUNNING = 0x04
_RUNS_FROM_MPS = 2.0
_FASTEST_MPS = 6.5


class VirtualPod(VirtualStrap):
    """The pod of athlete `number`, an address of its own beside that athlete's strap."""

    service = 0x1814
    measurement = 0x2A53
    location = b"\x06"
    address_offset = 1_000_000

    def __init__(self, field: Field, number: int, random: Random, *, speed: float = 1.0) -> None:
        super().__init__(field, number + self.address_offset, random, speed=speed, brand=POD)
        self.distance_m = 0.0

    def _notification(self) -> bytes:
        """One RSC Measurement with everything in it."""
        speed_mps = self.heart.effort * _FASTEST_MPS
        steps_per_min = round(80 + 110 * self.heart.effort)
        self.distance_m += speed_mps
        stride_cm = round(speed_mps * 60 / steps_per_min * 2 * 100)
        flags = _HAS_STRIDE_AND_DISTANCE | (_IS_RUNNING if speed_mps >= _RUNS_FROM_MPS else 0)
        value = (
            bytes([flags])
            + round(speed_mps * 256).to_bytes(2, "little")
            + bytes([steps_per_min])
            + stride_cm.to_bytes(2, "little")
            + round(self.distance_m * 10).to_bytes(4, "little")
        )
        return value + b"\x00" if self.is_garbling else value
