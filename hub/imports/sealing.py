"""A found session's columns become sealed streams on the civil clock, the same bytes from the same file.

Heart rates stand at the file's own times; no gap is filled and nothing is smoothed. RR intervals are kept in
1/1024 s, which moves each by at most 0.5 ms (the original file keeps the exact value), flagged ones too.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports.found import NO_RR, NO_TRACK, FoundSession, RrSeries, Track
from hub.imports.readfile import HeartSummary, ReadSession, Stream
from sync.motion import CHANNEL, Motion, seal_motion
from sync.segments import Samples, Segment, seal

CIVIL_BOOT = 0
SEGMENT_MS = 300_000
MOST_IN_SEGMENT = 60_000  # samples and intervals together: a segment stays far below its 1 MiB
MOST_BPM = 300
MOST_RR_A_SAMPLE = 255
LONGEST_RR_1024 = 65_535  # 64 s; a longer pause between beats is kept as this
RR_REACH_MS = 5_000  # beats this long before the next heart rate get samples of their own
STREAMS = uuid.UUID("6b0cf1a4-5f0e-5d52-9a3e-2f1c8a7d4b10")

Ints = NDArray[np.int64]


def read_session(found: FoundSession, number: int, sha256: str) -> ReadSession:
    """Session `number` of the file with this hash: its summary, and its columns as sealed streams."""
    samples = heart_samples(found.track, found.rr)
    heart_id = stream_id(sha256, number, "hr")
    streams = [
        _stream("hr", heart_id, [seal(heart_id, CIVIL_BOOT, it) for it in cut(samples)]),
        _motion(found.track, sha256, number),
    ]
    return ReadSession(
        number=number,
        about=replace(found, track=NO_TRACK, rr=NO_RR),
        heart=_summary(found.track, samples),
        rr_n=len(found.rr.rr_ms),
        streams=tuple(stream for stream in streams if stream is not None),
        rows_end_ms=int(found.track.at_ms[-1]) if len(found.track.at_ms) else None,
    )


def stream_id(sha256: str, number: int, channel: str) -> str:
    """The stream of one channel of a file's session: the same file gives the same id on every hub."""
    return str(uuid.uuid5(STREAMS, f"{sha256}:{number}:{channel}"))


def heart_samples(track: Track, rr: RrSeries) -> Samples:
    """One sample for each row with a heart rate; where beats have none near, one a second from them.

    An interval belongs to the first sample at or after its end. A sample made from beats stands at the
    second's last beat; its bpm is 60000 / mean of the unflagged intervals ending in it, 0 without any.
    """
    at_ms, bpm = _rates(track)
    order = np.argsort(rr.at_ms, kind="stable")
    ends, rr_ms, is_flagged = rr.at_ms[order], rr.rr_ms[order], rr.is_flagged[order]
    next_ms = np.append(at_ms, np.iinfo(np.int64).max)[np.searchsorted(at_ms, ends)]
    is_alone = next_ms - ends > RR_REACH_MS
    made_ms, made_bpm = _from_beats(ends[is_alone], rr_ms[is_alone], is_flagged[is_alone])
    at_ms, first = np.unique(np.concatenate((at_ms, made_ms)), return_index=True)
    bpm = np.concatenate((bpm, made_bpm))[first]
    counts = _counts(np.searchsorted(at_ms, ends), len(at_ms))
    in_1024 = np.clip(np.round(np.nan_to_num(rr_ms) * 1.024), 0, LONGEST_RR_1024)
    return Samples(
        mono_ms=at_ms,
        bpm=bpm.astype(np.int16),
        contact=np.zeros(len(at_ms), np.uint8),
        rr_count=counts.astype(np.uint8),
        rr_1024=in_1024[: int(counts.sum())].astype(np.uint16),
    )


def cut(samples: Samples) -> list[Samples]:
    """Stretches of at most 300 s, shorter where they would hold more than a segment can."""
    if not len(samples):
        return []
    window = (samples.mono_ms - samples.mono_ms[0]) // SEGMENT_MS
    weight = np.cumsum(1 + samples.rr_count.astype(np.int64)) // MOST_IN_SEGMENT
    at = np.flatnonzero((np.diff(window) != 0) | (np.diff(weight) != 0)) + 1
    beats_at = np.cumsum(samples.rr_count, dtype=np.int64)[at - 1]
    columns = [np.split(getattr(samples, name), at) for name in ("mono_ms", "bpm", "contact", "rr_count")]
    return [Samples(*it) for it in zip(*columns, np.split(samples.rr_1024, beats_at), strict=True)]


def _rates(track: Track) -> tuple[Ints, Ints]:
    bpm = np.nan_to_num(track.column("bpm"))
    is_beating = (bpm >= 0.5) & (bpm <= MOST_BPM)
    at_ms, first = np.unique(track.at_ms[is_beating], return_index=True)
    return at_ms, np.round(bpm[is_beating][first]).astype(np.int64)


def _from_beats(ends: Ints, rr_ms: NDArray[np.float64], is_flagged: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    if not len(ends):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    second, number = np.unique(ends // 1000, return_inverse=True)
    is_sound = ~is_flagged & (rr_ms > 0)
    n = np.bincount(number[is_sound], minlength=len(second))
    total = np.bincount(number[is_sound], rr_ms[is_sound], minlength=len(second))
    bpm = np.divide(60_000 * n, total, out=np.zeros(len(second)), where=total > 0)
    last = np.searchsorted(number, np.arange(len(second)), side="right") - 1
    return ends[last], np.where(bpm <= MOST_BPM, np.round(bpm), 0).astype(np.int64)


def _counts(place: Ints, n: int) -> Ints:
    """Intervals a sample; more than fit move on to the next one, and past the last are let go."""
    counts = np.bincount(place[place < n], minlength=n).astype(np.int64)
    if not n or counts.max() <= MOST_RR_A_SAMPLE:
        return counts
    carried = 0
    for i in range(n):
        here = int(counts[i]) + carried
        counts[i] = min(here, MOST_RR_A_SAMPLE)
        carried = here - int(counts[i])
    return counts


def _summary(track: Track, samples: Samples) -> HeartSummary:
    _, bpm = _rates(track)
    rates = bpm if len(bpm) else samples.bpm[samples.bpm > 0]
    if not len(rates):
        return HeartSummary(0, None, None)
    return HeartSummary(len(rates), float(rates.mean()), int(rates.max()))


def _motion(track: Track, sha256: str, number: int) -> Stream | None:
    at_ms, first = np.unique(track.at_ms, return_index=True)
    motion = Motion.of_columns(at_ms, {name: column[first] for name, column in track.columns.items()})
    motion_id = stream_id(sha256, number, CHANNEL)
    return _stream(CHANNEL, motion_id, [seal_motion(motion_id, CIVIL_BOOT, it) for it in motion.pieces()])


def _stream(channel: str, stream: str, segments: list[Segment]) -> Stream | None:
    return Stream(channel, stream, tuple(segments)) if segments else None
