"""What is left of a segment when only some spans of its stream may stay: the same on hub and cloud.

It cuts by time alone. Who wore the stream when, and why something must go, the caller knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sync.errors import SegmentCorrupt
from sync.motion import CODEC_MOTION, seal_motion, unseal_motion
from sync.segments import CODEC_ZLIB, Samples, Segment, seal, unseal

Span = tuple[int, int | None]
"""[from, to) in the stream's own monotonic ms; None is without end."""


def inside(segment: Segment, spans: Sequence[Span]) -> Segment | None:
    """The segment itself where all of it lies in the spans, a new one of what does, or None of nothing.

    The same segment and spans give the same bytes anywhere. Raises SegmentCorrupt.
    """
    if segment.codec == CODEC_MOTION:
        motion = unseal_motion(segment)
        mask = _mask(motion.mono_ms, spans)
        if mask.all() or not mask.any():
            return segment if mask.all() else None
        return seal_motion(segment.stream_id, segment.boot_no, motion.rows(mask))
    if segment.codec != CODEC_ZLIB:
        raise SegmentCorrupt(f"unknown codec {segment.codec}")
    samples = unseal(segment)
    mask = _mask(samples.mono_ms, spans)
    if mask.all() or not mask.any():
        return segment if mask.all() else None
    return seal(segment.stream_id, segment.boot_no, _chosen(samples, mask))


def _mask(mono_ms: npt.NDArray[np.int64], spans: Sequence[Span]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(mono_ms.size, np.bool_)
    for from_ms, to_ms in spans:
        mask |= (mono_ms >= from_ms) & (mono_ms < (np.iinfo(np.int64).max if to_ms is None else to_ms))
    return mask


def _chosen(samples: Samples, mask: npt.NDArray[np.bool_]) -> Samples:
    beats = np.repeat(mask, samples.rr_count)
    return Samples(
        samples.mono_ms[mask], samples.bpm[mask], samples.contact[mask], samples.rr_count[mask],
        samples.rr_1024[beats],
    )  # fmt: skip
