"""The catalogue's metrics of external load: what positions and accelerations say was done.

It computes nothing; the formulas stand in the modules named by `computed_by`.
"""

from __future__ import annotations

from hub.analytics.metric import Family, Metric, MetricParameter

_E = Family.EXTERNAL
_SPEED = ("speed, Doppler before positions",)
_BY = "external_load.external_load"
_FIXES = "points with HDOP above 2, fewer than 6 satellites or over 12 m/s are dropped"
_MAKERS = "depends on the receiver's own filter: never compare makers"
_HIGH, _SPRINT = MetricParameter("high_speed_m_s", "m/s", 5.5), MetricParameter("sprint_m_s", "m/s", 7.0)
_DWELL, _MERGE = MetricParameter("dwell_s", "s", 1.0), MetricParameter("merge_s", "s", 0.5)
_HARD, _HARD_S = MetricParameter("hard_m_s2", "m/s2", 3.0), MetricParameter("dwell_s", "s", 0.5)

EXTERNAL: tuple[Metric, ...] = (
    Metric(
        "distance", "Distance", "m", "How far the athlete moved in the session.",
        "integral of speed over time", "1", _E, "Malone 2017", _SPEED,
        (_BY, "external.speed_load", "external.haversine_m", "positions.speeds", "positions.position_speeds",
         "external_load.device_distance"),
        (MetricParameter("max_speed_m_s", "m/s", 12.0),),
        (_FIXES, "flagged where worked out from positions",
         "with neither speed nor position the device's own distance counts, flagged"),
    ),
    Metric(
        "high_speed_distance", "High-speed running", "m",
        "Distance covered at 5.5 m/s (19.8 km/h) or faster, sprints included.",
        "integral of speed where it is at or above the threshold", "1", _E, "Varley 2017", _SPEED,
        (_BY, "external.speed_load"), (_HIGH,), (_FIXES, "thresholds differ by sport, sex and age"),
        short="High speed",
        stem="high_speed",
    ),
    Metric(
        "sprint_distance", "Sprint distance", "m", "Distance covered at 7.0 m/s (25.2 km/h) or faster.",
        "integral of speed where it is at or above the threshold", "1", _E, "Varley 2017", _SPEED,
        (_BY, "external.speed_load"), (_SPRINT,), (_FIXES, "thresholds differ by sport, sex and age"),
        short="Sprints",
        stem="sprint",
    ),
    Metric(
        "high_speed_bouts", "High-speed runs", "count", "How often the athlete ran at high speed.",
        "stretches at or above the threshold for at least 1 s, gaps under 0.5 s joined", "1", _E,
        "Varley 2017", _SPEED, (_BY, "external.bouts"), (_HIGH, _DWELL, _MERGE), (_FIXES,),
        short="Runs",
    ),
    Metric(
        "sprints", "Sprints", "count", "How often the athlete sprinted.",
        "stretches at or above the threshold for at least 1 s, gaps under 0.5 s joined", "1", _E,
        "Varley 2017", _SPEED, (_BY, "external.bouts"), (_SPRINT, _DWELL, _MERGE), (_FIXES,),
    ),
    Metric(
        "own_sprints", "Sprints at own top speed", "count",
        "How often the athlete came near the own top speed.",
        "stretches at or above 85 % of the own top speed for at least 1 s, gaps under 0.5 s joined", "1", _E,
        "Varley 2017", (*_SPEED, "own top speed"), (_BY, "external.bouts"),
        (MetricParameter("own_top_m_s", "m/s"), MetricParameter("share", "1", 0.85), _DWELL, _MERGE),
        (_FIXES, "a new top speed counts once a person confirms it"),
        short="Own",
    ),
    Metric(
        "top_speed", "Maximum velocity", "m/s", "The fastest the athlete ran, held for half a second.",
        "largest median over 0.5 s; below 2 Hz the largest value, marked as rough", "1", _E, "own rule",
        _SPEED, (_BY, "external.top_speed_m_s"), (MetricParameter("window_s", "s", 0.5),),
        (_FIXES, "spikes steeper than 6 m/s2 are dropped", "a personal best needs confirming"),
        short="Max",
    ),
    Metric(
        "accelerations", "Accelerations", "count", "How often the athlete sped up hard.",
        "stretches at or above 3 m/s2 for at least 0.5 s; slope of speed over 0.5 s", "1", _E,
        "Akenhead 2014", ("Doppler speed from 5 Hz up",), (_BY, "external.bouts"), (_HARD, _HARD_S),
        (_MAKERS, "varies by more than half from day to day (Buchheit 2015)"),
        short="Acc.",
    ),
    Metric(
        "decelerations", "Decelerations", "count", "How often the athlete braked hard.",
        "stretches at or below -3 m/s2 for at least 0.5 s; slope of speed over 0.5 s", "1", _E,
        "Akenhead 2014", ("Doppler speed from 5 Hz up",), (_BY, "external.bouts"), (_HARD, _HARD_S),
        (_MAKERS, "varies by more than half from day to day (Buchheit 2015)"),
        short="Dec.",
    ),
    Metric(
        "metres_a_minute", "Distance a minute", "m/min", "How fast the session was on average.",
        "60 x distance / seconds with speed", "1", _E, "own rule", _SPEED, (_BY,), (),
        ("compare drills of the same kind",),
    ),
    Metric(
        "metabolic_power", "Metabolic power", "W/kg",
        "A model of the power of accelerated running; off unless a club asks for it.",
        "energy cost of the equivalent slope x equivalent mass x speed, averaged over time", "1", _E,
        "Osgnach 2010; di Prampero & Osgnach 2018", ("speed from 5 Hz up",),
        ("running_power.running_power", "metabolic_power.metabolic_power"),
        (MetricParameter("model", "name", "Osgnach 2010"),),
        ("experimental", "29 % below measured oxygen use in soccer circuits (Buchheit 2015)",
         "the two models differ by about 20 % and are never mixed"),
        short="Power",
    ),
    Metric(
        "accelerometer_load", "Accelerometer load", "AU",
        "All changes of acceleration added up: running, jumps, turns and tackles.",
        "sum of sqrt(dax^2 + day^2 + daz^2) / 100 at 100 Hz, in g", "1", _E, "Boyd 2011; Bredt 2020",
        ("acceleration in three axes at 100 Hz",), ("external.accelerometer_load",),
        (MetricParameter("rate_hz", "Hz", 100),), (_MAKERS, "other sampling rates give other numbers"),
    ),
    Metric(
        "pitch_heat_map", "Pitch heat map", "s", "Where on the pitch the athlete was, and for how long.",
        "seconds in cells of about 5 m, steps over 10 s not counted", "1", _E, "own definition",
        ("positions", "four corners of the pitch, or a fitted rectangle"),
        ("heat_map.heat_map", "pitch.pitch_of_corners", "pitch.pitch_of_positions"),
        (MetricParameter("cell_m", "m", 5.0),),
        ("drawn to scale and not blurred", "time off the pitch is counted apart"),
    ),
)  # fmt: skip
