"""What the questions answer: one frozen row type for each shape of result.

They hold no behaviour; times are epoch ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Club:
    """The tenant."""

    club_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """What a claim code opens, and the public key that joined with it, None while nobody did."""

    club_id: str
    used_by: bytes | None


@dataclass(frozen=True, slots=True)
class Coach:
    """Somebody who signs in online, and the club they see."""

    email: str
    club_id: str
    club_name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """The hub a request comes from."""

    club_id: str
    hub_id: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Whose session it is, and when that hub was last noted as seen."""

    club_id: str
    hub_id: str
    seen_ms: int


@dataclass(frozen=True, slots=True)
class HubRow:
    """Where one hub's log stands."""

    club_id: str
    hub_id: str
    pubkey: bytes
    epoch: int
    last_seq: int
    last_chain: bytes
    max_stamp: int
    pubkey_next: bytes | None = None
    revoked_ms: int | None = None
    cloned_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HubStatus:
    """One line of the hubs page."""

    hub_id: str
    model: str
    software: str
    enrolled_ms: int
    seen_ms: int
    ops_accepted: int
    ops_dead: int
    segments: int
    entries_behind: int
    ops_waiting: int
    segments_waiting: int
    is_rotating: bool
    revoked_ms: int | None
    cloned_ms: int | None
    verified_ms: int | None
    verified_records: int
    verified_segments: int
    verified_waiting: int
    verified_differences: int


@dataclass(frozen=True, slots=True)
class KindRow:
    """How much of one kind there is of a hub; `bytes` only for segments."""

    hub_id: str
    kind: str
    n: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ClubClock:
    """The feed's head; entries up to `horizon` were compacted away."""

    seq: int
    feed_epoch: int
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """A boot's monotonic time tied to true time."""

    boot_no: int
    mono_ms: int
    wall_ms: int
    err_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class HubAnchorRow:
    """The same with the hub whose boot it is."""

    hub_id: str
    boot_no: int
    mono_ms: int
    wall_ms: int
    err_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record's confirmed state with the stamp of each field."""

    tbl: str
    pk: str
    doc: dict[str, Any]
    stamps: dict[str, int]


@dataclass(frozen=True, slots=True)
class FactRow:
    """Something known of a batch: `what` is "op" or "erased"; `seq` is an operation's entry in the feed."""

    what: str
    tbl: str
    key: str
    seq: int | None


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One entry of a club's feed."""

    seq: int
    op_id: str
    kind: str
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    hub_id: str | None
    reason: str | None
    resolves: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """What an entry of the feed set."""

    seq: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BackRow:
    """Somebody who was erased and of whom records are there all the same; who had asked for the erasure."""

    club_id: str
    subject_id: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class RivalRow:
    """An entry of the feed that another edit may have met; `after_seq` is what its author had read."""

    seq: int
    op_id: str
    hub_id: str | None
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    quality: int
    actor: str | None
    after_seq: int | None


@dataclass(frozen=True, slots=True)
class StaleRow:
    """A session whose loads must be computed anew."""

    club_id: str
    session_id: str
    mark: int


@dataclass(frozen=True, slots=True)
class WornRow:
    """One span in which an athlete wore a strap in a session, with what the formulas need to know of them."""

    athlete_id: str
    stream_id: str
    from_ms: int
    to_ms: int | None
    sex: str | None
    hr_max_bpm: int | None
    hr_rest_bpm: int | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A dated change of an athlete's values as recorded."""

    change_id: str
    athlete_id: str
    doc: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SessionSpan:
    """When a session was, in its boot's time; `mono1_ms` None while it runs and where a later boot ended it.

    Times without `mono` are epoch ms UTC.
    """

    boot_no: int
    mono0_ms: int
    mono1_ms: int | None
    started_at_ms: int | None
    ended_at_ms: int | None
    utc_offset_s: int = 0


@dataclass(frozen=True, slots=True)
class HeardStream:
    """A stream with the hub and the boot its samples were recorded in."""

    stream_id: str
    hub_id: str
    boot_no: int


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A stored segment."""

    seg_id: bytes
    stream_id: str
    boot_no: int
    mono0_ms: int
    mono1_ms: int
    n: int
    codec: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One line of the sessions page."""

    session_id: str
    title: str
    sport: str
    started_at_ms: int
    utc_offset_s: int
    ended_at_ms: int | None
    athletes: int
    with_data: int
    mean_banister_au: float | None
    mean_coverage: float | None
    covered_s: float | None
    doubtful_ms: int | None
    is_stale: bool


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One athlete's result in one session; the load fields are None while nothing was computed."""

    athlete_id: str
    name: str
    shirt_number: int | None
    mean_bpm: float | None
    max_bpm: int | None
    banister_au: float | None
    edwards_au: float | None
    coverage: float | None
    zone_s: list[float] | None
    estimated_s: float | None
    above_max_s: float | None
    n: int | None
    covered_s: float | None = None
    doubtful_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AthleteRow:
    """One line of the athletes page."""

    athlete_id: str
    name: str
    shirt_number: int | None
    sex: str | None
    hr_max_bpm: int | None
    hr_rest_bpm: int | None
    is_active: bool
    sessions: int
    last_session_ms: int | None
    last_utc_offset_s: int | None


@dataclass(frozen=True, slots=True)
class AttendedRow:
    """An athlete's part in one session, for the history: `banister_au` None with n 0 means no data."""

    athlete_id: str
    session_id: str
    title: str
    started_at_ms: int
    utc_offset_s: int
    banister_au: float | None
    coverage: float | None
    n: int | None
    covered_s: float | None = None
    doubtful_ms: int | None = None


@dataclass(frozen=True, slots=True)
class InsightRow:
    """An insight as it went into the feed."""

    insight_id: str
    week_start: str
    headline: str
    body: str
    facts: list[list[str]]
    written_by: str
    stamp_ms: int


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session's day, for the club's calendar."""

    session_id: str
    started_at_ms: int
    utc_offset_s: int


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """A record and the hub that made it, None for the cloud."""

    tbl: str
    pk: str
    doc: dict[str, Any]
    stamps: dict[str, int]
    hub_id: str | None


@dataclass(frozen=True, slots=True)
class HubRun:
    """A process that greeted under a hub's name."""

    run_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class RefusedOp:
    """An op refused before, and why."""

    op_id: str
    code: str


@dataclass(frozen=True, slots=True)
class RowKey:
    """A record's table and key."""

    tbl: str
    pk: str


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A refused op; `payload` is its JSON. Then what was decided about it last, by whom, where and when."""

    op_id: str
    hub_id: str
    payload: str
    code: str
    detail: str
    received_ms: int
    decided: str | None = None
    settled_by: str | None = None
    settled_at: str | None = None
    settled_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LetterPlace:
    """Where a refused op stands among the others, and whose it is."""

    op_id: str
    hub_id: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many refused ops nobody has decided about were refused for a reason."""

    code: str
    n: int


@dataclass(frozen=True, slots=True)
class TogetherRow:
    """How many refused ops of a reason were put away in one go, and when."""

    code: str
    at_ms: int
    n: int


@dataclass(frozen=True, slots=True)
class MetPlace:
    """Where edits that met stand in their list: those that ask for a word come first, then by time."""

    pk: str
    is_open: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class DeferredRow:
    """A refused op that a newer version may take."""

    club_id: str
    op_id: str


@dataclass(frozen=True, slots=True)
class SpanRow:
    """When a stream was worn, in its own boot's time."""

    stream_id: str
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class ErasedRow:
    """An erasure that was asked for."""

    subject_id: str
    seq: int
    erased_ms: int
    asked_by: str


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """Whether one hub has carried an erasure out; one that is shut out and had not by then never says so."""

    hub_id: str
    model: str
    seen_ms: int
    is_done: bool
    is_shut_out: bool


@dataclass(frozen=True, slots=True)
class CalledRow:
    """An athlete by id or name."""

    athlete_id: str
    name: str


@dataclass(frozen=True, slots=True)
class DocRow:
    """A record's content."""

    tbl: str
    pk: str
    doc: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeldSegment:
    """A segment by name."""

    seg_id: bytes
    stream_id: str
