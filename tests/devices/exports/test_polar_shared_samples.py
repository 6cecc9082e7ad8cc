"""Every shared Polar sample ends as its catalogue says; twins start in the same second."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hub.devices.exports.found import Found, Setting
from hub.devices.exports.polar_account import is_polar_account, read_polar_account
from hub.devices.exports.polar_flow import (
    is_polar_flow_csv,
    is_polar_flow_json,
    read_polar_flow_csv,
    read_polar_flow_json,
)
from hub.devices.exports.polar_hrm import is_polar_hrm, read_polar_hrm
from hub.devices.exports.polar_rr import is_polar_rr_csv, read_polar_rr_csv
from hub.devices.exports.polar_team import is_polar_team_csv, read_polar_team
from hub.devices.exports.polar_xml import is_polar_xml, read_polar_xml
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports.polar_files import BERLIN, utc_ms

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
READERS: tuple[tuple[Callable[[bytes], bool], Callable[[Source, Setting], Found]], ...] = (
    (is_polar_account, read_polar_account),
    (is_polar_flow_csv, read_polar_flow_csv),
    (is_polar_rr_csv, read_polar_rr_csv),
    (is_polar_flow_json, read_polar_flow_json),
    (is_polar_hrm, read_polar_hrm),
    (is_polar_xml, read_polar_xml),
    (lambda head: is_polar_team_csv(head) or head.startswith(b"PK"), read_polar_team),
)
# sessions, records, heart rates, RR intervals, sum of elapsed seconds
EXPECTED = {
    "polar/100001.json": (1, 0, 0, 0, 1534.9),
    "polar/200000.csv": (1, 2302, 2302, 0, 2301.0),
    "polar/200000.hrv.csv": (1, 0, 0, 4260, 2299.688),
    "polar/200000.json": (1, 0, 0, 0, 2301.0),
    "polar/200001.csv": (1, 2469, 2469, 0, 2468.0),
    "polar/200001.hrv.csv": (1, 0, 0, 5246, 2467.103),
    "polar/200001.json": (1, 0, 0, 0, 2468.875),
    "polar/20160904.xml": (1, 8572, 0, 0, 8581.0),
    "polar/empty.csv": (1, 1, 1, 0, 7737.0),
    "polar/empty.hrv": (1, 0, 0, 1, 0.5),
    "science/rr/bike_noisy_ectopics_40min.hrm": (1, 0, 0, 3581, 2403.015),
    "science/rr/bike_rest-exercise-recovery_42min.hrm": (1, 0, 0, 4117, 2561.791),
    "science/rr/vollmer_14121501.hrm": (1, 0, 0, 19001, 9514.6),
    "synthetic/polar_teampro/session.xlsx": (5, 0, 0, 0, 5 * 3753.0),
    "synthetic/polar_teampro/session_utf8bom.csv": (5, 0, 0, 0, 5 * 3753.0),
}


def read(path: Path) -> Found:
    source = Source.of_path(path)
    readers = [reader for suits, reader in READERS if suits(source.head())]
    assert len(readers) == 1, path
    return readers[0](source, BERLIN)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_holds_what_its_catalogue_says(name: str) -> None:
    found = read(SAMPLES / name)
    bpm = [one.track.column("bpm") for one in found.sessions]
    n_sessions, n_records, n_bpm, n_rr, elapsed_s = EXPECTED[name]
    assert len(found.sessions) == n_sessions
    assert sum(one.n_records for one in found.sessions) == n_records
    assert int(sum((~np.isnan(column)).sum() for column in bpm)) == n_bpm
    assert sum(len(one.rr.rr_ms) for one in found.sessions) == n_rr
    assert sum(one.elapsed_s for one in found.sessions) == pytest.approx(elapsed_s)
    assert found.held == ()


@pytest.mark.parametrize(
    ("name", "n_bpm", "started"),
    [("*2019-07-04*", 890, "2019-07-04T15:30:00"), ("*2026-02-19*", 894, "2026-02-19T16:01:05")],
)
def test_both_shapes_of_the_account_export_are_read(name: str, n_bpm: int, started: str) -> None:
    path = next((SAMPLES / "synthetic" / "polar_flow").glob(name))
    session = read(path).sessions[0]
    assert session.started_at_ms == utc_ms(started)
    assert (session.n_records, session.elapsed_s, session.sport) == (900, 900.0, "running")
    assert int((~np.isnan(session.track.column("bpm"))).sum()) == n_bpm
    assert int((~np.isnan(session.track.column("latitude_deg"))).sum()) == 90


@pytest.mark.parametrize("name", ["100012", "100013", "100014"])
def test_calendar_entries_of_tests_are_refused(name: str) -> None:
    with pytest.raises(ExportUnreadable, match="calendar"):
        read(SAMPLES / "polar" / f"{name}.json")


def test_the_twins_of_one_session_start_in_the_same_second() -> None:
    starts = {
        read(SAMPLES / "polar" / f"200000.{end}").sessions[0].started_at_ms
        for end in ("csv", "hrv.csv", "json")
    }
    for service in ("polar", "strava"):
        text = (SAMPLES / "tcx" / f"{service}_200000.tcx").read_text()
        stated = re.search(r"<Id>(.*?)\.000Z</Id>", text)
        first = re.search(r"<Time>(.*?)\.000Z</Time>", text)
        assert stated is not None
        assert first is not None
        assert starts == {utc_ms(stated[1])}
        assert utc_ms(first[1]) - starts.copy().pop() == 1000  # a TCX's first point is a second after its Id
