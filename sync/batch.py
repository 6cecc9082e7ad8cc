"""Segments as they travel together: their columns side by side, foretold and zipped as one.

A third smaller than the same segments in frames, since thirty hearts share one table of how often what
occurs, and a beat is mostly known from those before it. What comes out are the same segments to the bit, by
the same names; only heart rates and intervals travel so (codec 1), and nothing is stored in this form.

    4   "TLB1"
    4   length of what follows the digest, little-endian
    8   the first bytes of its sha256
    ... columns, each: 1 how it is zipped, 4 length unzipped, 4 length, bytes

Batches are concatenated, each whole in itself: of a body that was cut off, those that arrived can be kept.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sync import beats, varint
from sync.bounds import MOST_BATCHES, MOST_SEGMENTS, MOST_STEPS, MOST_VALUES
from sync.errors import SegmentCorrupt, TooMuch
from sync.segments import CODEC_ZLIB, USUAL_STEP_MS, Samples, Segment, seal, unseal

MAGIC = b"TLB1"
_MOST_VALUES = 4 << 20
_LONGEST = 1 << 18
_HEAD = struct.Struct("<4sI8s")
_COLUMN = struct.Struct("<BII")
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)
_FOUR_A_BYTE = 2  # added to how it is zipped: numbers up to 3, four to a byte
_ESCAPES = (255, 255, 255, 3)  # times, rates, intervals, counts: from here on written in full
_PLACES = np.array([0, 2, 4, 6], np.uint8)
_N_COLUMNS = 9
_CHECK_BYTES = 4  # of each segment's name: what is rebuilt here must be what was taken apart there
_PER_SEGMENT = 6  # numbers each segment has of its own

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


def packs(segment: Segment) -> bool:
    """Whether a segment can travel so."""
    return segment.codec == CODEC_ZLIB


def packed(segments: Sequence[Segment]) -> bytes:
    """1 to 512 segments of codec 1 as one batch. Raises SegmentCorrupt for one that is damaged."""
    if not 0 < len(segments) <= MOST_SEGMENTS:
        raise ValueError(f"a batch holds 1 to {MOST_SEGMENTS} segments")
    samples = [unseal(segment) for segment in segments]
    counts = np.array([len(it) for it in samples], np.int64)
    n_beats = np.array([it.rr_1024.size for it in samples], np.int64)
    bpm = _rows([it.bpm for it in samples])
    rr, per = _rows([it.rr_1024 for it in samples]), _rows([it.rr_count for it in samples])
    factors = beats.coefficients(rr, n_beats, bpm, counts)
    phase = beats.phases(rr, n_beats, per, counts)
    columns = (
        _flat(_steps(_rows([it.mono_ms for it in samples])), counts - 1),
        _flat(np.diff(bpm, axis=1), counts - 1),
        _flat(beats.interval_surprises(rr, n_beats, bpm, counts, factors), n_beats),
        _flat(beats.count_surprises(rr, n_beats, per, phase), counts),
    )
    symbols, escapes = zip(*map(_symbols, columns, _ESCAPES), strict=True)
    parts = [
        _labels(segments, bpm, n_beats - _likely_beats(bpm, counts)),
        factors.T.tobytes() + phase.tobytes(),
        b"".join(it.contact.tobytes() for it in samples),
        b"".join(it.seg_id[:_CHECK_BYTES] for it in segments),
        *symbols,
        varint.pack(np.concatenate(escapes)),
    ]
    body = b"".join(_zipped(part) for part in parts)
    return _HEAD.pack(MAGIC, len(body), hashlib.sha256(body).digest()[:8]) + body


@dataclass(slots=True)
class _Allowance:
    """What may still come of one request; each batch takes its part before it is worked out."""

    batches: int = MOST_BATCHES
    segments: int = MOST_SEGMENTS
    values: int = MOST_VALUES
    steps: int = MOST_STEPS

    def take(self, *, batches: int = 0, segments: int = 0, values: int = 0, steps: int = 0) -> None:
        """Raises TooMuch where it is more than is left."""
        self.batches, self.segments = self.batches - batches, self.segments - segments
        self.values, self.steps = self.values - values, self.steps - steps
        for left, what in (
            (self.batches, "batches"), (self.segments, "segments"), (self.values, "values"),
            (self.steps, "samples and beats in the longest segments of its batches"),
        ):  # fmt: skip
            if left < 0:
                raise TooMuch(f"its {what} are too many")


def unpacked(data: bytes) -> list[Segment]:
    """All segments of concatenated batches.

    Raises SegmentCorrupt; TooMuch where they are more than a request may hold, before they are worked out.
    """
    left = _Allowance()
    return [segment for body in _bodies(data) for segment in _opened(body, left)]


def whole_part(data: bytes) -> bytes:
    """The batches at the front that arrived whole; what stands behind them was cut off."""
    at = 0
    while len(data) - at >= _HEAD.size:
        magic, size, _ = _HEAD.unpack_from(data, at)
        if magic != MAGIC or at + _HEAD.size + size > len(data):
            break
        at += _HEAD.size + size
    return data[:at]


def _bodies(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise SegmentCorrupt("a batch's head is cut off", offset=at)
        magic, size, digest = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + size]
        if magic != MAGIC or len(body) < size:
            raise SegmentCorrupt("this is no batch, or it is cut off", offset=at)
        if hashlib.sha256(body).digest()[:8] != digest:
            raise SegmentCorrupt("the batch does not match its digest", offset=at)
        yield body
        at += _HEAD.size + size


def _opened(body: bytes, left: _Allowance) -> list[Segment]:
    left.take(batches=1)
    packs = _columns(body, left)
    streams, numbers = _read_labels(packs[0].unzipped())
    boots, first_ms, counts, first_bpm, more_beats = numbers
    size, most = len(counts), int(counts.max())
    left.take(segments=size, values=size * most, steps=most)
    own, contacts, checks, steps, bpm_steps, surprises, count_surprises, escaped = (
        it.unzipped() for it in packs[1:]
    )
    if len(own) != size * (beats.ORDER + 1):
        raise SegmentCorrupt("the batch's coefficients are cut off")
    factors = np.frombuffer(own, np.int8)[:-size].reshape(beats.ORDER, size).T
    phase = np.frombuffer(own, np.int8)[-size:]
    source = _Escapes(escaped)
    mono_ms = _walked(first_ms, source.rows(steps, counts - 1, 0) + USUAL_STEP_MS, counts, USUAL_STEP_MS)
    bpm = _walked(first_bpm, source.rows(bpm_steps, counts - 1, 1), counts, 0)
    _check_range(bpm, -(1 << 15), (1 << 15) - 1)
    n_beats = more_beats + _likely_beats(bpm, counts)
    _check_range(n_beats, 0, min(_LONGEST, _MOST_VALUES // size))
    left.take(values=size * int(n_beats.max()), steps=int(n_beats.max()))
    rr = beats.intervals(source.rows(surprises, n_beats, 2), n_beats, bpm, counts, factors)
    _check_range(rr, 0, (1 << 16) - 1)
    per = beats.counts_of(rr, n_beats, source.rows(count_surprises, counts, 3), phase)
    source.must_be_used_up()
    per[np.arange(most) >= counts[:, None]] = 0
    _check_range(per, 0, 255)
    if len(contacts) != int(counts.sum()) or not np.array_equal(per.sum(axis=1), n_beats):
        raise SegmentCorrupt("the batch's columns do not belong together")
    contact = np.split(np.frombuffer(contacts, np.uint8), np.cumsum(counts)[:-1])
    try:
        found = [
            seal(
                streams[row], int(boots[row]),
                Samples(
                    mono_ms[row, :n], bpm[row, :n].astype(np.int16), contact[row],
                    per[row, :n].astype(np.uint8), rr[row, :m].astype(np.uint16),
                ),
            )
            for row, (n, m) in enumerate(zip(counts.tolist(), n_beats.tolist(), strict=True))
        ]  # fmt: skip
    except ValueError as error:
        raise SegmentCorrupt(str(error)) from error
    if b"".join(it.seg_id[:_CHECK_BYTES] for it in found) != checks:
        raise SegmentCorrupt("a segment is not the one that was sent")
    return found


# --- what each segment has of its own


def _labels(segments: Sequence[Segment], bpm: Ints, more_beats: Ints) -> bytes:
    """Streams once each, then for every segment: which one, boot, first time, samples, first rate, beats.

    Times and rates are told from where the segment before ended, beats from what the rates make likely.
    """
    streams = list(dict.fromkeys(segment.stream_id for segment in segments))
    place = {stream: number for number, stream in enumerate(streams)}
    boots = np.array([it.boot_no for it in segments], np.uint64).view(np.int64)
    mono0_ms = np.array([it.mono0_ms for it in segments], np.int64)
    mono0_ms[1:] -= np.array([it.mono1_ms for it in segments[:-1]], np.int64) + USUAL_STEP_MS
    first_bpm = bpm[:, 0].copy()
    first_bpm[1:] -= bpm[:-1, -1]
    rows = np.stack(
        [
            np.array([place[it.stream_id] for it in segments], np.int64),
            varint.differences(boots),
            mono0_ms,
            np.array([it.n for it in segments], np.int64),
            first_bpm,
            more_beats,
        ]
    )
    head = struct.pack("<HH", len(streams), len(segments))
    ids = b"".join(uuid.UUID(stream).bytes for stream in streams)
    return head + ids + varint.pack(varint.zigzag(rows.ravel()))


def _read_labels(data: bytes) -> tuple[list[str], tuple[Ints, ...]]:
    """Each segment's stream; and boots, first times, counts, first rates and numbers of beats, as told."""
    if len(data) < 4:
        raise SegmentCorrupt("the batch's labels are cut off")
    n_streams, size = struct.unpack_from("<HH", data)
    start = 4 + 16 * n_streams
    if not 0 < n_streams <= size <= MOST_SEGMENTS or len(data) < start:
        raise SegmentCorrupt("the batch's labels are cut off")
    streams = [str(uuid.UUID(bytes=data[at : at + 16])) for at in range(4, start, 16)]
    numbers = varint.unzigzag(
        varint.unpack(np.frombuffer(data, np.uint8, offset=start), _PER_SEGMENT * size, start)
    )
    place, boots, first_ms, counts, first_bpm, more_beats = numbers.reshape(_PER_SEGMENT, size)
    _check_range(place, 0, n_streams - 1)
    _check_range(counts, 1, min(_LONGEST, _MOST_VALUES // size))
    return [streams[number] for number in place.tolist()], (
        np.cumsum(boots).view(np.uint64), first_ms, counts, first_bpm, more_beats,
    )  # fmt: skip


def _likely_beats(bpm: Ints, counts: Ints) -> Ints:
    """How many beats each segment's rates make, a second each."""
    is_sample = np.arange(bpm.shape[1]) < counts[:, None]
    likely: Ints = np.where(is_sample, np.maximum(bpm, 0), 0).sum(axis=1) // 60
    return likely


def _walked(first: Ints, steps: Ints, counts: Ints, between: int) -> Ints:
    """Rows from their steps; each begins `between` and its own part behind where the one before ended."""
    is_step = np.arange(steps.shape[1]) < counts[:, None] - 1
    steps = np.where(is_step, steps, 0)
    begin = first.copy()
    begin[1:] += steps.sum(axis=1)[:-1] + between
    return np.cumsum(np.concatenate([np.cumsum(begin)[:, None], steps], axis=1), axis=1)


# --- columns


def _rows(columns: Sequence[npt.NDArray[np.integer]]) -> Ints:
    """One row each, padded with its last value, with 0 where there is none."""
    wide = np.zeros((len(columns), max(1, *(len(column) for column in columns), 1)), np.int64)
    for row, column in enumerate(columns):
        wide[row, : len(column)] = column
        if len(column):
            wide[row, len(column) :] = column[-1]
    return wide


def _steps(mono_ms: Ints) -> Ints:
    with np.errstate(over="ignore"):  # wraps round at 64 bits, and back when read
        return np.diff(mono_ms, axis=1) - USUAL_STEP_MS


def _flat(rows: Ints, lengths: Ints) -> Ints:
    """The rows behind each other without their padding."""
    flat: Ints = rows[np.arange(rows.shape[1]) < lengths[:, None]]
    return flat


def _symbols(values: Ints, escape: int) -> tuple[bytes, varint.Unsigned]:
    """A byte for every number, and what is above `escape` of those that reach it."""
    folded = varint.zigzag(values)
    is_large = folded >= escape
    return np.minimum(folded, escape).astype(np.uint8).tobytes(), folded[is_large] - np.uint64(escape)


class _Escapes:
    """The numbers that did not fit a byte, in the order they are asked for."""

    def __init__(self, data: bytes) -> None:
        raw = np.frombuffer(data, np.uint8)
        self._values = varint.unpack(raw, int((raw < 0x80).sum()), 0)
        self._used = 0

    def rows(self, symbols: bytes, lengths: Ints, number: int) -> Ints:
        """The numbers of one column, a row a segment, padded with 0."""
        rows = np.zeros((len(lengths), int(lengths.max())), np.int64)
        rows[np.arange(rows.shape[1]) < lengths[:, None]] = self._values_of(symbols, lengths, number)
        return rows

    def _values_of(self, symbols: bytes, lengths: Ints, number: int) -> Ints:
        if len(symbols) != int(lengths.sum()):
            raise SegmentCorrupt(f"{int(lengths.sum())} numbers expected, {len(symbols)} found")
        folded = np.frombuffer(symbols, np.uint8).astype(np.uint64)
        large = np.flatnonzero(folded == _ESCAPES[number])
        own = self._values[self._used : self._used + large.size]
        if own.size != large.size:
            raise SegmentCorrupt("the batch's large numbers are cut off")
        self._used += large.size
        folded[large] += own
        return varint.unzigzag(folded)

    def must_be_used_up(self) -> None:
        """Raises SegmentCorrupt where numbers are left over."""
        if self._used != self._values.size:
            raise SegmentCorrupt("the batch has more numbers than samples")


def _zipped(part: bytes) -> bytes:
    """The part behind its head, zipped the way that makes it smallest."""
    forms = [(0, part)]
    if part and max(part) <= 3:
        four = np.frombuffer(part + bytes(-len(part) % 4), np.uint8).reshape(-1, 4)
        forms.append((_FOUR_A_BYTE, (four << _PLACES).sum(axis=1, dtype=np.uint8).tobytes()))
    tries = [
        (form + number, _deflated(content, strategy))
        for form, content in forms
        for number, strategy in enumerate(_STRATEGIES)
    ]
    how, content = min(tries, key=lambda it: len(it[1]))
    return _COLUMN.pack(how, len(part), len(content)) + content


def _deflated(content: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(content) + packer.flush()


@dataclass(frozen=True, slots=True)
class _Column:
    """A column still zipped, and how long it says it is unzipped."""

    content: bytes
    size: int
    is_four: bool
    at: int

    def unzipped(self) -> bytes:
        """Its bytes. Raises SegmentCorrupt where they are not what it says."""
        plain = _unzipped(self.content, -(-self.size // 4) if self.is_four else self.size, self.at)
        return _spread_out(plain)[: self.size] if self.is_four else plain


def _columns(body: bytes, left: _Allowance) -> list[_Column]:
    found, at = [], 0
    for _ in range(_N_COLUMNS):
        if len(body) - at < _COLUMN.size:
            raise SegmentCorrupt("a column's head is cut off", offset=at)
        how, size, length = _COLUMN.unpack_from(body, at)
        at += _COLUMN.size
        if size > _MOST_VALUES or length > len(body) - at:
            raise SegmentCorrupt("a column is cut off or too long", offset=at)
        left.take(values=size)
        found.append(_Column(body[at : at + length], size, how >= _FOUR_A_BYTE, at))
        at += length
    if at != len(body):
        raise SegmentCorrupt("the batch does not end where it should", offset=at)
    return found


def _spread_out(content: bytes) -> bytes:
    return ((np.frombuffer(content, np.uint8)[:, None] >> _PLACES) & 3).tobytes()


def _unzipped(content: bytes, size: int, at: int) -> bytes:
    stream = zlib.decompressobj(-15)
    try:
        plain = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise SegmentCorrupt("a column is not zipped", offset=at) from error
    if len(plain) != size or not stream.eof or stream.unused_data:
        raise SegmentCorrupt("a column has another length than it says", offset=at)
    return plain


def _check_range(values: npt.NDArray[np.integer], low: int, high: int) -> None:
    if values.size and (int(values.min()) < low or int(values.max()) > high):
        raise SegmentCorrupt("a value is out of range")
