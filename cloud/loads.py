"""Every session's loads, computed from its segments through who wore what, and kept so that pages are quick.

The marks that say what to compute stand in the database, so a crash forgets nothing. The formulas are
hub.analytics' own; nothing is recomputed that has not changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np

from cloud.clock import now_ms
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
from cloud.store.rows import SegmentRow, SessionSpan, StaleRow, WornRow
from hub.analytics.load import SessionLoad, session_load
from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.trimp import FORMULA_VERSION
from sync.errors import SegmentCorrupt
from sync.segments import Segment, unseal

log = logging.getLogger(__name__)

DEBOUNCE_MS = 1000
IDLE_S = 30.0
FAR_FUTURE_MS = 2**62


class LoadWorker:
    """Waits until marks have been quiet for a second, then recomputes those sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()
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
                done, remaining = await recompute_stale(self._database, now_ms())
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
                    await asyncio.wait_for(self._woken.wait(), IDLE_S)
                self._woken.clear()
            await asyncio.sleep(DEBOUNCE_MS / 1000 * (5 if is_failing else 1.05))

    async def _outdated(self) -> None:
        with suppress(Exception):
            async with self._database.transaction() as db:
                await execute(db, "stale_by_version", {"version": FORMULA_VERSION, "now_ms": now_ms()})


async def recompute_stale(
    database: Database, at_ms: int, *, debounce_ms: int = DEBOUNCE_MS
) -> tuple[int, int]:
    """Recompute what has been quiet for `debounce_ms`; how many sessions that were, and marks left."""
    async with database.transaction() as db:
        stale = await fetch_all(db, "stale_sessions", StaleRow, {"before_ms": at_ms - debounce_ms})
    for mark in stale:
        await recompute(database, mark)
    async with database.transaction() as db:
        return len(stale), int(await fetch_value(db, "stale_count", {}))


async def recompute(database: Database, mark: StaleRow) -> None:
    """Compute one session's loads and take the mark away, unless a newer reason came meanwhile."""
    async with database.transaction() as db:
        span, worn, segments = await _read(db, mark)
    results = await asyncio.to_thread(session_loads, span, worn, segments) if span else []
    rows = [_params(mark, person, load) for person, load in results]
    async with database.transaction() as db:
        key: Params = {"club_id": mark.club_id, "session_id": mark.session_id, "mark": mark.mark}
        if await execute(db, "stale_clear", key):
            await execute(db, "loads_forget", key)
            await execute_many(db, "load_add", rows)


async def _read(db: Connection, mark: StaleRow) -> tuple[SessionSpan | None, list[WornRow], list[SegmentRow]]:
    key: dict[str, Any] = {"club_id": mark.club_id, "session_id": mark.session_id}
    span = await fetch_one(db, "session_span", SessionSpan, key)
    worn = await fetch_all(db, "session_worn", WornRow, key)
    if span is None:
        return None, worn, []
    wanted = {
        **key,
        "stream_ids": sorted({row.stream_id for row in worn}),
        "boot_no": span.boot_no,
        "from_ms": span.mono0_ms,
        "to_ms": FAR_FUTURE_MS if span.mono1_ms is None else span.mono1_ms,
    }
    return span, worn, await fetch_all(db, "segments_worn", SegmentRow, wanted)


def session_loads(
    span: SessionSpan, worn: list[WornRow], segments: list[SegmentRow]
) -> list[tuple[WornRow, SessionLoad]]:
    """Each athlete's load over the whole session, from every strap they wore in it. Pure.

    A session that still runs ends at its newest sample. Samples of another boot than the session's are
    left out, which the coverage shows.
    """
    columns: dict[
        str, list[tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int16]]]]
    ] = {}
    for row in segments:
        with suppress(SegmentCorrupt):
            samples = unseal(_segment(row))
            columns.setdefault(row.stream_id, []).append((samples.mono_ms, samples.bpm))
    newest = max((int(mono[-1]) for parts in columns.values() for mono, _ in parts), default=span.mono0_ms)
    to_ms = span.mono1_ms if span.mono1_ms is not None else newest + 1
    people: dict[str, list[WornRow]] = {}
    for wearing in worn:
        people.setdefault(wearing.athlete_id, []).append(wearing)
    results = []
    for wearings in people.values():
        times, rates = [np.empty(0, np.int64)], [np.empty(0, np.int16)]
        for wearing in wearings:
            until = to_ms if wearing.to_ms is None else min(wearing.to_ms, to_ms)
            for mono_ms, bpm in columns.get(wearing.stream_id, []):
                inside = (mono_ms >= wearing.from_ms) & (mono_ms < until)
                times.append(mono_ms[inside])
                rates.append(bpm[inside])
        profile = _profile(wearings[0])
        load = session_load(np.concatenate(times), np.concatenate(rates), profile, span.mono0_ms, to_ms)
        results.append((wearings[0], load))
    return results


def _segment(row: SegmentRow) -> Segment:
    return Segment(
        row.seg_id, row.stream_id, row.boot_no, row.mono0_ms, row.mono1_ms, row.n, row.codec, row.payload
    )


def _profile(row: WornRow) -> HeartProfile:
    sex = Sex(row.sex) if row.sex in ("F", "M") else Sex.UNKNOWN
    return HeartProfile(sex, row.hr_max_bpm, row.hr_rest_bpm)


def _params(mark: StaleRow, person: WornRow, load: SessionLoad) -> Params:
    return {
        "club_id": mark.club_id,
        "session_id": mark.session_id,
        "athlete_id": person.athlete_id,
        "formula_version": FORMULA_VERSION,
        "sex": person.sex or "U",
        "hr_max_bpm": person.hr_max_bpm,
        "hr_rest_bpm": person.hr_rest_bpm,
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
        "now_ms": now_ms(),
    }
