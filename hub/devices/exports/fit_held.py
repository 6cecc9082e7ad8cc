"""Which rows of a FIT file cannot have happened when they say, and why, as they are held back.

It corrects no time and drops no row; rows without a fault are not looked at.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_clock import FIT_ZERO
from hub.devices.exports.fit_rows import Bools, Ints, RawRows
from hub.devices.exports.fit_sessions import BEFORE_START_MS, EARLIEST_MS, LONGEST_MS
from hub.devices.exports.found import Held

MOST_HELD = 200
REASONS = (
    "it has no time",
    "its time counts from power-up and is no date",
    "its date is before 2000",
    "its time is more than 1 h before the start",
    "its time is more than 30 days after the start",
)


def plausible(at_ms: Ints, stated_ms: int | None) -> tuple[int | None, Bools]:
    """Which rows lie within 1 h before and 30 d after the start: the stated one, or the first near most.

    A stated start that has no row near it is the wrong one, and forgotten.
    """
    is_dated = at_ms >= EARLIEST_MS
    if not is_dated.any():
        return stated_ms, is_dated
    if stated_ms is not None:
        is_kept = is_dated & _is_near(at_ms, stated_ms)
        if is_kept.any():
            return stated_ms, is_kept
    times = np.unique(at_ms[is_dated])
    middle = times[len(times) // 2]
    return None, is_dated & _is_near(at_ms, int(times[times >= middle - LONGEST_MS][0]))


def _is_near(at_ms: Ints, start_ms: int) -> Bools:
    return (at_ms >= start_ms - BEFORE_START_MS) & (at_ms <= start_ms + LONGEST_MS)


def time_before(at_ms: Ints, is_kept: Bools) -> Ints:
    """For each row that is not kept the time of the last kept one before it, else 0."""
    last = np.maximum.accumulate(np.where(is_kept, np.arange(len(at_ms)), -1)) if len(at_ms) else at_ms
    lost = last[~is_kept]
    return np.where(lost < 0, 0, at_ms[lost]) if len(lost) else lost


def held_rows(raw: RawRows, is_kept: Bools, stated_ms: int | None) -> tuple[Held, ...]:
    """The rows with impossible times, those that follow one another for one reason in one go."""
    at_ms, bpm, held = raw.at_ms, raw.columns.get("bpm"), list[Held]()
    start_ms = stated_ms if stated_ms is not None else int(at_ms[is_kept][0]) if is_kept.any() else 0
    reasons = np.select(
        [raw.at_s < 0, raw.at_s < profile.EARLIEST_DATE_S, at_ms < EARLIEST_MS, at_ms < start_ms],
        [0, 1, 2, 3],
        4,
    )
    lost = np.flatnonzero(~is_kept)
    breaks = np.flatnonzero((np.diff(lost) != 1) | (np.diff(reasons[lost]) != 0)) + 1
    for group in np.split(lost, breaks)[:MOST_HELD]:
        first, last = int(group[0]), int(group[-1])
        where = f"record {first + 1}" if first == last else f"records {first + 1} to {last + 1}"
        text = (
            ""
            if raw.at_s[first] < 0
            else f"{FIT_ZERO + timedelta(seconds=int(raw.at_s[first])):%Y-%m-%d %H:%M:%S}"
        )
        if bpm is not None and not np.isnan(bpm[first]):
            text = f"{text} {bpm[first]:.0f} bpm".strip()
        held.append(Held(where, REASONS[int(reasons[first])], text, len(group)))
    n_told = sum(one.n for one in held)
    if n_told < len(lost):
        held[-1] = replace(held[-1], where=f"{held[-1].where} and later", n=held[-1].n + len(lost) - n_told)
    return tuple(held)
