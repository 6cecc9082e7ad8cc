"""Every session's loads, computed from its segments through who wore what, and kept so that pages are quick.

The marks that say what to compute stand in the database, so a crash forgets nothing. The formulas are
hub.analytics' own; nothing is recomputed that has not changed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud.clock import TrueTime, local_date, now_ms
from cloud.doubts import Piece, Rates, judged, worn_rates
from cloud.fence import hold_erasures
from cloud.profiles import parameters_of
from cloud.store.database import (
    Connection,
    Database,
    Params,
    execute,
    execute_many,
    fetch_all,
    fetch_one,
    fetch_value,
)
from cloud.store.rows import AnchorRow, ChangeRow, HeardStream, SegmentRow, SessionSpan, StaleRow, WornRow
from hub.analytics.custom_zones import ZoneTimes, time_in_zones
from hub.analytics.doubt import HeardTime, heard_time
from hub.analytics.effective import parameters_doc
from hub.analytics.errors import ProfileIncomplete
from hub.analytics.load import SessionLoad, session_load
from hub.analytics.parameters import Parameters
from hub.analytics.trimp import FORMULA_VERSION
from sync.errors import SegmentCorrupt
from sync.segments import CODEC_ZLIB, Segment, unseal

log = logging.getLogger(__name__)

DEBOUNCE_MS = 1000
IDLE_S = 30.0
FAR_FUTURE_MS = 2**62
AGAIN_MS = 600_000
"""When a session that could not be computed has its turn again, behind all others."""
SOON_MS = 60_000


class LoadWorker:
    """Waits until marks have been quiet for a second, then recomputes those sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()
        self._failing: set[tuple[str, str]] = set()
        self.on_settled: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Something arrived."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The worker as a task beside the block."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        is_failing = has_worked = False
        await self._outdated()
        while True:
            try:
                done, remaining = await recompute_stale(self._database, now_ms(), failing=self._failing)
                is_failing = False
            except Exception:
                if not is_failing:
                    log.exception("computing loads failed; trying again every few seconds")
                is_failing, done, remaining = True, 0, 1
            has_worked |= done > 0
            if remaining == 0:
                if has_worked:
                    self.on_settled()
                has_worked = False
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._woken.wait()
                self._woken.clear()
            await asyncio.sleep(DEBOUNCE_MS / 1000 * (5 if is_failing else 1.05))

    async def _outdated(self) -> None:
        with suppress(Exception):
            async with self._database.transaction() as db:
                await execute(db, "stale_by_version", {"version": FORMULA_VERSION, "now_ms": now_ms()})


async def recompute_stale(
    database: Database,
    at_ms: int,
    *,
    debounce_ms: int = DEBOUNCE_MS,
    failing: set[tuple[str, str]] | None = None,
) -> tuple[int, int]:
    """Recompute what has been quiet for `debounce_ms`; how many sessions that were, and marks left for soon.

    One that cannot be computed stops no other: it is told of once as long as it is among the `failing`, club
    and session, and its turn comes again much later, or with the next change.
    """
    failing = set() if failing is None else failing
    async with database.transaction() as db:
        stale = await fetch_all(db, "stale_sessions", StaleRow, {"before_ms": at_ms - debounce_ms})
    for mark in stale:
        session = mark.club_id, mark.session_id
        try:
            await recompute(database, mark)
            failing.discard(session)
        except Exception:
            await _put_off(database, mark, at_ms + AGAIN_MS)
            if session not in failing:
                log.exception("computing the loads of session %s of club %s failed", *reversed(session))
            failing.add(session)
    async with database.transaction() as db:
        return len(stale), int(await fetch_value(db, "stale_count", {"before_ms": at_ms + SOON_MS}))


async def _put_off(database: Database, mark: StaleRow, until_ms: int) -> None:
    """Let others go first, unless a newer reason came meanwhile. Raises where the database is the trouble."""
    key: Params = {"club_id": mark.club_id, "session_id": mark.session_id, "mark": mark.mark}
    async with database.transaction() as db:
        await execute(db, "stale_put_off", {**key, "until_ms": until_ms})


async def recompute(database: Database, mark: StaleRow) -> None:
    """Compute one session's loads and take the mark away, unless a newer reason came meanwhile."""
    async with database.transaction() as db:
        recorded = await _read(db, mark)
    results = await asyncio.to_thread(session_loads, recorded) if recorded else []
    rows = [_params(mark, made) for made in results]
    async with database.transaction() as db:
        await hold_erasures(db, mark.club_id)
        key: Params = {"club_id": mark.club_id, "session_id": mark.session_id, "mark": mark.mark}
        if await execute(db, "stale_clear", key):
            await execute_many(db, "load_supersede", rows)
            await execute(db, "loads_forget", key)
            await execute_many(db, "load_add", rows)


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a session's loads follow from.

    `shifts` says by stream and boot what brings a time to the session's own boot; `changes` are all those of
    the athletes' values.
    """

    span: SessionSpan
    worn: list[WornRow]
    segments: list[SegmentRow]
    shifts: dict[tuple[str, int], int]
    changes: list[ChangeRow]


@dataclass(frozen=True, slots=True)
class AthleteLoad:
    """One athlete's load with the parameters of the session's day; `zones` only for zones of their own.

    `heard` is how long their straps were heard, and how much of it is doubtful.
    """

    athlete_id: str
    parameters: Parameters
    load: SessionLoad
    zones: ZoneTimes | None
    heard: HeardTime


async def _read(db: Connection, mark: StaleRow) -> Recorded | None:
    key: dict[str, Any] = {"club_id": mark.club_id, "session_id": mark.session_id, "codec": CODEC_ZLIB}
    span = await fetch_one(db, "session_span", SessionSpan, key)
    if span is None:
        return None
    worn = await fetch_all(db, "session_worn", WornRow, key)
    wanted = {**key, "stream_ids": sorted({row.stream_id for row in worn})}
    streams = await fetch_all(db, "streams_heard", HeardStream, wanted)
    shifts: dict[tuple[str, int], int] = {}
    for hub_id in {stream.hub_id for stream in streams}:
        time = TrueTime(
            await fetch_all(db, "anchors", AnchorRow, {"club_id": mark.club_id, "hub_id": hub_id})
        )
        for stream in streams:
            shift = time.shift_ms(stream.boot_no, span.boot_no, span.mono0_ms)
            if stream.hub_id == hub_id and shift is not None:
                shifts[stream.stream_id, stream.boot_no] = shift
    windows = [_window(span, worn, stream_id, shift) for (stream_id, _), shift in shifts.items()]
    asked = {
        **key,
        "stream_ids": [stream_id for stream_id, _ in shifts],
        "boot_nos": [boot_no for _, boot_no in shifts],
        "from_mss": [from_ms for from_ms, _ in windows],
        "to_mss": [to_ms for _, to_ms in windows],
    }
    segments = await fetch_all(db, "segments_worn", SegmentRow, asked)
    people = {**key, "athlete_ids": sorted({row.athlete_id for row in worn})}
    changes = await fetch_all(db, "profile_changes", ChangeRow, people)
    return Recorded(span, worn, segments, shifts, changes)


def _window(span: SessionSpan, worn: list[WornRow], stream_id: str, shift: int) -> tuple[int, int]:
    """From when to when, in its own boot's time, a stream can count in the session.

    A stream is judged from the session's begin on, whoever wore it first, as on the hub.
    """
    ends = [FAR_FUTURE_MS if it.to_ms is None else it.to_ms for it in worn if it.stream_id == stream_id]
    to_ms = max(ends)
    if span.mono1_ms is not None:
        to_ms = min(to_ms, span.mono1_ms - shift)
    return span.mono0_ms - shift, to_ms


def session_loads(recorded: Recorded) -> list[AthleteLoad]:
    """Each athlete's load over the whole session, from every stream that was theirs in it. Pure.

    Times of another boot are put on the session's own; what was recorded in a boot whose true time nobody
    knows is left out, which the coverage shows. A session that still runs ends at its newest sample.
    """
    samples: dict[str, list[Piece]] = {}
    for row in recorded.segments:
        with suppress(SegmentCorrupt):
            shift = recorded.shifts[row.stream_id, row.boot_no]
            samples.setdefault(row.stream_id, []).append(Piece(row.boot_no, shift, unseal(_segment(row))))
    people: dict[str, list[WornRow]] = {}
    for wearing in recorded.worn:
        people.setdefault(wearing.athlete_id, []).append(wearing)
    heard = [_heard(wearings, samples) for wearings in people.values()]
    span = recorded.span
    lasts = [int(mono_ms.max()) + 1 if len(mono_ms) else span.mono0_ms for mono_ms, _ in heard]
    streams = {stream_id: judged(pieces, span.mono0_ms) for stream_id, pieces in samples.items()}
    results = []
    for wearings, (mono_ms, bpm), last_ms in zip(people.values(), heard, lasts, strict=True):
        its = _parameters(wearings[0], recorded)
        of_session = span.mono0_ms, _end_of(span, last_ms, max(lasts))
        load, zones = session_load(mono_ms, bpm, its.heart, *of_session), None
        if its.zones is not None:
            with suppress(ProfileIncomplete):
                zones = time_in_zones(mono_ms, bpm, its.zones, its.heart, *of_session, its.lthr_bpm)
        time = _heard_time(span, worn_rates(wearings, streams))
        results.append(AthleteLoad(wearings[0].athlete_id, its, load, zones, time))
    return results


def _heard_time(span: SessionSpan, rates: Rates) -> HeardTime:
    """The time of somebody's rates in the session."""
    last_ms = int(rates.mono_ms.max()) + 1 if len(rates.mono_ms) else span.mono0_ms
    to_ms = _end_of(span, last_ms, last_ms)
    inside = rates.of(rates.mono_ms < to_ms)
    return heard_time(inside.mono_ms, inside.is_doubtful, to_ms)


def _heard(
    wearings: list[WornRow], samples: dict[str, list[Piece]]
) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    times, rates = [np.empty(0, np.int64)], [np.empty(0, np.int16)]
    for wearing in wearings:
        until = FAR_FUTURE_MS if wearing.to_ms is None else wearing.to_ms
        for piece in samples.get(wearing.stream_id, []):
            part = piece.samples
            inside = (part.mono_ms >= wearing.from_ms) & (part.mono_ms < until)
            times.append(part.mono_ms[inside] + piece.shift_ms)
            rates.append(part.bpm[inside])
    return np.concatenate(times), np.concatenate(rates)


def _end_of(span: SessionSpan, last_ms: int, newest_ms: int) -> int:
    """The session's end for someone last heard just before `last_ms`, by the same rule as on the hub."""
    if span.mono1_ms is not None:
        return span.mono1_ms
    if span.ended_at_ms is None or span.started_at_ms is None:
        return newest_ms
    return max(span.mono0_ms + span.ended_at_ms - span.started_at_ms, last_ms)


def _segment(row: SegmentRow) -> Segment:
    return Segment(
        row.seg_id, row.stream_id, row.boot_no, row.mono0_ms, row.mono1_ms, row.n, row.codec, row.payload
    )


def _parameters(row: WornRow, recorded: Recorded) -> Parameters:
    """What held for the athlete on the session's local day, by the same rule as on the hub."""
    span = recorded.span
    return parameters_of(row, recorded.changes, local_date(span.started_at_ms or 0, span.utc_offset_s))


def _params(mark: StaleRow, made: AthleteLoad) -> Params:
    load, heart, zones = made.load, made.parameters.heart, made.zones
    return {
        "club_id": mark.club_id,
        "session_id": mark.session_id,
        "athlete_id": made.athlete_id,
        "formula_version": FORMULA_VERSION,
        "parameters": json.dumps(parameters_doc(made.parameters)),
        "sex": heart.sex.value,
        "hr_max_bpm": heart.hr_max_bpm,
        "hr_rest_bpm": heart.hr_rest_bpm,
        "zone_edges_bpm": None if zones is None else list(zones.edges_bpm),
        "own_zone_s": None if zones is None else list(zones.zone_s),
        "banister_au": load.banister_au,
        "edwards_au": load.edwards_au,
        "mean_bpm": load.mean_bpm,
        "max_bpm": load.max_bpm,
        "zone_s": list(load.zone_s),
        "covered_s": load.covered_s,
        "estimated_s": load.estimated_s,
        "elapsed_s": load.elapsed_s,
        "coverage": load.coverage,
        "n": load.n,
        "above_max_s": load.above_max_s,
        "doubtful_ms": made.heard.doubtful_ms,
        "now_ms": now_ms(),
    }
