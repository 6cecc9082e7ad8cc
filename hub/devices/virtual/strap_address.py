"""The address of virtual strap n: the same static random one, run after run. It gives no other kind."""

from __future__ import annotations

from random import Random


def static_address(number: int) -> str:
    """Six octets in capitals, the top two bits set as static random addresses have them."""
    octets = bytearray(Random(number).randbytes(6))
    octets[0] |= 0xC0
    return octets.hex(":").upper()
