"""An Apple Health export's workouts become sessions and its records numbers of days, in one pass.

Routes are GPX files beside it and are read as such; documents for doctors are refused. Of heart rates outside
workouts only the day's minimum and mean are kept, of variability readings there only Apple's own SDNN.
"""

from __future__ import annotations

from hub.devices.exports.apple_days import days_of
from hub.devices.exports.apple_elements import Elements
from hub.devices.exports.apple_workouts import hearts_of, intervals_of, sessions_of
from hub.devices.exports.found import Found, Held, Setting
from hub.devices.exports.source import Source
from hub.devices.exports.xml_events import listen
from hub.errors import ExportUnreadable

CLINICAL = b"<ClinicalDocument"


def read_apple(source: Source, setting: Setting) -> Found:
    """Sessions and days of an export.xml, the same for the same export; what stands before damage is kept.

    Memory grows by 12 bytes a heart rate, not with the file. Raises ExportUnreadable where it holds neither.
    """
    if CLINICAL in source.head():
        raise ExportUnreadable(
            "it is Apple's clinical document, without samples.", hint="Import export.xml beside it."
        )
    elements = Elements()
    damage = listen(source, "HealthData", elements)
    hearts = hearts_of(elements.heart)
    sessions = tuple(sessions_of(elements, hearts, intervals_of(elements.beats)))
    daily = days_of(elements, hearts)
    if not (sessions or daily):
        raise _empty(damage)
    return Found(
        format="Apple Health",
        provider="apple",
        sessions=sessions,
        daily=daily,
        held=tuple(_held(elements)),
        warnings=tuple(_warnings(elements)),
        damage=damage,
    )


def _held(elements: Elements) -> list[Held]:
    counted = (
        (elements.n_bad, "its time, value or unit cannot be"),
        (elements.n_surplus, "more records of a kind than can be kept"),
    )
    return [Held("records", reason, n=n) for n, reason in counted if n]


def _warnings(elements: Elements) -> list[str]:
    n = len(elements.beats.starts)
    if not n:
        return []
    readings = "1 reading" if n == 1 else f"{n} readings"
    return [f"Beats of {readings} of variability are kept only where they lie in a workout, and are rough."]


def _empty(damage: str | None) -> ExportUnreadable:
    if damage:
        return ExportUnreadable("it is damaged and holds nothing whole.", hint="Export it again.")
    return ExportUnreadable(
        "it holds no workout and no value of a day that is used here.",
        hint="Allow the watch to write to Health, then export again.",
    )
