"""Every file of the shared samples through the command, on one store: what its catalogue says comes out.

The catalogue's counts and totals are the oracle; where the project means to differ, the reason stands here.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.commands import import_files as import_command
from hub.config import HubSettings
from hub.devices.exports.found import Setting
from hub.imports import zones
from hub.imports.keep import keep
from hub.imports.read import read_path
from hub.imports.readfile import ReadFile
from hub.store import questions, sessions
from tests.imports import made

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
ZONE = ZoneInfo("UTC")

SUMMARY = re.compile(r"session0 \S+ dist=(\S+) el=(\S+) timer=(\S+) avgHR=(\S+) kcal=(\S+?)\. ")
NOT_EQUAL = {
    ("fit/null_compressed_speed_dist.fit", "elapsed_s"): "elapsed shorter than timer: they are swapped",
    ("fit/null_compressed_speed_dist.fit", "timer_s"): "elapsed shorter than timer: they are swapped",
    ("gpx/cerknicko-without-times.gpx", "records"): "points without a time are held back",
    ("synthetic/fit/swim_hr_messages.fit", "hr"): "601 after the strap's memory is merged, as expected says",
}
TABLE = "a table that Touchline does not know"
REFUSED = {
    "PROVENANCE": TABLE, "make_synthetic": TABLE, "-openapi.yml": TABLE, "-records.csv": TABLE,
    "generic/formula_injection": TABLE, "generic/mixed_dates": TABLE, "generic/unclosed_quote": TABLE,
    "generic/nul_bytes": "holds NUL bytes", "generic/ragged": "has 2 cells where the header has 3",
    "catapult/ima": "inertial movement events", "catapult/velEfforts": "velocity efforts",
    "gpx/Mojstrovka": "its clock is wrong throughout", "gpx1.1_with_extensions": "its points have no times",
    "gpx_with_garmin": "its points have no times", "track_with_dilution": "its points have no times",
    "unicode_with_bom": "its points have no times", "polar/10001": "Polar Flow's calendar",
    "rr/SampleExport": "when they were recorded", "rr/rr_extreme": "when they were recorded",
    "rr/seconds_decimal": "when they were recorded", "polar_empty.tcx": "a header without laps or points",
    "hostile/billion": "XML entities", "hostile/deep": "nested more than 64 deep",
    "hostile/empty": "is empty", "hostile/exe": "is a program",
    "hostile/fit_255": "its clock is wrong throughout",
    "hostile/gpx_named": "holds no track", "hostile/gzip_bomb": "of no kind that is known",
    "hostile/nested": "archives inside the archive", "hostile/quadratic": "XML entities",
    "hostile/xxe": "XML entities", "hostile/zip_20000": "nothing in it can be read",
    "hostile/zipbomb": "nothing in it can be read", "hostile/zipslip": "a name that points outside it",
}  # fmt: skip


@cache
def catalogue() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in ("PROVENANCE.tsv", "synthetic/PROVENANCE.tsv"):
        with (SAMPLES / name).open(encoding="utf-8", newline="") as lines:
            found |= {row["file"]: row for row in csv.DictReader(lines, delimiter="\t")}
    return found


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the command printed of each file, all imported one after the other."""
    settings = HubSettings(data=tmp_path_factory.mktemp("data"), zone=ZONE)
    paths = [SAMPLES / name for name in catalogue()]
    options = Namespace(paths=paths, athlete=None, dry_run=False, json=True)
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda text, **_: printed.append(text))
        assert import_command.run(settings, options) == 1
    found = [json.loads(line) for line in printed]
    return {str(Path(it["file"]).relative_to(SAMPLES)): it for it in found}


def refusal(name: str) -> str | None:
    return next((words for part, words in REFUSED.items() if part in name), None)


def test_each_file_is_imported_or_refused_with_its_sentence(
    reports: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert reports.keys() == catalogue().keys()
    for name, report in reports.items():
        words = refusal(name)
        if words is None:
            assert report["status"] in ("imported", "linked", "duplicate"), f"{name}: {report['error']}"
            assert report["error"] is None
        else:
            assert report["status"] == "failed", name
            assert words in report["error"], f"{name}: {report['error']}"
            assert report["error"].endswith("."), report["error"]
            assert report["hint"], name
    with capsys.disabled():
        counts = Counter(it["status"] for it in reports.values())
        print(f"\n{len(reports)} shared files: {dict(counts)}")


def test_counts_are_those_of_the_catalogue(reports: dict[str, dict[str, Any]]) -> None:
    compared = 0
    for name, row in catalogue().items():
        told = reports[name]["sessions"]
        if refusal(name) is not None:
            continue
        got = {
            "records": sum(it["records"] for it in told),
            "hr": sum(it["hr"]["n"] for it in told),
            "rr": sum(it["rr_n"] for it in told),
        }
        stated = {"records": row["records"], "hr": row["hr_records"], "rr": row["rr_intervals"]}
        for what, number in stated.items():
            if number and (name, what) not in NOT_EQUAL:
                assert got[what] == int(number), f"{name}: {what}"
                compared += 1
    assert compared > 120
    assert reports["synthetic/fit/swim_hr_messages.fit"]["sessions"][0]["hr"]["n"] == 601


def test_totals_are_those_the_device_stated(reports: dict[str, dict[str, Any]]) -> None:
    compared = 0
    for name, row in catalogue().items():
        stated = SUMMARY.search(row["contains"] or "")
        if stated is None:
            continue
        first = reports[name]["sessions"][0]
        keys = (
            ("distance_m", 1, 0.01),
            ("elapsed_s", 2, 0.01),
            ("timer_s", 3, 0.01),
            ("energy_kcal", 5, 0.5),
        )
        for key, group, tolerance in keys:
            if stated[group] != "None" and (name, key) not in NOT_EQUAL:
                assert first[key] == pytest.approx(float(stated[group]), abs=tolerance), f"{name}: {key}"
                compared += 1
    assert compared > 90


SETS = {
    "polar, strava, and its intervals": (
        "tcx/polar_200000.tcx", "tcx/strava_200000.tcx", "polar/200000.csv", "polar/200000.hrv.csv",
        "polar/200000.json",
    ),
    "garmin": ("tcx/activity_5039744860.tcx", "gpx/activity_5039744860.gpx"),
}  # fmt: skip


def read_in(zone: ZoneInfo, names: Sequence[str]) -> list[ReadFile]:
    return [read_path(SAMPLES / name, Setting(zone))[0] for name in names]


@pytest.mark.parametrize("names", SETS.values(), ids=SETS.keys())
def test_twins_are_one_session_in_any_order(names: Sequence[str]) -> None:
    every = 11 if len(names) > 4 else 1  # of 120 orders eleven; all of them take half a minute
    ordered = itertools.permutations(read_in(ZoneInfo("Europe/Ljubljana"), names))
    for files in itertools.islice(ordered, 0, None, every):
        db, now = made.memory_store(1)
        for read in files:
            keep(db, now, read, "a1")
        assert not questions.still_open(db), [it.name for it in files]
        assert len(sessions.recent(db)) == 1, [it.name for it in files]


def test_twins_read_in_the_wrong_zone_are_asked_about_and_then_are_one_session() -> None:
    for files in itertools.permutations(read_in(ZONE, SETS["polar, strava, and its intervals"][1:4])):
        db, now = made.memory_store(1)
        for read in files:
            keep(db, now, read, "a1")
        assert len(sessions.recent(db)) == 2
        asked = questions.still_open(db)[0]
        assert asked.about["shift_s"] == -7200
        zones.answer(db, now, asked.question_id, correct=True)
        assert len(sessions.recent(db)) == 1, [it.name for it in files]
