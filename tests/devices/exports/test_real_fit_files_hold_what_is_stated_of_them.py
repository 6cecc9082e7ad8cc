"""Counts, totals and columns of real FIT files equal what is written beside them; hostile ones end well.

All of it needs the shared samples and is skipped without them.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.devices.exports.fit import read_fit
from hub.devices.exports.found import Found, FoundSession, Setting
from hub.devices.exports.source import Source

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
HOSTILE = sorted((SAMPLES / "synthetic" / "hostile").glob("*.fit"))
MOST_MB, MOST_S = 256, 10
# Swim straps keep beats that are no hrv messages: the catalogue counts only those.
SWIM_STRAPS = ("event_timestamp", "garmin-fr935-cr", "sample_mulitple_header", "swim_hr_messages")

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason=f"no sample files in {SAMPLES}")


def read(path: Path) -> Found:
    return read_fit(Source.of_path(path), Setting(ZoneInfo("Europe/Berlin")))


def stated_rows() -> list[dict[str, str]]:
    """The catalogue's rows of FIT files with the counts they state."""
    catalogue = SAMPLES / "PROVENANCE.tsv"
    if not catalogue.exists():
        return []
    with catalogue.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [row for row in rows if row["file"].endswith(".fit") and row["records"]]


def counted(session: FoundSession, name: str) -> int:
    return next((int(one.value) for one in session.stated if one.name == name), 0)


@pytest.mark.parametrize("row", stated_rows(), ids=lambda row: row["file"])
def test_records_heart_rates_and_intervals_are_as_many_as_stated(row: dict[str, str]) -> None:
    sessions = read(SAMPLES / row["file"]).sessions
    assert sum(one.n_records for one in sessions) == int(row["records"])
    heart = 601 if "swim_hr_messages" in row["file"] else int(row["hr_records"])
    assert sum(counted(one, "heart_rate_records") for one in sessions) == heart
    n_rr = sum(len(one.rr.rr_ms) for one in sessions)
    if any(name in row["file"] for name in SWIM_STRAPS):
        assert n_rr > 1_000
    else:
        assert n_rr == int(row["rr_intervals"])
    for one in sessions:
        assert (np.diff(one.track.at_ms) > 0).all()
        assert (np.diff(one.rr.at_ms) >= 0).all()


@pytest.mark.parametrize(
    "row", [row for row in stated_rows() if "session0" in row["contains"]], ids=lambda row: row["file"]
)
def test_the_first_sessions_totals_are_the_stated_ones(row: dict[str, str]) -> None:
    text = row["contains"]
    totals = dict(re.findall(r"(dist|el|timer|avgHR|kcal)=(\d+(?:\.\d+)?)", text))
    session = read(SAMPLES / row["file"]).sessions[0]
    assert session.written_sport.split()[0] == re.findall(r"session0 (\w+)", text)[0]
    assert session.distance_m == (float(totals["dist"]) if "dist" in totals else None)
    assert session.energy_kcal == (int(totals["kcal"]) if "kcal" in totals else None)
    elapsed_s, timer_s = float(totals["el"]), float(totals["timer"]) if "timer" in totals else None
    if timer_s is not None:
        elapsed_s, timer_s = max(elapsed_s, timer_s), min(elapsed_s, timer_s)
    assert (session.elapsed_s, session.timer_s) == (elapsed_s, timer_s)
    assert counted(session, "average_heart_rate") == int(totals.get("avgHR", 0))
    if "t0=2" in text:
        first = datetime.fromisoformat(text.split("t0=")[1])
        late_s = (first - datetime.fromtimestamp(session.started_at_ms / 1000, UTC)).total_seconds()
        assert 0 <= late_s <= 60


def test_a_file_without_a_session_gives_what_its_rows_say() -> None:
    (session,) = read(SAMPLES / "fit" / "nick.fit").sessions
    assert (session.n_records, session.elapsed_s, session.distance_m) == (14_391, 16_723.0, 113_550.87)


def twin(name: str) -> list[dict[str, str]]:
    with (SAMPLES / "fit" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, skipinitialspace=True))


COLUMNS = (
    ("heart_rate", "bpm", 1.0), ("cadence", "cadence_per_min", 1.0), ("speed", "speed_mps", 1.0),
    ("distance", "distance_m", 1.0), ("position_lat", "latitude_deg", 180 / 2**31),
    ("position_long", "longitude_deg", 180 / 2**31), ("altitude", "altitude_m", 1.0),
    ("temperature", "temperature_c", 1.0),
)  # fmt: skip


@pytest.mark.parametrize("name", ["garmin-edge-500-activity", "garmin-fenix-5-run"])
def test_every_value_equals_the_files_twin_in_csv(name: str) -> None:
    (session,) = read(SAMPLES / "fit" / f"{name}.fit").sessions
    place = {int(ms): n for n, ms in enumerate(session.track.at_ms)}
    last: dict[tuple[int, str], str] = {}
    for row in twin(f"{name}-records.csv"):  # of two rows of one second the later known value counts
        at = datetime.strptime(row["timestamp"].replace("PDT", "-0700"), "%a %b %d %H:%M:%S %z %Y")
        for theirs, _, _ in COLUMNS:
            if row[theirs] not in ("", "null"):
                last[int(at.timestamp() * 1000), theirs] = row[theirs]
    assert {at_ms for at_ms, _ in last} == set(place)
    for theirs, ours, scale in COLUMNS:
        told = {at_ms: float(text) * scale for (at_ms, column), text in last.items() if column == theirs}
        mine = session.track.column(ours)
        mine = np.floor(mine) if ours == "cadence_per_min" else mine  # the twin leaves out its fraction
        assert set(session.track.at_ms[~np.isnan(mine)].tolist()) <= set(told), theirs
        before = 0.0  # the twin writes 0, or the value before, where nothing was measured
        for at_ms, value in told.items():
            own = mine[place[at_ms]]
            assert abs(own - value) < 1e-6 or (np.isnan(own) and value in (0, before)), (theirs, at_ms)
            before = value


def test_packed_speed_and_distance_equal_the_files_twin_in_csv() -> None:
    (session,) = read(SAMPLES / "fit" / "compressed-speed-distance.fit").sessions
    rows = twin("compressed-speed-distance-records.csv")
    at_s = session.track.at_ms // 1000
    place = {int(second - at_s[0]): n for n, second in enumerate(at_s)}
    columns = (("Heart Rate [bpm]", "bpm"), ("Speed [m/s]", "speed_mps"), ("Distance [m]", "distance_m"))
    first = int(rows[0]["Timestamp"])
    shift = min(
        (
            other
            for other in range(-10, 11)
            if all(int(r["Timestamp"]) - first + other in place for r in rows)
        ),
        key=abs,
    )
    compared = 0
    for row in rows:
        n = place[int(row["Timestamp"]) - first + shift]
        for theirs, ours in columns:
            if row[theirs] != "null":
                assert abs(session.track.column(ours)[n] - float(row[theirs])) < 0.01, row
                compared += 1
    assert compared > 2 * len(rows)


READ_ALL = """
import json, sys, time
from pathlib import Path
from zoneinfo import ZoneInfo
from hub.devices.exports.fit import read_fit
from hub.devices.exports.found import Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
for name in sys.argv[1:]:
    began = time.monotonic()
    try:
        found = read_fit(Source.of_path(Path(name)), Setting(ZoneInfo("Europe/Berlin")))
        said = f"{sum(one.n_records for one in found.sessions)} records"
    except ExportUnreadable as error:
        said = str(error)
    status = Path("/proc/self/status").read_text()  # a child's ru_maxrss begins with its parent's
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps([Path(name).name, time.monotonic() - began, peak_mb, said]))
"""


def test_hostile_files_end_soon_in_little_memory_and_with_a_word() -> None:
    command = [sys.executable, "-c", READ_ALL, *map(str, HOSTILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=MOST_S * len(HOSTILE))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(HOSTILE) >= 14
    for name, spent_s, peak_mb, said in told:
        print(f"{name:36} {spent_s:6.3f} s {peak_mb:6.1f} MB  {said}")
        assert spent_s < MOST_S
        assert peak_mb < MOST_MB
        assert said.endswith("records") or said.endswith(".")
