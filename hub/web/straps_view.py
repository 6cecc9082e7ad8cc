"""Straps, pods and receivers in words: which way each is heard, how well, and what is wrong.

It knows no HTML and no clock; lists are cut to what a page can show, however many strangers advertise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from hub.analytics.catalogue import metric
from hub.domain import Athlete, Contact, Flaw, MotionReading, ReceiverStatus, Strap, StrapStatus, Via
from hub.store.strap_wishes import StrapWish
from hub.web.tiles import NOTHING, STALE_S, age_text

MOST_STRANGERS = 12
LOSSY = 0.10
BARS_DBM = (-90, -82, -74, -66)
"""From each of these on one more of four bars."""

CONTACTS = {Contact.YES: "on skin", Contact.NO: "no contact", Contact.UNSUPPORTED: NOTHING}
FLAWS = {
    Flaw.MALFORMED: "malformed", Flaw.DUPLICATE: "sent twice", Flaw.REORDERED: "out of order",
    Flaw.GAP: "gaps", Flaw.RR_GAP: "beats missing", Flaw.CONTACT_LOST: "contact lost",
    Flaw.SEARCHING: "no rate yet", Flaw.JUMP: "jumps", Flaw.FLAT: "flat lines",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signal:
    """Bars 0 to 4, and the number; `is_past` for a linked strap that no longer advertises."""

    bars: int
    text: str
    is_past: bool = False


@dataclass(frozen=True, slots=True)
class StrapRow:
    """One strap in words; `status` only where something is not as it should be, `tone` how bad that is."""

    strap_id: str
    title: str
    name: str
    way: str
    receiver: str
    is_pinned: bool
    signal: Signal
    battery: str
    contact: str
    lost: str
    reconnects: str
    value: str
    status: str
    tone: str


@dataclass(frozen=True, slots=True)
class ReceiverCard:
    """One adapter or relay; `filled` is the share of its links in use in per cent, None where unknown."""

    name: str
    kind: str
    state: str
    tone: str
    links: str
    filled: int | None
    nearest: int
    trouble: str


@dataclass(frozen=True, slots=True)
class StrapsView:
    """The straps page: ours first, then who nobody wears, then pods; `more` strangers are not listed."""

    summary: str
    ways: str
    receivers: tuple[ReceiverCard, ...]
    ours: tuple[StrapRow, ...]
    strangers: tuple[StrapRow, ...]
    more: int
    pods: tuple[StrapRow, ...]
    other_devices: int

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to show but receivers."""
        return not (self.ours or self.strangers or self.pods)


@dataclass(frozen=True, slots=True)
class StrapDetail:
    """Everything about one strap, and what was chosen for it."""

    row: StrapRow
    is_heard: bool
    is_pod: bool
    facts: tuple[tuple[str, str], ...]
    flaws: tuple[str, ...]
    heard_by: tuple[tuple[str, Signal], ...]
    wish: StrapWish
    receivers: tuple[str, ...]
    can_broadcast: bool
    wearer_id: str | None


def signal(dbm: int | None, *, is_past: bool = False) -> Signal:
    """How loud: four bars are next to the receiver, none is barely heard."""
    if dbm is None:
        return Signal(0, NOTHING)
    return Signal(sum(dbm >= step for step in BARS_DBM), f"{dbm} dBm".replace("-", "\u2212"), is_past)


def label(athlete: Athlete) -> str:
    """Shirt number and name."""
    return athlete.name if athlete.shirt_number is None else f"{athlete.shirt_number} {athlete.name}"


def way_words(status: StrapStatus) -> str:
    """Which of the three ways in."""
    if status.is_connected:
        return "connected"
    return "broadcast" if status.via is Via.BROADCAST else "heard"


def strap_row(
    strap_id: str, name: str, status: StrapStatus | None, wearer: str, now_mono_ms: int, value: str = ""
) -> StrapRow:
    """One strap; `wearer` is empty for nobody, `status` None for one that is not heard."""
    title = wearer or name
    if status is None:
        blank = Signal(0, NOTHING)
        return StrapRow(strap_id, title, name, "not heard", "", False, blank, NOTHING, NOTHING, NOTHING,
                        NOTHING, "", "▲ not heard", "bad" if wearer else "")  # fmt: skip
    said, tone = _status(status, now_mono_ms)
    battery = NOTHING if status.battery_percent is None else f"{status.battery_percent} %"
    return StrapRow(
        strap_id=strap_id,
        title=title,
        name=name,
        way=way_words(status),
        receiver=status.adapter,
        is_pinned=status.is_pinned,
        signal=signal(status.rssi_dbm, is_past=status.is_connected and not status.receivers),
        battery="low" if status.battery_percent is None and status.is_battery_low else battery,
        contact=CONTACTS[status.contact],
        lost=NOTHING if status.packet_loss is None else f"{status.packet_loss * 100:.0f} %",
        reconnects=str(status.reconnects),
        value=value,
        status=said,
        tone=tone,
    )


def _status(status: StrapStatus, now_mono_ms: int) -> tuple[str, str]:
    """The one thing most worth knowing."""
    at_ms = status.last_reading_mono_ms
    age_s = None if at_ms is None else max(0, now_mono_ms - at_ms) / 1000
    if status.is_held:
        return "▲ held by a watch or telephone", "warn"
    if status.trouble:
        return f"▲ {status.trouble}", "bad"
    if status.contact is Contact.NO:
        return "▲ no contact", "bad"
    if age_s is None:
        return "no value yet", ""
    if age_s > STALE_S:
        return f"▲ silent for {age_text(age_s)}", "bad"
    if status.is_battery_low:
        return "▲ battery low", "warn"
    if (status.packet_loss or 0.0) > LOSSY:
        return "▲ losing packets", "warn"
    return "live", "ok"


def straps_view(
    people: Sequence[Athlete],
    known: Sequence[Strap],
    heard: Sequence[StrapStatus],
    receivers: Sequence[ReceiverStatus],
    ignored: Set[str],
    pod_wearers: Mapping[str, str],
    pods: Mapping[str, MotionReading],
    foreign: int,
    now_mono_ms: int,
) -> StrapsView:
    """The page from what the store knows and the radio hears; ignored straps are left out."""
    names = {athlete.athlete_id: label(athlete) for athlete in people}
    order = {athlete.athlete_id: number for number, athlete in enumerate(people)}
    live = {status.strap_id: status for status in heard}
    worn = [strap for strap in known if strap.athlete_id in names]
    worn.sort(key=lambda strap: (order[strap.athlete_id or ""], strap.name))
    ours = tuple(
        strap_row(
            it.strap_id,
            live[it.strap_id].name if it.strap_id in live else it.name,
            live.get(it.strap_id),
            names[it.athlete_id or ""],
            now_mono_ms,
        )
        for it in worn
    )
    mine = {strap.strap_id for strap in worn} | set(ignored)
    strangers = [it for it in heard if it.strap_id not in mine and not it.is_pod and not it.is_ignored]
    strangers.sort(key=lambda it: (-(it.rssi_dbm or -127), it.strap_id))
    shown = strangers[:MOST_STRANGERS]
    return StrapsView(
        summary=_summary(ours),
        ways=_ways([live[it.strap_id] for it in worn if it.strap_id in live]),
        receivers=tuple(_card(it, heard) for it in receivers),
        ours=ours,
        strangers=tuple(strap_row(it.strap_id, it.name, it, "", now_mono_ms) for it in shown),
        more=len(strangers) - len(shown),
        pods=_pod_rows(heard, names, pod_wearers, pods, now_mono_ms),
        other_devices=foreign,
    )


def motion_text(reading: MotionReading | None) -> str:
    """Speed and cadence."""
    if reading is None:
        return ""
    speed = metric("running_speed").text(reading.speed_mmps / 1000, 1)
    return f"{speed} · {metric('running_cadence').text(reading.cadence_per_min)}"


def _pod_rows(
    heard: Sequence[StrapStatus],
    names: Mapping[str, str],
    wearers: Mapping[str, str],
    pods: Mapping[str, MotionReading],
    now_mono_ms: int,
) -> tuple[StrapRow, ...]:
    found = [it for it in heard if it.is_pod and not it.is_ignored]
    found.sort(key=lambda it: (it.strap_id not in wearers, -(it.rssi_dbm or -127), it.strap_id))
    return tuple(
        strap_row(
            it.strap_id, it.name, it, names.get(wearers.get(it.strap_id, ""), ""), now_mono_ms,
            motion_text(pods.get(it.strap_id)),
        )
        for it in found[: MOST_STRANGERS + len(wearers)]
    )  # fmt: skip


def _summary(ours: Sequence[StrapRow]) -> str:
    live = sum(row.status == "live" or row.tone == "warn" for row in ours)
    return f"{live} of {len(ours)} live" if ours else "Nobody wears a strap yet"


def _ways(heard: Sequence[StrapStatus]) -> str:
    connected = sum(it.is_connected for it in heard)
    broadcast = sum(not it.is_connected and it.via is Via.BROADCAST for it in heard)
    relayed = sum(it.receiver_kind == "relay" for it in heard)
    said = [f"{connected} connected", f"{broadcast} broadcasting"]
    if relayed:
        said.append(f"{relayed} through relays")
    return " · ".join(said)


def _card(it: ReceiverStatus, heard: Sequence[StrapStatus]) -> ReceiverCard:
    states = {"passive": ("listening", "ok"), "active": ("listening", "ok")}
    state, tone = ("does not work", "warn") if it.trouble else states.get(it.mode, ("not listening", "off"))
    of = "" if it.slots is None else f" of {it.slots}"
    return ReceiverCard(
        name=it.name,
        kind={"relay": "Relay", "replay": "Recording"}.get(it.kind, "Adapter"),
        state=state,
        tone=tone,
        links=f"{it.used}{of} links",
        filled=None if it.slots is None else min(100, round(100 * it.used / it.slots)) if it.slots else 0,
        nearest=sum(status.adapter == it.name for status in heard),
        trouble=it.trouble,
    )


def strap_detail(
    row: StrapRow,
    status: StrapStatus | None,
    wish: StrapWish,
    receivers: Sequence[ReceiverStatus],
    wearer_id: str | None,
) -> StrapDetail:
    """One strap in full."""
    names = [it.name for it in receivers]
    if wish.receiver is not None and wish.receiver not in names:
        names.append(wish.receiver)
    return StrapDetail(
        row=row,
        is_heard=status is not None,
        is_pod=status is not None and status.is_pod,
        facts=() if status is None else _facts(row, status),
        flaws=() if status is None else tuple(f"{FLAWS[flaw]} {n}×" for flaw, n in status.flaws),
        heard_by=() if status is None else tuple((name, signal(dbm)) for name, dbm in _loudest(status)),
        wish=wish,
        receivers=tuple(names),
        can_broadcast=status is None or not status.is_pod,
        wearer_id=wearer_id,
    )


def _loudest(status: StrapStatus) -> list[tuple[str, int]]:
    return sorted(status.receivers, key=lambda it: -it[1])


def _facts(row: StrapRow, status: StrapStatus) -> tuple[tuple[str, str], ...]:
    device = " ".join(it for it in (status.maker, status.model) if it)
    facts = (
        ("Way in", row.way), ("Receiver", row.receiver), ("Signal", row.signal.text),
        ("Battery", row.battery), ("Skin", row.contact), ("Lost in the last minute", row.lost),
        ("Reconnects", row.reconnects), ("Worn at", status.worn_at or NOTHING), ("Device", device or NOTHING),
        ("Id", row.strap_id), ("Address", status.address),
    )  # fmt: skip
    return facts if not row.value else (("Now", row.value), *facts)
