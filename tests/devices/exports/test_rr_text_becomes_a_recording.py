"""Texts of RR intervals keep every beat as written, with its time; without a start they are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.exports.found import Found, FoundSession, KnownBy, Setting
from hub.devices.exports.rr_text import is_rr_text, read_rr_text
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

BERLIN = ZoneInfo("Europe/Berlin")
NAMED = "2026-03-01 07-50-42.txt"
NAMED_MS = round(datetime(2026, 3, 1, 6, 50, 42, tzinfo=UTC).timestamp() * 1000)
NINE_MS = round(datetime(2026, 3, 1, 8, 0, tzinfo=UTC).timestamp() * 1000)
SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the shared samples are not beside the project"
)


def read(text: str, name: str = NAMED, mapping: dict[str, object] | None = None) -> Found:
    return read_rr_text(Source.of_bytes(name, text.encode()), Setting(BERLIN, mapping))


def recording(text: str, name: str = NAMED, mapping: dict[str, object] | None = None) -> FoundSession:
    (session,) = read(text, name, mapping).sessions
    return session


@pytest.mark.parametrize(
    "text",
    [
        "800\r\n810\r\n820\r\n",
        "0.800\n0.810\n0.820\n",
        "0,800\n0,810\n0,820\n",
        "800,0\n810,0\n820,0\n",
        "\ufeff800\n\n 810 \n820\n\n",
        "RR\n800\n810\n820\n",
        "# SIGNAL/SERIES EXPORT - KUBIOS\n# File:\tx\n800.000\n810.000\n820.000\n",
        "Notiz: Anna, 3. Versuch\n0,800\n0,810\nNotiz: müde\n0,820\n",
        "0.8 0.800\n1.61 0.810\n2.43 0.820\n",
        "800,800\n1610,810\n2430,820\n",
        "0,8;800\n1,61;810\n2,43;820\n",
    ],
)
def test_the_same_beats_come_out_of_every_form_of_list(text: str) -> None:
    session = recording(text)
    np.testing.assert_allclose(session.rr.rr_ms, [800, 810, 820])
    assert list(session.rr.at_ms - NAMED_MS) == [800, 1610, 2430]
    assert (session.started_at_ms, session.elapsed_s) == (NAMED_MS, 2.43)
    assert (session.sport, session.title, session.offset_known_by) == (
        "other",
        "RR recording",
        KnownBy.ASSUMED,
    )
    assert not session.rr.is_flagged.any()
    assert is_rr_text(text, "x")


def test_rising_numbers_are_the_beats_times() -> None:
    times = np.cumsum([0.812, 0.790, 0.805, 0.820, 0.811, 0.799, 0.808])
    session = recording("\n".join(f"{at:.3f}" for at in times))
    np.testing.assert_allclose(session.rr.rr_ms, [790, 805, 820, 811, 799, 808])
    assert list(session.rr.at_ms - NAMED_MS)[:2] == [1602, 2407]
    assert not session.rr.is_rough


def test_times_rounded_to_hundredths_make_rough_intervals() -> None:
    times = np.cumsum([0.81, 0.79, 0.80, 0.82, 0.81, 0.79, 0.80])
    assert recording("\n".join(f"{at:.2f}" for at in times)).rr.is_rough


def test_implausible_intervals_are_flagged_and_kept_as_written() -> None:
    found = read("800\n0\n-5\n65535\n99999\nnan\n812\n\n  815 \n1e3\n250\n2100\n")
    (session,) = found.sessions
    assert list(session.rr.rr_ms) == [800, 0, -5, 65_535, 99_999, 812, 815, 1000, 250, 2100]
    assert list(np.flatnonzero(session.rr.is_flagged)) == [1, 2, 3, 4, 8, 9]
    assert session.elapsed_s == pytest.approx((800 + 812 + 815 + 1000 + 250 + 2100) / 1000)
    assert [(held.where, held.text) for held in found.held] == [("line 6", "nan")]


def test_a_start_is_asked_for_and_can_be_given() -> None:
    with pytest.raises(ExportUnreadable, match="does not say when") as caught:
        read("800\n810\n820\n", "rr.txt")
    assert "2026-03-01 07-50-42.txt" in caught.value.hint
    said = recording("800\n810\n820\n", "rr.txt", {"started_at": "2026-03-01T09:00:00"})
    assert said.started_at_ms == NINE_MS
    aware = recording("800\n810\n820\n", "rr.txt", {"started_at": "2026-03-01T09:00:00+01:00"})
    assert (aware.started_at_ms, aware.offset_known_by) == (NINE_MS, KnownBy.FILE)


def test_a_person_can_say_that_the_unit_is_1024ths() -> None:
    np.testing.assert_allclose(
        recording("1024\n1024\n512\n", NAMED, {"unit": "1/1024 s"}).rr.rr_ms, [1000, 1000, 500]
    )


def test_heart_rates_are_no_intervals() -> None:
    with pytest.raises(ExportUnreadable, match="no RR intervals"):
        read("60\n61\n62\n63\n")
    assert not is_rr_text("60\n61\n62\n63\n", "x")


def test_hrv_logger_counts_from_its_first_time() -> None:
    text = (
        "date,rr,since start\n2026-03-01 09:00:00.000,800,0\n2026-03-01 09:00:01.000,810,810\n"
        "2026-03-01 09:00:01,820,1630\n"
    )
    session = recording(text, "x.csv")
    assert list(session.rr.at_ms - NINE_MS) == [0, 810, 1630]
    assert session.started_at_ms == NINE_MS - 800
    assert read(text, "x.csv").provider == "hrv logger"
    assert is_rr_text(text, "x")


@pytest.mark.parametrize("mark", [",", ";"])
def test_polar_sensor_logger_spreads_beats_that_came_together(mark: str) -> None:
    lines = [
        "Phone timestamp,RR-interval [ms]",
        *(f"2026-03-01T09:00:0{s},{rr}" for s, rr in ((1, 800), (3, 900), (3, 910), (4, 820))),
    ]
    text = "\n".join(lines).replace(",", mark)
    session = recording(text, "x.csv")
    assert list(session.rr.at_ms - NINE_MS) == [1000, 2090, 3000, 4000]
    assert read(text, "x.csv").provider == "polar sensor logger"


def test_times_that_fall_back_are_told_and_the_intervals_added_up() -> None:
    found = read(
        "Phone timestamp;RR-interval [ms]\n2026-03-01 09:00:05;800\n2026-03-01 09:00:01;810\n"
        "2026-03-01 09:00:02;820\n"
    )
    assert "do not rise" in found.warnings[0]
    assert list(np.diff(found.sessions[0].rr.at_ms)) == [810, 820]


def test_empatica_counts_from_its_first_line() -> None:
    text = "1772352000.000000, IBI\n7.700000,0.850000\n8.600000,0.865600\n9.500000,0.881200\n"
    session = recording(text, "IBI.csv")
    assert list(session.rr.at_ms - NINE_MS) == [7700, 8600, 9500]
    np.testing.assert_allclose(session.rr.rr_ms, [850, 865.6, 881.2])
    assert is_rr_text(text, "x")


def test_hrv4training_days_come_with_their_values() -> None:
    text = (
        "date, timestamp_measurement, HR, AVNN, SDNN, rMSSD, pNN50\n\n"
        "2026-03-01, 2026-03-01 06:00:00 +0000, 50.1, 1190, 80, 62.5, 30\n"
        "2026-03-02, 2026-03-02 06:00:00 +0000, 0, 0, 0, 0, 0\n"
        "2026-03-01, 2026-03-01 07:00:00 +0000, 51, 1180, 81, 63, 31\n"
    )
    found = read(text, "x.csv")
    assert found.sessions == ()
    assert {(d.date, d.name, d.value, d.unit) for d in found.daily} == {
        ("2026-03-01", "resting_heart_rate", 50.1, "bpm"),
        ("2026-03-01", "hrv_avnn", 1190, "ms"),
        ("2026-03-01", "hrv_sdnn", 80, "ms"),
        ("2026-03-01", "hrv_rmssd", 62.5, "ms"),
        ("2026-03-01", "hrv_pnn50", 30, "%"),
    }
    assert [held.reason for held in found.held] == [
        "all its values are 0 or empty",
        "another row is of the same athlete and day",
    ]
    assert (found.provider, is_rr_text(text, "x")) == ("hrv4training", True)


def test_dates_with_the_day_before_the_month_are_read_so_over_the_whole_column() -> None:
    found = read("date,HR,rMSSD\n2026-01-03,50,60\n2026-31-03,51,61\n")
    assert [d.date for d in found.daily] == ["2026-03-01"] * 2 + ["2026-03-31"] * 2
    assert found.warnings


def test_elite_hrv_summary_names_its_members() -> None:
    text = (
        "\ufeffMember,Date,Datetime,Type,HRV,lnRmssd,Rmssd,Nn50\n"
        "Anna,2026-03-01,2026-03-01 07:50:42,readiness,63,4.1,60.3,20\n"
        "Zoë,2026-03-01,2026-03-01 08:50:42,readiness,60,4.0,54.6,18\n"
    )
    found = read(text)
    assert [(d.person.name, d.value) for d in found.daily if d.name == "hrv_rmssd"] == [
        ("Anna", 60.3),
        ("Zoë", 54.6),
    ]
    assert found.provider == "elite hrv"


@pytest.mark.parametrize(
    "head",
    ["time,hr\n2026-03-01 10:00:00,120\n", "a,b\n2,3\n2,3\n2,3\n", "hello\nworld\n", "", "1\n2\n", "<gpx/>"],
)
def test_other_texts_are_not_taken_for_rr(head: str) -> None:
    assert not is_rr_text(head, "2026-03-01 07-50-42 rr.txt")


@needs_samples
@pytest.mark.parametrize(
    ("name", "n", "n_flagged", "sum_ms", "unread"),
    [
        ("rr/SampleExport.txt", 423, 0, 299_291, 0),
        ("synthetic/rr/empatica_IBI.csv", 300, 0, 273_579.6, 0),
        ("synthetic/rr/hrv_logger_RR_0001.csv", 300, 0, 253_350, 0),
        ("synthetic/rr/polar_sensor_logger.csv", 300, 0, 257_850, 0),
        ("synthetic/rr/seconds_decimal_comma.txt", 300, 0, 245_850, 0),
        ("synthetic/rr/rr_extreme.txt", 8, 4, 168_956, 1),
    ],
)
def test_shared_recordings_give_every_interval(
    name: str, n: int, n_flagged: int, sum_ms: float, unread: int
) -> None:
    source = Source.of_path(SAMPLES / name)
    assert is_rr_text(source.head().decode(), source.name)
    found = read_rr_text(source, Setting(BERLIN, {"started_at": "2026-03-01T09:00:00"}))
    (session,) = found.sessions
    assert (len(session.rr.rr_ms), int(session.rr.is_flagged.sum()), len(found.held)) == (
        n,
        n_flagged,
        unread,
    )
    assert float(session.rr.rr_ms.sum()) == pytest.approx(sum_ms)


LINES = st.lists(
    st.sampled_from(["800", "0,8", "0.8;0.81", "1e3", "-1", "65535", "Notiz: x", "# KUBIOS",
                     "date,rr,since start",
                     "Phone timestamp;RR-interval [ms]", "2026-03-01 09:00:00,800,0", "1772352000, IBI",
                     "7.7,0.85",
                     "date,HR,rMSSD", "2026-31-03,50,60", '"', "\0", "9" * 30, ""])
    | st.text(max_size=10),
    max_size=12,
)  # fmt: skip


@settings(max_examples=400)
@given(
    st.one_of(LINES.map(lambda lines: "\n".join(lines).encode()), st.binary(max_size=300)),
    st.sampled_from([NAMED, "x"]),
)
def test_any_bytes_are_a_recording_or_refused(data: bytes, name: str) -> None:
    hint = "none needed"
    is_rr_text(data.decode("latin-1"), name)
    try:
        for session in read_rr_text(Source.of_bytes(name, data), Setting(BERLIN)).sessions:
            assert len(session.rr.at_ms) == len(session.rr.rr_ms) == session.n_records
            assert session.elapsed_s >= 0
            assert np.isfinite(session.rr.rr_ms).all()
    except ExportUnreadable as refused:
        hint = refused.hint
    assert hint


def test_a_broken_first_line_above_the_headings_is_refused() -> None:
    with pytest.raises(ExportUnreadable) as caught:
        read('date,rr,since start"\x00\n2026-03-01 09:00:00.000,800,0\n')
    assert caught.value.hint


def test_a_table_that_calls_its_column_heart_rate_is_no_list_of_intervals() -> None:
    rows = "\n".join(f"{second};{600 + second}" for second in range(60))
    assert is_rr_text(f"RR;x\n{rows}", "a.csv")
    assert not is_rr_text(f"elapsed s;heart rate\n{rows}", "a.csv")
