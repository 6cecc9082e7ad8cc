"""What the radio calls the sensors it hears: remembered for as many as are in the air, then forgotten.

It keeps nothing on disk; a strap or pod goes on record with its label once it is recorded or given.
"""

from __future__ import annotations

MOST_LABELS = 1_024
"""Well above what the radio itself keeps in mind, so that whoever is heard now is never the one forgotten."""


class Labels:
    """Name and address by id; beyond `MOST_LABELS` the one said longest ago goes."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._said)

    def note(self, sensor_id: str, name: str, address: str) -> None:
        """The radio calls it this now."""
        self._said.pop(sensor_id, None)
        self._said[sensor_id] = name, address
        if len(self._said) > MOST_LABELS:
            del self._said[next(iter(self._said))]

    def of(self, sensor_id: str) -> tuple[str, str]:
        """Name and address; the id itself and no address where the radio did not say."""
        return self._said.get(sensor_id, (sensor_id, ""))
