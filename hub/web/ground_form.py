"""The form for a ground: four corners, a name and the sides, as typed, read or faulted.

Corners may come in any order; sides that contradict them are refused with what the corners measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.analytics.errors import AnalyticsError
from hub.analytics.pitch import Degrees, pitch_of_corners
from hub.results.grounds import USUAL_LENGTH_M, USUAL_WIDTH_M, in_order
from hub.store.grounds import Ground

CORNERS = range(1, 5)
MOST_OFF_M = 3.0
SIDES = {"length_m": (10.0, 150.0), "width_m": (10.0, 120.0)}


@dataclass(frozen=True, slots=True)
class GroundForm:
    """What was typed, as typed; the ground it means, or what is wrong with it by field."""

    typed: dict[str, str]
    ground: Ground | None
    faults: dict[str, str]


def typed_from(corners_deg: tuple[Degrees, ...], ground: Ground | None) -> dict[str, str]:
    """The form's texts for a ground, or with these corners for a new one of the usual size."""
    typed = {
        "name": ground.name if ground else "",
        "length_m": f"{ground.length_m if ground else USUAL_LENGTH_M:g}",
        "width_m": f"{ground.width_m if ground else USUAL_WIDTH_M:g}",
    }
    for number, (latitude, longitude) in zip(CORNERS, corners_deg, strict=True):
        typed |= {f"lat{number}": f"{latitude:.7f}", f"lon{number}": f"{longitude:.7f}"}
    return typed


def read_form(data: Mapping[str, str], ground_id: str) -> GroundForm:
    """Turn the form into a ground, or into faults to show."""
    names = ["name", *SIDES, *(f"{axis}{number}" for number in CORNERS for axis in ("lat", "lon"))]
    typed = {name: data.get(name, "").strip() for name in names}
    faults: dict[str, str] = {}
    if not 0 < len(typed["name"]) <= 60:
        faults["name"] = "Give the ground a name of at most 60 characters."
    sides = {name: _decimal(typed[name], *limits) for name, limits in SIDES.items()}
    for name, (low, high) in SIDES.items():
        if sides[name] is None:
            faults[name] = f"Give a number from {low:g} to {high:g} m."
    corners: list[Degrees] = []
    for number in CORNERS:
        latitude = _decimal(typed[f"lat{number}"], -88.0, 88.0)
        longitude = _decimal(typed[f"lon{number}"], -180.0, 180.0)
        if latitude is None:
            faults[f"lat{number}"] = "Give degrees from -88 to 88, such as 59.9114912."
        if longitude is None:
            faults[f"lon{number}"] = "Give degrees from -180 to 180, such as 10.7579330."
        if latitude is not None and longitude is not None:
            corners.append((latitude, longitude))
    length_m, width_m = sides["length_m"], sides["width_m"]
    if faults or length_m is None or width_m is None:
        return GroundForm(typed, None, faults)
    ordered = in_order(corners)
    fault = _fault(ordered, max(length_m, width_m), min(length_m, width_m))
    if fault:
        return GroundForm(typed, None, {"corners": fault})
    ground = Ground(ground_id, typed["name"], ordered, max(length_m, width_m), min(length_m, width_m))
    return GroundForm(typed, ground, {})


def measured_m(corners_deg: tuple[Degrees, ...]) -> tuple[float, float] | None:
    """The sides the corners themselves measure, None where they make no rectangle."""
    try:
        pitch = pitch_of_corners(in_order(corners_deg))
    except AnalyticsError:
        return None
    return pitch.length_m, pitch.width_m


def _fault(corners: tuple[Degrees, ...], length_m: float, width_m: float) -> str | None:
    found = measured_m(corners)
    if found is None:
        return "These four points make no rectangle. Correct the corner that is off."
    if max(abs(found[0] - length_m), abs(found[1] - width_m)) > MOST_OFF_M:
        return (
            f"The corners lie {found[0]:.1f} by {found[1]:.1f} m apart. Give these as length and width, or"
            " correct a corner."
        )
    return None


def _decimal(text: str, low: float, high: float) -> float | None:
    """A plain decimal number in a range, with a point or a comma."""
    plain = text.replace(",", ".", 1)
    digits = plain.removeprefix("-")
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(plain) > 14:
        return None
    number = float(plain)
    return number if low <= number <= high else None
