"""A rolling hash over a hub's operations, so that two logs of equal length cannot pass for one another.

It does not sign or order anything: the sequence number orders, the session token signs.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable

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
