"""A table of an unknown maker is read where its headings leave no doubt, or by what the club once said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.exports.found import Found, KnownBy, Setting
from hub.devices.exports.generic_csv import detect, header_signature, preview, read_generic
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

BERLIN = ZoneInfo("Europe/Berlin")
SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples" / "synthetic" / "generic"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the shared samples are not beside the project"
)


def source(text: str, name: str = "a.csv") -> Source:
    return Source.of_bytes(name, text.encode())


def read(text: str, mapping: dict[str, object] | None = None, name: str = "a.csv") -> Found:
    stored = json.loads(json.dumps(mapping))  # as it comes back from where the club's mappings are kept
    return read_generic(source(text, name), Setting(BERLIN, stored))


def refusal(text: str, mapping: dict[str, object] | None = None) -> tuple[str, str]:
    with pytest.raises(ExportUnreadable) as caught:
        read(text, mapping)
    return caught.value.detail, caught.value.hint


def mapped(**columns: str) -> dict[str, object]:
    return {"columns": {name: {"meaning": meaning} for name, meaning in columns.items()}}


def ms(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


def test_plain_headings_are_read_without_being_told() -> None:
    found = read("time,heart rate,speed (km/h)\n2026-03-01 10:00:00,120,36\n2026-03-01 10:00:02,0,\n")
    (session,) = found.sessions
    assert session.started_at_ms == ms(2026, 3, 1, 9)
    assert (session.utc_offset_s, session.offset_known_by, session.elapsed_s) == (3600, KnownBy.ASSUMED, 2.0)
    assert list(session.track.at_ms) == [ms(2026, 3, 1, 9), ms(2026, 3, 1, 9, 0, 2)]
    np.testing.assert_array_equal(session.track.columns["bpm"], [120, np.nan])
    np.testing.assert_array_equal(session.track.columns["speed_mps"], [10, np.nan])
    assert (session.n_records, found.held, found.warnings) == (2, (), ())


@pytest.mark.parametrize(
    ("first", "start_ms", "offset_s", "known_by"),
    [
        ("2026-07-01T10:00:00+02:00", ms(2026, 7, 1, 8), 7200, KnownBy.FILE),
        ("2026-07-01T10:00:00Z", ms(2026, 7, 1, 10), 7200, KnownBy.ASSUMED),
        ("1782900000", 1_782_900_000_000, 7200, KnownBy.ASSUMED),
        ("1782900000500", 1_782_900_000_500, 7200, KnownBy.ASSUMED),
        ("01.07.2026 10:00:00", ms(2026, 7, 1, 8), 7200, KnownBy.ASSUMED),
    ],
)
def test_times_are_taken_as_they_are_written(
    first: str, start_ms: int, offset_s: int, known_by: KnownBy
) -> None:
    (session,) = read(f"timestamp;hr\n{first};120\n").sessions
    assert (session.started_at_ms, session.utc_offset_s, session.offset_known_by) == (
        start_ms,
        offset_s,
        known_by,
    )


def test_a_place_tells_the_zone_of_times_that_say_none() -> None:
    (session,) = read("time,hr,lat,lon\n2026-07-01 10:00:00,120,40.71,-74.0\n").sessions
    assert session.started_at_ms == ms(2026, 7, 1, 14)
    assert (session.utc_offset_s, session.offset_known_by) == (-14_400, KnownBy.GPS)


def test_rows_of_several_athletes_are_a_session_each() -> None:
    found = read(
        "Date;Time;Player;Jersey;HR\n01.03.2026;10:00:00;Anna;7;120\n01.03.2026;10:00:00;Zoë;9;130\n"
        "01.03.2026;10:00:01;Anna;7;121\n"
    )
    assert [(s.person.name, s.person.shirt_number, s.n_records) for s in found.sessions] == [
        ("Anna", 7, 2),
        ("Zoë", 9, 1),
    ]


def test_hours_without_a_row_part_two_sessions() -> None:
    lines = [f"2026-03-01T{hour:02d}:00:{second:02d}Z,120" for hour in (9, 14) for second in range(5)]
    assert [s.n_records for s in read("time,hr\n" + "\n".join(lines)).sessions] == [5, 5]


def test_a_wild_time_among_many_is_held_and_makes_no_session() -> None:
    lines = [f"2026-03-01T09:{n // 60:02d}:{n % 60:02d}Z,120" for n in range(100)]
    found = read("time,hr\n" + "\n".join([*lines[:50], "2031-01-01T00:00:00Z,120", *lines[50:]]))
    assert [s.n_records for s in found.sessions] == [100]
    assert [(h.where, h.reason) for h in found.held] == [("line 52", "far from the times of the other rows")]


def test_bad_rows_and_values_are_held_with_line_reason_and_text() -> None:
    found = read(
        "time,hr\n2026-03-01T09:00:00Z,120\nsoon,121\n2026-03-01T09:00:02Z,many\n2026-03-01T09:00:03Z,900\n"
        "2026-03-01T09:00:04Z\n2026-03-01T09:00:00Z,125\n2026-03-01T09:00:05Z,NaN\n"
    )
    assert [(h.where, h.reason, h.text) for h in found.held] == [
        ("line 3", "its time cannot be read", "soon"),
        ("line 4", "its heart rate is no number", "many"),
        ("line 5", "its heart rate cannot be true", "900"),
        ("line 6", "it has 1 cells where the header has 2", "2026-03-01T09:00:04Z"),
        ("line 7", "another row has the same time", ""),
    ]
    (session,) = found.sessions
    np.testing.assert_array_equal(session.track.columns["bpm"], [120, np.nan, np.nan, np.nan])


def test_rr_intervals_are_kept_raw_and_the_implausible_flagged() -> None:
    (session,) = read(
        "time,hr,rr\n2026-03-01T09:00:01Z,60,1000\n2026-03-01T09:00:01Z,60,1001\n2026-03-01T09:00:03Z,60,65535\n"
    ).sessions
    assert list(session.rr.rr_ms) == [1000, 1001, 65_535]
    assert list(session.rr.is_flagged) == [False, False, True]
    assert list(session.rr.at_ms - session.started_at_ms) == [0, 0, 2000]
    assert session.n_records == 2


def test_a_row_a_session_is_read_with_its_totals() -> None:
    found = read(
        "Start time,Duration,Activity,Distance (km),Avg HR,Max HR,Calories (kcal)\n"
        "2026-03-01 18:00,1:30:00,Running,10.5,150,181,900\n2026-03-02 18:00,,Running,1,1,1,1\n"
    )
    (session,) = found.sessions
    assert (session.sport, session.elapsed_s, session.distance_m, session.energy_kcal) == (
        "running",
        5400,
        10_500,
        900,
    )
    assert {s.name: s.value for s in session.stated} == {"mean_heart_rate": 150, "max_heart_rate": 181}
    assert "it says no duration" in [held.reason for held in found.held]


def test_a_row_a_day_becomes_daily_values() -> None:
    found = read(
        "date;weight_kg;resting hr;note\n2026-03-01;80,5;48;x\n2026-03-02;80,1;0;\n2026-03-02;79,0;50;\n"
    )
    assert [(d.date, d.name, d.value, d.unit) for d in found.daily] == [
        ("2026-03-01", "weight", 80.5, "kg"),
        ("2026-03-01", "resting_heart_rate", 48, "bpm"),
        ("2026-03-02", "weight", 80.1, "kg"),
    ]
    assert [held.reason for held in found.held] == ["another row is of the same athlete and day"]
    assert found.warnings == ('These columns were not read: "note".',)


def test_what_only_a_person_can_tell_is_asked() -> None:
    detail, hint = refusal("a,b,c\n1,2,3\n")
    assert detail == "it is a table that Touchline does not know: columns a, b, c."
    assert hint == "Open it on the imports page and say what each column is."
    asked = {
        "time,hr,speed\n2026-03-01 10:00,120,5\n": ("unit", "speed"),
        "date,weight (kg)\n3/4/2026,80\n5/6/2026,81\n": ("date_order", "date"),
        "elapsed (s),hr\n0,120\n1,121\n": ("started_at", ""),
        "time,hr,pulse\n2026-03-01 10:00,120,5\n": ("columns", "pulse"),
        "date,hr\n2026-03-01,60\n": ("columns", "hr"),
    }
    for text, (about, column) in asked.items():
        assert [(q.about, q.column) for q in detect(source(text)).questions] == [(about, column)]
        assert "imports page" in refusal(text)[1]


def test_the_order_of_dates_is_told_by_a_date_at_the_end_of_the_column() -> None:
    text = "date,weight (kg)\n" + "3/4/2026,80\n" * 2000
    assert detect(source(text + "12/31/2026,81\n")).date_order == "mdy"
    assert detect(source(text + "31/12/2026,81\n")).date_order == "dmy"
    assert detect(source(text + "31/12/2026,81\n12/31/2026,80\n")).date_order is None


def test_a_mapping_says_columns_units_and_order() -> None:
    mapping: dict[str, object] = {
        "kind": "samples",
        "columns": {
            "wann": {"meaning": "time"},
            "v": {"meaning": "speed", "unit": "km/h"},
            "p": {"meaning": "heart_rate", "unit": "bpm"},
        },
        "delimiter": ";",
        "decimal": ",",
        "date_order": "mdy",
        "zone": "America/New_York",
        "sport": "football",
        "title": "Match",
    }
    (session,) = read("wann;v;p;rest\n3/4/2026 10:00;7,2;120;x\n", mapping).sessions
    assert (session.started_at_ms, session.sport, session.title) == (ms(2026, 3, 4, 15), "football", "Match")
    assert session.track.columns["speed_mps"][0] == pytest.approx(2.0)


def test_elapsed_times_need_a_start_from_the_mapping_or_the_name() -> None:
    text = "t,hr\n0:00:00,120\n0:00:01,121\n"
    mapping = mapped(t="elapsed", hr="heart_rate")
    mapping["columns"]["t"]["unit"] = "h:mm:ss"  # type: ignore[index]
    assert "2026-03-01 18-30-00" in refusal(text, mapping)[1]
    (named,) = read(text, mapping, "2026-03-01 18-30-00.csv").sessions
    (said,) = read(text, mapping | {"started_at": "2026-03-01T18:30:00"}).sessions
    assert named.started_at_ms == said.started_at_ms == ms(2026, 3, 1, 17, 30)
    assert list(np.diff(said.track.at_ms)) == [1000]


def test_a_table_without_headings_can_be_mapped() -> None:
    text = "2026-03-01 10:00:00,120\n2026-03-01 10:00:01,121\n"
    guess = detect(source(text))
    assert (guess.header_line, [c.name for c in guess.columns]) == (0, ["column 1", "column 2"])
    mapping: dict[str, object] = {
        "header_line": 0,
        "columns": {"column 1": {"meaning": "time"}, "column 2": {"meaning": "heart_rate"}},
    }
    assert read(text, mapping).sessions[0].n_records == 2


@pytest.mark.parametrize(
    "mapping",
    [
        {}, {"columns": {}}, {"columns": 5}, {"columns": {"hr": 5}}, {"kind": "tea", **mapped(time="time")},
        mapped(time="time", nothere="heart_rate"), mapped(time="time", hr="tea"),
        mapped(time="time", hr="time"), mapped(time="time"), mapped(hr="heart_rate"),
        {**mapped(time="time", hr="heart_rate"), "encoding": "rot13"},
        {**mapped(time="time", hr="heart_rate"), "delimiter": "\n"},
        {**mapped(time="time", hr="heart_rate"), "zone": "../../etc/passwd"},
        {**mapped(time="time", hr="heart_rate"), "date_order": "xyz"},
        {**mapped(time="time", hr="heart_rate"), "started_at": "soon"},
        {**mapped(time="time", hr="heart_rate"), "header_line": 99},
        {"columns": {"time": {"meaning": "time"}, "hr": {"meaning": "speed", "unit": "bpm"}}},
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_told(mapping: dict[str, object]) -> None:
    detail, hint = refusal("time,hr\n2026-03-01T09:00:00Z,120\n", mapping)
    assert detail.endswith(".")
    assert hint


def test_tables_with_the_same_headings_share_a_signature_however_written() -> None:
    one = header_signature(source("Time,Heart Rate\n2026-03-01 10:00,120\n"))
    other = header_signature(Source.of_bytes("b", "time;heart_rate\r\n01.03.2026;99\r\n".encode("utf-16")))
    assert one == other != header_signature(source("Time,Speed\n2026-03-01 10:00,120\n"))


def test_the_guess_itself_is_a_mapping_that_reads_the_table_alike() -> None:
    text = "time,hr,dist (km)\n2026-03-01 10:00:00,120,0.0\n2026-03-01 10:00:01,121,0.004\n"
    one, other = read(text).sessions[0], read(text, detect(source(text)).mapping()).sessions[0]
    assert (one.started_at_ms, one.distance_m) == (other.started_at_ms, other.distance_m)
    assert one.distance_m == pytest.approx(4)


def test_a_preview_shows_typed_rows_and_what_is_wrong() -> None:
    text = "time,player,hr\n2026-03-01 10:00:00,Anna,120\n2026-03-01 10:00:01,Anna,x\n" * 30
    shown = preview(source(text), detect(source(text)).mapping(), rows=2)
    assert shown.headings == ("time", "player", "hr")
    assert shown.rows == (
        (2, ("2026-03-01 10:00:00", "Anna", 120.0)),
        (3, ("2026-03-01 10:00:01", "Anna", None)),
    )
    assert [(h.where, h.text) for h in shown.held] == [("line 3", "x")]


def test_far_too_many_rows_are_refused_before_they_are_read() -> None:
    line = b"2026-01-01 00:00:00,120\n"
    huge = Source("a.csv", 2_000_000_000, source("time,hr\n" + line.decode() * 4000).opener)
    with pytest.raises(ExportUnreadable, match="more than 2,000,000 rows"):
        read_generic(huge, Setting(BERLIN))


@needs_samples
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("formula_injection.csv", "columns name, note."),
        ("mixed_dates_us.csv", "columns Date, HR."),
        ("nul_bytes.csv", "line 2, it holds NUL bytes."),
        ("ragged.csv", "line 2, it has 2 cells where the header has 3."),
        ("unclosed_quote.csv", "columns a, b."),
    ],
)
def test_shared_tables_that_cannot_be_read_say_why(name: str, says: str) -> None:
    with pytest.raises(ExportUnreadable) as caught:
        read_generic(Source.of_path(SAMPLES / name), Setting(BERLIN))
    assert caught.value.detail.endswith(says)
    assert caught.value.hint


@needs_samples
@pytest.mark.parametrize(
    "name", ["semicolon_decimal_comma_cp1252.csv", "utf16le_bom_tab.csv", "utf8_bom_comma.csv"]
)
def test_shared_tables_of_days_are_the_same_in_every_writing(name: str) -> None:
    found = read_generic(Source.of_path(SAMPLES / name), Setting(BERLIN))
    assert (len(found.daily), found.held) == (19 * 4, ())
    first = {value.name: value.value for value in found.daily if value.date == "2026-03-01"}
    assert first == {"duration": 46.5 * 60, "rpe": 2, "mean_heart_rate": 121, "distance": pytest.approx(5100)}


HEADS = st.sampled_from(
    ["time,hr,lat,lon\n", "date;duration;hr\n", "elapsed (s),rr\n", "date,weight (kg)\n", ""]
)
CELLS = st.lists(
    st.sampled_from(
        [
            "2026-03-01 10:00:00",
            "3/4/2026",
            "31/12/2026",
            "120",
            "1e9",
            "1782900000",
            "0:01:02",
            '"',
            "\0",
            "",
            "47.1",
        ]
    )
    | st.text(max_size=8),
    max_size=5,
)


@settings(max_examples=300)
@given(HEADS, st.lists(CELLS, max_size=8), st.sampled_from([",", ";"]))
def test_any_rows_under_known_headings_are_read_or_refused(
    head: str, lines: list[list[str]], mark: str
) -> None:
    data = (head + "\n".join(mark.join(cells) for cells in lines)).encode()
    hint = "none needed"
    try:
        for session in read_generic(
            Source.of_bytes("2026-03-01 10-00-00.csv", data), Setting(BERLIN)
        ).sessions:
            assert (np.diff(session.track.at_ms) > 0).all()
            assert session.elapsed_s >= 0
    except ExportUnreadable as refused:
        hint = refused.hint
    assert hint


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    hint = "none needed"
    try:
        detect(Source.of_bytes("a", data))
        header_signature(Source.of_bytes("a", data))
        read_generic(Source.of_bytes("a", data), Setting(BERLIN))
    except ExportUnreadable as refused:
        hint = refused.hint
    assert hint
