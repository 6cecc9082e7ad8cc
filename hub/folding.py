"""Between readings, the open journal and segments: samples gathered, sealed, and folded anew into live state.

It owns no session and writes nothing; the recorder decides when.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from hub.analytics.live_hrv import LiveBeats, advance_beats
from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.live_recovery import LiveRecovery, advance_recovery, stop_effort
from hub.domain import Athlete, Contact, Reading
from hub.store import journal, straps, worn
from sync.segments import Samples, Segment, seal

_CONTACT_CODE = {Contact.UNSUPPORTED: 0, Contact.NO: 1, Contact.YES: 2}


class OpenColumns:
    """One stream's unsealed samples in the order they came: 12 bytes each and two an interval.

    As objects they would be a quarter of a kilobyte each, and of sixty straps 18,000 wait to be sealed.
    """

    __slots__ = ("bpm", "contact", "mono_ms", "rr_1024", "rr_count")

    def __init__(self) -> None:
        self.mono_ms = array("q")
        self.bpm, self.contact = array("h"), array("B")
        self.rr_count, self.rr_1024 = array("B"), array("H")

    def __len__(self) -> int:
        return len(self.mono_ms)

    def append(self, sample: journal.Sample) -> None:
        rr_1024 = sample.rr_1024[: journal.MOST_INTERVALS]
        self.mono_ms.append(sample.mono_ms)
        self.bpm.append(sample.bpm)
        self.contact.append(sample.contact)
        self.rr_count.append(len(rr_1024))
        self.rr_1024.extend(rr_1024)


@dataclass(slots=True)
class OpenSamples:
    """The unsealed part of a running session, as the journal holds it; `samples` is by stream_no."""

    samples: dict[int, OpenColumns] = field(default_factory=lambda: defaultdict(OpenColumns))
    last_row: int = 0
    since_ms: int | None = None

    def add(self, samples: list[journal.Sample], row_id: int) -> None:
        for sample in samples:
            self.samples[sample.stream_no].append(sample)
        self.last_row = row_id
        if self.since_ms is None and samples:
            self.since_ms = samples[0].mono_ms


def refolded(athlete: Athlete, heard: worn.HeartRates | None, shift_ms: int) -> LiveLoad:
    """The live load of stored samples, moved by `shift_ms` onto this boot's clock."""
    load = LiveLoad(athlete.profile)
    if heard is not None:
        for mono_ms, bpm in zip((heard.mono_ms + shift_ms).tolist(), heard.bpm.tolist(), strict=True):
            advance(load, mono_ms, bpm)
    return load


def refolded_recovery(heard: worn.HeartRates | None, shift_ms: int, stop_ms: int | None) -> LiveRecovery:
    """The live recovery of stored samples, moved by `shift_ms`; `stop_ms` is on this boot's clock already."""
    recovery = LiveRecovery()
    if stop_ms is not None:
        stop_effort(recovery, stop_ms)
    if heard is not None:
        for mono_ms, bpm in zip((heard.mono_ms + shift_ms).tolist(), heard.bpm.tolist(), strict=True):
            advance_recovery(recovery, mono_ms, bpm)
    return recovery


def refolded_beats(heard: list[worn.Intervals], shift_ms: int) -> LiveBeats:
    """The live beats of stored intervals, moved by `shift_ms` onto this boot's clock."""
    beats = LiveBeats()
    for it in heard:
        advance_beats(beats, it.mono_ms + shift_ms, it.rr_1024, it.strap_id)
    return beats


def sealed(stream: straps.Stream, samples: OpenColumns) -> Segment:
    """A segment of a stream's samples, in the order they came."""
    columns = Samples(
        mono_ms=np.array(samples.mono_ms, dtype=np.int64),
        bpm=np.array(samples.bpm, dtype=np.int16),
        contact=np.array(samples.contact, dtype=np.uint8),
        rr_count=np.array(samples.rr_count, dtype=np.uint8),
        rr_1024=np.array(samples.rr_1024, dtype=np.uint16),
    )
    return seal(stream.stream_id, stream.boot_no, columns)


def sample_of(stream_no: int, reading: Reading) -> journal.Sample:
    contact = _CONTACT_CODE[reading.contact]
    return journal.Sample(stream_no, reading.mono_ms, reading.bpm or 0, contact, reading.rr_1024)
