"""Which codec carries what, and one check for them all.

It opens a segment only to see that it is whole; whoever wants the samples asks the codec's own module.
"""

from __future__ import annotations

from collections.abc import Callable

from sync.errors import SegmentCorrupt
from sync.motion import CODEC_MOTION, unseal_motion
from sync.segments import CODEC_ZLIB, Segment, unseal

_UNSEAL: dict[int, Callable[[Segment], object]] = {CODEC_ZLIB: unseal, CODEC_MOTION: unseal_motion}


def verify(segment: Segment) -> None:
    """Raises SegmentCorrupt unless the segment is whole, tells the truth and is of a known codec."""
    opens = _UNSEAL.get(segment.codec)
    if opens is None:
        raise SegmentCorrupt(f"unknown codec {segment.codec}")
    opens(segment)
