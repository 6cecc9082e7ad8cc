"""One strap or pod as the fleet knows it: who it is, who hears it, and its values turned into readings.

It neither scans nor connects; it is told what was heard and hands on what is new.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from statistics import median_low

from hub.devices.broadcast import decode_polar
from hub.devices.contact import ContactBit
from hub.devices.fusion import COUNTER, FEWEST_MS_BETWEEN_BROADCASTS, NOMINAL_MS, Fuser, Verdict
from hub.devices.gatt import decode_battery, decode_heart_rate, decode_location
from hub.devices.identity import Proof, clean_name, id_from_address, id_from_name
from hub.devices.quality import Observed, Quality
from hub.devices.sensor import SensorKind
from hub.devices.source import Receiver, ReceiverKind, Sighting
from hub.devices.wishes import NO_WISH, WayIn, Wish
from hub.domain import Contact, Flaw, Reading, SensorReading, StrapStatus, Via
from hub.errors import DecodeError

NAME_MAY_TAKE_MS = 3_000
"""The name comes in a second packet; a broadcasting strap without one is known by address after this."""

LOW_BATTERY_PERCENT = 15
HELD_AFTER_MS = 10_000
_LOST = {Verdict.REPEATED: Flaw.DUPLICATE, Verdict.LATE: Flaw.REORDERED}

log = logging.getLogger(__name__)


class StrapWatch:
    """Everything known of the sensor at one address.

    `claim` says whether an id may be this address's, each time one is proposed; `wish_of` what people want of
    the strap with an id; `remembered` is the id this address had before.
    """

    def __init__(
        self,
        sighting: Sighting,
        now_ms: int,
        on_reading: Callable[[Reading], None],
        on_sensor: Callable[[SensorReading], None] | None = None,
        claim: Callable[[str, str, Proof, int], bool] = lambda _id, _address, _proof, _ms: True,
        wish_of: Callable[[str], Wish] = lambda _id: NO_WISH,
        remembered: str | None = None,
    ) -> None:
        self.address = sighting.address
        self.strap_id: str | None = None
        self.connected_by: str | None = None
        self.connections = 0
        self.last_value_ms: int | None = None
        self.last_heard_ms = now_ms
        self.is_connectable = False
        self.wish: Wish = NO_WISH
        self.quality = Quality()
        self.maker: str | None = None
        self.model: str | None = None
        self.worn_at: str | None = None
        self._on_reading = on_reading
        self._on_sensor = on_sensor
        self._claim = claim
        self._wish_of = wish_of
        self._remembered = remembered
        self._first_heard_ms = now_ms
        self._offered_ms: int | None = None
        self._raw_name: str | None = None
        self._name = ""
        self._sightings: dict[str, tuple[int, Sighting]] = {}
        self._batteries: tuple[int, ...] = ()
        self._says_battery_low = False
        self._last_reading_ms: int | None = None
        self._last_via = Via.BROADCAST
        self._contact = Contact.UNSUPPORTED
        self._contact_bit = ContactBit()
        self._fuser = Fuser()
        self._frame: int | None = None
        self._is_malformed = False
        self._is_doubled = False
        self._gives_heart_rate = False
        self._gives_other = False

    @property
    def label(self) -> str:
        """How logs call this strap."""
        return self.strap_id or self.address

    @property
    def says_it_broadcasts(self) -> bool:
        """Whether heart rates have come in its advertisements."""
        return any(sighting.polar is not None for _at_ms, sighting in self._sightings.values())

    def latest_sighting(self, receiver: str) -> Sighting | None:
        """The last one by this receiver."""
        heard = self._sightings.get(receiver)
        return None if heard is None else heard[1]

    def lose_id(self) -> None:
        """Another address has proved that the id is its own."""
        log.warning("strap %s: the id belongs to another strap; %s only claimed it", self.label, self.address)
        self._be(id_from_address(self.address))

    # --- hearing

    def on_sighting(self, sighting: Sighting, now_ms: int) -> None:
        """An advertisement was heard; a new broadcast value in it becomes a reading."""
        if sighting.name != self._raw_name:
            if self._is_of_another(sighting):
                return
            self._raw_name = sighting.name
            self._name = clean_name(sighting.name) or self._name
        self.last_heard_ms = now_ms
        self._sightings[sighting.adapter] = (now_ms, sighting)
        self.is_connectable = self.is_connectable or sighting.is_connectable
        self._gives_heart_rate |= sighting.offers_heart_rate or sighting.polar is not None
        self._gives_other |= sighting.offers_sensor
        if sighting.is_connectable:
            self._offered_ms = now_ms
        if self.strap_id is None:
            self._propose_id(sighting, now_ms)
        if sighting.polar is not None and self.strap_id is not None:
            self._on_broadcast(sighting.polar, sighting.rssi_dbm, now_ms)

    def prove_id(self, strap_id: str, now_ms: int) -> bool:
        """A serial was read over the link; whether it may be this strap's id."""
        if not self._claim(strap_id, self.address, Proof.SERIAL, now_ms):
            return False
        self._be(strap_id)
        return True

    def settle_id(self) -> None:
        """Connected, and still nameless: the address has to do."""
        if self.strap_id is None:
            self._be(id_from_address(self.address))

    def _be(self, strap_id: str) -> None:
        self.strap_id = strap_id
        self.wish = self._wish_of(strap_id)

    def _propose_id(self, sighting: Sighting, now_ms: int) -> None:
        by_name = id_from_name(self._name) or (None if sighting.is_private else self._remembered)
        if by_name is not None:
            if self._claim(by_name, self.address, Proof.NAME, now_ms):
                self._be(by_name)
                return
            log.warning("%s advertises as strap %s, which is heard elsewhere", self.address, by_name)
            self._be(id_from_address(self.address))
        waited_ms = now_ms - self._first_heard_ms
        if not (self.is_connectable or sighting.is_private) and waited_ms >= NAME_MAY_TAKE_MS:
            self._be(id_from_address(self.address))

    def _is_of_another(self, sighting: Sighting) -> bool:
        """A pod's name never changes: another pod's name at this address is somebody copying the address."""
        said = id_from_name(clean_name(sighting.name))
        known = id_from_name(self._name)
        if said is None or known is None or said == known:
            return False
        if not self._is_doubled:
            log.warning("%s advertises as strap %s and as strap %s", self.address, known, said)
        self._is_doubled = True
        return True

    # --- values

    def on_notification(self, data: bytes, now_ms: int) -> None:
        """A heart rate measurement arrived; what cannot be read is counted and logged once."""
        self.last_value_ms = self.last_heard_ms = now_ms
        self._gives_heart_rate = True
        try:
            heart_rate = decode_heart_rate(data)
        except DecodeError as error:
            self._note_malformed(True, str(error))
            self.quality.count(Flaw.MALFORMED)
            return
        self._note_malformed(heart_rate.is_malformed, data.hex())
        if (verdict := self._fuser.notification(data, now_ms)) in _LOST:
            self.quality.count(_LOST[verdict])
            return
        contact = self._contact_bit.believed(heart_rate.contact, now_ms, heart_rate.bpm, heart_rate.rr_1024)
        flaws = self.quality.judge(
            Observed(
                now_ms,
                heart_rate.bpm,
                contact,
                heart_rate.rr_1024,
                heart_rate.is_malformed,
                energy_kj=heart_rate.energy_kj,
            )
        )
        sighting = self.latest_sighting(self.connected_by or "")
        is_off_skin = contact is Contact.NO
        self._emit(
            Reading(
                strap_id=self.label,
                mono_ms=now_ms,
                bpm=None if is_off_skin else heart_rate.bpm,
                rr_1024=() if is_off_skin else heart_rate.rr_1024,
                contact=contact,
                via=Via.GATT,
                energy_kj=heart_rate.energy_kj,
                rssi_dbm=sighting.rssi_dbm if sighting else None,
                flaws=flaws,
            )
        )

    def on_sensor_value(self, kind: SensorKind, data: bytes, now_ms: int) -> None:
        """A measurement of another kind arrived."""
        self.last_value_ms = self.last_heard_ms = now_ms
        try:
            reading = kind.read(self.label, now_ms, data)
        except DecodeError as error:
            self._note_malformed(True, str(error))
            self.quality.count(Flaw.MALFORMED)
            return
        self._last_reading_ms, self._last_via = now_ms, Via.GATT
        if self._on_sensor is not None and not self.wish.is_ignored:
            self._on_sensor(reading)

    def on_battery(self, data: bytes) -> None:
        """A battery level was read; the median of the last three hides a jump right after connecting."""
        try:
            self._batteries = (*self._batteries[-2:], decode_battery(data))
        except DecodeError as error:
            log.info("strap %s: %s", self.label, error)

    def on_location(self, data: bytes) -> None:
        """Where on the body it says it is worn."""
        self.worn_at = decode_location(data)

    def _on_broadcast(self, data: bytes, rssi_dbm: int, now_ms: int) -> None:
        broadcast = decode_polar(data)
        if broadcast is None:
            return
        self._says_battery_low = not broadcast.is_battery_ok
        verdict = self._fuser.broadcast(
            broadcast.frame,
            broadcast.bpm,
            broadcast.contact,
            now_ms,
            is_linked=self.connected_by is not None,
        )
        if verdict is Verdict.LATE:
            self.quality.count(Flaw.REORDERED)
        if verdict not in (Verdict.NEW, Verdict.BUNCHED):
            return
        at_ms = self._sent_ms(broadcast.frame, now_ms)
        if at_ms is None:
            return
        self._frame = broadcast.frame
        flaws = self.quality.judge(Observed(at_ms, broadcast.bpm, broadcast.contact, counter=broadcast.frame))
        self._emit(
            Reading(
                strap_id=self.label,
                mono_ms=at_ms,
                bpm=None if broadcast.contact is Contact.NO else broadcast.bpm,
                contact=broadcast.contact,
                via=Via.BROADCAST,
                rssi_dbm=rssi_dbm,
                flaws=flaws,
            )
        )

    def _sent_ms(self, frame: int, now_ms: int) -> int | None:
        """When a broadcast value was sent: one held up on its way has its place by the counter, a second a
        step. None where that is too near the reading before it to be another value.
        """
        last_ms = self._last_reading_ms
        if last_ms is None or self._frame is None:
            return now_ms
        due_ms = last_ms + (frame - self._frame) % COUNTER * NOMINAL_MS
        is_told = now_ms - last_ms < COUNTER * NOMINAL_MS and self._last_via is Via.BROADCAST
        is_held_up = is_told and now_ms - due_ms > FEWEST_MS_BETWEEN_BROADCASTS
        at_ms = due_ms if is_held_up else now_ms
        return at_ms if at_ms - last_ms >= FEWEST_MS_BETWEEN_BROADCASTS else None

    def _emit(self, reading: Reading) -> None:
        self._last_reading_ms, self._last_via, self._contact = reading.mono_ms, reading.via, reading.contact
        if not self.wish.is_ignored:
            self._on_reading(reading)

    def _note_malformed(self, is_malformed: bool, detail: str) -> None:
        if is_malformed and not self._is_malformed:
            log.warning("strap %s sends malformed measurements: %s", self.label, detail)
        self._is_malformed = is_malformed

    # --- showing

    def status(
        self,
        now_ms: int,
        receivers: dict[str, Receiver],
        strengths: dict[str, float],
        best: str | None,
        *,
        is_refusing: bool,
    ) -> StrapStatus | None:
        """For the pages; None until it is known who the strap is. `strengths` are dBm at each receiver."""
        if self.strap_id is None or not self._sightings:
            return None
        latest = max(self._sightings.values(), key=lambda heard: heard[0])[1]
        adapter = self.connected_by or best or latest.adapter
        heard = self._sightings.get(adapter)
        battery = median_low(self._batteries) if self._batteries else None
        receiver = receivers.get(adapter)
        is_replay = receiver is not None and receiver.kind is ReceiverKind.REPLAY
        is_held = not is_replay and self._is_held(now_ms, is_refusing=is_refusing)
        return StrapStatus(
            strap_id=self.strap_id,
            name=self._name or self.strap_id,
            address=self.address,
            via=Via.GATT if self.connected_by is not None else self._last_via,
            is_connected=self.connected_by is not None,
            adapter=adapter,
            rssi_dbm=round(strengths.get(adapter, (heard or (0, latest))[1].rssi_dbm)),
            battery_percent=battery,
            reconnects=max(0, self.connections - 1),
            last_reading_mono_ms=self._last_reading_ms,
            receiver_kind=(receiver.kind if receiver is not None else ReceiverKind.ADAPTER).value,
            contact=self._contact,
            packet_loss=self.quality.loss(now_ms),
            flaws=tuple(sorted(self.quality.counts.items())),
            is_battery_low=self._says_battery_low or (battery is not None and battery <= LOW_BATTERY_PERCENT),
            is_held=is_held,
            is_ignored=self.wish.is_ignored,
            is_pinned=self.wish.is_pinned,
            wants_rr=self.wish.wants_rr,
            trouble=self._trouble(is_held=is_held),
            maker=self.maker,
            model=self.model,
            worn_at=self.worn_at,
            receivers=tuple(sorted((name, round(dbm)) for name, dbm in strengths.items())),
            is_pod=self._gives_other and not self._gives_heart_rate,
            needs_link=self._needs_link(),
        )

    def _needs_link(self) -> bool:
        """Without one nothing comes of a strap that does not broadcast, and no RR intervals of any."""
        if not self.says_it_broadcasts or self.wish.way is WayIn.CONNECTED:
            return True
        return self.wish.wants_rr and self.wish.way is not WayIn.BROADCAST

    def _is_held(self, now_ms: int, *, is_refusing: bool) -> bool:
        """It took connections, or says it does, and now takes none: it has given its link to another."""
        if self.connected_by is not None:
            return False
        has_stopped = self._offered_ms is not None and now_ms - self._offered_ms > HELD_AFTER_MS
        is_alive = now_ms - self.last_heard_ms <= HELD_AFTER_MS
        return is_alive and (is_refusing or has_stopped)

    def _trouble(self, *, is_held: bool) -> str:
        if self._is_doubled:
            return "another device uses this strap's address"
        if is_held:
            return "a watch or telephone seems to hold this strap; disconnect it there to get RR intervals"
        return ""
