"""The catalogue's metrics of load over days: weeks, acute and chronic load, balance.

It computes nothing; the formulas stand in the modules named by `computed_by`. None of these numbers has a
threshold, and none predicts an injury.
"""

from __future__ import annotations

from hub.analytics.metric import Family, Metric, MetricParameter

_D = Family.DAYS
_LOAD = ("daily load of one kind",)
_MISSING = "a rest day is 0; a day whose session left no data is missing and never 0"
_NO_THRESHOLD = "describes and never judges: no colour, no threshold, no prediction"
_ACUTE, _CHRONIC = MetricParameter("acute", "days", 7), MetricParameter("chronic", "days", 28)
_WARM = "no value in the first 28 days"
_COGGAN = "Coggan's performance management chart, as commonly implemented"
_ALPHA = MetricParameter("alpha", "formula", "1-exp(-1/N)")

DAYS: tuple[Metric, ...] = (
    Metric(
        "session_rpe", "Session-RPE load", "AU", "How hard the athlete found the session, times its length.",
        "RPE (0 to 10) x minutes, asked about 30 min after the end", "1", _D, "Foster 2001",
        ("RPE", "duration"), ("daily_load.session_rpe_au",), (),
        ("an RPE of 0 is an answer", "a missing RPE is never filled in from heart rate"),
    ),
    Metric(
        "weekly_load", "Weekly load", "AU", "The load of the last 7 days.", "sum of 7 days", "1", _D,
        "Foster 1998", _LOAD, ("daily_load.week_loads",), (),
        (_MISSING, "a week that is not whole says how many days it has"),
    ),
    Metric(
        "monotony", "Monotony", "1", "How alike the days of the week were: high means little variation.",
        "mean / SD (ddof 0) of 7 daily loads", "1", _D, "Foster 1998", _LOAD, ("daily_load.week_loads",),
        (MetricParameter("ddof", "1", 0),),
        (_MISSING, "not defined with a missing day or in a flat week", "other programs use another SD"),
    ),
    Metric(
        "strain", "Strain", "AU", "Weekly load made larger by monotony.",
        "weekly load x monotony, not rounded first", "1", _D, "Foster 1998", _LOAD,
        ("daily_load.week_loads", "daily_load.strain_au"), (), (_MISSING, _NO_THRESHOLD),
    ),
    Metric(
        "acute_load", "Acute load", "AU/day", "The average day of the last week.", "mean of 7 days", "1", _D,
        "Hulin 2014", _LOAD, ("daily_load.acute_chronic", "daily_load.rolling_mean_au"), (_ACUTE,),
        (_MISSING, _NO_THRESHOLD),
        short="Acute",
    ),
    Metric(
        "chronic_load", "Chronic load", "AU/day", "The average day of the last four weeks.",
        "mean of 28 days", "1", _D, "Hulin 2014", _LOAD,
        ("daily_load.acute_chronic", "daily_load.rolling_mean_au"), (_CHRONIC,),
        (_MISSING, _WARM, _NO_THRESHOLD),
        short="Chronic",
    ),
    Metric(
        "acwr_coupled", "Acute:chronic ratio, coupled", "1",
        "The last week against the four weeks that contain it.", "mean of 7 days / mean of 28 days", "1", _D,
        "Hulin 2014", _LOAD, ("daily_load.acute_chronic",), (_ACUTE, _CHRONIC),
        (_WARM, "the week is on both sides of the ratio (Lolli 2019)", _NO_THRESHOLD),
    ),
    Metric(
        "acwr_uncoupled", "Acute:chronic ratio, uncoupled", "1",
        "The last week against the three weeks before it.", "mean of days 1 to 7 / mean of days 8 to 28 back",
        "1", _D, "Windt & Gabbett 2018", _LOAD, ("daily_load.acute_chronic",), (_ACUTE, _CHRONIC),
        (_WARM, "dividing by chronic load adds nothing to acute load (Impellizzeri 2021)", _NO_THRESHOLD),
    ),
    Metric(
        "acwr_ewma", "Acute:chronic ratio, smoothed", "1",
        "The last week against the last four, recent days counting more.",
        "smoothed load over 7 / over 28 days, alpha 2/(N+1), starting at the first day", "1", _D,
        "Williams 2017", _LOAD, ("daily_load.acute_chronic", "smoothing.alpha_of", "smoothing.smooth"),
        (_ACUTE, _CHRONIC, MetricParameter("alpha", "formula", "2/(N+1)")),
        ("shown after 28 days", "no evidence that smoothing is better (Sampson 2017)", _NO_THRESHOLD),
    ),
    Metric(
        "ctl", "42-day load (CTL)", "AU/day", "The load the athlete is used to.",
        "yesterday's value + alpha x (today's load - yesterday's value), alpha = 1-exp(-1/42)", "1", _D,
        _COGGAN, _LOAD, ("daily_load.balance",),
        (MetricParameter("days", "days", 42), _ALPHA, MetricParameter("seed_au", "AU", 0)),
        (_MISSING, "warming up for 42 days", "programs with another alpha give other numbers"),
    ),
    Metric(
        "atl", "7-day load (ATL)", "AU/day", "The load of about the last week, recent days counting more.",
        "yesterday's value + alpha x (today's load - yesterday's value), alpha = 1-exp(-1/7)", "1", _D,
        _COGGAN, _LOAD, ("daily_load.balance",),
        (MetricParameter("days", "days", 7), _ALPHA, MetricParameter("seed_au", "AU", 0)),
        (_MISSING, "programs with another alpha give other numbers"),
    ),
    Metric(
        "tsb", "Balance (TSB)", "AU/day", "What the athlete is used to, less what was done lately.",
        "42-day load of the day before - 7-day load of the day before", "1", _D, _COGGAN, _LOAD,
        ("daily_load.balance", "daily_load.balance_of"), (_ALPHA,), (_MISSING, _NO_THRESHOLD),
    ),
    Metric(
        "fitness_fatigue", "Fitness-fatigue model", "as the performance test",
        "Performance modelled as a slow gain less a quick fatigue; offered only with many tests.",
        "p0 + k1 x g - k2 x h, g and h past loads decaying over tau1 and tau2 days", "1", _D,
        "Banister 1975; Clarke & Skiba 2013", ("daily load", "at least 8 performance tests a season"),
        ("smoothing.impulse_response",),
        (MetricParameter("p0", "test"), MetricParameter("k1", "test/AU"), MetricParameter("k2", "test/AU"),
         MetricParameter("tau1_days", "days"), MetricParameter("tau2_days", "days")),
        ("describes the tests it was fitted on",),
    ),
)  # fmt: skip
