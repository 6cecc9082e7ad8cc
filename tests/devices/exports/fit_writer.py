"""Writes small FIT activity files byte by byte, sound ones and odd ones; it reads nothing.

Layout: Garmin FIT protocol: a 14-byte header, a definition before each kind of message, and a CRC-16 over
everything before it. FIT time counts seconds from 1989-12-31 UTC.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
            for at, (base, form) in fields:
                body += struct.pack("<BBB", at, struct.calcsize(form), base)
        body += struct.pack("<B" + "".join(form for _, (_, form) in fields), local, *values)
    return wrapped(bytes(body))


def wrapped(body: bytes, *, size: int | None = None, header_crc: int | None = None) -> bytes:
    """Messages between header and checksum; the header may name another size or checksum."""
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body) if size is None else size, b".FIT")
    head += struct.pack("<H", crc16(head) if header_crc is None else header_crc)
    return head + body + struct.pack("<H", crc16(head + body))


@dataclass(slots=True)
class Body:
    """The records of a file, written one by one, with every freedom the format has."""

    data: bytearray = field(default_factory=bytearray)

    def define(
        self,
        local: int,
        number: int,
        fields: Sequence[tuple[int, int, int]],
        *,
        order: str = "<",
        extras: Sequence[tuple[int, int, int]] = (),
    ) -> Body:
        """Fields are (number, size in bytes, base type); extras (number, size, developer)."""
        self.data += bytes([0x40 | (0x20 if extras else 0) | local, 0, order == ">"])
        self.data += struct.pack(f"{order}HB", number, len(fields))
        for one in fields:
            self.data += bytes(one)
        if extras:
            self.data += bytes([len(extras)]) + b"".join(bytes(one) for one in extras)
        return self

    def add(self, local: int, form: str, *values: float | bytes) -> Body:
        """A message; `form` is a `struct` format with its byte order."""
        self.data += bytes([local]) + struct.pack(form, *values)
        return self

    def compressed(self, local: int, second: int, form: str, *values: float | bytes) -> Body:
        """A message whose header holds the five lowest bits of its time."""
        self.data += bytes([0x80 | local << 5 | second & 0x1F]) + struct.pack(form, *values)
        return self

    def file(self) -> bytes:
        return wrapped(bytes(self.data))


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
