"""The club's speed limits and each athlete's confirmed top speed, kept as one JSON text among the settings.

A top speed is only ever what a person confirmed; nothing here reads one off a recording.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from sqlite3 import Connection

from hub.analytics.errors import OutOfRange
from hub.analytics.external_load import SpeedLimits
from hub.store import meta

KEY = "speed_settings"


@dataclass(frozen=True, slots=True)
class SpeedSettings:
    """What is fast here; `tops_m_s` are confirmed top speeds by athlete id."""

    limits: SpeedLimits = field(default_factory=SpeedLimits)
    tops_m_s: Mapping[str, float] = field(default_factory=dict)


def speed_settings(db: Connection) -> SpeedSettings:
    """The settings as they stand, the usual ones before anybody changed them."""
    text = meta.value(db, KEY)
    doc = json.loads(text) if text else {}
    try:
        limits = SpeedLimits(**doc.get("limits", {}))
    except (OutOfRange, TypeError):  # kept by another version of the program
        limits = SpeedLimits()
    return SpeedSettings(limits, {str(who): float(top) for who, top in doc.get("tops_m_s", {}).items()})


def save_limits(db: Connection, limits: SpeedLimits) -> None:
    """From now on these limits hold, for every session."""
    _save(db, replace(speed_settings(db), limits=limits))


def save_tops(db: Connection, tops_m_s: Mapping[str, float | None]) -> None:
    """Confirm top speeds, or with None forget them; those of others stay."""
    now = speed_settings(db)
    tops = {**now.tops_m_s, **tops_m_s}
    _save(db, replace(now, tops_m_s={who: top for who, top in tops.items() if top is not None}))


def _save(db: Connection, settings: SpeedSettings) -> None:
    doc = {"limits": asdict(settings.limits), "tops_m_s": dict(settings.tops_m_s)}
    meta.put(db, KEY, json.dumps(doc, sort_keys=True))
