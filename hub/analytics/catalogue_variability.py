"""The catalogue's metrics of heart-rate variability, from the RR intervals of a chest strap.

It computes nothing; the formulas stand in the modules named by `computed_by`.
"""

from __future__ import annotations

from hub.analytics.metric import Family, Metric, MetricParameter

_V = Family.VARIABILITY
_TASK_FORCE = "Task Force of the ESC and NASPE 1996"
_RR, _BY = ("RR intervals",), ("hrv.time_domain",)
_PLAUSIBLE = MetricParameter("plausible_rr_ms", "ms", "240 to 2000")
_STRAP = "chest strap only: optical sensors' intervals are not RR intervals"
_REST = "at rest: one minute to settle, then 1 to 5 min in the same posture at the same time of day"
_ADJACENT = "differences never bridge a removed beat; under 30 of them the value is flagged"


def _time_domain(
    metric_id: str, name: str, unit: str, meaning: str, formula: str, *limits: str, source: str = _TASK_FORCE
) -> Metric:
    return Metric(
        metric_id, name, unit, meaning, formula, "1", _V, source, _RR, _BY, (_PLAUSIBLE,), (_STRAP, *limits)
    )


VARIABILITY: tuple[Metric, ...] = (
    _time_domain(
        "mean_rr_ms", "Mean RR interval", "ms",
        "The average time between two heartbeats.",
        "mean of the valid RR intervals", _REST,
    ),
    _time_domain(
        "mean_hr_of_rr", "Mean heart rate from RR", "bpm",
        "Heart rate worked out from the average RR interval.",
        "60000 / mean RR", "smaller than the mean of the instantaneous rates",
    ),
    _time_domain(
        "mean_instant_hr", "Mean instantaneous heart rate", "bpm",
        "The average of every beat's own rate, as some programs print it.",
        "mean of 60000 / RR", "larger than 60000 / mean RR: say which one is meant",
    ),
    _time_domain(
        "sdnn", "SDNN", "ms",
        "Overall variability of the heartbeat in the recording.",
        "standard deviation of the valid RR intervals, ddof 1",
        "grows with the length of the recording: compare equal lengths only",
    ),
    _time_domain(
        "rmssd", "RMSSD", "ms",
        "Beat-to-beat variability, the usual morning measure of recovery.",
        "square root of the mean squared difference of adjacent valid RR intervals", _REST, _ADJACENT,
    ),
    _time_domain(
        "ln_rmssd", "lnRMSSD", "ln ms",
        "RMSSD on a scale on which days can be averaged.",
        "natural logarithm of RMSSD in ms", _REST, _ADJACENT,
        source="Task Force of the ESC and NASPE 1996; Plews 2014",
    ),
    _time_domain(
        "sdsd", "SDSD", "ms",
        "Spread of the beat-to-beat differences.",
        "standard deviation of the differences of adjacent valid RR intervals, ddof 1", _ADJACENT,
    ),
    _time_domain(
        "nn50", "NN50", "count",
        "How many neighbouring beats differ by more than 50 ms.",
        "number of differences of adjacent valid RR intervals above 50 ms", "compare equal lengths only",
    ),
    _time_domain(
        "pnn50", "pNN50", "%",
        "The share of neighbouring beats that differ by more than 50 ms.",
        "100 x NN50 / number of differences", _ADJACENT, "some programs divide by the number of beats",
    ),
    Metric(
        "live_rmssd", "RMSSD, rolling", "ms",
        "RMSSD of the last two minutes while a session runs.",
        "as RMSSD, over the 120 s before the last beat", "1", _V, _TASK_FORCE, _RR,
        ("live_hrv.advance_beats",),
        (_PLAUSIBLE,), (_STRAP, "experimental during exercise", _ADJACENT),
        short="RMSSD",
    ),
    Metric(
        "ln_rmssd_week", "lnRMSSD, 7-day mean", "ln ms",
        "The week's level of morning variability; single days are too noisy to act on.",
        "mean of the last 7 days' lnRMSSD", "1", _V, "Plews 2014; Buchheit 2014",
        ("lnRMSSD of at least 3 of the 7 days",), ("hrv.rolling_week",),
        (MetricParameter("min_days", "days", 3),), (_REST, "fewer than 3 days give no mean"),
        short="7-day mean",
    ),
    Metric(
        "ln_rmssd_cv", "lnRMSSD, 7-day CV", "%",
        "How unsteady morning variability was over the week.",
        "100 x SD (ddof 1) / mean of the last 7 days' lnRMSSD", "1", _V, "Plews 2014; Buchheit 2014",
        ("lnRMSSD of at least 3 of the 7 days",), ("hrv.rolling_week",),
        (MetricParameter("min_days", "days", 3),), (_REST,),
    ),
    Metric(
        "ln_rmssd_band", "lnRMSSD, own band", "ln ms",
        "The range in which the athlete's 7-day mean counts as unchanged.",
        "mean +- k x SD (ddof 1) of 28 to 60 baseline days", "1", _V, "Plews 2013; Buchheit 2014",
        ("lnRMSSD of at least 14 baseline days",), ("hrv.swc_band",),
        (MetricParameter("k", "SD", 0.5),),
        ("the baseline stays fixed within a phase of the season", "both sides are worth a look"),
    ),
    Metric(
        "artefact_percent", "Artefacts", "%",
        "The share of heartbeats that were ectopic, missed, extra, or too long or short.",
        "100 x flagged beats / beats, on one pass; thresholds 5.2 x quartile deviation of 91 beats", "1", _V,
        "Lipponen & Tarvainen 2019", _RR,
        ("artefacts.lipponen_tarvainen", "artefacts.lipponen_tarvainen_squad",
         "artefacts.lipponen_tarvainen_repeated", "artefacts.beats_of"),
        (MetricParameter("beats", "beats", 91),),
        ("some true beats are flagged too", "corrected once only: repeated passes shave variability off"),
    ),
    Metric(
        "ectopic_rule", "Beats kept by a simple rule", "count",
        "Beats that a simple ectopic rule keeps, for comparison with other programs.",
        "Malik: within 20 % of the beat before; Kamath: at most 32.5 % longer or 24.5 % shorter; Karlsson: "
        "within 20 % of its neighbours' mean; Acar: within 20 % of the mean of the last nine kept", "1", _V,
        "Malik 1989; Kamath 1995; Karlsson 2012; Acar 2000", _RR, ("artefacts.kept_by", "hrv.plausible"),
        (MetricParameter("rule", "name"),), ("for comparison only",),
    ),
    Metric(
        "dfa_alpha1", "DFA alpha1", "1",
        "How ordered the heartbeat is; it falls as steady work gets harder.",
        "slope of log2 fluctuation against log2 scale, scales 4 to 16 beats, profile detrended linearly in "
        "boxes from the start", "1", _V, "Peng 1995; Gronwald 2021; Rogers & Gronwald 2022", _RR,
        ("dfa.dfa_alpha1", "dfa.dfa_alpha1_squad", "live_hrv.alpha1", "live_hrv.alpha1_squad"),
        (MetricParameter("scales", "beats", "4-16"), MetricParameter("boxes", "name", "boxes from the start"),
         MetricParameter("window", "s", 120)),
        (_STRAP, "experimental: steady work only, meaningless in stop-and-go play",
         "shown only with at most 3 % artefacts", "resolution about 0.05; other conventions differ"),
    ),
)  # fmt: skip
