"""Which codec carries what, and one check for them all.

It opens a segment only to see that it is whole; whoever wants the samples asks the codec's own module.
"""

from __future__ import annotations

from collections.abc import Callable

from sync.errors import SegmentCorrupt
from sync.motion import CODEC_MOTION, COLUMNS, unseal_motion
from sync.segments import CODEC_ZLIB, Segment, unseal


def _heart_values(segment: Segment) -> int:
    samples = unseal(segment)
    return 4 * len(samples) + int(samples.rr_1024.size)


def _motion_values(segment: Segment) -> int:
    return (len(COLUMNS) + 1) * len(unseal_motion(segment))


_VALUES: dict[int, Callable[[Segment], int]] = {CODEC_ZLIB: _heart_values, CODEC_MOTION: _motion_values}


def verify(segment: Segment) -> int:
    """How many values it holds. Raises SegmentCorrupt unless it is whole, truthful and of a known codec."""
    values_of = _VALUES.get(segment.codec)
    if values_of is None:
        raise SegmentCorrupt(f"unknown codec {segment.codec}")
    return values_of(segment)
