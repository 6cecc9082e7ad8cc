"""A rolling hash over a hub's operations, so that two logs of equal length cannot pass for one another.

It does not sign or order anything: the sequence number orders, the session token signs.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from sync.wire import Op

CHAIN_0 = "00" * 32


def next_chain(previous_hex: str, op_id: str) -> str:
    """Hex of sha256(previous chain's 32 bytes || the operation id's 16 bytes).

    Raises ValueError when either is malformed.
    """
    previous = bytes.fromhex(previous_hex)
    if len(previous) != 32:
        raise ValueError("a chain value has 32 bytes")
    return hashlib.sha256(previous + uuid.UUID(op_id).bytes).hexdigest()


def verify(previous_hex: str, ops: Iterable[Op]) -> bool:
    """True when each operation's `chain` follows from the one before it, starting at `previous_hex`."""
    chain = previous_hex
    for op in ops:
        try:
            chain = next_chain(chain, op.op_id)
        except ValueError:
            return False
        if chain != op.chain:
            return False
    return True


def thinned(ops: Sequence[Op]) -> list[Op]:
    """The operations without what follows from the first one's chain, as they travel; all of it if not so."""
    if not ops or not verify(ops[0].chain, ops[1:]):
        return list(ops)
    return [ops[0], *(msgspec.structs.replace(op, chain="") for op in ops[1:])]


def filled(ops: Sequence[Op]) -> list[Op]:
    """The inverse of `thinned`; an operation whose chain cannot be told keeps none, and will be refused."""
    found: list[Op] = []
    for op in ops:
        chain = op.chain
        if not chain and found and found[-1].chain:
            try:
                chain = next_chain(found[-1].chain, op.op_id)
            except ValueError:
                chain = ""
        found.append(op if chain == op.chain else msgspec.structs.replace(op, chain=chain))
    return found
