"""Every raw value of real files equals fitdecode's, totals equal the stated ones, no byte crashes it."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC
from pathlib import Path

import fitdecode
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.exports.fit import read_fit
from hub.devices.exports.fit_activity import read_activity
from hub.devices.exports.fit_wire import read_wire
from hub.devices.exports.found import Found, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.fit_writer import Body, fit_file
from tests.devices.exports.test_fit_messages_become_an_activity import T0, recorded, swim

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
SMALL_BYTES = 300_000
FILES = sorted(path for path in SAMPLES.rglob("*.fit") if 0 < path.stat().st_size < SMALL_BYTES)
Raw = object


def theirs(data: bytes) -> list[tuple[int, list[tuple[int, Raw]]]]:
    """fitdecode's messages: number, and (field number, raw value) of each field that has a sound size."""
    found = []
    try:
        with fitdecode.FitReader(
            io.BytesIO(data),
            processor=None,
            check_crc=fitdecode.CrcCheck.DISABLED,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as reader:
            for frame in reader:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    fields = [(f.field_def.def_num, f.raw_value) for f in frame.fields if f.field_def]
                    found.append((frame.global_mesg_num, fields))
    except (fitdecode.FitError, AssertionError):
        pass  # what it had read before the damage is compared
    return found


def ours(data: bytes) -> list[tuple[int, list[tuple[int, Raw]]]]:
    found = []
    for message in read_wire(data).messages:
        fields = [(slot.number, slot.read(message.values)) for slot in message.layout.every]
        found.append((message.layout.number, [(n, _as_numbers(v)) for n, v in fields]))
    return found


def _as_numbers(value: Raw) -> Raw:
    return tuple(value) if isinstance(value, bytes) else value


def differences(data: bytes) -> tuple[int, list[str]]:
    """How many values were compared, and each message that differs; misfit fields are theirs only."""
    mine, other, n, wrong = ours(data), theirs(data), 0, []
    if len(mine) < len(other):
        wrong.append(f"{len(mine)} messages instead of {len(other)}")
    for (kind, fields), (their_kind, their_fields) in zip(mine, other, strict=False):
        if len(fields) != len(their_fields):
            known = [number for number, _ in fields]
            their_fields = [one for one in their_fields if one[0] in known]
        n += len(fields)
        if kind != their_kind or not all(map(_same, fields, their_fields)):
            wrong.append(f"{kind}: {fields} is not {their_fields}")
    return n, wrong


def _same(mine: tuple[int, Raw], other: tuple[int, Raw]) -> bool:
    (number, value), (their_number, their_value) = mine, other
    if isinstance(value, float) and isinstance(their_value, float) and math.isnan(their_value):
        return False
    return number == their_number and value == their_value


def test_every_raw_value_of_real_files_equals_fitdecodes() -> None:
    if not FILES:
        pytest.skip(f"no sample files in {SAMPLES}")
    compared = 0
    for path in FILES:
        if path.name == "gpx_named.fit":
            continue
        n, wrong = differences(path.read_bytes())
        assert not wrong, f"{path.name}: {wrong[:3]}"
        compared += n
    assert compared > 100_000


def stated() -> list[dict[str, str]]:
    """The catalogue's rows of FIT files that are there, with the counts they state."""
    catalogue = SAMPLES / "PROVENANCE.tsv"
    if not catalogue.exists():
        return []
    with catalogue.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [row for row in rows if row["file"].endswith(".fit") and row["records"]]


@pytest.mark.parametrize("row", stated(), ids=lambda row: row["file"])
def test_real_files_hold_what_their_catalogue_states(row: dict[str, str]) -> None:
    activity = read_activity((SAMPLES / row["file"]).read_bytes())
    assert activity.n_records == int(row["records"])
    assert len(activity.beats.rr_ms) == int(row["rr_intervals"]) or activity.beats.source == "hr"
    merged = activity.n_records - activity.quarantined - len(activity.records.at_ms)
    n_heart = int((~np.isnan(activity.records.column("bpm"))).sum()) + activity.quarantined_bpm
    n_heart_stated = 601 if "swim_hr_messages" in row["file"] else int(row["hr_records"])
    assert n_heart_stated - merged <= n_heart <= n_heart_stated
    n_placed = int((~np.isnan(activity.records.column("lat_deg"))).sum())
    assert n_placed >= int(row["gps_records"]) - merged - activity.quarantined


WHOLE = [
    recorded(8).add(1, "<IIBIII", T0, T0, 1, 9_000, 9_000, 0).add(3, "<5H", *[800] * 5).file(),
    swim(),
    fit_file([("record", (T0 + second, 120)) for second in range(9)]) * 2,
    Body().define(0, 20, [(253, 4, 0x86), (3, 1, 2)], extras=[(1, 2, 0)]).add(0, "<IBH", T0, 99, 1).file(),
]


@settings(max_examples=500, deadline=2_000)
@given(st.data())
def test_flipped_and_cut_bytes_are_salvaged_or_refused_and_nothing_else(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    for damaged in (bytes(file), bytes(file[:cut])):
        found = salvaged(damaged)
        if found is not None:
            for session in found.sessions:
                bpm = session.track.column("bpm")
                assert (np.diff(session.track.at_ms) > 0).all()
                assert (np.isnan(bpm) | ((bpm > 0) & (bpm < 255))).all()
                assert session.started_at_ms <= session.track.at_ms[:1].min(initial=session.started_at_ms)


def salvaged(data: bytes) -> Found | None:
    """What is read from damaged bytes, None where they are refused."""
    try:
        return read_fit(Source.of_bytes("a.fit", data), Setting(UTC))
    except ExportUnreadable:
        return None


@settings(max_examples=200, deadline=2_000)
@given(st.binary(max_size=400))
def test_any_bytes_after_a_header_are_survived(body: bytes) -> None:
    head = b"\x0e\x20\x54\x08" + len(body).to_bytes(4, "little") + b".FIT\0\0"
    read_activity(head + body)
