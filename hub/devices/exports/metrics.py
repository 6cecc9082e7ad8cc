"""Vest makers' totals: a heading becomes a metric's name, and a team's top speeds tell their unit.

Accounts choose their own units and speed bands, so a unit that no file states is a guess and is called one;
no band is ever given a meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hub.devices.exports.table import fold

# (unit, least, most) of the highest speed of a team's session; the gaps belong to nobody.
PLAUSIBLE_TOPS = (("m/s", 3.0, 12.0), ("mph", 12.0, 25.0), ("km/h", 25.0, 45.0))
WRITTEN_UNITS = {
    "m/s": "m/s", "ms": "m/s", "m.s-1": "m/s", "km/h": "km/h", "kmh": "km/h", "kph": "km/h", "mph": "mph",
    "m": "m", "metres": "m", "meters": "m", "km": "km", "yd": "yd", "yds": "yd", "yards": "yd", "mi": "mi",
    "bpm": "bpm", "%": "%", "kcal": "kcal", "cal": "kcal", "kj": "kJ", "w/kg": "W/kg", "w": "W",
    "kj/kg": "kJ/kg", "m/s2": "m/s²", "m/s/s": "m/s²", "m/s^2": "m/s²", "m/s²": "m/s²", "m/min": "m/min",
    "s": "s", "sec": "s", "secs": "s", "h:mm:ss": "s", "hh:mm:ss": "s", "mins": "min", "min": "min",
    "au": "au",
}  # fmt: skip
METRES_IN = {"m": 1.0, "km": 1000.0, "yd": 0.9144, "mi": 1609.344}
KCAL_IN = {"kcal": 1.0, "kJ": 1 / 4.184}
METRES_PER_S_IN = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}
_IN_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")


@dataclass(frozen=True, slots=True)
class Metric:
    """A heading's name in snake case, and its unit where the heading says one."""

    name: str
    unit: str | None


def metric_of(heading: str) -> Metric:
    """The metric under a heading: "Max Speed (m/s)" is max_speed in m/s, "HSR (Absolute)" hsr_absolute."""
    unit: str | None = None
    plain = heading
    for match in _IN_BRACKETS.finditer(heading):
        written = WRITTEN_UNITS.get(match.group(1).strip().casefold())
        if written:
            unit, plain = written, plain.replace(match.group(0), " ")
    return Metric("_".join(re.findall(r"\w+", fold(plain))), unit)


def speed_unit(tops: Iterable[float | None]) -> tuple[str, str | None]:
    """The likeliest unit of a team's top speeds, "" where none fits, and what to tell of it."""
    top = max((value for value in tops if value is not None), default=0.0)
    if top <= 0:
        return "", None
    unit = next((unit for unit, least, most in PLAUSIBLE_TOPS if least <= top < most), "")
    if unit == "m/s":
        return unit, None
    if unit:
        return (
            unit,
            f"Its speeds (up to {top:g}) were taken as {unit}; the file does not say: check the account.",
        )
    return "", f"Its speeds (up to {top:g}) fit no unit that people run in: check the account."
