"""Connection slots as data: which receiver may hold how many links, who holds them, who is connecting.

It chooses nobody and touches no radio; it only refuses what the hardware could not do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GUESS_MS, LONGEST_GUESS_MS = 15_000, 600_000
"""How long a guessed limit holds, twice as long each time it proves right."""


@dataclass(slots=True)
class _Desk:
    """One receiver's books; `limit` is the smaller of what it said and what was learnt."""

    said: int | None = None
    learnt: int | None = None
    held: dict[str, int] = field(default_factory=dict)
    connecting: str | None = None
    learnt_ms: int = 0
    guesses: int = 0
    guess_ends_ms: int | None = None

    @property
    def limit(self) -> int | None:
        known = [limit for limit in (self.said, self.learnt) if limit is not None]
        return min(known) if known else None

    @property
    def used(self) -> int:
        return len(self.held) + (self.connecting is not None)


class SlotLedger:
    """One connect at a time for each receiver, never more links than slots, one lease for each strap."""

    def __init__(self) -> None:
        self._desks: dict[str, _Desk] = {}
        self._receiver_of: dict[str, str] = {}

    @property
    def receivers(self) -> tuple[str, ...]:
        """Those that may be used now."""
        return tuple(self._desks)

    def set_receivers(self, slots: dict[str, int | None]) -> tuple[str, ...]:
        """What there is now, with the slots each says it has; straps whose receiver has gone are returned.

        Their leases stay until `release`: whoever holds the link closes it first.
        """
        for receiver, said in slots.items():
            self._desks.setdefault(receiver, _Desk()).said = said
        gone = [name for name in self._desks if name not in slots]
        stranded = [address for address, name in self._receiver_of.items() if name in gone]
        for name in gone:
            if name not in self._receiver_of.values():
                del self._desks[name]
            else:
                self._desks[name].said = 0
        return tuple(stranded)

    def free(self, receiver: str) -> int | None:
        """Slots left; None without a known limit. A receiver nobody knows has none."""
        desk = self._desks.get(receiver)
        if desk is None:
            return 0
        return None if desk.limit is None else max(0, desk.limit - desk.used)

    def has_room(self, receiver: str) -> bool:
        """Whether one more link fits."""
        return self.free(receiver) != 0

    def is_connecting(self, receiver: str) -> bool:
        """Whether its one turn to connect is taken."""
        desk = self._desks.get(receiver)
        return desk is not None and desk.connecting is not None

    def links(self, receiver: str) -> int:
        """Links it holds or is making."""
        desk = self._desks.get(receiver)
        return 0 if desk is None else desk.used

    def receiver_of(self, address: str) -> str | None:
        """Who holds this strap, or is connecting to it."""
        return self._receiver_of.get(address)

    def held_by(self, receiver: str) -> tuple[str, ...]:
        """Straps with a link, longest first."""
        desk = self._desks.get(receiver)
        return () if desk is None else tuple(sorted(desk.held, key=desk.held.__getitem__))

    def held_since_ms(self, address: str) -> int | None:
        """When its link was made; None while it is connecting or has none."""
        receiver = self._receiver_of.get(address)
        return None if receiver is None else self._desks[receiver].held.get(address)

    def begin(self, receiver: str, address: str) -> None:
        """Take the receiver's turn for this strap. Raises ValueError where that cannot be."""
        if address in self._receiver_of:
            raise ValueError(f"{address} already has a lease")
        if receiver not in self._desks or self.is_connecting(receiver) or not self.has_room(receiver):
            raise ValueError(f"{receiver} cannot connect now")
        self._desks[receiver].connecting = address
        self._receiver_of[address] = receiver

    def connected(self, address: str, now_ms: int) -> None:
        """Its link stands; the receiver's turn is free. Raises ValueError if it was not connecting."""
        receiver = self._receiver_of.get(address)
        if receiver is None or self._desks[receiver].connecting != address:
            raise ValueError(f"{address} was not connecting")
        desk = self._desks[receiver]
        desk.connecting, desk.guesses = None, 0
        desk.held[address] = now_ms

    def release(self, address: str) -> None:
        """Its link is closed, or was never made; nothing happens where there is none."""
        receiver = self._receiver_of.pop(address, None)
        if receiver is None:
            return
        desk = self._desks[receiver]
        desk.held.pop(address, None)
        if desk.connecting == address:
            desk.connecting = None
        if desk.said == 0 and not desk.used:
            del self._desks[receiver]

    def learn_full(self, receiver: str, now_ms: int) -> None:
        """The receiver refused although the books had room: what it holds now is all it can."""
        desk = self._desks.get(receiver)
        if desk is not None and desk.held:
            desk.learnt, desk.learnt_ms, desk.guess_ends_ms = len(desk.held), now_ms, None

    def guess_full(self, receiver: str, now_ms: int) -> None:
        """Connects have failed and nobody said why: it may be full, or the air was bad. Tried again soon."""
        self.learn_full(receiver, now_ms)
        desk = self._desks.get(receiver)
        if desk is not None and desk.held:
            desk.guess_ends_ms = now_ms + min(GUESS_MS << desk.guesses, LONGEST_GUESS_MS)
            desk.guesses = min(desk.guesses + 1, 10)

    def doubt_guesses(self, now_ms: int) -> None:
        """Guesses whose time is over no longer stand in the way of an attempt."""
        for desk in self._desks.values():
            if desk.guess_ends_ms is not None and now_ms >= desk.guess_ends_ms:
                desk.learnt = desk.guess_ends_ms = None

    def forget_learnt(self, before_ms: int) -> None:
        """What was learnt earlier than this may have been mere interference."""
        for desk in self._desks.values():
            if desk.learnt_ms < before_ms:
                desk.learnt = None
