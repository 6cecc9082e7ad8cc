"""The radio check before a session: what would spoil it, the worst first, and what to do about each.

It judges what is given to it; it asks no radio, no store and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from hub.domain import Athlete, Contact, ReceiverStatus, Strap, StrapStatus, Via

FRESH_MS = 10_000
WEAK_DBM = -85
CLEAR_DBM = -75
LOSSY = 0.10
DEAF = 0.50
MOST_NAMED = 3
USUAL_SLOTS = 7
"""Ordinary adapters, the one of a Raspberry Pi among them, hold 5 to 8 connections."""


class Weight(StrEnum):
    """How much a finding matters: data will be missing, may be missing, or somebody should know."""

    BAD = "bad"
    WARN = "warn"
    NOTE = "note"


class Kind(StrEnum):
    """What a finding is about."""

    ADAPTER = "adapter"
    SLOTS = "connections"
    WIFI = "wi-fi"
    MISSING = "missing"
    UNASSIGNED = "no strap"
    SWAPPED = "swapped"
    HELD = "held"
    OFF_SKIN = "no contact"
    WEAK = "weak"
    BATTERY = "low battery"
    LOSS = "packets lost"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Offer:
    """One tap that may put it right: this strap to this athlete."""

    label: str
    strap_id: str
    athlete_id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before the start; ids are None where it concerns nobody in particular."""

    weight: Weight
    kind: Kind
    words: str
    hint: str = ""
    athlete_id: str | None = None
    strap_id: str | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known; `last_worn` is strap to athlete in the last session.

    `sharing` are the adapters whose antenna also serves Wi-Fi, `ignored` the straps of other teams, `wanting`
    those somebody wants RR intervals or a connection of, heard or not.
    """

    people: Sequence[Athlete]
    straps: Sequence[Strap]
    heard: Sequence[StrapStatus]
    receivers: Sequence[ReceiverStatus]
    now_mono_ms: int
    last_worn: Mapping[str, str]
    sharing: Set[str] = frozenset()
    ignored: Set[str] = frozenset()
    wanting: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RadioCheck:
    """`ready` of `athletes` can start as they are."""

    ready: int
    athletes: int
    findings: tuple[Finding, ...]

    @property
    def is_clear(self) -> bool:
        """Whether nothing stands in the way."""
        return all(finding.weight is Weight.NOTE for finding in self.findings)


def radio_check(scene: Scene) -> RadioCheck:
    """Everything found, the worst first and in the squad's order."""
    people = [athlete for athlete in scene.people if athlete.is_active]
    loose = _loose(scene)
    per_person = [_of_athlete(athlete, scene, loose) for athlete in people]
    ready = sum(all(it.weight is Weight.NOTE for it in findings) for findings in per_person)
    found = [
        *_of_receivers(scene),
        *_of_slots(scene, people),
        *(it for findings in per_person for it in findings),
        *_of_swaps(scene, people),
        *_of_foreign(scene),
    ]
    order = list(Weight)
    found.sort(key=lambda it: order.index(it.weight))
    return RadioCheck(ready, len(people), tuple(found))


def radio_warning(receivers: Iterable[ReceiverStatus]) -> str:
    """What stands in the way of hearing anybody, in words for the board; empty when nothing does."""
    known = list(receivers)
    broken = [it for it in known if it.trouble]
    if not broken:
        return ""
    if len(broken) == len(known):
        return f"The radio does not work. {broken[0].trouble}"
    more = "" if len(broken) == 1 else f" and {len(broken) - 1} more"
    return f"{broken[0].name}{more} does not hear, the others do. {broken[0].trouble}"


# --- receivers


def _of_receivers(scene: Scene) -> Iterable[Finding]:
    if not scene.receivers:
        yield Finding(
            Weight.BAD, Kind.ADAPTER, "There is no Bluetooth adapter and no relay.",
            "Plug in a Bluetooth adapter, or name relays in TOUCHLINE_RELAYS.",
        )  # fmt: skip
    for it in scene.receivers:
        if it.trouble:
            what = "Relay" if it.kind == "relay" else "Adapter"
            yield Finding(Weight.BAD, Kind.ADAPTER, f"{what} {it.name} does not work.", it.trouble)
            continue
        near = [s for s in scene.heard if s.adapter == it.name and _is_heard(s)]
        if _is_disturbed(near):
            hint = "Move the hub away from Wi-Fi and metal, and put the tablets on 5 GHz or a cable."
            yield Finding(
                Weight.WARN, Kind.WIFI, f"{it.name} hears the straps well and still loses packets.", hint
            )
        elif it.name in scene.sharing:
            yield Finding(
                Weight.NOTE, Kind.WIFI, f"{it.name} shares one antenna with this computer's Wi-Fi.",
                "Use a USB Bluetooth stick on a short extension lead, or a network cable instead of Wi-Fi.",
            )  # fmt: skip
        if it.kind == "adapter" and it.mode == "active" and any(_is_starved(s) for s in near):
            yield Finding(
                Weight.WARN, Kind.ADAPTER, f"{it.name} listens actively: Linux hides most broadcasts then.",
                "Set Experimental = true in /etc/bluetooth/main.conf and restart bluetoothd.",
            )  # fmt: skip


def _of_slots(scene: Scene, people: Sequence[Athlete]) -> Iterable[Finding]:
    """More straps that need a connection than connections; a note where an adapter's number is guessed."""
    working = [it for it in scene.receivers if not it.trouble]
    needing = _needing_links(scene, {athlete.athlete_id for athlete in people})
    missing = len(needing) - sum(_slots_of(it) for it in working)
    if not working or missing <= 0 or any(it.kind == "replay" for it in working):
        return
    is_guess = any(it.slots is None for it in working)
    choosing = len(needing & scene.wanting)
    ways = ["Plug in another adapter", "add a relay that takes connections"]
    if choosing:
        ways.append(f"let straps that can broadcast do so ({choosing} are to be connected for RR intervals)")
    guess = " How many an adapter holds is measured by touchline-hub radio-test and said by TOUCHLINE_SLOTS."
    yield Finding(
        Weight.NOTE if is_guess else Weight.WARN, Kind.SLOTS,
        f"{len(needing)} straps need a connection and the receivers hold {'about ' if is_guess else ''}"
        f"{len(needing) - missing}: {missing} too few.",
        f"{', '.join(ways[:-1])}, or {ways[-1]}. Until then they take turns.{guess if is_guess else ''}",
    )  # fmt: skip


def _needing_links(scene: Scene, active_ids: Set[str]) -> Set[str]:
    """Straps of the squad that give nothing, or not what is wanted of them, without a connection."""
    squad = {it.strap_id for it in scene.straps if it.athlete_id in active_ids} - scene.ignored
    live = {it.strap_id: it for it in scene.heard}
    return {it for it in squad if (live[it].needs_link if it in live else it in scene.wanting)}


def _slots_of(receiver: ReceiverStatus) -> int:
    """What it holds; where nobody knows, what is usual, or what it is seen to hold."""
    return max(USUAL_SLOTS, receiver.used) if receiver.slots is None else receiver.slots


def _is_disturbed(near: Sequence[StrapStatus]) -> bool:
    clear = [s for s in near if (s.rssi_dbm or -127) >= CLEAR_DBM and s.packet_loss is not None]
    lossy = [s for s in clear if (s.packet_loss or 0.0) > LOSSY]
    return len(lossy) >= 2 and 2 * len(lossy) >= len(clear)


def _is_starved(strap: StrapStatus) -> bool:
    return strap.via is Via.BROADCAST and (strap.packet_loss or 0.0) > DEAF


# --- athletes


def _of_athlete(athlete: Athlete, scene: Scene, loose: list[StrapStatus]) -> list[Finding]:
    own = [strap for strap in scene.straps if strap.athlete_id == athlete.athlete_id]
    if not own:
        return [_without_strap(athlete, scene, loose)]
    live = {status.strap_id: status for status in scene.heard}
    heard = [live[strap.strap_id] for strap in own if strap.strap_id in live]
    heard = [status for status in heard if _is_heard(status)]
    if not heard:
        return [_missing(athlete, own[0], loose)]
    best = max(heard, key=lambda it: (_has_value(it, scene.now_mono_ms), it.rssi_dbm or -127))
    return [
        Finding(weight, kind, f"{athlete.name}: {words}", hint, athlete.athlete_id, best.strap_id)
        for weight, kind, words, hint in _of_strap(best, scene.now_mono_ms)
    ]


def _of_strap(it: StrapStatus, now_mono_ms: int) -> Iterable[tuple[Weight, Kind, str, str]]:
    """What is wrong with a strap that is heard."""
    if it.is_ignored:
        yield Weight.BAD, Kind.FOREIGN, "the strap is on the list of ignored ones.", "Take it off that list."
    if it.contact is Contact.NO:
        yield Weight.BAD, Kind.OFF_SKIN, "the strap does not feel skin.", "Moisten it and tighten the band."
    elif not _has_value(it, now_mono_ms):
        yield Weight.BAD, Kind.MISSING, "the strap is near and gives no heart rate.", "Is it worn and moist?"
    if it.is_held:
        weight = Weight.WARN if _has_value(it, now_mono_ms) else Weight.BAD
        yield weight, Kind.HELD, "a watch or telephone holds the strap.", "Disconnect it there."
    if it.is_battery_low:
        left = "" if it.battery_percent is None else f" ({it.battery_percent} %)"
        yield Weight.WARN, Kind.BATTERY, f"the battery is low{left}.", "Change it before the session."
    loudest = max((dbm for _receiver, dbm in it.receivers), default=None)
    if loudest is not None and loudest < WEAK_DBM:
        yield (
            Weight.WARN, Kind.WEAK, f"the signal is weak (\u2212{-loudest} dBm).",
            "Come nearer; if it stays weak, a receiver is too far from where they play.",
        )  # fmt: skip
    elif it.packet_loss is not None and it.packet_loss > LOSSY:
        yield (
            Weight.WARN, Kind.LOSS, f"{it.packet_loss * 100:.0f} % of the last minute is missing.",
            "Moisten the strap; look whether something stands between it and the receiver.",
        )  # fmt: skip


def _without_strap(athlete: Athlete, scene: Scene, loose: list[StrapStatus]) -> Finding:
    worn = next((s for s, who in scene.last_worn.items() if who == athlete.athlete_id), None)
    taken = {strap.strap_id for strap in scene.straps if strap.athlete_id is not None}
    is_free = worn is not None and worn not in taken
    offer = _offer(athlete, [it for it in loose if it.strap_id == worn]) if is_free else None
    return Finding(
        Weight.WARN, Kind.UNASSIGNED, f"{athlete.name} has no strap.",
        "Give one on the straps page, or mark them as not taking part.",
        athlete.athlete_id, offer=offer or _offer(athlete, loose),
    )  # fmt: skip


def _missing(athlete: Athlete, strap: Strap, loose: list[StrapStatus]) -> Finding:
    return Finding(
        Weight.BAD, Kind.MISSING, f"{athlete.name}'s strap {strap.name} is not heard.",
        "Moisten it and put it on; a strap is heard once it feels skin.",
        athlete.athlete_id, strap.strap_id, _offer(athlete, loose),
    )  # fmt: skip


def _offer(athlete: Athlete, loose: list[StrapStatus]) -> Offer | None:
    """The nearest strap that nobody wears; each is offered to one person only."""
    if not loose:
        return None
    it = loose.pop(0)
    return Offer(f"{athlete.name} wears {it.name}", it.strap_id, athlete.athlete_id)


def _loose(scene: Scene) -> list[StrapStatus]:
    """Straps on a body that nobody wears according to the hub, the nearest first."""
    known = {strap.strap_id for strap in scene.straps if strap.athlete_id is not None} | scene.ignored
    loose = [
        it
        for it in scene.heard
        if it.strap_id not in known and not it.is_pod and _has_value(it, scene.now_mono_ms)
    ]
    return sorted(loose, key=lambda it: (-(it.rssi_dbm or -127), it.strap_id))


# --- swaps and strangers


def _of_swaps(scene: Scene, people: Sequence[Athlete]) -> Iterable[Finding]:
    """Two who have each other's straps of the last time, or one strap that changed its wearer."""
    now = {strap.strap_id: strap.athlete_id for strap in scene.straps if strap.athlete_id is not None}
    names = {athlete.athlete_id: athlete.name for athlete in people}
    titles = {strap.strap_id: strap.name for strap in scene.straps}
    moved = {
        strap_id: (before, now[strap_id])
        for strap_id, before in scene.last_worn.items()
        if strap_id in now and now[strap_id] != before and {before, now[strap_id]} <= set(names)
    }
    told: set[str] = set()
    for strap_id, (before, after) in moved.items():
        other = next((it for it, pair in moved.items() if pair == (after, before)), None)
        if strap_id in told:
            continue
        told |= {strap_id, other or strap_id}
        pair = f"{names[before]} and {names[after]} have each other's straps of the last session."
        single = f"{names[after]} has {titles[strap_id]}, which {names[before]} wore last."
        offer = Offer(f"Back to {names[before]}", strap_id, before)
        yield Finding(
            Weight.NOTE if other is None else Weight.WARN, Kind.SWAPPED, single if other is None else pair,
            "Right if you gave them out so; otherwise give the strap back.", after, strap_id, offer,
        )  # fmt: skip


def _of_foreign(scene: Scene) -> Iterable[Finding]:
    strangers = _loose(scene)
    if strangers:
        named = ", ".join(it.name for it in strangers[:MOST_NAMED])
        more = f" and {len(strangers) - MOST_NAMED} more" if len(strangers) > MOST_NAMED else ""
        yield Finding(
            Weight.NOTE, Kind.FOREIGN, f"Straps nobody of the squad wears: {named}{more}.",
            "Another team's? Ignore them on the straps page; they never count for anybody meanwhile.",
        )  # fmt: skip


def _is_heard(it: StrapStatus) -> bool:
    """A link stands, or somebody hears its advertisements."""
    return it.is_connected or bool(it.receivers)


def _has_value(it: StrapStatus, now_mono_ms: int) -> bool:
    at_ms = it.last_reading_mono_ms
    return at_ms is not None and now_mono_ms - at_ms <= FRESH_MS and it.contact is not Contact.NO
