"""One strap as the fleet knows it: who it is, who hears it, and its values turned into readings.

It neither scans nor connects; it is told what was heard and hands on what is new.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from statistics import median_low

from hub.devices.broadcast import decode_polar
from hub.devices.gatt import decode_battery, decode_heart_rate
from hub.devices.identity import id_from_address, id_from_name
from hub.devices.radio import Sighting
from hub.domain import Contact, Reading, StrapStatus, Via
from hub.errors import DecodeError

GATT_OUTRANKS_BROADCAST_MS = 3_000
FEWEST_MS_BETWEEN_BROADCASTS = 500
"""A strap sends a new value about once a second and repeats it; several adapters hear the repeats."""

NAME_MAY_TAKE_MS = 3_000
"""The name comes in a second packet; a broadcasting strap without one is known by address after this."""

log = logging.getLogger(__name__)


class StrapWatch:
    """Everything known of the strap at one address."""

    def __init__(self, sighting: Sighting, now_ms: int, on_reading: Callable[[Reading], None]) -> None:
        self.address = sighting.address
        self.strap_id: str | None = None
        self.connected_by: str | None = None
        self.connections = 0
        self.last_value_ms: int | None = None
        self.is_connectable = False
        self.heard = asyncio.Event()
        self._on_reading = on_reading
        self._first_heard_ms = now_ms
        self._name = ""
        self._sightings: dict[str, tuple[int, Sighting]] = {}
        self._batteries: deque[int] = deque(maxlen=3)
        self._last_reading_ms: int | None = None
        self._last_via = Via.BROADCAST
        self._last_frame: tuple[int, int | None, Contact] | None = None
        self._is_malformed = False

    @property
    def label(self) -> str:
        """How logs call this strap."""
        return self.strap_id or self.address

    def sightings_since(self, since_ms: int) -> list[Sighting]:
        """The latest sighting by each adapter that heard the strap later than `since_ms`."""
        return [sighting for at_ms, sighting in self._sightings.values() if at_ms > since_ms]

    def status(self) -> StrapStatus | None:
        """For the pages; None until it is known who the strap is."""
        if self.strap_id is None or not self._sightings:
            return None
        if self.connected_by is not None and self.connected_by in self._sightings:
            sighting = self._sightings[self.connected_by][1]
        else:
            sighting = max(self._sightings.values(), key=lambda heard: heard[0])[1]
        return StrapStatus(
            strap_id=self.strap_id,
            name=self._name or self.strap_id,
            address=self.address,
            via=Via.GATT if self.connected_by is not None else self._last_via,
            is_connected=self.connected_by is not None,
            adapter=self.connected_by or sighting.adapter,
            rssi_dbm=sighting.rssi_dbm,
            battery_percent=median_low(self._batteries) if self._batteries else None,
            reconnects=max(0, self.connections - 1),
            last_reading_mono_ms=self._last_reading_ms,
        )

    def on_sighting(self, sighting: Sighting, now_ms: int) -> None:
        """An advertisement was heard; a new broadcast value in it becomes a reading."""
        self._sightings[sighting.adapter] = (now_ms, sighting)
        self._name = sighting.name or self._name
        self.is_connectable = self.is_connectable or sighting.offers_heart_rate
        if self.strap_id is None:
            self.strap_id = id_from_name(self._name)
            if self.strap_id is None and not self.is_connectable:
                waited_ms = now_ms - self._first_heard_ms
                self.strap_id = id_from_address(self.address) if waited_ms >= NAME_MAY_TAKE_MS else None
        self.heard.set()
        if sighting.polar is not None and self.strap_id is not None:
            self._on_broadcast(sighting.polar, sighting.rssi_dbm, now_ms)

    def on_notification(self, data: bytes, now_ms: int) -> None:
        """A heart rate measurement arrived; what cannot be read is logged once and left out."""
        try:
            heart_rate = decode_heart_rate(data)
        except DecodeError as error:
            self._note_malformed(True, str(error))
            return
        self._note_malformed(heart_rate.is_malformed, data.hex())
        self.last_value_ms = now_ms
        sighting = self._sightings.get(self.connected_by or "")
        is_off_skin = heart_rate.contact is Contact.NO
        self._emit(
            Reading(
                strap_id=self.label,
                mono_ms=now_ms,
                bpm=None if is_off_skin else heart_rate.bpm,
                rr_1024=() if is_off_skin else heart_rate.rr_1024,
                contact=heart_rate.contact,
                via=Via.GATT,
                energy_kj=heart_rate.energy_kj,
                rssi_dbm=sighting[1].rssi_dbm if sighting else None,
            )
        )

    def on_battery(self, data: bytes) -> None:
        """A battery level was read; the median of the last three hides a jump right after connecting."""
        try:
            self._batteries.append(decode_battery(data))
        except DecodeError as error:
            log.info("strap %s: %s", self.label, error)

    def _on_broadcast(self, data: bytes, rssi_dbm: int, now_ms: int) -> None:
        broadcast = decode_polar(data)
        if broadcast is None or self.connected_by is not None:
            return
        frame = (broadcast.frame, broadcast.bpm, broadcast.contact)
        wait_ms = GATT_OUTRANKS_BROADCAST_MS if self._last_via is Via.GATT else FEWEST_MS_BETWEEN_BROADCASTS
        is_too_soon = self._last_reading_ms is not None and now_ms - self._last_reading_ms < wait_ms
        if frame == self._last_frame or is_too_soon:
            return
        self._last_frame = frame
        self._emit(
            Reading(
                strap_id=self.label,
                mono_ms=now_ms,
                bpm=None if broadcast.contact is Contact.NO else broadcast.bpm,
                contact=broadcast.contact,
                via=Via.BROADCAST,
                rssi_dbm=rssi_dbm,
            )
        )

    def _emit(self, reading: Reading) -> None:
        self._last_reading_ms = reading.mono_ms
        self._last_via = reading.via
        self._on_reading(reading)

    def _note_malformed(self, is_malformed: bool, detail: str) -> None:
        if is_malformed and not self._is_malformed:
            log.warning("strap %s sends malformed measurements: %s", self.label, detail)
        self._is_malformed = is_malformed
