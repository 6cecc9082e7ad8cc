"""A FIT file's bytes become its messages in file order, one compiled struct for each definition.

It gives raw numbers and knows the meaning of nothing but the timestamp and developer descriptions;
scales, names and sessions are fit_profile's and fit_activity's. What stands before damage is kept.
Layout: Garmin FIT protocol, as headers (12 or 14 bytes), records, CRC-16, any number of them in a chain.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub.devices.exports.fit_crc import crc16
from hub.devices.exports.fit_layout import BASES, BYTES, DeveloperField, DevKey, Layout, Value, layout_of
from hub.errors import ExportUnreadable

# No file can fill the memory: a message costs 8 of this budget and each number of an array 4; rows of
# bulk messages cost their numbers, at least 16.
BUDGET = 4_000_000
MOST_CELLS = 12_000_000
MOST_LAYOUTS = 2_000
MOST_REPORTS = 20
FIRST_LOOK, LONGEST_LOOK = 64, 1 << 16
FIELD_DESCRIPTION, DEVELOPER_ID = 206, 207
NO_TIME = 0xFFFFFFFF
TOO_MANY = "it holds more messages than any device writes"
CUT_SHORT = "it is shorter than its header says: part of it is missing"
NO_SIZE = "its header names no size: the device stopped while it wrote it"


class Message(NamedTuple):
    """One message, `at` its first byte; `at_s` is its FIT time (s since 1989-12-31 UTC) where known.

    Of a bulk kind it may stand for `n` that follow one another, each with a time field of its own; `at`
    is then the first one's first byte and `at_s` the last time among them.
    """

    layout: Layout
    data: bytes
    at: int
    at_s: int | None
    n: int = 1

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
    cells: int = MOST_CELLS

    def warn(self, text: str) -> None:
        if len(self.warnings) < MOST_REPORTS:
            self.warnings.append(text)


class _Damage(Exception):
    """A part cannot be read on from here."""


def read_wire(
    data: bytes, wanted: Mapping[int, Container[int]] | None = None, bulk: Container[int] = ()
) -> Wire:
    """Every message of the wanted kinds and fields (all of them by default); bulk kinds by the stretch.

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
            _Part(data, wire, wanted, bulk, layouts).read(start, end)
        except _Damage as damage:
            wire.damage = wire.damage or str(damage)
        if wire.budget <= 0 or wire.cells <= 0:
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
        wire.warn(CUT_SHORT if body_size else NO_SIZE)
        is_whole = size - 2 > start and crc16(data[at : size - 2]) == int.from_bytes(data[-2:], "little")
        return (size - 2 if is_whole else size), size
    if end + 2 > size:
        wire.warn("the checksum at the end is missing")
        return end, size
    if crc16(data[at:end]) != int.from_bytes(data[end : end + 2], "little"):
        wire.warn("its checksum is wrong: a value in it may be damaged")
    return end, end + 2


class _Part:
    """Reads one file of a chain: definitions, descriptions and the clock begin anew with it."""

    def __init__(
        self,
        data: bytes,
        wire: Wire,
        wanted: Mapping[int, Container[int]] | None,
        bulk: Container[int],
        layouts: dict[bytes, Layout],
    ) -> None:
        self.data, self.wire, self.wanted, self.bulk = data, wire, wanted, bulk
        self.layouts = layouts
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
                raise _Damage(f"it is damaged from byte {at} on")
            _, size, stamp_offset, unpack_stamp, is_wanted, cost, cells = layout.reading
            if at + size > end:
                raise _Damage(f"its last message, at byte {at}, is cut off")
            at_s: int | None = None
            n = 1
            if cells:
                if head < 0x40 and at + size < end and data[at + size] == head:
                    n = self._alike(head, at, end, size)
                self.wire.cells -= cells * n
                if self.wire.cells <= 0:
                    raise _Damage(TOO_MANY)
            if n > 1:
                if (at_s := self._last_stamp(layout, at, n)) is not None:
                    clock = at_s
            elif stamp_offset is not None and (stamp := unpack_stamp(data, at + stamp_offset)[0]) != NO_TIME:
                at_s = clock = stamp
            elif head & 0x80:
                at_s = clock = clock + ((head - clock) & 0x1F)
            budget -= cost
            if budget <= 0:
                self.wire.budget = 0
                raise _Damage(TOO_MANY)
            if is_wanted:
                keep(message(Message, (layout, data, at + 1, at_s, n)))
                if layout.number in (FIELD_DESCRIPTION, DEVELOPER_ID):
                    self._describe(self.wire.messages[-1])
            at += size * n
        self.wire.budget = budget

    def _alike(self, head: int, at: int, end: int, size: int) -> int:
        """How many whole messages from `at` on begin with this header byte, one behind another.

        Each has the size of its definition, so the byte after it is the next one's header: where that is
        the same again, so is the definition.
        """
        most, n, look, same = (end - at) // size, 1, FIRST_LOOK, bytes([head])
        while n < most:
            heads = self.data[at + n * size : at + min(n + look, most) * size : size]
            alike = len(heads) - len(heads.lstrip(same))
            n += alike
            if alike < len(heads):
                break
            look = min(look * 4, LONGEST_LOOK)
        return n

    def _last_stamp(self, layout: Layout, at: int, n: int) -> int | None:
        """The last time among n messages of a layout from `at` on, None where none of them has one."""
        _, size, offset, unpack_stamp, *_ = layout.reading
        if offset is not None:
            for place in range(at + offset + size * (n - 1), at, -size):
                if (stamp := unpack_stamp(self.data, place)[0]) != NO_TIME:
                    return stamp
        return None

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
            layout = self.layouts[key] = layout_of(data[at + 1 : own_end], extras, self.wanted, self.bulk)
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
