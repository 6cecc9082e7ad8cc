"""What a kind of sensor beside the heart-rate strap is: its service, its measurement, and how to read it.

It lists no kinds: `sensors.py` does, one line each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.domain import SensorReading


@dataclass(frozen=True, slots=True)
class SensorKind:
    """`read(strap_id, mono_ms, data)` makes one notification a reading or raises DecodeError.

    `service` and `measurement` are 128-bit UUIDs in lower case; `name` is for pages and logs.
    """

    name: str
    service: str
    measurement: str
    read: Callable[[str, int, bytes], SensorReading]
