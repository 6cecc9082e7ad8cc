"""The rest of the scientists' vector file, where it lies beside the repository; none of it is kept here."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics import daily_load, injuries
from hub.analytics.anomalies import ewma_chart, robust_z
from hub.analytics.artefacts import EctopicRule, kept_by, lipponen_tarvainen, lipponen_tarvainen_repeated
from hub.analytics.custom_zones import target_bpm
from hub.analytics.detrending import without_trend
from hub.analytics.dfa import Averaging, Boxes, dfa_alpha1
from hub.analytics.energy import keytel_kj_per_min, vo2max_ml_min_kg
from hub.analytics.hr_max import HrMaxFormula, estimate_hr_max
from hub.analytics.hrv import plausible, swc_band, time_domain
from hub.analytics.profile import Sex
from hub.analytics.smoothing import Smoothing, alpha_of, impulse_response, smooth
from hub.analytics.threshold_trimp import itrimp_au_per_min, lucia_au
from hub.analytics.wellness import Scale, wellness_total
from tests.analytics.test_shared_vectors import FILE, vectors

__all__ = ["vectors"]

Vectors = dict[str, dict[str, Any]]


def sample(vector: dict[str, Any]) -> Path:
    path = FILE.parent / str(vector["input"]["file"])
    if not path.exists():
        pytest.skip(f"no sample at {path}")
    return path


def column(values: list[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, None]


@pytest.mark.parametrize("name", ["tanaka", "gellish", "nes", "fox", "gulati_women"])
def test_maximum_from_age(vectors: Vectors, name: str) -> None:
    vector = vectors[f"hr.hrmax_{name}"]
    formula = HrMaxFormula[name.split("_")[0].upper()]
    found = [estimate_hr_max(age, formula).bpm for age in vector["input"]["age"]]
    assert found == pytest.approx(vector["expected"], abs=1e-9)


def test_target_and_thresholds_and_energy(vectors: Vectors) -> None:
    given = vectors["hr.karvonen_target"]["input"]
    assert target_bpm(given["frac"], given["rest"], given["max"]) == pytest.approx(144.0)
    assert lucia_au(*vectors["trimp.lucia"]["input"].values()) == vectors["trimp.lucia"]["expected"]
    given = vectors["trimp.itrimp"]["input"]
    kernel = itrimp_au_per_min(np.array(given["hr"]), given["rest"], given["max"], given["a"], given["b"])
    total = float(kernel @ np.array(given["dt_s"])) / 60
    assert total == pytest.approx(vectors["trimp.itrimp"]["expected"], abs=1e-9)
    given = vectors["vo2max.uth"]["input"]
    assert vo2max_ml_min_kg(given["hrmax"], given["hrrest"]) == pytest.approx(58.14)


@pytest.mark.parametrize("name", ["energy.keytel_m", "energy.keytel_f"])
def test_energy(vectors: Vectors, name: str) -> None:
    given = vectors[name]["input"]
    rate = keytel_kj_per_min(np.array([given["hr"]]), Sex(given["sex"]), given["kg"], given["age"])
    assert rate is not None
    kcal = rate[0] * given["minutes"] / 4.184
    assert kcal == pytest.approx(vectors[name]["expected"]["kcal"], abs=1e-9)


def test_weeks(vectors: Vectors) -> None:
    given = vectors["load.srpe"]["input"]
    au = daily_load.session_rpe_au(np.array(given["rpe"]), np.array(given["minutes"]))
    assert au.tolist() == vectors["load.srpe"]["expected"]
    vector = vectors["load.monotony_pop"]
    week = daily_load.week_loads(column(vector["input"]["daily"]))
    assert week.load_au[-1, 0] == vector["expected"]["weekly"]
    assert week.monotony[-1, 0] == pytest.approx(vector["expected"]["monotony"], abs=1e-9)
    assert week.strain_au[-1, 0] == pytest.approx(vector["expected"]["strain"], abs=1e-9)
    printed = vectors["load.foster2001_table5"]["expected"]
    strain = daily_load.strain_au(np.array(printed["weekly"]), np.array(printed["monotony"]))
    assert strain == pytest.approx(printed["strain"])
    for daily in vectors["load.monotony_degenerate"]["input"]["daily"]:
        assert np.isnan(daily_load.week_loads(column(daily)).monotony).all()


@pytest.mark.parametrize("athlete", [1, 2, 3])
def test_three_ratios_of_three_published_athletes(vectors: Vectors, athlete: int) -> None:
    vector = vectors[f"acwr.williams2017_athlete{athlete}"]
    ratio = daily_load.acute_chronic(column(vector["input"]["daily"]))
    expected = vector["expected"]
    assert ratio.ewma[-1, 0] == pytest.approx(expected["ewma"], abs=1e-9)
    assert ratio.coupled[-1, 0] == pytest.approx(expected["rolling_coupled"], abs=1e-9)
    assert ratio.uncoupled[-1, 0] == pytest.approx(expected["rolling_uncoupled_3wk"], abs=1e-9)


def test_other_ratios(vectors: Vectors) -> None:
    vector = vectors["acwr.ewma_35d"]
    ewma = daily_load.acute_chronic(column(vector["input"]["daily"])).ewma
    assert ewma[[6, 13, 27, 34], 0] == pytest.approx(vector["expected"], abs=1e-9)
    vector = vectors["acwr.athlytics_halflife"]
    daily = column(vector["input"]["daily"])
    fast, slow = (smooth(daily, alpha_of(Smoothing.HALF_LIFE, days)) for days in (3.5, 14))
    assert (fast / slow)[[27, 34], 0] == pytest.approx(vector["expected"], abs=1e-9)
    young = daily_load.acute_chronic(column(vectors["acwr.warmup"]["input"]["daily"]))
    assert np.isnan(young.coupled).all()
    assert np.isnan(young.uncoupled).all()
    back = daily_load.acute_chronic(column(vectors["acwr.zero_chronic"]["input"]["daily"]))
    assert back.coupled[-1, 0] == pytest.approx(4)
    assert np.isnan(back.uncoupled[-1, 0])


def test_balance_and_impulse_response(vectors: Vectors) -> None:
    vector = vectors["pmc.one_over_n"]
    found = daily_load.balance(column(vector["input"]["daily"]), convention=Smoothing.ONE_OVER_N)
    assert found.ctl_au[:, 0] == pytest.approx(vector["expected"]["ctl"], abs=1e-9)
    assert found.atl_au[:, 0] == pytest.approx(vector["expected"]["atl"], abs=1e-9)
    vector = vectors["pmc.tsb"]
    tsb = daily_load.balance_of(np.array(vector["input"]["ctl"]), np.array(vector["input"]["atl"]))
    assert np.isnan(tsb[0])
    assert tsb[1:] == pytest.approx(vector["expected"][1:], abs=1e-9)
    vector = vectors["banister.impulse_response"]
    loads = np.full(vector["input"]["days"], 100.0)
    found_p = impulse_response(loads, p0=500, k1=1, k2=2, tau1_days=27, tau2_days=10)
    assert found_p == pytest.approx(vector["expected"], abs=1e-9)


def test_six_numbers_of_a_production_system(vectors: Vectors) -> None:
    vector = vectors["load.pmsys_production"]
    daily, expected = column(vector["input"]["daily"]), vector["expected"]
    means = [round(daily_load.rolling_mean_au(daily, days)[-1, 0], 2) for days in (7, 28, 42)]
    assert means == [expected["atl7"], expected["ctl28"], expected["ctl42"]]
    assert means[0] / means[1] == pytest.approx(expected["acwr"], abs=1e-6)  # it divides what it has rounded
    week = daily_load.week_loads(daily)
    monotony = np.round(week.monotony[-1], 2)
    assert monotony[0] == expected["monotony"]
    assert daily_load.strain_au(week.load_au[-1], monotony)[0] == pytest.approx(expected["strain"], abs=1e-9)
    assert daily_load.acute_chronic(daily).coupled[-1, 0] == pytest.approx(expected["acwr"], abs=0.006)


def test_variability(vectors: Vectors) -> None:
    tiny, expected = (
        time_domain(np.array(vectors["hrv.tiny"]["input"]["rr"])),
        vectors["hrv.tiny"]["expected"],
    )
    found = [tiny.rmssd_ms, tiny.sdnn_ms, tiny.sdsd_ms, tiny.mean_rr_ms, tiny.mean_instant_bpm]
    assert found == pytest.approx(list(expected.values()), abs=1e-9)
    vector = vectors["hrv.rmssd_masked"]
    valid = np.array(vector["input"]["valid"], dtype=bool)
    masked = time_domain(np.array(vector["input"]["rr"]), valid)
    assert masked.rmssd_ms == pytest.approx(vector["expected"], abs=1e-9)
    assert plausible(np.array(vectors["artefact.range"]["input"]["rr"])).all()
    band = swc_band(np.array(vectors["hrv.swc"]["input"]["baseline"], dtype=float))
    expected = vectors["hrv.swc"]["expected"]
    assert [band.mean, band.sd, band.lo, band.hi] == pytest.approx(list(expected.values()), abs=1e-9)


@pytest.mark.parametrize("name", ["hrv.synthetic_300", "hrv.rest_15min"])
def test_variability_of_a_recording(vectors: Vectors, name: str) -> None:
    vector = vectors[name]
    given = vector["input"]
    rr = np.array(given["rr"]) if "rr" in given else np.loadtxt(sample(vector))
    it = time_domain(rr)
    found = [it.n, it.mean_rr_ms, it.sdnn_ms, it.rmssd_ms, it.sdsd_ms, it.nn50, it.pnn50_percent, it.ln_rmssd]
    assert found == pytest.approx(list(vector["expected"].values()), abs=1e-9)


def test_first_two_minutes_of_a_run(vectors: Vectors) -> None:
    vector = vectors["hrv.live_first_2min"]
    raw = np.loadtxt(sample(vector), delimiter=",", skiprows=2)[:, 1]
    raw = raw[np.cumsum(raw) <= 120_000]
    kept = np.concatenate([[True], np.abs(np.diff(raw)) <= 0.05 * raw[:-1]])
    it, scales = time_domain(raw[kept]), tuple(vectors["dfa.altini"]["input"]["scales"])
    alpha1 = dfa_alpha1(raw[kept], scales=scales, boxes=Boxes.BOTH_ENDS).alpha1
    assert it.sdnn_ms is not None
    found = [it.mean_bpm, it.rmssd_ms, it.sdnn_ms * np.sqrt((it.n - 1) / it.n), alpha1]
    assert found == pytest.approx(list(vector["expected"].values()), abs=0.005)


def test_alpha1(vectors: Vectors) -> None:
    vector = vectors["dfa.altini"]
    rr, scales = np.array(vector["input"]["rr"]), tuple(vector["input"]["scales"])
    alpha1 = dfa_alpha1(rr, scales=scales, boxes=Boxes.BOTH_ENDS).alpha1
    assert alpha1 == pytest.approx(vector["expected"], abs=1e-12)
    rr_300 = np.array(vectors["hrv.synthetic_300"]["input"]["rr"])
    plain = {"forward": Boxes.FORWARD, "overlap_half": Boxes.HALF_OVERLAP}
    for name, value in vectors["dfa.synthetic_300"]["expected"].items():
        assert dfa_alpha1(rr_300, boxes=plain[name]).alpha1 == pytest.approx(value, abs=1e-9)


CONVENTIONS: dict[str, dict[str, Any]] = {
    "forward": {},
    "forward_backward": {"boxes": Boxes.BOTH_ENDS},
    "overlap_half": {"boxes": Boxes.HALF_OVERLAP},
    "neurokit2_overlap": {"boxes": Boxes.HALF_OVERLAP, "averaging": Averaging.WITHOUT_FLAT},
    "neurokit2_hrv_default_4_11": {
        "boxes": Boxes.HALF_OVERLAP, "averaging": Averaging.WITHOUT_FLAT, "scales": tuple(range(4, 12)),
    },
    "neurokit2_no_overlap": {"averaging": Averaging.WITHOUT_FLAT},
    "nolds_overlap": {"boxes": Boxes.HALF_OVERLAP, "averaging": Averaging.MEAN_ROOT},
    "nolds_no_overlap": {"averaging": Averaging.MEAN_ROOT},
    "smoothness_priors_500_forward": {"detrend": True},
}  # fmt: skip


@pytest.mark.parametrize("name", CONVENTIONS)
def test_nine_conventions_of_alpha1(vectors: Vectors, name: str) -> None:
    rr, convention = np.array(vectors["dfa.altini"]["input"]["rr"], dtype=float), dict(CONVENTIONS[name])
    if convention.pop("detrend", False):
        rr = without_trend(rr, 500)
    expected = vectors["dfa.conventions"]["expected"]
    assert set(expected) == set(CONVENTIONS)
    assert dfa_alpha1(rr, **convention).alpha1 == pytest.approx(expected[name], abs=1e-9)


@pytest.mark.parametrize("name", ["lipponen_tarvainen", "lt_synthetic"])
def test_one_pass_of_the_classifier(vectors: Vectors, name: str) -> None:
    vector = vectors[f"artefact.{name}"]
    found = lipponen_tarvainen(np.array(vector["input"]["peaks_ms"]))
    classes = [list(it) for it in (found.ectopic, found.missed, found.extra, found.long_short)]
    assert classes == list(vector["expected"]["pass1"].values())
    expected = vector["expected"].get("pass1_rmssd", vector["expected"].get("rmssd"))
    assert time_domain(np.diff(found.beat_ms)).rmssd_ms == pytest.approx(expected, abs=1e-6)
    raw = time_domain(np.diff(np.array(vector["input"]["peaks_ms"])), keep_implausible=True).rmssd_ms
    assert raw == pytest.approx(vector["expected"]["corrupted_rmssd"], abs=1e-6)
    if "iter_rmssd" in vector["expected"]:
        repeated = lipponen_tarvainen_repeated(np.array(vector["input"]["peaks_ms"]))
        it = time_domain(np.diff(repeated.beat_ms)).rmssd_ms
        assert it == pytest.approx(vector["expected"]["iter_rmssd"], abs=1e-6)


@pytest.mark.parametrize("rule", list(EctopicRule))
@pytest.mark.parametrize(("suffix", "beats"), [("", "lipponen_tarvainen"), ("_synthetic", "lt_synthetic")])
def test_simple_rules(vectors: Vectors, rule: EctopicRule, suffix: str, beats: str) -> None:
    rr = np.diff(np.array(vectors[f"artefact.{beats}"]["input"]["peaks_ms"]))
    expected = vectors[f"artefact.{rule.name.lower()}{suffix}"]["expected"]
    kept = kept_by(rule, rr)
    assert np.flatnonzero(~kept).tolist() == expected["removed"]
    assert time_domain(rr, kept).rmssd_ms == pytest.approx(expected["rmssd_masked"], abs=1e-9)


def test_forms_and_charts(vectors: Vectors) -> None:
    for scale, name in ((Scale.HOOPER, "hooper"), (Scale.MCLEAN, "mclean"), (Scale.MCLEAN, "missing")):
        vector = vectors[f"wellness.{name}"]
        assert wellness_total(scale, vector["input"]).points == vector["expected"]
    given = vectors["anomaly.mad_zero"]["input"]
    assert robust_z(np.array(given["baseline"]), given["x"]).z is None
    vector = vectors["anomaly.ewma_chart"]
    chart = ewma_chart(np.array(vector["input"]["x"]), 10, 1, 0.1, 2.7)
    assert chart.smoothed == pytest.approx(vector["expected"]["z"], abs=1e-9)
    assert chart.upper == pytest.approx(vector["expected"]["ucl"], abs=1e-9)
    assert (np.flatnonzero(chart.is_out) + 1).tolist() == vector["expected"]["alarm_at"]


def test_injuries(vectors: Vectors) -> None:
    vector = vectors["injury.incidence_zero"]
    found = injuries.incidence(**vector["input"])
    assert [found.per_1000_h, found.lo, found.hi] == pytest.approx(
        list(vector["expected"].values()), abs=1e-9
    )
    vector = vectors["injury.burden"]
    assert injuries.burden_days_per_1000_h(**vector["input"]) == pytest.approx(vector["expected"])


def test_episodes_in_two_years_of_daily_reports(vectors: Vectors) -> None:
    vector = vectors["injury.episodes"]
    reported: dict[str, list[date]] = defaultdict(list)
    with gzip.open(sample(vector), "rt") as rows:
        for row in csv.DictReader(rows):
            if float(row["injury"] or 0) > 0:
                reported[row["player_id"]].append(date.fromisoformat(row["date"]))
    counted = [sum(len(injuries.episodes(it, gap)) for it in reported.values()) for gap in (3, 7)]
    total = sum(len(it) for it in reported.values())
    assert [total, len(reported), *counted] == list(vector["expected"].values())
