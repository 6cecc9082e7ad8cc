"""The words of the ground: athletes, straps, sessions and readings as frozen values.

It holds no behaviour beyond what a value knows about itself, and does no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.analytics.profile import HeartProfile
from hub.analytics.profile import Sex as Sex


class Role(StrEnum):
    """What a signed-in person may do on the hub."""

    ADMIN = "admin"
    STAFF = "staff"


class Contact(StrEnum):
    """Skin contact as the strap reports it; a strap without the sensor is UNSUPPORTED."""

    YES = "yes"
    NO = "no"
    UNSUPPORTED = "unsupported"


class Via(StrEnum):
    """How a reading reached the hub."""

    GATT = "gatt"
    BROADCAST = "broadcast"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Athlete:
    """A person who wears a strap. `hr_max_bpm` None means unknown: zones and loads are not computed."""

    athlete_id: str
    name: str
    shirt_number: int | None = None
    sex: Sex = Sex.UNKNOWN
    hr_max_bpm: int | None = None
    hr_rest_bpm: int | None = None
    is_active: bool = True

    @property
    def profile(self) -> HeartProfile:
        """What the load formulas need of this athlete."""
        return HeartProfile(self.sex, self.hr_max_bpm, self.hr_rest_bpm)


@dataclass(frozen=True, slots=True)
class Strap:
    """A heart-rate sensor, known by the serial printed on the pod or, failing that, its address.

    `athlete_id` is who wears it by default, kept from session to session.
    """

    strap_id: str
    name: str
    address: str
    athlete_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One training or match. Times at rest are epoch ms UTC; `mono0_ms` anchors it to its boot."""

    session_id: str
    title: str
    started_at_ms: int
    utc_offset_s: int
    boot_no: int
    mono0_ms: int
    ended_at_ms: int | None = None
    mono1_ms: int | None = None
    source: Via = Via.GATT
    sport: str = "training"

    @property
    def is_live(self) -> bool:
        """A recorded session without an end is still running; one ended in a later boot has no `mono1_ms`."""
        return self.ended_at_ms is None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose a stream was for a span of its boot's monotonic time; `to_ms` None means still worn.

    A stream is what one strap said during one boot; who wore it stands only here.
    """

    assignment_id: str
    stream_id: str
    athlete_id: str
    session_id: str
    from_ms: int
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Decoded values of one notification or advertisement, before anyone knows whose they are.

    `mono_ms` is CLOCK_BOOTTIME at the radio callback; `bpm` None while the strap is searching or off
    the skin; `rr_1024` are intervals in 1/1024 s, oldest first (Heart Rate Service 1.0).
    """

    strap_id: str
    mono_ms: int
    bpm: int | None
    rr_1024: tuple[int, ...] = ()
    contact: Contact = Contact.UNSUPPORTED
    via: Via = Via.GATT
    energy_kj: int | None = None
    rssi_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class StrapStatus:
    """What the radio knows of a strap right now, for the straps drawer."""

    strap_id: str
    name: str
    address: str
    via: Via
    is_connected: bool
    adapter: str
    rssi_dbm: int | None = None
    battery_percent: int | None = None
    reconnects: int = 0
    last_reading_mono_ms: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in on the hub."""

    user_id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Insight:
    """A computed statement with its numbers, phrased for a coach by the cloud."""

    insight_id: str
    week_start: str
    headline: str
    body: str
    facts: tuple[tuple[str, str], ...]
    written_by: str
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One athlete's result in one session; None where an input is missing, never a guess."""

    athlete_id: str
    name: str
    shirt_number: int | None
    mean_bpm: float | None
    max_bpm: int | None
    banister_au: float | None
    edwards_au: float | None
    coverage: float
    zone_s: tuple[float, ...]
    estimated_s: float
    is_hr_max_exceeded: bool = False
