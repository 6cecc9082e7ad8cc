"""Which of the five zone colours a zone has, however many zones an athlete has.

It knows no colour value: those are the style sheet's.
"""

from __future__ import annotations

import math

COLOURS = 5


def zone_css(zone: int, count: int) -> str:
    """The colour of zone `zone` where zone `count` is the highest: more than five share the five colours."""
    return f"z{zone if count <= COLOURS else math.ceil(zone * COLOURS / count)}"
