"""The FIT checksum (CRC-16/ARC) in a few steps on one long number; it checks nothing itself."""

from __future__ import annotations


def crc16(data: bytes) -> int:
    """The checksum of these bytes.

    Its polynomial is (x + 1)(x^15 + x + 1). Modulo the second factor x^15k = x^k + 1 for every power of
    two k, so 14k of the oldest bits are moved onto younger ones at a stroke; the first factor is parity.
    """
    bits = int.from_bytes(data, "little")
    is_odd = bits.bit_count() & 1
    length = len(data) * 8 + 16
    k = 1 << max(0, (length // 15).bit_length() - 1)
    while length > 15:
        if k and length >= 29 * k:
            oldest = bits & ((1 << 14 * k) - 1)
            bits = (bits >> 14 * k) ^ oldest ^ (oldest << k)
            length -= 14 * k
        elif k > 1:
            k //= 2
        else:
            bits = (bits >> 1) ^ (0x6000 if bits & 1 else 0)
            length -= 1
    crc = bits << 1
    return crc ^ 0xC001 if crc.bit_count() & 1 != is_odd else crc
