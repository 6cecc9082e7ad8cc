"""Zone colours read from the style sheet stay apart for every kind of colour vision.

Dichromats are simulated with the matrices of Machado, Oliveira and Fernandes (2009), severity 1.0, in
linear RGB; differences are CIE 1976 distances in L*a*b*.
"""

from __future__ import annotations

import itertools
import math
import re

import pytest

from hub.web.shell import STATIC

Rgb = tuple[float, float, float]
VISION: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.15229, 1.05258, -0.20487), (0.1145, 0.78628, 0.09922), (-0.00388, -0.04812, 1.052)),
    "deutan": ((0.36732, 0.86065, -0.22797), (0.28009, 0.6725, 0.04741), (-0.01182, 0.04294, 0.96888)),
    "tritan": ((1.25553, -0.07675, -0.17878), (-0.07841, 0.93081, 0.1476), (0.00473, 0.69137, 0.3039)),
}  # fmt: skip


def tokens(theme: str) -> dict[str, str]:
    sheet = (STATIC / "app.css").read_text()
    block = re.search(re.escape(theme) + r" \{(.*?)\}", sheet, re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[1]))


SUN, NIGHT = tokens("  :root"), tokens(":root.night")


def linear(colour: str) -> Rgb:
    def channel(at: int) -> float:
        value = int(colour[at : at + 2], 16) / 255
        return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)

    return channel(1), channel(3), channel(5)


def seen(colour: str, vision: str) -> Rgb:
    rgb = linear(colour)
    r, g, b = (
        min(1.0, max(0.0, sum(k * c for k, c in zip(row, rgb, strict=True)))) for row in VISION[vision]
    )
    return r, g, b


def luminance(rgb: Rgb) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def lab(rgb: Rgb) -> Rgb:
    r, g, b = rgb
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883

    def curve(t: float) -> float:
        return math.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    fx, fy, fz = curve(x), curve(luminance(rgb)), curve(z)
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(linear(one)), luminance(linear(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def least_difference(colours: list[str]) -> float:
    return min(
        math.dist(lab(seen(a, vision)), lab(seen(b, vision)))
        for vision in VISION
        for a, b in itertools.combinations(colours, 2)
    )


@pytest.mark.parametrize(("theme", "least"), [(SUN, 19.0), (NIGHT, 28.0)], ids=["sun", "night"])
def test_zone_colours_differ_for_every_kind_of_colour_vision(theme: dict[str, str], least: float) -> None:
    assert least_difference([theme[f"z{zone}"] for zone in range(1, 6)]) >= least


def test_the_obvious_traffic_colours_would_fail() -> None:
    assert least_difference(["#00664a", "#8a5a00", "#b3300a"]) < 10


@pytest.mark.parametrize("theme", [SUN, NIGHT], ids=["sun", "night"])
def test_text_and_strips_stand_out_from_their_ground(theme: dict[str, str]) -> None:
    for ground in ("page", "panel", "raised"):
        assert contrast(theme["text"], theme[ground]) >= 7
        assert contrast(theme["quiet"], theme[ground]) >= 7
    assert contrast(theme["warn"], theme["hatch"]) >= 4.5
    assert contrast(theme["z5-text"], theme["z5-fill"]) >= 7
    assert contrast(theme["on-accent"], theme["accent"]) >= 7
    assert contrast(theme["text"], theme["bad-wash"]) >= 7
    for zone in range(1, 6):
        assert contrast(theme[f"z{zone}"], theme["panel"]) >= 3, zone
