"""Writes small FIT activity files byte by byte; it knows four messages and reads nothing.

Layout: Garmin FIT protocol: a 14-byte header, a definition before each kind of message, little-endian
fields, and a CRC-16 over everything before it. FIT time counts seconds from 1989-12-31 UTC.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime

EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
_NIBBLES = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip
_UINT8, _ENUM, _UINT16, _UINT32 = (0x02, "B"), (0x00, "B"), (0x84, "H"), (0x86, "I")
_MESSAGES: dict[str, tuple[int, int, tuple[tuple[int, tuple[int, str]], ...]]] = {
    # local type, global number, (field number, base type)
    "file_id": (0, 0, ((0, _ENUM), (1, _UINT16), (2, _UINT16))),
    "record": (1, 20, ((253, _UINT32), (3, _UINT8))),
    "session": (2, 18, ((253, _UINT32), (2, _UINT32), (5, _ENUM), (7, _UINT32))),
    "activity": (3, 34, ((253, _UINT32), (5, _UINT32))),
}
RUNNING, NO_HEART = 1, 255


def seconds(at: datetime) -> int:
    """FIT time."""
    return int((at - EPOCH).total_seconds())


def crc16(data: bytes) -> int:
    """The FIT checksum."""
    crc = 0
    for byte in data:
        for nibble in (byte & 15, byte >> 4):
            crc = (crc >> 4) & 0x0FFF ^ _NIBBLES[crc & 15] ^ _NIBBLES[nibble]
    return crc


def fit_file(messages: Iterable[tuple[str, tuple[int, ...]]]) -> bytes:
    """A whole file of (message name, values in the order of its fields)."""
    body, defined = bytearray(), set()
    for name, values in messages:
        local, number, fields = _MESSAGES[name]
        if name not in defined:
            defined.add(name)
            body += struct.pack("<BBBHB", 0x40 | local, 0, 0, number, len(fields))
            for field, (base, form) in fields:
                body += struct.pack("<BBB", field, struct.calcsize(form), base)
        body += struct.pack("<B" + "".join(form for _, (_, form) in fields), local, *values)
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    head += struct.pack("<H", crc16(head))
    return head + bytes(body) + struct.pack("<H", crc16(head + bytes(body)))


def run_file(
    start: datetime, heart: list[tuple[int, int]], *, elapsed_s: int = 0, offset_s: int = 0
) -> bytes:
    """A run of (seconds since the start, bpm) by a watch of Garmin's, made in local time `offset_s`."""
    began = seconds(start)
    return fit_file(
        [
            ("file_id", (4, 1, 3113)),
            *(("record", (began + second, bpm)) for second, bpm in heart),
            ("session", (began, began, RUNNING, elapsed_s * 1000)),
            ("activity", (began, began + offset_s)),
        ]
    )
