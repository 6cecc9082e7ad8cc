"""The catalogue's metrics of wellness, attendance, injuries and unusual days.

It computes nothing; the formulas stand in the modules named by `computed_by`.
"""

from __future__ import annotations

from hub.analytics.metric import Family, Metric, MetricParameter

_W, _T, _I, _A = Family.WELLNESS, Family.ATTENDANCE, Family.INJURY, Family.ANOMALIES
_ATTENDANCE, _PLANNED = ("attendance.attendance",), ("planned sessions", "who came and who could")
_PARTIAL = "a partial form has no total, and an answer not given is never filled in"
_GRACE = MetricParameter("grace_s", "s", 0)
_EXPOSURE = "hours of training and match from attendance"

PEOPLE: tuple[Metric, ...] = (
    Metric(
        "hooper_index", "Hooper index", "points",
        "Sleep, stress, fatigue and soreness in one sum: low is good.",
        "sum of 4 items, 1 (good) to 7 (bad): 4 to 28", "1", _W, "Hooper 1995", ("the 4 answers",),
        ("wellness.wellness_total",), (), (_PARTIAL, "items on a scale of 1 to 5 are no Hooper index"),
    ),
    Metric(
        "mclean_total", "McLean wellness total", "points",
        "Fatigue, sleep, soreness, stress and mood in one sum: high is good.",
        "sum of 5 items, 1 (bad) to 5 (good): 5 to 25", "1", _W, "McLean 2010", ("the 5 answers",),
        ("wellness.wellness_total",), (), (_PARTIAL, "runs opposite to the Hooper index: never mix them"),
    ),
    Metric(
        "wellness_z", "Wellness against own days", "SD",
        "How far today's answer lies from the athlete's own last four weeks.",
        "(today - mean of the 28 days before) / SD (ddof 1, at least 0.5 points), today excluded", "1", _W,
        "own rule; Saw 2016 on self-report", ("at least 10 answers in the 28 days before",),
        ("wellness.own_z",),
        (MetricParameter("baseline", "days", 28), MetricParameter("min_sd", "points", 0.5)),
        ("compare an athlete with the own days only", "wording by age"),
    ),
    Metric(
        "conversation_prompt", "Worth asking", "signs",
        "Several independent signs have lasted for days, so a talk with the athlete is worth the time.",
        "number of independent kinds of sign (lnRMSSD week outside the own band; HRex or resting heart rate "
        "beyond its own error; wellness z below -1.5 on 2 items; sRPE:TRIMP above the own 90th percentile; "
        "test result down) that lasted 3 days or more with 2 readings or more; shown from 2 on", "1", _W,
        "Meeusen 2013 on why no single sign will do; own rule",
        ("daily readings of at least 2 kinds",), ("prompts.conversation_prompt", "prompts.lasting_sign"),
        (MetricParameter("min_days", "days", 3), MetricParameter("min_readings", "readings", 2),
         MetricParameter("min_signs", "signs", 2)),
        ("a reason to talk and no finding", "both directions count for lnRMSSD and heart rate"),
    ),
    Metric(
        "availability", "Availability", "%", "The share of planned sessions the athlete could take part in.",
        "100 x sessions available / planned; only injury and illness take away", "1", _T, "own rule",
        _PLANNED, _ATTENDANCE,
    ),
    Metric(
        "participation", "Participation", "%", "The share of available sessions the athlete came to.",
        "100 x sessions attended / available", "1", _T, "own rule", _PLANNED, _ATTENDANCE,
    ),
    Metric(
        "late_rate", "Late arrivals", "%", "The share of attended sessions begun late.",
        "100 x sessions with arrival later than the grace time after the start / attended", "1", _T,
        "own rule", (*_PLANNED, "arrival times"), _ATTENDANCE, (_GRACE,),
        ("a strap heard is evidence of presence; a coach's word overrules it",),
    ),
    Metric(
        "lateness", "Lateness", "s", "How late the late arrivals were on average.",
        "mean of arrival - start over late arrivals", "1", _T, "own rule", (*_PLANNED, "arrival times"),
        _ATTENDANCE, (_GRACE,),
    ),
    Metric(
        "attendance_streak", "Streak", "sessions", "Available sessions attended in a row, up to now.",
        "latest available sessions attended without a break", "1", _T, "own rule", _PLANNED, _ATTENDANCE,
        (), ("injured or ill neither adds nor breaks",),
    ),
    Metric(
        "presence", "Presence", "s", "When the athlete's strap was heard at the ground.",
        "first to last time heard, silences up to the grace time joined", "1", _T, "own rule",
        ("a strap",), ("attendance.presence_intervals",), (MetricParameter("grace_ms", "ms"),),
        ("evidence and no more: straps are forgotten and lent",),
    ),
    Metric(
        "injury_incidence", "Injury incidence", "injuries/1000 h", "New injuries for the hours played.",
        "1000 x new injuries / exposure hours, with the exact Poisson interval", "1", _I,
        "Bahr 2020 (IOC consensus); Garwood 1936", ("injury onsets", _EXPOSURE),
        ("injuries.incidence", "injuries.poisson_interval"), (MetricParameter("confidence", "1", 0.95),),
        ("read the interval first: few injuries say little", "of squads, not of one athlete"),
    ),
    Metric(
        "injury_burden", "Injury burden", "days/1000 h", "Days lost to injury for the hours played.",
        "1000 x days lost / exposure hours", "1", _I, "Bahr 2020 (IOC consensus)", ("days lost", _EXPOSURE),
        ("injuries.burden_days_per_1000_h",),
    ),
    Metric(
        "injury_severity", "Injury severity", "days lost",
        "How long an injury kept the athlete out, in bands.",
        "days lost: 0, 1-7, 8-28, over 28", "1", _I, "Bahr 2020 (IOC consensus)",
        ("days from onset to return",), ("injuries.severity_band",),
    ),
    Metric(
        "injury_episodes", "Injury episodes", "count", "Separate injuries, counted out of daily reports.",
        "a report at least so many days after the last one begins a new episode", "1", _I, "own rule",
        ("daily injury reports",), ("injuries.episodes",), (MetricParameter("min_gap", "days"),),
        ("the number depends on the gap chosen: say it", "daily reports are not injuries"),
    ),
    Metric(
        "robust_z", "Unusual value (robust z)", "SD", "How far today lies outside the athlete's ordinary.",
        "(today - median) / (1.4826 x MAD) of 28 to 60 own days; unusual above 3.5 either way", "1", _A,
        "Iglewicz & Hoaglin 1993", ("at least 14 own days",), ("anomalies.robust_z",),
        (MetricParameter("min_scale", "as the value"), MetricParameter("unusual", "SD", 3.5)),
        ("starts anew after a break in the season", "says neither why nor whether it matters"),
    ),
    Metric(
        "drift_chart", "Slow drift (control chart)", "as the value",
        "Whether a value has crept away from its usual level over many days.",
        "smoothed = w x value + (1 - w) x smoothed before, limits target +- L x sigma x "
        "sqrt(w (1 - (1 - w)^2i) / (2 - w))", "1", _A, "Roberts 1959; Montgomery", ("own level and spread",),
        ("anomalies.ewma_chart",),
        (MetricParameter("weight", "1", 0.1), MetricParameter("width", "sigma", 2.7)),
        ("both directions count", "starts anew after a break in the season"),
    ),
)  # fmt: skip
