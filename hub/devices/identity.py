"""Which strap this is: the id printed on the pod where it can be known, else the serial, else the address.

It is decided once for each address, so that one strap's readings never fall apart into two; only an
address found to go by another strap's id loses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_POLAR_NAME = re.compile(r"^Polar .*\b([0-9A-Fa-f]{8})$")
_FEWEST_SERIAL_CHARACTERS = 4
_MOST_SERIAL_CHARACTERS = 40
LONGEST_NAME = 40


def id_from_name(name: str | None) -> str | None:
    """Polar's eight hexadecimal digits from "Polar H10 A0000001", as the pod shows them."""
    match = _POLAR_NAME.match((name or "").strip())
    return match.group(1).upper() if match else None


def id_from_serial(serial: bytes) -> str | None:
    """The Serial Number String (0x2A25) if it can tell straps apart: not short, not all one character."""
    text = serial.decode("utf-8", "replace").strip("\x00 \t\r\n")
    is_telling = len(text) >= _FEWEST_SERIAL_CHARACTERS and len(set(text)) > 1 and text.isprintable()
    is_whole = "�" not in text and len(text) <= _MOST_SERIAL_CHARACTERS
    return text if is_telling and is_whole else None


def id_from_address(address: str) -> str:
    """The last resort; a strap that changes its address becomes another strap."""
    return f"addr:{address.upper()}"


def clean_name(name: str | None) -> str:
    """A name fit for a page: printable, one line, no longer than a strap's name can reasonably be."""
    words = "".join(character if character.isprintable() else " " for character in name or "").split()
    return " ".join(words)[:LONGEST_NAME].strip()


class Proof(IntEnum):
    """How sure an id is: anybody can advertise a name; a serial was at least read over a link."""

    NAME = 1
    SERIAL = 2


@dataclass(slots=True)
class _Holder:
    address: str
    proof: Proof
    heard_ms: int


class Identities:
    """Which address a strap's id belongs to; a second one that claims it meanwhile is not believed.

    An address that fell silent loses its id to the next claimant: a new battery may bring a new address.
    """

    def __init__(self, silent_ms: int = 30_000) -> None:
        self._silent_ms = silent_ms
        self._holders: dict[str, _Holder] = {}

    def claim(self, strap_id: str, address: str, proof: Proof, now_ms: int) -> bool:
        """Whether the id is this address's now; ask `holder` before to know who loses it."""
        holder = self._holders.get(strap_id)
        if holder is not None and holder.address != address:
            is_silent = now_ms - holder.heard_ms > self._silent_ms
            if not is_silent and proof <= holder.proof:
                return False
        best = max(proof, holder.proof) if holder is not None and holder.address == address else proof
        self._holders[strap_id] = _Holder(address, best, now_ms)
        return True

    def holder(self, strap_id: str) -> str | None:
        """The address that goes by this id."""
        holder = self._holders.get(strap_id)
        return None if holder is None else holder.address

    def heard(self, strap_id: str, address: str, now_ms: int) -> None:
        """The address is alive."""
        holder = self._holders.get(strap_id)
        if holder is not None and holder.address == address:
            holder.heard_ms = now_ms

    def forget(self, address: str) -> None:
        """Nothing is kept of an address that is gone for good."""
        gone = [strap_id for strap_id, holder in self._holders.items() if holder.address == address]
        for strap_id in gone:
            del self._holders[strap_id]
