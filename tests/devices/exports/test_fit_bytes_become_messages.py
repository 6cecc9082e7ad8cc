"""Every freedom of the FIT format is read, and damage costs nothing that stands before it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.exports import fit_crc, fit_wire
from hub.devices.exports.fit_layout import Value
from hub.devices.exports.fit_profile import WANTED
from hub.devices.exports.fit_wire import read_wire
from hub.errors import ExportUnreadable
from tests.devices.exports.fit_writer import Body, crc16, fit_file, wrapped

RECORD = 20
T0 = 1_100_000_000
STAMP, HEART = (253, 4, 0x86), (3, 1, 0x02)


def rows(n: int = 5) -> bytes:
    """A small sound file of n records."""
    return fit_file([("record", (T0 + second, 120 + second)) for second in range(n)])


def rates(data: bytes) -> list[Value]:
    return [one.value(3) for one in read_wire(data).messages]


def one(base: int, raw: bytes, order: str = "<") -> Value:
    """A single field's raw value as the decoder reads it."""
    body = Body().define(0, RECORD, [(9, len(raw), base)], order=order)
    return read_wire(body.add(0, f"{len(raw)}s", raw).file()).messages[0].value(9)


def test_both_byte_orders_may_stand_in_one_file() -> None:
    body = Body().define(0, RECORD, [STAMP, HEART, (7, 2, 0x84)]).add(0, "<IBH", T0, 120, 250)
    body.define(1, RECORD, [STAMP, HEART, (7, 2, 0x84)], order=">").add(1, ">IBH", T0 + 1, 121, 251)
    read = read_wire(body.file()).messages
    assert [(m.layout.number, m.at_s, m.value(3), m.value(7)) for m in read] == [
        (RECORD, T0, 120, 250),
        (RECORD, T0 + 1, 121, 251),
    ]


@pytest.mark.parametrize(
    ("base", "raw", "value"),
    [
        (0x00, b"\x07", 7), (0x00, b"\xff", None), (0x01, b"\xff", -1), (0x01, b"\x7f", None),
        (0x02, b"\xfe", 254), (0x02, b"\xff", None), (0x0A, b"\x01", 1), (0x0A, b"\x00", None),
        (0x83, b"\xfe\xff", -2), (0x83, b"\xff\x7f", None), (0x84, b"\x01\x02", 513),
        (0x84, b"\xff\xff", None), (0x8B, b"\x00\x00", None), (0x8B, b"\xff\xff", 65535),
        (0x85, b"\xff\xff\xff\x7f", None), (0x85, b"\xff\xff\xff\xff", -1), (0x86, b"\xff" * 4, None),
        (0x8C, bytes(4), None), (0x88, b"\x00\x00\xc0\x3f", 1.5), (0x88, b"\xff" * 4, None),
        (0x89, bytes(6) + b"\xf8\x3f", 1.5), (0x89, b"\xff" * 8, None),
        (0x8E, b"\xff" * 7 + b"\x7f", None), (0x8F, b"\xff" * 8, None), (0x90, bytes(8), None),
        (0x07, b"Ana\0\0", "Ana"), (0x07, b"Ana", "Ana"), (0x07, b"\0\0", None),
        (0x07, "Zoë".encode() + b"\0x", "Zoë"), (0x07, b"a\xff\0", "a\ufffd"),
        (0x0D, b"\xff\x01", b"\xff\x01"), (0x0D, b"\xff\xff", None),
        (0x84, b"\x01\0\xff\xff\x03\0", (1, None, 3)), (0x02, b"\xff\xff", (None, None)),
        (0x84, b"\x01\0\x02", None), (0x86, b"\x01", None), (0x42, b"\x05", b"\x05"),
    ],
)  # fmt: skip
def test_each_base_type_has_its_own_nothing(base: int, raw: bytes, value: Value) -> None:
    assert one(base, raw) == value


def test_a_field_of_a_wrong_size_is_passed_over_and_told_and_the_rest_is_kept() -> None:
    body = Body().define(0, RECORD, [STAMP, (7, 3, 0x84), HEART, (9, 0, 0x86)])
    wire = read_wire(body.add(0, "<I3sB", T0, b"abc", 140).file())
    assert [(m.at_s, m.value(7), m.value(3)) for m in wire.messages] == [(T0, None, 140)]
    assert any("wrong size" in text for text in wire.warnings)
    assert wire.damage is None


def test_compressed_timestamps_count_on_and_roll_over_after_half_a_minute() -> None:
    body = Body().define(0, RECORD, [STAMP, HEART]).add(0, "<IB", T0, 100).define(1, RECORD, [HEART])
    for second in (1, 20, 40, 71):
        body.compressed(1, T0 + second, "B", 101)
    assert [m.at_s for m in read_wire(body.file()).messages] == [T0, T0 + 1, T0 + 20, T0 + 40, T0 + 71]


def test_the_same_compressed_second_twice_stays_that_second() -> None:
    body = Body().define(0, RECORD, [STAMP]).add(0, "<I", T0).define(1, RECORD, [HEART])
    body.compressed(1, T0, "B", 1).compressed(1, T0, "B", 2)
    assert [m.at_s for m in read_wire(body.file()).messages] == [T0] * 3


def test_unwanted_messages_still_move_the_compressed_clock() -> None:
    body = Body().define(0, 9999, [STAMP]).add(0, "<I", T0 + 64).define(1, RECORD, [HEART])
    body.compressed(1, T0 + 65, "B", 99)
    assert [(m.layout.number, m.at_s) for m in read_wire(body.file(), WANTED).messages] == [(20, T0 + 65)]


def described(scale: int = 10) -> Body:
    body = Body().define(2, 207, [(3, 1, 0x02)]).add(2, "B", 0)
    fields = [(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 6, 7), (6, 1, 2), (8, 3, 7), (15, 1, 2)]
    return body.define(3, 206, fields).add(3, "BBB6sB3sB", 0, 4, 0x84, b"Power\0", scale, b"W\0\0", 7)


def test_developer_fields_are_read_by_their_description() -> None:
    body = described().define(0, RECORD, [STAMP, HEART], extras=[(4, 2, 0)]).add(0, "<IBH", T0, 120, 2505)
    record = read_wire(body.file()).messages[-1]
    slot, kind = record.layout.extras[0, 4]
    assert slot.read(record.values) == 2505
    assert kind is not None
    assert (kind.name, kind.units, kind.scale, kind.native_field) == ("Power", "W", 10, 7)


def test_a_developer_field_without_description_costs_only_itself() -> None:
    body = Body().define(0, RECORD, [STAMP, HEART], extras=[(4, 2, 0), (5, 3, 1)])
    body.add(0, "<IB5s", T0, 120, b"12345").add(0, "<IB5s", T0 + 1, 121, b"12345")
    assert [m.value(3) for m in read_wire(body.file()).messages] == [120, 121]
    assert [m.value(3) for m in read_wire(body.file(), WANTED).messages] == [120, 121]


def test_a_field_described_anew_changes_later_definitions_only() -> None:
    first = described().define(0, RECORD, [], extras=[(4, 2, 0)]).add(0, "<H", 10)
    again = described(2).define(0, RECORD, [], extras=[(4, 2, 0)]).add(0, "<H", 10)
    read = read_wire(wrapped(bytes(first.data + again.data))).messages
    kinds = [m.layout.extras[0, 4][1] for m in read if m.layout.number == RECORD]
    assert [kind.scale for kind in kinds if kind] == [10, 2]


def test_chained_files_are_read_one_after_the_other_each_with_its_own_definitions() -> None:
    big = Body().define(0, RECORD, [STAMP, HEART], order=">").add(0, ">IB", T0, 90).file()
    assert rates(rows(2) + big + rows(1)) == [120, 121, 90, 120]
    assert read_wire(rows(2) + big + rows(1)).n_parts == 3


def test_a_definition_does_not_outlive_its_file() -> None:
    orphan = Body().add(1, "<IB", T0, 90).file()
    wire = read_wire(rows(2) + orphan)
    assert len(wire.messages) == 2
    assert "damaged from byte" in str(wire.damage)


def test_a_damaged_part_does_not_cost_the_next_one() -> None:
    orphan = Body().add(1, "<IB", T0, 90).file()
    assert rates(rows(1) + orphan + rows(2)) == [120, 120, 121]


def test_a_header_without_checksum_is_sound() -> None:
    data = rows()
    for plain in (wrapped(data[14:-2], header_crc=0), b"\x0c" + data[1:12] + data[14:]):
        wire = read_wire(plain)
        assert len(wire.messages) == 5
        assert wire.damage is None
    assert read_wire(wrapped(data[14:-2], header_crc=0)).warnings == []


def test_wrong_and_missing_checksums_are_warnings() -> None:
    data = rows()
    for odd, word in (
        (data[:-1] + bytes([data[-1] ^ 1]), "checksum is wrong"),
        (data[:-2], "missing"),
        (data[:-1], "missing"),
        (wrapped(data[14:-2], header_crc=1), "header's checksum"),
    ):
        wire = read_wire(odd)
        assert any(word in text for text in wire.warnings)
        assert (len(wire.messages), wire.damage) == (5, None)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 1_000])
def test_a_size_that_is_not_true_is_replaced_by_what_is_there(size: int) -> None:
    wire = read_wire(wrapped(rows()[14:-2], size=size))
    assert (len(wire.messages), wire.damage) == (5, None)
    assert wire.warnings


def test_an_empty_file_in_a_chain_is_no_damage() -> None:
    assert rates(wrapped(b"") + rows(2)) == [120, 121]
    assert read_wire(wrapped(b"")).damage is None


@pytest.mark.parametrize("cut", range(14, len(rows()) - 2))
def test_a_cut_file_gives_every_record_before_the_cut(cut: int) -> None:
    n_whole = max(0, (cut - 14 - 12) // 6)
    assert rates(rows()[:cut])[:n_whole] == [120 + second for second in range(n_whole)]
    assert len(rates(rows()[:cut])) == n_whole


def test_what_follows_the_file_is_left_out_and_told() -> None:
    wire = read_wire(rows() + b"trailing bytes that are no header")
    assert len(wire.messages) == 5
    assert any("after the end" in text for text in wire.warnings)


def test_a_file_made_to_fill_the_memory_is_stopped() -> None:
    body = Body().define(0, RECORD, [])
    wire = read_wire(wrapped(bytes(body.data) + bytes(1_000_000)), WANTED)
    assert len(wire.messages) <= fit_wire.BUDGET / 8
    assert "more messages than" in str(wire.damage)


def test_a_file_of_ever_new_definitions_is_stopped() -> None:
    body = Body()
    for number in range(fit_wire.MOST_LAYOUTS + 1):
        body.define(0, number, [STAMP])
    assert "kinds of message" in str(read_wire(body.file()).damage)


@given(st.binary(max_size=300))
def test_the_checksum_equals_the_one_taken_byte_by_byte(data: bytes) -> None:
    assert fit_crc.crc16(data) == crc16(data)


def test_the_checksum_of_long_data_is_the_same_too() -> None:
    data = os.urandom(70_001)
    assert fit_crc.crc16(data) == crc16(data)


@pytest.mark.parametrize("data", [b"", b"\x0e", b".FIT", bytes(40)])
def test_bytes_without_a_header_are_refused(data: bytes) -> None:
    with pytest.raises(ExportUnreadable, match="not a FIT file"):
        read_wire(data)
