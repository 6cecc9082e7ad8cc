"""Everything a session's heart rates say about one athlete, each number with what it rests on.

The samples are first made a histogram, and every number but the two field tests comes from that, so a session
recomputed from its kept histogram gives the very same results. It adds no formula of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.analytics.catalogue import ZONE_PREFIX, metric
from hub.analytics.custom_zones import EdgeUnit, ZoneEdges, edges_in_bpm
from hub.analytics.energy import FITTED_AGE_YEARS, FITTED_HR_MAX_SHARES, KJ_PER_KCAL, keytel_kj_per_min
from hub.analytics.errors import OutOfRange, ProfileIncomplete
from hub.analytics.flags import Flag
from hub.analytics.histogram import HeartHistogram, heart_histogram
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile
from hub.analytics.recovery import exercise_heart_rate, heart_rate_recovery
from hub.analytics.result import Parameter, Result
from hub.analytics.threshold_trimp import itrimp_au_per_min, lucia_au
from hub.analytics.trimp import BANISTER, TABLE_BPM, banister_table
from hub.analytics.zones import percent_of_max

Floats = NDArray[np.float64]
Inputs = tuple[tuple[str, Parameter], ...]

STANDARD_ZONES = ZoneEdges(EdgeUnit.PERCENT_HR_MAX, (50.0, 60.0, 70.0, 80.0, 90.0))
DAYS_PER_YEAR = 365.2425
_BPM = np.arange(TABLE_BPM, dtype=np.float64)
_HEART = ("hr_max_bpm", "hr_rest_bpm")
_ZONES_NEED = {
    EdgeUnit.BPM: (),
    EdgeUnit.PERCENT_HR_MAX: ("hr_max_bpm",),
    EdgeUnit.PERCENT_RESERVE: _HEART,
    EdgeUnit.PERCENT_LTHR: ("lthr_bpm",),
}
_UNKNOWN = {
    "hr_max_bpm": Flag.HR_MAX_UNKNOWN,
    "hr_rest_bpm": Flag.HR_REST_UNKNOWN,
    "lthr_bpm": Flag.THRESHOLD_UNKNOWN,
}


def session_results(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    parameters: Parameters,
    from_ms: int,
    to_ms: int,
    on: date,
    *,
    stop_ms: int | None = None,
    run_ms: tuple[int, int] | None = None,
) -> tuple[Result, ...]:
    """Results of the samples in [from_ms, to_ms) of a session on the day `on`.

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 or NaN is a gap. `stop_ms` adds HRR60 and `run_ms`,
    start and end of a fixed run, HRex. Raises ShapeMismatch, OutOfRange for limits or a mass that nobody has.
    """
    histogram = heart_histogram(mono_ms, bpm, from_ms, to_ms)
    tests = field_tests(mono_ms, bpm, stop_ms=stop_ms, run_ms=run_ms)
    return (*results_from_histogram(histogram, parameters, on), *tests)


def field_tests(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    *,
    stop_ms: int | None = None,
    run_ms: tuple[int, int] | None = None,
) -> tuple[Result, ...]:
    """HRR60 after the stop and HRex of the fixed run, of samples (n,); neither unless its times are given.

    Sources as in `recovery`. Raises ShapeMismatch, and OutOfRange for a run under 60 s.
    """
    found: list[Result] = []
    if stop_ms is not None:
        fall = heart_rate_recovery(mono_ms, bpm, stop_ms)
        found.append(
            _plain("hrr60", fall.fall_bpm, fall.coverage, fall.n, fall.flags, (("stop_ms", stop_ms),))
        )
    if run_ms is not None:
        run = exercise_heart_rate(mono_ms, bpm, *run_ms)
        inputs = (("run_from_ms", run_ms[0]), ("run_to_ms", run_ms[1]))
        found.append(_plain("hrex", run.bpm, run.coverage, run.n, run.flags, inputs))
    return tuple(found)


def results_from_histogram(histogram: HeartHistogram, parameters: Parameters, on: date) -> tuple[Result, ...]:
    """The results that hang on heart rate alone, from a kept histogram; equal to those from the samples.

    Without any credited time a value is None, not 0. Raises OutOfRange as `session_results` does.
    """
    known = _Known(histogram, parameters, on)
    return (
        *_rates(known),
        *_zone_times(known),
        _banister(known),
        _edwards(known),
        *_own_test_loads(known),
        *_energy(known),
        _plain("coverage", 100 * histogram.coverage, histogram.coverage, histogram.n, known.heard_flags),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What one session's results are made from; raises OutOfRange for limits that are no heart rates."""

    histogram: HeartHistogram
    parameters: Parameters
    on: date

    def __post_init__(self) -> None:
        for name in (*_HEART, "vt1_bpm", "vt2_bpm", "lthr_bpm"):
            value = self.value(name)
            if value is not None and not 0 < float(value) < TABLE_BPM:
                raise OutOfRange(f"{name} {value}")

    @property
    def heart(self) -> HeartProfile:
        return self.parameters.heart

    @property
    def has_time(self) -> bool:
        return bool(self.histogram.half_ms.any())

    @property
    def heard_flags(self) -> tuple[Flag, ...]:
        if not self.has_time:
            return (Flag.TOO_LITTLE_DATA,)
        return (Flag.PARTLY_ESTIMATED,) if self.histogram.estimated_ms else ()

    def value(self, name: str) -> Parameter | None:
        found: Parameter | None = getattr(self.heart if hasattr(self.heart, name) else self.parameters, name)
        return found

    def minutes(self, per_min: Floats) -> float:
        """Integral over the credited time of a kernel given at 0..255 bpm, in minutes."""
        return float(per_min @ self.histogram.seconds) / 60

    def result(
        self,
        metric_id: str,
        value: float | None,
        uses: tuple[str, ...] = (),
        flags: tuple[Flag, ...] = (),
        more: Inputs = (),
        *,
        is_of_time: bool = True,
        band: tuple[float, float] | None = None,
    ) -> Result:
        """A result with the athlete's inputs it `uses`, how they were known, and what was out of bounds."""
        given = tuple((name, found) for name in uses if (found := self.value(name)) is not None)
        guessed = tuple(name for name, _ in given if name in self.parameters.estimated)
        missing = tuple(_UNKNOWN[name] for name in uses if name in _UNKNOWN and self.value(name) is None)
        own = (Flag.ESTIMATED,) if guessed else ()
        it = metric(metric_id)
        is_given = self.has_time or not is_of_time
        return Result(
            metric_id=metric_id,
            value=value if is_given else None,
            unit=it.unit,
            version=it.version,
            parameters=(*given, *more),
            coverage=self.histogram.coverage,
            n=self.histogram.n,
            flags=(*self.heard_flags, *own, *missing, *self._bounds(uses), *flags),
            estimated=guessed,
            band=band if is_given else None,
        )

    def _bounds(self, uses: tuple[str, ...]) -> Iterator[Flag]:
        """Limits that contradict each other, and heart rates beyond those that were used."""
        hr_max, hr_rest = self.heart.hr_max_bpm, self.heart.hr_rest_bpm
        lo, hi = self.histogram.min_bpm, self.histogram.max_bpm
        if hr_max is not None and hr_rest is not None and hr_max <= hr_rest and set(uses) & set(_HEART):
            yield Flag.LIMITS_CONTRADICT
        if "hr_max_bpm" in uses and hr_max is not None and hi is not None and hi > hr_max:
            yield Flag.ABOVE_MAX
        if "hr_rest_bpm" in uses and hr_rest is not None and lo is not None and lo < hr_rest:
            yield Flag.BELOW_REST


def _rates(known: _Known) -> Iterator[Result]:
    heard, hr_max = known.histogram, known.heart.hr_max_bpm
    mean = known.minutes(_BPM) * 60 / heard.covered_s if known.has_time else None
    yield known.result("mean_bpm", mean)
    yield known.result("max_bpm", heard.max_bpm, is_of_time=False)
    yield known.result("min_bpm", heard.min_bpm, is_of_time=False)
    peak = None if hr_max is None or heard.max_bpm is None else percent_of_max(heard.max_bpm, hr_max)
    yield known.result("peak_percent_hr_max", peak, ("hr_max_bpm",), is_of_time=False)
    above = None if hr_max is None else float(heard.seconds[hr_max < _BPM].sum())
    yield known.result("time_above_hr_max", above, ("hr_max_bpm",))


def _zone_seconds(known: _Known, edges_bpm: tuple[float, ...]) -> list[float]:
    zone = np.searchsorted(np.array(edges_bpm), _BPM, side="right")
    counted: list[float] = np.bincount(zone, known.histogram.seconds, minlength=len(edges_bpm) + 1).tolist()
    return counted


def _zone_times(known: _Known) -> Iterator[Result]:
    zones = known.parameters.zones or STANDARD_ZONES
    words = f"{' '.join(f'{edge:g}' for edge in zones.edges)} {zones.unit}"
    uses = _ZONES_NEED[zones.unit]
    try:
        edges_bpm = edges_in_bpm(zones, known.heart, known.parameters.lthr_bpm)
    except ProfileIncomplete:
        for zone in range(len(zones.edges) + 1):
            yield known.result(f"{ZONE_PREFIX}_{zone}", None, uses, more=(("zone", zone), ("edges", words)))
        return
    for zone, seconds in enumerate(_zone_seconds(known, edges_bpm)):
        more: Inputs = (("zone", zone), ("edges", words))
        if zone > 0:
            more = (*more, ("from_bpm", edges_bpm[zone - 1]))
        if zone < len(edges_bpm):
            more = (*more, ("to_bpm", edges_bpm[zone]))
        yield known.result(f"{ZONE_PREFIX}_{zone}", seconds, uses, more=more)


def _banister(known: _Known) -> Result:
    heart, uses = known.heart, (*_HEART, "sex")
    sexes = (heart.sex,) if heart.sex in BANISTER else tuple(BANISTER)
    tables = [banister_table(HeartProfile(sex, heart.hr_max_bpm, heart.hr_rest_bpm)) for sex in sexes]
    loads = [known.minutes(np.array(table)) for table in tables if table is not None]
    if heart.sex in BANISTER:
        b, k = BANISTER[heart.sex]
        return known.result("banister_trimp", loads[0] if loads else None, uses, more=(("b", b), ("k", k)))
    band = (min(loads), max(loads)) if loads else None
    return known.result("banister_trimp", None, uses, (Flag.SEX_UNKNOWN,), band=band)


def _edwards(known: _Known) -> Result:
    hr_max, load = known.heart.hr_max_bpm, None
    if hr_max is not None:
        zone_s = _zone_seconds(known, edges_in_bpm(STANDARD_ZONES, known.heart))
        load = sum(zone * seconds for zone, seconds in enumerate(zone_s)) / 60
    return known.result("edwards_trimp", load, ("hr_max_bpm",))


def _own_test_loads(known: _Known) -> Iterator[Result]:
    """Lucia and iTRIMP, each only where the athlete's own test allows it."""
    its, heart = known.parameters, known.heart
    if its.vt1_bpm is not None and its.vt2_bpm is not None:
        uses, load = ("vt1_bpm", "vt2_bpm"), None
        if its.vt1_bpm < its.vt2_bpm:
            below, between, above = _zone_seconds(known, (its.vt1_bpm, its.vt2_bpm))
            load = lucia_au(below / 60, between / 60, above / 60)
        flags = (Flag.LIMITS_CONTRADICT,) if load is None else ()
        yield known.result("lucia_trimp", load, uses, flags)
    fit = its.lactate
    if fit is not None and fit.is_valid_on(known.on):
        hr_max, hr_rest, load = heart.hr_max_bpm, heart.hr_rest_bpm, None
        if hr_max is not None and hr_rest is not None and hr_max > hr_rest:
            load = known.minutes(itrimp_au_per_min(_BPM, hr_rest, hr_max, fit.a, fit.b))
        more = (("a", fit.a), ("b", fit.b), ("measured_on", fit.measured_on.isoformat()))
        yield known.result("itrimp", load, _HEART, more=more)


def _energy(known: _Known) -> Iterator[Result]:
    """Energy, where body mass and birthday are known."""
    its, heard, sex = known.parameters, known.histogram, known.heart.sex
    if its.mass_kg is None or its.born_on is None:
        return
    age = (known.on - its.born_on).days / DAYS_PER_YEAR
    rate = keytel_kj_per_min(_BPM, sex, its.mass_kg, age)
    flags = [Flag.ROUGH]
    if rate is None:
        flags.append(Flag.SEX_UNKNOWN)
    elif heard.min_bpm is not None and rate[heard.min_bpm] == 0:
        flags.append(Flag.NEGATIVE_SET_TO_ZERO)
    if not FITTED_AGE_YEARS[0] <= age <= FITTED_AGE_YEARS[1]:
        flags.append(Flag.NOT_VALIDATED_FOR_AGE)
    hr_max, lo, hi = known.heart.hr_max_bpm, heard.min_bpm, heard.max_bpm
    if hr_max is not None and lo is not None and hi is not None:
        fitted = [share * hr_max for share in FITTED_HR_MAX_SHARES]
        if lo < fitted[0] or hi > fitted[1]:
            flags.append(Flag.OUTSIDE_FITTED_RANGE)
    kcal = None if rate is None else known.minutes(rate) / KJ_PER_KCAL
    yield known.result("energy", kcal, ("sex", "mass_kg"), tuple(flags), (("age_years", round(age, 2)),))


def _plain(
    metric_id: str,
    value: float | None,
    coverage: float,
    n: int,
    flags: tuple[Flag, ...],
    inputs: Inputs = (),
) -> Result:
    it = metric(metric_id)
    return Result(metric_id, value, it.unit, it.version, inputs, coverage, n, flags)
