"""What is known of a metric besides its value: name, unit, meaning, formula, source and limits.

It holds no metric itself (the catalogue does) and computes nothing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from hub.analytics.result import Parameter


class Family(StrEnum):
    """What a metric is about; pages and the printed catalogue follow this order."""

    HEART_RATE = "heart rate"
    VARIABILITY = "heart-rate variability"
    EXTERNAL = "external load"
    DAYS = "load over days"
    WELLNESS = "wellness"
    ATTENDANCE = "attendance"
    INJURY = "injury"
    ANOMALIES = "anomalies"


@dataclass(frozen=True, slots=True)
class MetricParameter:
    """An input beside the samples; `default` None is given by the athlete or the club."""

    name: str
    unit: str
    default: Parameter | None = None

    @property
    def text(self) -> str:
        """`sprint_m_s = 7.0 m/s`, or `hr_max_bpm (bpm)` where it has to be given."""
        wordless = self.unit in ("1", "name", "formula")
        if self.default is None:
            return self.name if wordless else f"{self.name} ({self.unit})"
        return f"{self.name} = {self.default}" + ("" if wordless else f" {self.unit}")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` is "1" where the number has none; `version` is its formula's.

    `meaning` is one sentence for a coach, `needs` what must be known or measured, `limits` where it holds
    and how it is to be read. `source` names author and year. `computed_by` are the functions below
    `hub.analytics` that give it. `short` is the name where there is little room, `stem` begins the name of
    its column in downloads where that is not the id.
    """

    metric_id: str
    name: str
    unit: str
    meaning: str
    formula: str
    version: str
    family: Family
    source: str
    needs: tuple[str, ...]
    computed_by: tuple[str, ...]
    parameters: tuple[MetricParameter, ...] = ()
    limits: tuple[str, ...] = ()
    short: str = ""
    stem: str = ""

    @property
    def column(self) -> str:
        """Its column in downloads with the unit in the name, as in `distance_m`.

        A count has none. A percentage has none either: it is a share of 0 to 1 unless its id says percent.
        """
        stem, unit = self.stem or self.metric_id, re.sub(r"[^a-z0-9]+", "_", self.unit.lower()).strip("_")
        is_bare = self.unit in ("1", "%", "count") or stem.endswith(f"_{unit}")
        return stem if is_bare else f"{stem}_{unit}"

    @property
    def unit_text(self) -> str:
        """The unit in words: a number without one says so."""
        return "no unit" if self.unit == "1" else self.unit

    @property
    def heading(self) -> str:
        """The name over a column or on a button."""
        return self.short or self.name

    def text(self, value: float | None, digits: int = 0) -> str:
        """The value with its unit, as in `153 AU`; a dash where there is none."""
        if value is None or math.isnan(value):
            return "–"
        number = f"{value:.{digits}f}"
        return number if self.unit == "1" else f"{number} {self.unit}"
