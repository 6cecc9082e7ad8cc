"""Between readings, the open journal and segments: samples gathered, sealed, and folded anew into live state.

It owns no session and writes nothing; the recorder decides when.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from hub.analytics.live_hrv import LiveBeats, advance_beats
from hub.analytics.live_load import LiveLoad, advance
from hub.domain import Athlete, Contact, Reading
from hub.store import journal, straps, worn
from sync.segments import Samples, Segment, seal

_CONTACT_CODE = {Contact.UNSUPPORTED: 0, Contact.NO: 1, Contact.YES: 2}


@dataclass(slots=True)
class OpenSamples:
    """The unsealed part of a running session, as the journal holds it."""

    samples: dict[int, list[journal.Sample]] = field(default_factory=lambda: defaultdict(list))
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


def refolded_beats(heard: list[worn.Intervals], shift_ms: int) -> LiveBeats:
    """The live beats of stored intervals, moved by `shift_ms` onto this boot's clock."""
    beats = LiveBeats()
    for it in heard:
        advance_beats(beats, it.mono_ms + shift_ms, it.rr_1024, it.strap_id)
    return beats


def sealed(stream: straps.Stream, samples: list[journal.Sample]) -> Segment:
    """A segment of journal samples, in the order they came."""
    columns = Samples(
        mono_ms=np.array([s.mono_ms for s in samples], dtype=np.int64),
        bpm=np.array([s.bpm for s in samples], dtype=np.int16),
        contact=np.array([s.contact for s in samples], dtype=np.uint8),
        rr_count=np.array([len(s.rr_1024) for s in samples], dtype=np.uint8),
        rr_1024=np.array([rr for s in samples for rr in s.rr_1024], dtype=np.uint16),
    )
    return seal(stream.stream_id, stream.boot_no, columns)


def sample_of(stream_no: int, reading: Reading) -> journal.Sample:
    contact = _CONTACT_CODE[reading.contact]
    return journal.Sample(stream_no, reading.mono_ms, reading.bpm or 0, contact, reading.rr_1024)
