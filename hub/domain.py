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


class Flaw(StrEnum):
    """What can be wrong with what a strap says; the reading is kept raw, so that it can be judged again."""

    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    GAP = "gap"
    RR_GAP = "rr gap"
    CONTACT_LOST = "contact lost"
    SEARCHING = "searching"
    JUMP = "jump"
    FLAT = "flat"


DOUBTFUL = (Flaw.JUMP, Flaw.FLAT)
"""With these the rate itself is in doubt; with the others it is missing, late or whole."""


@dataclass(frozen=True, slots=True)
class Athlete:
    """A person who wears a strap. `hr_max_bpm` None means unknown: zones and loads are not computed.

    `zone_edges_bpm` are the lower edges of zones 1, 2 ... of an athlete with zones of their own.
    """

    athlete_id: str
    name: str
    shirt_number: int | None = None
    sex: Sex = Sex.UNKNOWN
    hr_max_bpm: int | None = None
    hr_rest_bpm: int | None = None
    is_active: bool = True
    zone_edges_bpm: tuple[float, ...] = ()

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
    """One training or match. Times at rest are epoch ms UTC; `mono0_ms` anchors it to its boot.

    `hub_id` names the other hub that recorded it, whose samples are not here; None is this one.
    """

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
    hub_id: str | None = None

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
    flaws: tuple[Flaw, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """The rate is there but should not be believed as it stands."""
        return any(flaw in DOUBTFUL for flaw in self.flaws)


@dataclass(frozen=True, slots=True)
class MotionReading:
    """One measurement of a running pod (Running Speed and Cadence Service 1.0), in whole small units.

    `cadence_per_min` counts steps of both feet; stride and total distance are None where the pod has none.
    """

    strap_id: str
    mono_ms: int
    speed_mmps: int
    cadence_per_min: int
    stride_mm: int | None = None
    distance_dm: int | None = None


SensorReading = MotionReading
"""What sensors beside heart-rate straps give; a further kind joins it with `|`."""


@dataclass(frozen=True, slots=True)
class StrapStatus:
    """What the radio knows of a strap right now, for the straps drawer.

    `adapter` is the receiver, an adapter or a relay as `receiver_kind` says. `packet_loss` is the share of
    values missing in the last minute; `flaws` counts what was wrong so far; `trouble` says in words why the
    strap is not as it should be. `is_held` means that another device keeps it from taking our connection;
    `is_pod` that it measures running and no heart rate; `needs_link` that its rates, or the RR intervals that
    are wanted of it, come over a connection alone.
    """

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
    receiver_kind: str = "adapter"
    contact: Contact = Contact.UNSUPPORTED
    packet_loss: float | None = None
    flaws: tuple[tuple[Flaw, int], ...] = ()
    is_battery_low: bool = False
    is_held: bool = False
    is_ignored: bool = False
    is_pinned: bool = False
    wants_rr: bool = False
    trouble: str = ""
    maker: str | None = None
    model: str | None = None
    worn_at: str | None = None
    receivers: tuple[tuple[str, int], ...] = ()
    is_pod: bool = False
    needs_link: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """One adapter or relay as it is now; `slots` None where nobody knows how many links it can hold.

    `mode` is passive, active or not scanning; `trouble` says in words why it cannot be used.
    """

    name: str
    kind: str
    slots: int | None
    used: int
    mode: str
    trouble: str = ""


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
    """One athlete's result in one session; None where an input is missing, never a guess.

    `zone_s` are seconds in zones 0, 1 ... of the edges `zone_edges_bpm` (the five standard zones unless the
    athlete has their own), `covered_s` those the load covers. `recomputed_at_ms` is set where earlier values
    are kept; `estimated` names inputs that nobody measured.
    """

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
    zone_edges_bpm: tuple[float, ...] = ()
    has_own_zones: bool = False
    estimated: tuple[str, ...] = ()
    recomputed_at_ms: int | None = None
    covered_s: float = 0.0
