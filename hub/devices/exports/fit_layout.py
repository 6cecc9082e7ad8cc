"""A FIT definition becomes a compiled struct: where each field stands, how it reads, what says nothing.

It reads no file and knows the meaning of nothing but the timestamp. Layout: Garmin FIT protocol.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

TIMESTAMP = 253
LEAST_CELLS = 16

Value = int | float | str | bytes | tuple[int | float | None, ...] | None


class Base(NamedTuple):
    """One of FIT's number types: letter of `struct`, size in bytes, and the value that says nothing."""

    letter: str
    size: int
    nothing: int | None


BYTES, TEXT = Base("s", 1, None), Base("s", 1, 0)
BASES: dict[int, Base] = {
    0x00: Base("B", 1, 0xFF),
    0x01: Base("b", 1, 0x7F),
    0x02: Base("B", 1, 0xFF),
    0x07: TEXT,
    0x0A: Base("B", 1, 0),
    0x0D: BYTES,
    0x83: Base("h", 2, 0x7FFF),
    0x84: Base("H", 2, 0xFFFF),
    0x85: Base("i", 4, 0x7FFFFFFF),
    0x86: Base("I", 4, 0xFFFFFFFF),
    0x88: Base("f", 4, None),
    0x89: Base("d", 8, None),
    0x8B: Base("H", 2, 0),
    0x8C: Base("I", 4, 0),
    0x8E: Base("q", 8, 0x7FFFFFFFFFFFFFFF),
    0x8F: Base("Q", 8, 0xFFFFFFFFFFFFFFFF),
    0x90: Base("Q", 8, 0),
}


class Slot(NamedTuple):
    """Where a field stands: `n` values from `start` when unpacked, `size` bytes from `offset` before."""

    number: int
    base: Base
    start: int
    n: int
    offset: int
    size: int

    def read(self, values: tuple[Any, ...]) -> Value:
        """The field's raw value; None where it says nothing, a tuple where it is an array."""
        base = self.base
        if base.letter == "s":
            return _text(values[self.start]) if base is TEXT else _bytes(values[self.start])
        if self.n == 1:
            return _known(values[self.start], base.nothing)
        return tuple(_known(v, base.nothing) for v in values[self.start : self.start + self.n])


class DeveloperField(NamedTuple):
    """What a message 206 says of a field that a watch app has added."""

    base: Base
    name: str
    units: str
    scale: float
    offset: float
    native_message: int | None
    native_field: int | None


DevKey = tuple[int, int]  # developer index, field number


class Reading(NamedTuple):
    """The compiled struct of a definition, and the little that the loop over all messages asks of it."""

    body: struct.Struct
    size: int  # with the header byte
    stamp_offset: int | None
    unpack_stamp: Callable[[bytes, int], tuple[int]]
    is_wanted: bool
    cost: int
    cells: int  # what a message of a bulk kind costs in columns, 0 for other kinds


@dataclass(frozen=True, slots=True)
class Layout:
    """A definition made ready: `number` is the kind of message, `reading` what the reading of one needs."""

    number: int
    order: str
    reading: Reading
    slots: dict[int, Slot]
    extras: dict[DevKey, tuple[Slot, DeveloperField | None]]
    every: tuple[Slot, ...]
    n_misfits: int


def layout_of(
    definition: bytes,
    extras: list[tuple[DevKey, int, DeveloperField | None]],
    wanted: Mapping[int, Container[int]] | None,
    bulk: Container[int] = (),
) -> Layout:
    """A definition from its byte order on; fields nobody wants are passed over within the struct."""
    order = ">" if definition[0] else "<"
    number = int.from_bytes(definition[1:3], "big" if definition[0] else "little")
    fields = None if wanted is None else wanted.get(number, {TIMESTAMP: True})
    shape, start, offset, n_misfits = [order], 0, 0, 0
    slots, every = dict[int, Slot](), list[Slot]()
    developed = dict[DevKey, tuple[Slot, DeveloperField | None]]()

    def place(number: int, base: Base, size: int) -> Slot | None:
        nonlocal start, n_misfits
        if size % base.size or not size:
            n_misfits += 1
            shape.append(f"{size}x")
            return None
        count = 1 if base.letter == "s" else size // base.size
        shape.append(f"{size if base.letter == 's' else count}{base.letter}")
        every.append(Slot(number, base, start, count, offset, size))
        start += count
        return every[-1]

    for n in range(4, len(definition), 3):
        field_number, size, base = definition[n], definition[n + 1], BASES.get(definition[n + 2], BYTES)
        if fields is not None and (
            (field_number not in fields and field_number != TIMESTAMP) or field_number in slots
        ):
            shape.append(f"{size}x")
        elif (slot := place(field_number, base, size)) is not None:
            slots.setdefault(field_number, slot)
        offset += size
    for key, size, kind in extras:
        if fields is not None and (kind is None or number not in (wanted or ()) or key in developed):
            shape.append(f"{size}x")
        elif (slot := place(key[1], kind.base if kind else BYTES, size)) is not None:
            developed.setdefault(key, (slot, kind))
        offset += size
    body, stamp = struct.Struct("".join(shape)), slots.get(TIMESTAMP)
    is_clock = stamp is not None and stamp.base is BASES[0x86] and stamp.n == 1
    reading = Reading(
        body=body,
        size=body.size + 1,
        stamp_offset=stamp.offset + 1 if stamp is not None and is_clock else None,
        unpack_stamp=struct.Struct(f"{order}I").unpack_from,
        is_wanted=wanted is None or number in wanted,
        cost=8 if number in bulk else 8 + 4 * sum(slot.n for slot in every if slot.n > 1),
        cells=max(LEAST_CELLS, len(every)) if number in bulk else 0,
    )
    return Layout(number, order, reading, slots, developed, tuple(every), n_misfits)


def _known(value: int | float, nothing: int | None) -> int | float | None:
    is_missing = value == nothing if nothing is not None else value != value
    return None if is_missing else value


def _text(value: bytes) -> str | None:
    return value.split(b"\0", 1)[0].decode("utf-8", "replace") or None


def _bytes(value: bytes) -> bytes | None:
    return value if value.strip(b"\xff") else None
