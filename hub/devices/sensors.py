"""The kinds of sensors the hub listens to beside heart-rate straps; adding one is one line here.

docs/new-sensor.md says how the file behind such a line is written.
"""

from __future__ import annotations

from hub.devices.running import RUNNING
from hub.devices.sensor import SensorKind

KINDS: tuple[SensorKind, ...] = (RUNNING,)
SERVICES = frozenset(kind.service for kind in KINDS)
