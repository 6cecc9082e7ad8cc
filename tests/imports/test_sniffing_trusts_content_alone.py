"""What a file is follows from its bytes; its name may lie in any way."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

import hub.devices.exports as exports
from hub.devices.exports import sniff
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.imports.own_files import ALL, RR_NAME, fit_run, gpx_run, polar_rr, tcx_run, zipped

EXPORTS = Path(exports.__path__[0])
EXPECTED = {
    "run.fit": "FIT", "run.gpx": "GPX", "run.tcx": "TCX", "export.xml": "Apple Health",
    "sleeps.csv": "WHOOP CSV", "session.csv": "Polar Flow CSV", RR_NAME: "RR text", "old.hrm": "HRM",
    "sonra.csv": "STATSports CSV", "diary.csv": "CSV",
}  # fmt: skip


def named(data: bytes, name: str = "file.bin") -> str:
    return sniff.kind_of(Source.of_bytes(name, data)).name


@pytest.mark.parametrize("name", ALL)
def test_every_format_is_known_whatever_the_file_is_called(name: str) -> None:
    data = ALL[name]()
    assert {named(data, called) for called in (name, "x.fit", "x.gpx", "x", "x.csv")} == {EXPECTED[name]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_known_in_any_usual_encoding(encoding: str) -> None:
    assert named(ALL["sleeps.csv"]().decode().encode(encoding)) == "WHOOP CSV"
    assert named(gpx_run().decode().encode(encoding)) == "GPX"


def test_blanks_comments_and_a_long_doctype_before_the_root_do_not_hide_it() -> None:
    before = b"\r\n  <?xml version='1.0'?><!-- <html> -->"
    assert named(before + tcx_run().partition(b"?>")[2]) == "TCX"
    elements = b"".join(b"<!ELEMENT E%d EMPTY>\n" % i for i in range(500))
    assert named(b"<!DOCTYPE HealthData [\n" + elements + b"]>\n<HealthData locale='x'>") == "Apple Health"


def test_a_letter_cut_in_two_by_the_end_of_the_head_leaves_the_text_whole() -> None:
    data = polar_rr() + "é".encode() * 40_000
    assert {named(b"," * pad + data) for pad in (0, 1)} == {"Polar RR CSV", "CSV"}


def test_a_workbook_is_no_archive_and_an_archive_no_workbook() -> None:
    saved = io.BytesIO()
    openpyxl.Workbook().save(saved)
    assert sniff.is_workbook(Source.of_bytes("a.zip", saved.getvalue()))
    for files in (
        {"a.fit": fit_run()},
        {"a.fit": b"x", "xl/a.txt": b"x"},
        {"a.csv": b"[Content_Types].xml,xl/"},
    ):
        assert not sniff.is_workbook(Source.of_bytes("a.xlsx", zipped(files)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is empty."),
        (b"MZ\x90\x00" + bytes(200), "it is a program, not an export."),
        (b"\x7fELF" + bytes(200), "it is a program, not an export."),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "it is a picture or a film, not an export."),
        (b"%PDF-1.7\n", "it is a PDF, made to be read by people."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "it is an old Excel workbook (.xls)."),
        (b"<!doctype html><p>Sign in", "it is a web page, not the file."),
        (b"\n<html><p>Sign in", "it is a web page, not the file."),
        (b"<svg xmlns='x'/>", "it is XML of a kind that is not known here."),
        (b'{"a": 1}', "it is JSON of a kind that is not known here."),
        (bytes(range(256)) * 9, "it is of no kind that is known here."),
    ],
)
def test_what_is_no_export_is_called_what_it_is(data: bytes, sentence: str) -> None:
    with pytest.raises(ExportUnreadable) as refused:
        named(data, "run.fit")
    assert refused.value.detail == sentence
    assert refused.value.hint.endswith(".")


def test_only_known_formats_are_surely_exports() -> None:
    sure = {name: sniff.is_export(Source.of_bytes("x", make())) for name, make in ALL.items()}
    assert {name for name, is_sure in sure.items() if not is_sure} == {"diary.csv"}
    assert sniff.is_table(Source.of_bytes("x", ALL["diary.csv"]()))
    assert not sniff.is_table(
        Source.of_bytes("x", b"Dear club,\n\nhere are the data.\nBest wishes, Anna, Bo\n")
    )
    assert not sniff.is_export(Source.of_bytes("x.fit", b"A shopping list:\nmilk, eggs\n"))


@pytest.mark.parametrize("kind", [*sniff.KINDS, sniff.OTHER_TABLE], ids=lambda kind: kind.name)
def test_every_reader_of_the_table_exists(kind: sniff.Kind) -> None:
    assert callable(kind.load())


def test_every_reader_stands_in_the_table_or_is_called_by_one_that_does() -> None:
    written = {
        f"{path.stem}:{node.name}"
        for path in EXPORTS.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("read_")
        and [ast.unparse(arg.annotation) for arg in node.args.args if arg.annotation] == ["Source", "Setting"]
        and node.returns is not None
        and ast.unparse(node.returns) == "Found"
    }
    assert written - {"hrv_summary:read_summary"} == {
        kind.reader for kind in (*sniff.KINDS, sniff.OTHER_TABLE)
    }


def test_telling_a_fit_file_loads_no_other_reader() -> None:
    question = (
        "import sys; from hub.devices.exports import sniff; from hub.devices.exports.source import Source;"
        "sniff.kind_of(Source.of_bytes('x', bytes(8) + b'.FIT')).load(); print(*sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", question], capture_output=True, text=True, check=True, cwd=EXPORTS.parents[2]
    )
    assert "hub.devices.exports.fit" in loaded.stdout.split()
    assert not {"openpyxl", "pandas", "tzfpy", "hub.devices.exports.whoop"} & set(loaded.stdout.split())
