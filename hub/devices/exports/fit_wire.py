"""A FIT file's bytes become its messages in file order, one compiled struct for each definition.

It gives raw numbers and knows the meaning of nothing but the timestamp and developer descriptions;
scales, names and sessions are fit_profile's and fit_activity's. What stands before damage is kept.
Layout: Garmin FIT protocol, as headers (12 or 14 bytes), records, CRC-16, any number of them in a chain.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub.errors import ExportUnreadable

# No file can fill the memory: a message costs 8 of this budget and each number of an array 4.
BUDGET = 4_000_000
MOST_LAYOUTS = 2_000
MOST_REPORTS = 20
TIMESTAMP, FIELD_DESCRIPTION, DEVELOPER_ID = 253, 206, 207
NO_TIME = 0xFFFFFFFF

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


class Message(NamedTuple):
    """One message, `at` its first byte; `at_s` is its FIT time (s since 1989-12-31 UTC) where known."""

    layout: Layout
    data: bytes
    at: int
    at_s: int | None

    @property
    def values(self) -> tuple[Any, ...]:
        """All values as unpacked; a Slot finds its own among them."""
        return self.layout.reading.body.unpack_from(self.data, self.at)

    def value(self, number: int) -> Value:
        """The raw value of a field, None where it is missing or says nothing."""
        slot = self.layout.slots.get(number)
        return None if slot is None else slot.read(self.values)

    def integer(self, number: int) -> int | None:
        """The raw value where it is one whole number; of an array its first."""
        value = self.value(number)
        first = value[0] if isinstance(value, tuple) else value
        return first if isinstance(first, int) else None


@dataclass(slots=True)
class Wire:
    """All messages of a file in its order; `damage` says what ended the reading of a part early."""

    messages: list[Message] = field(default_factory=list)
    damage: str | None = None
    warnings: list[str] = field(default_factory=list)
    n_parts: int = 0
    budget: int = BUDGET

    def warn(self, text: str) -> None:
        if len(self.warnings) < MOST_REPORTS:
            self.warnings.append(text)


class _Damage(Exception):
    """A part cannot be read on from here."""


def read_wire(data: bytes, wanted: Mapping[int, Container[int]] | None = None) -> Wire:
    """Every message of the wanted kinds and fields (all of them by default).

    Raises ExportUnreadable where not even a header stands at the beginning.
    """
    wire, layouts, at = Wire(), dict[bytes, Layout](), 0
    while at < len(data) or at == 0:
        body_size = _header(data, at, wire)
        if body_size is None:
            break
        wire.n_parts += 1
        start = at + data[at]
        end, at = _ends(data, at, start, body_size, wire)
        try:
            _Part(data, wire, wanted, layouts).read(start, end)
        except _Damage as damage:
            wire.damage = wire.damage or str(damage)
        if wire.budget <= 0:
            break
    return wire


def _header(data: bytes, at: int, wire: Wire) -> int | None:
    """The size of the part whose header stands at `at`; None where the chain ends."""
    if data[at + 8 : at + 12] != b".FIT":
        if at == 0:
            raise ExportUnreadable(
                "it is not a FIT file.",
                hint="Export the activity as FIT from the watch's app and choose that file.",
            )
        wire.warn(f"{len(data) - at} bytes after the end of the file were left out")
        return None
    size = data[at]
    if size < 12 or at + size > len(data):
        wire.damage = wire.damage or f"the header at byte {at} is cut short"
        return None
    if size >= 14:
        stated = int.from_bytes(data[at + 12 : at + 14], "little")
        if stated and stated != crc16(data[at : at + 12]):
            wire.warn("the header's checksum is wrong")
    return int.from_bytes(data[at + 4 : at + 8], "little")


def _ends(data: bytes, at: int, start: int, body_size: int, wire: Wire) -> tuple[int, int]:
    """Where a part's records end and where the next part begins; a wrong checksum is a warning."""
    end, size = start + body_size, len(data)
    is_empty = not body_size and (end + 2 == size or data[end + 10 : end + 14] == b".FIT")
    if end > size or (not body_size and not is_empty):
        wire.warn("the file is shorter than its header says" if body_size else "the header names no size")
        is_whole = size - 2 > start and crc16(data[at : size - 2]) == int.from_bytes(data[-2:], "little")
        return (size - 2 if is_whole else size), size
    if end + 2 > size:
        wire.warn("the checksum at the end is missing")
        return end, size
    if crc16(data[at:end]) != int.from_bytes(data[end : end + 2], "little"):
        wire.warn("the checksum is wrong")
    return end, end + 2


class _Part:
    """Reads one file of a chain: definitions, descriptions and the clock begin anew with it."""

    def __init__(
        self,
        data: bytes,
        wire: Wire,
        wanted: Mapping[int, Container[int]] | None,
        layouts: dict[bytes, Layout],
    ) -> None:
        self.data, self.wire, self.wanted, self.layouts = data, wire, wanted, layouts
        self.local: list[Layout | None] = [None] * 16
        self.described: dict[DevKey, DeveloperField] = {}

    def read(self, at: int, end: int) -> None:
        """Add the part's messages to the wire; raises _Damage."""
        data, local, keep, message = self.data, self.local, self.wire.messages.append, tuple.__new__
        budget, clock = self.wire.budget, 0
        while at < end:
            head = data[at]
            if head & 0xC0 == 0x40:
                at, budget = self._define(head, at + 1, end), budget - 8
                continue
            layout = local[head >> 5 & 3 if head & 0x80 else head & 15]
            if layout is None:
                raise _Damage(f"byte {at} is of a kind that was never defined")
            _, size, stamp_offset, unpack_stamp, is_wanted, cost = layout.reading
            if at + size > end:
                raise _Damage(f"its last message, at byte {at}, is cut off")
            at_s: int | None = None
            if stamp_offset is not None and (stamp := unpack_stamp(data, at + stamp_offset)[0]) != NO_TIME:
                at_s = clock = stamp
            elif head & 0x80:
                at_s = clock = clock + ((head - clock) & 0x1F)
            at += size
            budget -= cost
            if budget <= 0:
                self.wire.budget = 0
                raise _Damage("it holds more messages than any device writes")
            if is_wanted:
                keep(message(Message, (layout, data, at - size + 1, at_s)))
                if layout.number in (FIELD_DESCRIPTION, DEVELOPER_ID):
                    self._describe(self.wire.messages[-1])
        self.wire.budget = budget

    def _define(self, head: int, at: int, end: int) -> int:
        """Take a definition at `at`; returns where it ends."""
        data = self.data
        after = at + 5 + 3 * data[at + 4] if at + 5 <= end else end + 1
        own_end = after
        if head & 0x20:
            after += 1 + 3 * data[after] if after < end else 1
        if after > end:
            raise _Damage(f"the definition at byte {at - 1} is cut off")
        extras = [
            ((data[n + 2], data[n]), data[n + 1], self.described.get((data[n + 2], data[n])))
            for n in range(own_end + 1, after, 3)
        ]
        # The same definition is the same layout again, unless an app's fields have been described anew.
        key = data[at + 1 : after] + repr([kind for _, _, kind in extras]).encode() * bool(extras)
        layout = self.layouts.get(key)
        if layout is None:
            if len(self.layouts) >= MOST_LAYOUTS:
                raise _Damage(f"it defines more than {MOST_LAYOUTS} kinds of message")
            layout = self.layouts[key] = _layout(data[at + 1 : own_end], extras, self.wanted)
            if layout.n_misfits:
                self.wire.warn(f"message {layout.number} has fields of a wrong size; they were left out")
        self.local[head & 15] = layout
        return after

    def _describe(self, message: Message) -> None:
        """Learn an app's field (206); an app that says who it is (207) begins with none."""
        if message.layout.number == DEVELOPER_ID:
            gone = [key for key in self.described if key[0] == message.integer(3)]
            for key in gone:
                del self.described[key]
            return
        index, number, base = message.integer(0), message.integer(1), message.integer(2)
        if index is None or number is None:
            return
        name, units = message.value(3), message.value(8)
        self.described[index, number] = DeveloperField(
            base=BASES.get(0x0D if base is None else base, BYTES),
            name=name if isinstance(name, str) else f"{index}.{number}",
            units=units if isinstance(units, str) else "",
            scale=message.integer(6) or 1,
            offset=message.integer(7) or 0,
            native_message=message.integer(14),
            native_field=message.integer(15),
        )


def _layout(
    definition: bytes,
    extras: list[tuple[DevKey, int, DeveloperField | None]],
    wanted: Mapping[int, Container[int]] | None,
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
        cost=8 + 4 * sum(slot.n for slot in every if slot.n > 1),
    )
    return Layout(number, order, reading, slots, developed, tuple(every), n_misfits)


def _known(value: int | float, nothing: int | None) -> int | float | None:
    is_missing = value == nothing if nothing is not None else value != value
    return None if is_missing else value


def _text(value: bytes) -> str | None:
    return value.split(b"\0", 1)[0].decode("utf-8", "replace") or None


def _bytes(value: bytes) -> bytes | None:
    return value if value.strip(b"\xff") else None


def crc16(data: bytes) -> int:
    """The FIT checksum (CRC-16/ARC), folded as one long number instead of byte by byte.

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
