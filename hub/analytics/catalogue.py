"""Every metric the formulas give, in one registry: pages, exports and insights read names and units here.

It computes nothing and knows no athlete; the entries stand by family in the `catalogue_*` files.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from hub.analytics.catalogue_days import DAYS
from hub.analytics.catalogue_external import EXTERNAL
from hub.analytics.catalogue_heart import HEART
from hub.analytics.catalogue_people import PEOPLE
from hub.analytics.catalogue_running import RUNNING
from hub.analytics.catalogue_variability import VARIABILITY
from hub.analytics.errors import UnknownMetric
from hub.analytics.metric import Metric

METRICS: tuple[Metric, ...] = (*HEART, *VARIABILITY, *EXTERNAL, *RUNNING, *DAYS, *PEOPLE)
ZONE_PREFIX = "time_in_zone"

_BY_ID = {it.metric_id: it for it in METRICS}
_ONE_ZONE = re.compile(rf"{ZONE_PREFIX}_(0|[1-9][0-9]?)", re.ASCII)


@cache
def metric(metric_id: str) -> Metric:
    """The metric of that id. `time_in_zone_3` is `time_in_zone` for zone 3. Raises UnknownMetric."""
    if found := _BY_ID.get(metric_id):
        return found
    if zone := _ONE_ZONE.fullmatch(metric_id):
        return replace(
            _BY_ID[ZONE_PREFIX], metric_id=metric_id, name=f"Time in zone {zone[1]}", stem=f"z{zone[1]}"
        )
    raise UnknownMetric(metric_id)


def columns(*metric_ids: str) -> tuple[str, ...]:
    """The heads of these metrics' columns in a download. Raises UnknownMetric."""
    return tuple(metric(it).column for it in metric_ids)
