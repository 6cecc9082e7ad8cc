"""The catalogue's metrics of running as it happens: what a pod on the shoe says now.

It computes nothing; the formula stands in the module named by `computed_by`.
"""

from __future__ import annotations

from hub.analytics.metric import Family, Metric

_POD = ("a running pod (Running Speed and Cadence, 0x1814)",)
_BY = ("live_motion.live_motion",)
_OLD = "dimmed after 3 s and gone 5 s after the pod last spoke"

RUNNING: tuple[Metric, ...] = (
    Metric(
        "running_speed", "Running speed", "m/s", "How fast the athlete runs at this moment.",
        "the pod's last measurement", "1", Family.EXTERNAL, "RSC Service 1.0", _POD, _BY, (),
        (_OLD, "a pod on the shoe is calibrated for straight running; turns and steps backwards read low"),
        short="Speed",
    ),
    Metric(
        "running_cadence", "Running cadence", "steps/min", "How many steps of both feet a minute.",
        "the pod's last measurement", "1", Family.EXTERNAL, "RSC Service 1.0", _POD, _BY, (),
        (_OLD, "0 while the athlete stands"),
        short="Cadence",
    ),
)  # fmt: skip
