"""What the formulas cost beside the libraries one would reach for instead: ratios in one run, against bars.

It runs in both environments, `.venv-oracles/bin/python -m benchmarks.analytics` having the most to compare
with, and measures what is there. Absolute times are this machine's; compare ratios elsewhere. The bar
beside pandas was set with 2.3, the oracles'; pandas 3 groups several times faster.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.analytics.artefacts import lipponen_tarvainen
from hub.analytics.daily_load import acute_chronic, balance, week_loads
from hub.analytics.daily_step import advance_day, day_state
from hub.analytics.dfa import SCALES, Boxes, dfa_alpha1
from hub.analytics.histogram import heart_histogram
from hub.analytics.histogram_loads import loads_of
from hub.analytics.hrv import time_domain
from hub.analytics.live_hrv import LiveBeats, advance_beats, alpha1_squad, unbroken_rr_1024
from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile, Sex

ATHLETES, MINUTES, SQUAD_DAYS, SQUAD = 30, 90, 1826, 1000
Floats = NDArray[np.float64]


def library(name: str) -> Any:
    """A library to compare with, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def best_s(work: Callable[[], object], rounds: int = 5, least_s: float = 0.02) -> float:
    """Shortest time of one call, each round repeating it for some milliseconds."""
    began = time.perf_counter()
    work()
    times = max(1, int(least_s / max(1e-9, time.perf_counter() - began)))
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            work()
        spent.append((time.perf_counter() - began) / times)
    return min(spent)


def shown(seconds: float) -> str:
    """A time with a unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:8.2f} {unit}"
    return f"{seconds * 1e9:8.0f} ns"


def within(name: str, ours_s: float, bar_s: float) -> None:
    """One line: our time against a bar."""
    print(f"{name:46} {shown(ours_s):>12}   bar {shown(bar_s)}   {'PASS' if ours_s <= bar_s else 'over'}")


def faster(
    name: str, ours_s: float, theirs: Callable[[], object] | None, bar: float = 0, rounds: int = 3
) -> None:
    """One line: our time beside another program's, and the ratio against a bar where there is one."""
    if theirs is None:
        print(f"{name:46} {shown(ours_s):>12}   not installed here: make oracles")
        return
    theirs_s = best_s(theirs, rounds)
    ratio = theirs_s / ours_s
    verdict = "" if not bar else f"   bar {bar:.0f} x   {'PASS' if ratio >= bar else 'over'}"
    print(f"{name:46} {shown(ours_s):>12}   theirs {shown(theirs_s)}   {ratio:7.1f} x{verdict}")


def heart(beats: int, seed: int, mean_ms: float = 590.0, jitter_ms: float = 6.0) -> Floats:
    """RR intervals in whole ms that wander, breathe and jitter."""
    rng = np.random.default_rng(seed)
    beat = np.arange(beats)
    wander = 30 * np.sin(beat / 700) + 15 * np.sin(beat / 31)
    rr = mean_ms + wander + 12 * np.sin(beat / 4.3) + rng.normal(0, jitter_ms, beats)
    return np.asarray(rr.round())


def variability() -> None:
    """Time domain of an hour and a day, DFA and the classifier of an hour, beside two programs."""
    nk, hrv, nolds = library("neurokit2"), library("hrvanalysis"), library("nolds")
    for hours, beats, bar in ((1, 6_073, 150.0), (24, 115_621, 0.0)):
        rr = heart(beats, 1)
        peaks = np.concatenate([[0], np.cumsum(rr)]).astype(np.int64)
        ours = best_s(lambda rr=rr: time_domain(rr))  # type: ignore[misc]
        theirs = nk and (lambda peaks=peaks: nk.hrv_time(peaks, sampling_rate=1000))
        faster(f"time domain {hours} h, NeuroKit2", ours, theirs, bar)
        as_list = rr.tolist()
        faster(
            f"time domain {hours} h, hrv-analysis", ours,
            hrv and (lambda it=as_list: hrv.get_time_domain_features(it)),
        )  # fmt: skip
        if hours == 1:
            within("time domain 1 h", ours, 0.2e-3)
    rr, scales = heart(6_073, 1), list(SCALES)
    overlapping = best_s(lambda: dfa_alpha1(rr, boxes=Boxes.HALF_OVERLAP))
    plain = best_s(lambda: dfa_alpha1(rr))
    theirs = nk and (lambda: nk.fractal_dfa(rr, scale=scales, overlap=True))
    faster("DFA alpha1 1 h, overlapping, NeuroKit2", overlapping, theirs, 60)
    faster("DFA alpha1 1 h, ours without overlap, NeuroKit2", plain, theirs, 60)
    theirs = nolds and (lambda: nolds.dfa(rr, nvals=scales, overlap=False, fit_exp="poly"))
    faster("DFA alpha1 1 h, without overlap, nolds", plain, theirs)
    beats_ms = np.concatenate([[0], np.cumsum(rr)]).astype(np.int64)
    faster(
        "artefacts 1 h, one pass, NeuroKit2", best_s(lambda: lipponen_tarvainen(beats_ms)),
        nk and (lambda: nk.signal_fixpeaks(beats_ms, sampling_rate=1000, iterative=False, method="Kubios")),
    )  # fmt: skip


def live() -> None:
    """A sample, a beat and a squad's alpha1 refresh, and a session recomputed for new limits."""
    rng = np.random.default_rng(1)
    shape = (ATHLETES, MINUTES * 60)
    at_ms = np.cumsum(rng.integers(980, 1021, shape), axis=1).astype(np.int64)
    bpm = np.clip(140 + np.cumsum(rng.normal(0, 0.8, shape), axis=1), 60, 205).astype(np.int16)
    heard = [list(zip(t.tolist(), b.tolist(), strict=True)) for t, b in zip(at_ms, bpm, strict=True)]
    profile = HeartProfile(Sex.FEMALE, 195, 52)

    def samples() -> None:
        for rows in heard:
            state = LiveLoad(profile)
            for mono_ms, rate in rows:
                advance(state, mono_ms, rate)

    within("live load, one sample", best_s(samples) / at_ms.size, 0.5e-6)
    squad = [heart(600, seed, 421, 1.5) for seed in range(ATHLETES)]
    notes = []
    for rr in squad:
        units, ends = np.rint(rr * 1.024).astype(int).tolist(), np.cumsum(rr).astype(int).tolist()
        notes.append([(ends[i + 1], (units[i], units[i + 1])) for i in range(0, len(rr) - 1, 2)])

    def beats() -> list[LiveBeats]:
        states = [LiveBeats() for _ in notes]
        for state, rows in zip(states, notes, strict=True):
            for mono_ms, rr_1024 in rows:
                advance_beats(state, mono_ms, rr_1024)
        return states

    within("live RMSSD, one beat", best_s(beats) / sum(len(rr) for rr in squad), 2e-6)
    windows = [unbroken_rr_1024(state) for state in beats()]
    within(f"alpha1 of {ATHLETES} athletes, every 5 s", best_s(lambda: alpha1_squad(windows), 9), 15e-3)
    kept = [heart_histogram(t, b, 0, int(at_ms.max()) + 1) for t, b in zip(at_ms, bpm, strict=True)]
    seconds = np.array([it.seconds for it in kept])
    changed = [Parameters(heart=HeartProfile(Sex.FEMALE, 180 + i, 52)) for i in range(ATHLETES)]
    within("a session of 30 recomputed", best_s(lambda: loads_of(seconds, changed)), 1e-3)


def days() -> None:
    """Five years of a thousand athletes rebuilt, beside pandas, and one more day from stored state."""
    rng = np.random.default_rng(1)
    shape = (SQUAD_DAYS, SQUAD)
    daily = np.where(rng.random(shape) < 0.57, rng.gamma(2, 250, shape), 0.0)
    ours = best_s(lambda: (week_loads(daily), acute_chronic(daily), balance(daily)), 9)
    within("5 years x 1000 athletes, 16 columns", ours, 0.4)
    pd = library("pandas")
    if pd is not None:
        frame = pd.DataFrame({"athlete": np.repeat(np.arange(SQUAD), SQUAD_DAYS), "au": daily.T.ravel()})
        uncoupled = pandas_columns(frame)[6].to_numpy().reshape(SQUAD, SQUAD_DAYS).T
        np.testing.assert_allclose(uncoupled[40:], acute_chronic(daily).uncoupled[40:], rtol=1e-9)
    version = "" if pd is None else f" {pd.__version__}"
    faster(
        f"  nine of them, pandas{version} groupby", ours, pd and (lambda: pandas_columns(frame)), 15, rounds=2
    )
    state = day_state(daily[:400])
    rows = iter(np.tile(daily[400:], (8, 1)))
    within("one new day for 1000 athletes", best_s(lambda: advance_day(state, next(rows)), 9), 0.2e-3)


def pandas_columns(frame: Any) -> list[Any]:
    """Nine columns by groupby, rolling and ewm, as one would write them."""
    loads, athlete = frame.groupby("athlete", sort=False)["au"], frame["athlete"]
    week, month = loads.rolling(7), loads.rolling(28)
    weekly, mean = week.sum(), week.mean()
    monotony = mean / week.std(ddof=0)
    before = loads.shift(7).groupby(athlete, sort=False).rolling(21).mean()
    smooth = [loads.ewm(alpha=alpha, adjust=False).mean() for alpha in (2 / 8, 2 / 29, 1 / 42, 1 / 7)]
    chronic = month.mean()
    coupled, ratio = mean / chronic, smooth[0] / smooth[1]
    return [weekly, monotony, weekly * monotony, mean, chronic, coupled, mean / before, ratio, smooth[2:]]


def main() -> None:
    warnings.simplefilter("ignore")  # other programs' own complaints
    variability()
    live()
    days()


if __name__ == "__main__":
    main()
