"""A number that can be explained years later: value, unit, version, inputs, and how much was measured.

It computes nothing; the catalogue says what the metric means and where its formula comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.analytics.flags import Flag

Parameter = float | int | str


@dataclass(frozen=True, slots=True)
class Result:
    """One metric of one person over one span. `value` None means it cannot be given, and `flags` say why.

    `parameters` are the inputs beside the samples (name with unit, value); `estimated` names those that were
    estimated rather than measured. `coverage` is the share (0 to 1) of the span with valid data, None where
    the metric has no span; `n` counts what went in (samples, beats, days). `band` holds (low, high) where
    an unknown input allows no single value.
    """

    metric_id: str
    value: float | None
    unit: str
    version: str
    parameters: tuple[tuple[str, Parameter], ...] = ()
    coverage: float | None = None
    n: int = 0
    flags: tuple[Flag, ...] = ()
    estimated: tuple[str, ...] = ()
    band: tuple[float, float] | None = None
