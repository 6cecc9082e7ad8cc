"""A delimited table comes out row by row in any encoding; rows that do not fit are held with their line."""

from __future__ import annotations

import io
import tracemalloc
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.exports.csv_text import MOST_LINE_CHARS, encoding_of, form_of
from hub.devices.exports.source import Source
from hub.devices.exports.table import MOST_HELD, duration_s, fold, has_cell, number, read_table
from hub.errors import ExportUnreadable

GERMAN = (
    'Datum;Puls;Strecke;Notiz\r\n01.03.2026;121;5,1;"größer; ""laut""\r\nund weiter"\r\n'
    "02.03.2026;122;5,2;x\r\n"
)


def rows(data: bytes) -> tuple[list[str], list[tuple[int, list[str]]], list[tuple[str, str]]]:
    table = read_table(Source.of_bytes("a.csv", data))
    found = list(table.rows)
    return table.header, found, [(held.where, held.reason) for held in table.held]


@pytest.mark.parametrize(
    "data",
    [
        GERMAN.encode("cp1252"),
        GERMAN.encode(),
        b"\xef\xbb\xbf" + GERMAN.encode(),
        GERMAN.encode("utf-16"),
        GERMAN.encode("utf-16-le"),
        GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-32"),
    ],
)
def test_the_same_table_comes_out_of_every_encoding(data: bytes) -> None:
    table = read_table(Source.of_bytes("a.csv", data))
    assert list(table.rows) == [
        (2, ["01.03.2026", "121", "5,1", 'größer; "laut"\r\nund weiter']),
        (4, ["02.03.2026", "122", "5,2", "x"]),
    ]
    assert (table.header, table.decimal_comma) == (["Datum", "Puls", "Strecke", "Notiz"], True)


@pytest.mark.parametrize(
    ("text", "delimiter", "decimal_comma"),
    [
        ("a,b\n1.5,2\n3.5,4\n", ",", False),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", True),
        ("a\tb\n1,5\t2,5\n", "\t", True),
        ("a|b\n1.5|2\n", "|", False),
        ('a,b\n"1,5",2\n"3,5",4\n', ",", True),
        ('a,b\n"1,500",2\n"3,500",4\n', ",", False),
        ('a,"x;y;z",c\n1,"p;q;r;s",2\n3,";",4\n', ",", False),
        ("seconds\n0,790\n0,791\n", ";", True),
        ("alone\n12\n13\n", ",", False),
    ],
)
def test_delimiter_and_decimal_mark_are_told_by_the_rows(
    text: str, delimiter: str, decimal_comma: bool
) -> None:
    form = form_of(Source.of_bytes("a.csv", text.encode()))
    assert (form.delimiter, form.decimal_comma) == (delimiter, decimal_comma)


def test_a_byte_from_another_encoding_far_down_does_not_end_the_reading() -> None:
    data = b"a,b\n" + b"1,2\n" * 40_000 + b"M\xfcller,2\n"
    _, found, held = rows(data)
    assert (found[-1], held) == ((40_002, ["Müller", "2"]), [])


def test_an_unclosed_quote_costs_its_own_row_only() -> None:
    _, found, held = rows(b'a,b\n1,"never closed\n' + b"2,3\n" * 2000)
    assert (len(found), found[0], found[-1]) == (2000, (3, ["2", "3"]), (2002, ["2", "3"]))
    assert held == [("line 2", "a quote is opened here and never closed")]


def test_an_unclosed_quote_in_the_last_line_is_told() -> None:
    assert rows(b'a,b\n1,2\n3,"x')[1:] == (
        [(2, ["1", "2"])],
        [("line 3", "a quote is opened here and never closed")],
    )


def test_an_unclosed_quote_before_a_quoted_cell_is_told_too() -> None:
    _, found, held = rows(b'a,b\n1,"open\n2,3\n4,"fine"\n5,6\n')
    assert found == [(3, ["2", "3"]), (4, ["4", "fine"]), (5, ["5", "6"])]
    assert held == [("line 2", "a quote is opened here and never closed")]


def test_rows_longer_or_shorter_than_the_header_are_held_with_their_lines() -> None:
    _, found, held = rows(b"a,b,c\n1,2\n3,4,5,6\n7,8,9,,\n\n1,2,3\n")
    assert found == [(4, ["7", "8", "9"]), (6, ["1", "2", "3"])]
    assert held == [
        ("line 2", "it has 2 cells where the header has 3"),
        ("line 3", "it has 4 cells where the header has 3"),
    ]


def test_short_rows_are_filled_where_the_reader_asks_for_it() -> None:
    table = read_table(Source.of_bytes("a.csv", b"a,b,c\n1,2\n"), pads_short_rows=True)
    assert list(table.rows) == [(2, ["1", "2", ""])]


def test_a_row_with_nul_bytes_is_held_and_no_sign_of_utf_16() -> None:
    _, found, held = rows(b"date,hr\n2026-01-01,12\x000\n2026-01-02,121\n")
    assert (found, held) == ([(3, ["2026-01-02", "121"])], [("line 2", "it holds NUL bytes")])


def test_too_long_a_line_is_held_and_the_next_is_read() -> None:
    _, found, held = rows(b"a,b\n" + b"x" * (3 * MOST_LINE_CHARS) + b",1\n3,4\n")
    assert (found, held[0][0], len(held)) == ([(3, ["3", "4"])], "line 2", 1)


def test_too_long_a_cell_is_held() -> None:
    _, found, held = rows(b'a,b\n"' + b"x\n" * 90 + b"y" * 40_000 + b'",1\n3,4\n')
    assert found == [(93, ["3", "4"])]
    assert held == [("line 2", "a cell is longer than 32,768 characters")]


def test_many_held_rows_become_a_count() -> None:
    table = read_table(Source.of_bytes("a.csv", b"a,b\n" + b"1\n" * 5000))
    assert list(table.rows) == []
    assert (len(table.held), sum(held.n for held in table.held)) == (MOST_HELD + 1, 5000)


def test_the_header_is_found_by_its_cells_below_a_preamble() -> None:
    data = b"\xef\xbb\xbfDate:,3/1/2026\nNum Players:,2\n\nPlayer Name,Period\nAnna,1\n"
    table = read_table(Source.of_bytes("a.csv", data), is_header=has_cell("player name"))
    assert (table.header, table.header_line) == (["Player Name", "Period"], 4)
    assert table.preamble == ((1, ["Date:", "3/1/2026"]), (2, ["Num Players:", "2"]))
    assert list(table.rows) == [(5, ["Anna", "1"])]


def test_a_missing_header_and_an_empty_file_are_refused() -> None:
    with pytest.raises(ExportUnreadable, match="names of its columns was not found"):
        read_table(Source.of_bytes("a.csv", b"a,b\n1,2\n"), is_header=has_cell("player name"))
    with pytest.raises(ExportUnreadable, match="it is empty"):
        read_table(Source.of_bytes("a.csv", b" \r\n"))
    with pytest.raises(ExportUnreadable, match="it is not a table of text"):
        read_table(Source.of_bytes("a.csv", bytes(range(1, 20)) * 50))


def test_a_table_of_a_hundred_megabytes_is_never_held_whole() -> None:
    class Endless(io.RawIOBase):
        left = 100_000_000 // 40

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            line = b"2026-01-01 10:00:00,120,47.12345,8.51234\n"
            view = memoryview(cast(bytearray, buffer))
            n = min(len(view) // len(line), self.left)
            self.left -= n
            view[: n * len(line)] = line * n
            return n * len(line)

    source = Source("a.csv", 100_000_000, lambda: cast(BinaryIO, io.BufferedReader(Endless(), 65_536)))
    table = read_table(source)
    tracemalloc.start()
    try:
        n = sum(1 for _, _ in zip(range(100_000), table.rows, strict=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n == 100_000
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("text", "decimal_comma", "value"),
    [
        (" 46.5 ", False, 46.5), ("46,5", True, 46.5), ("1.234,5", True, 1234.5), ("1,234.5", False, 1234.5),
        ("1,234", False, 1234.0), ("12,34", False, None), ("1e3", False, 1000.0), ("-.5", False, -0.5),
        ("−3", False, -3.0), ("1\u202f234", False, 1234.0), ("", False, None), ("nan", False, None),
        ("inf", False, None), ("1e400", False, None), ("1_000", False, None), ("٣", False, None),
        ("12 bpm", False, None), ("9" * 400, False, None),
    ],
)  # fmt: skip
def test_numbers_are_finite_or_none(text: str, decimal_comma: bool, value: float | None) -> None:
    assert number(text, decimal_comma) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:02:03", 3723.0),
        ("02:03", 123.0),
        ("0:00:01.25", 1.25),
        ("0:61:00", None),
        ("90", None),
        ("1:2:3:4", None),
    ],
)
def test_durations_are_seconds(text: str, value: float | None) -> None:
    assert duration_s(text) == value


def test_headings_are_compared_without_accents_case_and_marks() -> None:
    assert (
        fold("  Fréquence_Cardiaque (BPM) ")
        == fold("fre\u0301quence cardiaque bpm")
        == "frequence cardiaque bpm"
    )


@given(st.text(max_size=100), st.booleans())
def test_no_text_is_a_number_that_is_not_finite(text: str, decimal_comma: bool) -> None:
    value = number(text, decimal_comma)
    assert value is None or abs(value) < float("inf")
    length = duration_s(text)
    assert length is None or length >= 0


@settings(max_examples=300)
@given(st.binary(max_size=600) | st.text('ab1",;\n\r\t\0|', max_size=300).map(str.encode))
def test_any_bytes_are_a_table_or_refused_with_a_way_out(data: bytes) -> None:
    hint = "none needed"
    try:
        table = read_table(Source.of_bytes("a.csv", data))
        for line_no, cells in table.rows:
            assert line_no > table.header_line
            assert len(cells) == len(table.header)
    except ExportUnreadable as refusal:
        hint = refusal.hint
    assert hint


@given(st.text(min_size=5).filter(lambda text: text.isprintable()))
def test_what_is_valid_utf_8_is_read_as_utf_8(text: str) -> None:
    assert encoding_of(b"a," + text.encode()) == "utf-8"
