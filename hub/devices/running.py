"""Running speed and cadence (service 0x1814, characteristic 0x2A53) from its bytes.

It adds nothing up: distance is the pod's own total, and smoothing is for whoever shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.devices.sensor import SensorKind
from hub.domain import MotionReading
from hub.errors import DecodeError

RUNNING_SERVICE = "00001814-0000-1000-8000-00805f9b34fb"
RUNNING_MEASUREMENT = "00002a53-0000-1000-8000-00805f9b34fb"

_HAS_STRIDE = 0x01
_HAS_DISTANCE = 0x02
_IS_RUNNING = 0x04
_SHORTEST = 4
_SPEED_PER_M = 256


@dataclass(frozen=True, slots=True)
class RunningMeasurement:
    """One RSC Measurement; `cadence_per_min` counts steps of both feet.

    `is_malformed` says that promised fields were cut off or bytes left over; what is set is still good.
    """

    speed_mmps: int
    cadence_per_min: int
    stride_mm: int | None
    distance_dm: int | None
    is_running: bool
    is_malformed: bool


def decode_running(data: bytes) -> RunningMeasurement:
    """The fields of one 2A53 notification (RSC Service 1.0): speed comes in 1/256 m/s, stride in cm.

    Raises DecodeError where not even speed and cadence are there.
    """
    if len(data) < _SHORTEST:
        raise DecodeError(
            f"a running measurement of {len(data)} bytes ({data.hex()}) has no speed and cadence."
        )
    flags, rest = data[0], data[_SHORTEST:]
    stride_cm, rest, is_stride_whole = _field(rest, 2, bool(flags & _HAS_STRIDE))
    distance_dm, rest, is_distance_whole = _field(rest, 4, bool(flags & _HAS_DISTANCE))
    return RunningMeasurement(
        speed_mmps=round(int.from_bytes(data[1:3], "little") * 1000 / _SPEED_PER_M),
        cadence_per_min=data[3],
        stride_mm=None if stride_cm is None else stride_cm * 10,
        distance_dm=distance_dm,
        is_running=bool(flags & _IS_RUNNING),
        is_malformed=bool(rest) or not (is_stride_whole and is_distance_whole),
    )


def _field(rest: bytes, size: int, is_promised: bool) -> tuple[int | None, bytes, bool]:
    """A little-endian number, what follows it, and whether the promise was kept."""
    if not is_promised:
        return None, rest, True
    if len(rest) < size:
        return None, b"", False
    return int.from_bytes(rest[:size], "little"), rest[size:], True


def _read(strap_id: str, mono_ms: int, data: bytes) -> MotionReading:
    measured = decode_running(data)
    return MotionReading(
        strap_id,
        mono_ms,
        measured.speed_mmps,
        measured.cadence_per_min,
        measured.stride_mm,
        measured.distance_dm,
    )


RUNNING = SensorKind("running pod", RUNNING_SERVICE, RUNNING_MEASUREMENT, _read)
