"""Who is connected next, by which receiver, and who has to let go: decided from what is known at a time.

It does no I/O and asks no clock: whoever carries its moves out tells it what became of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from hub.devices.backoff import Backoff
from hub.devices.signal_strength import Signals
from hub.devices.slots import SlotLedger
from hub.devices.wishes import NO_WISH, WayIn, Wish


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the decisions. Slots are leased in turns only to straps that cannot broadcast.

    A strap that has been connected and does not refuse waits `known_good_wait_s` at most.
    """

    heard_within_ms: int = 10_000
    lease_ms: int = 20_000
    roam_db: float = 12.0
    roam_after_ms: int = 10_000
    wait_for_db: float = 12.0
    link_costs_db: float = 2.0
    failure_costs_db: float = 6.0
    stable_ms: int = 10_000
    refusals_of_a_held_strap: int = 3
    known_good_wait_s: float = 2.0
    backoff_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class Rank(IntEnum):
    """Who comes first when slots are scarce; a strap that broadcasts loses least by waiting.

    Strangers come after all of ours, in the same order.
    """

    PINNED = 0
    MUTE = 1
    WANTS_RR = 2
    OTHER = 3
    STRANGER_PINNED = 4
    STRANGER_MUTE = 5
    STRANGER_WANTS_RR = 6
    STRANGER = 7

    @property
    def is_mute(self) -> bool:
        """Whether nothing is heard of the strap while it waits."""
        return self in (Rank.MUTE, Rank.STRANGER_MUTE)

    def may_displace(self, holder: Rank) -> bool:
        """Whether the slot is worth a disturbance: not for one more broadcaster among equals."""
        is_ours_for_a_stranger = self < Rank.STRANGER_PINNED <= holder
        return self < holder and (is_ours_for_a_stranger or self not in (Rank.OTHER, Rank.STRANGER))


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a link to this strap by this receiver; its turn is already booked."""

    address: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Release:
    """Close this strap's link; `reason` is for the log."""

    address: str
    reason: str


Move = Connect | Release


@dataclass(slots=True)
class _Strap:
    """What the decisions need of one strap."""

    backoff: Backoff
    waiting_since_ms: int
    signals: Signals = field(default_factory=Signals)
    wish: Wish = NO_WISH
    is_connectable: bool = False
    broadcast_ms: int | None = None
    not_before_ms: int = 0
    tried_ms: int = -1
    failures: dict[str, int] = field(default_factory=dict)
    refusals: int = 0
    has_connected: bool = False
    is_leaving: bool = False
    better: tuple[str, int] | None = None


class Scheduler:
    """Decides for all straps; `random` gives numbers in [0, 1) for the jitter of back-off."""

    def __init__(self, ledger: SlotLedger, random: Callable[[], float], policy: Policy | None = None) -> None:
        self.ledger = ledger
        self._policy = policy or Policy()
        self._random = random
        self._straps: dict[str, _Strap] = {}
        self._resting: frozenset[str] = frozenset()
        self._rest_until_ms = 0

    # --- what is heard and wished

    def see(
        self, address: str, receiver: str, dbm: int, now_ms: int, *, is_connectable: bool, broadcasts: bool
    ) -> None:
        """An advertisement."""
        strap = self._straps.get(address)
        if strap is None:
            backoff = Backoff(self._policy.backoff_s, self._random)
            strap = self._straps[address] = _Strap(backoff, waiting_since_ms=now_ms)
        strap.signals.hear(receiver, dbm, now_ms)
        strap.is_connectable = is_connectable
        if broadcasts:
            strap.broadcast_ms = now_ms

    def wish(self, address: str, wish: Wish) -> None:
        """What people want of this strap; forgotten with the strap."""
        if address in self._straps:
            self._straps[address].wish = wish

    def rest(self, addresses: frozenset[str], until_ms: int) -> None:
        """These alone are let go and not connected until then, so that they advertise."""
        self._resting, self._rest_until_ms = addresses, until_ms

    def forget(self, address: str) -> None:
        """A strap that has no lease and was not heard for long."""
        if self.ledger.receiver_of(address) is None:
            self._straps.pop(address, None)

    def is_refusing(self, address: str) -> bool:
        """Whether a strap that is heard turns every connection down, as one held by a watch does."""
        strap = self._straps.get(address)
        return strap is not None and strap.refusals >= self._policy.refusals_of_a_held_strap

    def best_receiver(self, address: str, now_ms: int) -> str | None:
        """The receiver that hears the strap best right now."""
        strap = self._straps.get(address)
        return None if strap is None else strap.signals.best(now_ms - self._policy.heard_within_ms)

    def strengths(self, address: str, now_ms: int) -> dict[str, float]:
        """dBm at each receiver that hears the strap."""
        strap = self._straps.get(address)
        return {} if strap is None else strap.signals.since(now_ms - self._policy.heard_within_ms)

    # --- what became of the moves

    def connected(self, address: str, now_ms: int) -> None:
        """The link stands."""
        self.ledger.connected(address, now_ms)
        strap = self._straps[address]
        strap.failures.clear()
        strap.refusals = 0
        strap.has_connected = True

    def failed(self, address: str, now_ms: int, *, is_refusal: bool = True) -> None:
        """No link came about; unless we gave up ourselves, the receiver is liked less for this strap."""
        strap = self._straps[address]
        receiver = self.ledger.receiver_of(address)
        if receiver is not None and is_refusal:
            strap.failures[receiver] = strap.failures.get(receiver, 0) + 1
            strap.refusals += 1
        self._settle(strap, address, now_ms, strap.backoff.next_s())

    def ended(self, address: str, now_ms: int) -> None:
        """A link that stood has ended, by itself or released."""
        strap = self._straps[address]
        since_ms = self.ledger.held_since_ms(address)
        if since_ms is not None and now_ms - since_ms >= self._policy.stable_ms:
            strap.backoff.reset()
        self._settle(strap, address, now_ms, 0.0 if strap.is_leaving else strap.backoff.next_s())

    def _settle(self, strap: _Strap, address: str, now_ms: int, wait_s: float) -> None:
        if strap.has_connected and strap.refusals < self._policy.refusals_of_a_held_strap:
            wait_s = min(wait_s, self._policy.known_good_wait_s)
        self.ledger.release(address)
        strap.is_leaving = False
        strap.better = None
        strap.tried_ms = now_ms
        strap.waiting_since_ms = now_ms
        strap.not_before_ms = now_ms + round(wait_s * 1000)

    # --- deciding

    def moves(self, now_ms: int) -> list[Move]:
        """What to do now; the turns of the connects in it are booked."""
        moves: list[Move] = [*self._unwanted(now_ms)]
        waiting = [
            (self._rank(strap), strap.waiting_since_ms, address)
            for address, strap in self._straps.items()
            if self._may_connect(address, strap, now_ms)
        ]
        crowded: set[str] = set()
        for rank, _since_ms, address in sorted(waiting):
            strap = self._straps[address]
            ways = self._ways(strap, now_ms)
            receiver = self._choice(strap, ways)
            if receiver is not None:
                self.ledger.begin(receiver, address)
                moves.append(Connect(address, receiver))
            elif ways and not any(self.ledger.has_room(way) for way in ways):
                release = self._make_room(rank, [way for way in ways if way not in crowded], now_ms)
                if release is not None:
                    crowded.add(self.ledger.receiver_of(release.address) or "")
                    moves.append(release)
        return moves

    def _may_connect(self, address: str, strap: _Strap, now_ms: int) -> bool:
        return (
            strap.is_connectable
            and self.ledger.receiver_of(address) is None
            and not strap.wish.is_ignored
            and not self._rests(address, now_ms)
            and not (strap.wish.way is WayIn.BROADCAST and self._broadcasts(strap, now_ms))
            and now_ms >= strap.not_before_ms
        )

    def _ways(self, strap: _Strap, now_ms: int) -> dict[str, float]:
        """Receivers that heard the strap since it was last tried, with what each is worth."""
        since_ms = max(strap.tried_ms, now_ms - self._policy.heard_within_ms)
        pinned = strap.wish.receiver
        return {
            receiver: dbm
            - self._policy.link_costs_db * self.ledger.links(receiver)
            - self._policy.failure_costs_db * strap.failures.get(receiver, 0)
            for receiver, dbm in strap.signals.since(since_ms).items()
            if receiver in self.ledger.receivers and pinned in (None, receiver)
        }

    def _choice(self, strap: _Strap, ways: dict[str, float]) -> str | None:
        """The best receiver with room; a much better one that is busy just now is waited for."""
        roomy = {way: worth for way, worth in ways.items() if self.ledger.has_room(way)}
        idle = [way for way in roomy if not self.ledger.is_connecting(way)]
        if not idle:
            return None
        best = max(idle, key=lambda way: (roomy[way], way))
        return best if roomy[best] >= max(roomy.values()) - self._policy.wait_for_db else None

    def _make_room(self, rank: Rank, receivers: list[str], now_ms: int) -> Release | None:
        """Someone who needs a slot less, or who has had it for a lease as others of its rank wait."""
        holders = [
            (self._rank(self._straps[address]), self.ledger.held_since_ms(address) or 0, address)
            for receiver in receivers
            if not any(self._straps[held].is_leaving for held in self.ledger.held_by(receiver))
            for address in self.ledger.held_by(receiver)
        ]
        if not holders:
            return None
        worst = max(holder_rank for holder_rank, _since_ms, _address in holders)
        since_ms, address = min(
            (since, address) for holder_rank, since, address in holders if holder_rank == worst
        )
        if rank.may_displace(worst):
            return self._release(address, "its slot is needed more elsewhere")
        if worst == rank and rank.is_mute and now_ms - since_ms >= self._policy.lease_ms:
            return self._release(address, "others are waiting for its slot")
        return None

    def _unwanted(self, now_ms: int) -> list[Release]:
        """Links that people do not want, or that another receiver would hold much better."""
        releases = []
        for receiver in self.ledger.receivers:
            for address in self.ledger.held_by(receiver):
                strap = self._straps[address]
                reason = "" if strap.is_leaving else self._objection(strap, address, receiver, now_ms)
                if reason:
                    releases.append(self._release(address, reason))
        return releases

    def _objection(self, strap: _Strap, address: str, receiver: str, now_ms: int) -> str:
        wish = strap.wish
        if self._rests(address, now_ms):
            return "it shall advertise"
        if wish.is_ignored:
            return "it is ignored"
        if wish.way is WayIn.BROADCAST and self._broadcasts(strap, now_ms):
            return "its broadcast is wanted"
        fresh = strap.signals.since(now_ms - self._policy.heard_within_ms)
        if wish.receiver not in (None, receiver):
            is_possible = wish.receiver in fresh and self.ledger.has_room(wish.receiver or "")
            return f"{wish.receiver} is wanted" if is_possible else ""
        return self._roaming(strap, receiver, fresh, now_ms) if wish.receiver is None else ""

    def _roaming(self, strap: _Strap, receiver: str, fresh: dict[str, float], now_ms: int) -> str:
        here = strap.signals.dbm(receiver)
        better = [
            way
            for way, dbm in fresh.items()
            if here is not None and dbm >= here + self._policy.roam_db and self.ledger.has_room(way)
        ]
        if not better:
            strap.better = None
            return ""
        best = max(better, key=lambda way: (fresh[way], way))
        if strap.better is None or strap.better[0] not in better:
            strap.better = (best, now_ms)
        is_lasting = now_ms - strap.better[1] >= self._policy.roam_after_ms
        return f"{best} hears it much better" if is_lasting else ""

    def _rests(self, address: str, now_ms: int) -> bool:
        return now_ms < self._rest_until_ms and address in self._resting

    def _release(self, address: str, reason: str) -> Release:
        self._straps[address].is_leaving = True
        return Release(address, reason)

    def _broadcasts(self, strap: _Strap, now_ms: int) -> bool:
        return strap.broadcast_ms is not None and now_ms - strap.broadcast_ms <= self._policy.heard_within_ms

    def _rank(self, strap: _Strap) -> Rank:
        if strap.wish.way is WayIn.CONNECTED:
            rank = Rank.PINNED
        elif strap.broadcast_ms is None:
            rank = Rank.MUTE
        else:
            rank = Rank.WANTS_RR if strap.wish.wants_rr else Rank.OTHER
        return rank if strap.wish.is_ours else Rank(rank + Rank.STRANGER_PINNED)
