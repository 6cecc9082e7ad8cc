"""An athlete's external load as results that explain themselves: limits used, coverage and flags with each.

It computes nothing; names, units and versions are the catalogue's.
"""

from __future__ import annotations

from hub.analytics.catalogue import metric
from hub.analytics.external_load import ExternalLoad, SpeedLimits
from hub.analytics.flags import Flag
from hub.analytics.result import Parameter, Result
from hub.analytics.running_power import RunningPower

Used = tuple[tuple[str, Parameter], ...]


def external_results(
    load: ExternalLoad,
    limits: SpeedLimits,
    own_top_m_s: float | None = None,
    power: RunningPower | None = None,
) -> tuple[Result, ...]:
    """One result a metric of external load, in the catalogue's order; power only where it was asked for."""
    high: Used = (("high_speed_m_s", limits.high_speed_m_s),)
    sprint: Used = (("sprint_m_s", limits.sprint_m_s),)
    hard: Used = (("hard_m_s2", limits.hard_m_s2),)
    own: Used = (("share", limits.own_share),)
    if own_top_m_s is not None:
        own = (("own_top_m_s", own_top_m_s), *own)
    values: tuple[tuple[str, float | None, Used], ...] = (
        ("distance", load.distance_m, ()),
        ("high_speed_distance", load.high_speed_m, high),
        ("sprint_distance", load.sprint_m, sprint),
        ("high_speed_bouts", load.high_speed_bouts, high),
        ("sprints", load.sprints, sprint),
        ("own_sprints", load.own_sprints, own),
        ("top_speed", load.top_speed_m_s, ()),
        ("accelerations", load.accelerations, hard),
        ("decelerations", load.decelerations, hard),
        ("metres_a_minute", load.metres_a_minute, ()),
    )
    found = [_result(name, value, used, load.coverage, load.n, load.flags) for name, value, used in values]
    if power is not None:
        model: Used = (("model", power.model.value),)
        found.append(_result("metabolic_power", power.mean_w_kg, model, power.coverage, power.n, power.flags))
    return tuple(found)


def _result(
    metric_id: str, value: float | None, used: Used, coverage: float, n: int, flags: tuple[Flag, ...]
) -> Result:
    known = metric(metric_id)
    return Result(metric_id, value, known.unit, known.version, used, coverage, n, flags)
