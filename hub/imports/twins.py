"""What two sources are to each other: the same effort told twice, or not; the first rule that fits holds.

The athlete is part of every key, since two players of one match have near-identical times: sources of
different athletes never relate, except as people in one team's file, and those of nobody known only by
their identity. It compares two at a time and merges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from hub.devices.exports.sports import may_match
from hub.imports.likeness import LEAST_COMMON_S, Likeness
from hub.store.sources import SourceRow

START_MS = 120_000
LEAST_OVERLAP = 0.8
IDENTITY_OVERLAP = 0.5
QUARTER_MS = 900_000
SHORTEST_SHIFT, LONGEST_SHIFT = 4, 56  # quarters of an hour: 1 h to 14 h
SHIFT_MS = 5_000

Heart = Callable[[SourceRow, SourceRow, int], Likeness | None]
"""(one, other, ms to add to the other's times, or 0) -> how alike their hearts are, if both have any."""


class Relation(StrEnum):
    """Strongest first. ZONE_SHIFT is offered to a human, the others are one session."""

    SAME_FILE = "same file"
    SAME_IDENTITY = "same identity"
    TEAM_FILE = "team file"
    SAME_EFFORT = "same effort"
    SAME_SESSION = "same session"
    ZONE_SHIFT = "zone shift"


def relation(one: SourceRow, other: SourceRow, heart: Heart) -> Relation | None:
    """What two different sources are to each other; the order of the two does not matter."""
    one, other = sorted((one, other), key=lambda it: it.source_id)
    if one.source_id == other.source_id:
        return Relation.SAME_FILE
    if _is_same_identity(one, other):
        return Relation.SAME_IDENTITY
    if _are_team_mates(one, other):
        return Relation.TEAM_FILE
    if one.athlete_id is None or one.athlete_id != other.athlete_id:
        return None
    if overlap(_span(one), _span(other)) >= LEAST_OVERLAP and (found := _same_time(one, other, heart)):
        return found
    return Relation.ZONE_SHIFT if shift_ms(one, other, heart) is not None else None


def overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The shared part of two spans [from, to) as a share of the shorter; 1 for a moment inside."""
    shortest = min(one[1] - one[0], other[1] - other[0])
    shared = min(one[1], other[1]) - max(one[0], other[0])
    if shortest <= 0:
        return 1.0 if shared >= 0 else 0.0
    return max(0.0, shared / shortest)


def shift_ms(one: SourceRow, other: SourceRow, heart: Heart) -> int | None:
    """What to add to the other's times to lie on the first, where a wrong time zone is all that differs."""
    apart = one.started_at_ms - other.started_at_ms
    quarters = round(apart / QUARTER_MS)
    if one.sha256 == other.sha256 or not may_match(one.sport, other.sport):
        return None  # one file has one zone
    if not SHORTEST_SHIFT <= abs(quarters) <= LONGEST_SHIFT or abs(quarters) % 4 == 1:
        return None
    moved_ms = quarters * QUARTER_MS
    if abs(apart - moved_ms) > SHIFT_MS:
        return None
    return moved_ms if _is_all_else_equal(one, other, heart, moved_ms) else None


def is_other_device(one: SourceRow, other: SourceRow) -> bool:
    """Whether two sources say they come from different devices; makers spell one device many ways."""
    if one.device_serial and other.device_serial:
        return one.device_serial != other.device_serial
    words = [set(re.findall(r"[a-z0-9]+", it.device.casefold())) for it in (one, other)]
    return one.format == other.format and bool(words[0] and words[1]) and not (words[0] & words[1])


def _span(it: SourceRow) -> tuple[int, int]:
    return it.started_at_ms, it.ended_at_ms


def _is_same_identity(one: SourceRow, other: SourceRow) -> bool:
    if not one.identity or one.identity != other.identity or one.sha256 == other.sha256:
        return False
    is_known = one.athlete_id is not None
    same_person = one.athlete_id == other.athlete_id and (is_known or _person(one) == _person(other))
    return same_person and overlap(_span(one), _span(other)) >= IDENTITY_OVERLAP


def _are_team_mates(one: SourceRow, other: SourceRow) -> bool:
    """People in one team's file at one time: one training, whoever of them is known."""
    if one.sha256 != other.sha256 or not may_match(one.sport, other.sport):
        return False
    names = one.person_name.strip().casefold(), other.person_name.strip().casefold()
    are_two = (
        all(names) and names[0] != names[1] and (one.athlete_id is None or one.athlete_id != other.athlete_id)
    )
    return are_two and overlap(_span(one), _span(other)) >= LEAST_OVERLAP


def _person(it: SourceRow) -> tuple[str, str, str, str]:
    return it.provider, it.account, it.person_name.casefold(), it.device_serial


def _same_time(one: SourceRow, other: SourceRow, heart: Heart) -> Relation | None:
    """One effort in two files, or two devices on one body; hearts must agree where the sports do not."""
    are_alike = may_match(one.sport, other.sport)
    starts = abs(one.started_at_ms - other.started_at_ms) <= START_MS
    lengths = abs(one.elapsed_s - other.elapsed_s) <= max(60.0, 0.1 * max(one.elapsed_s, other.elapsed_s))
    is_told_alike = lengths or _is_same_summary(one, other)
    if starts and is_told_alike and are_alike and not is_other_device(one, other):
        return Relation.SAME_EFFORT
    alike = heart(one, other, 0)
    if alike is None:
        return Relation.SAME_SESSION if are_alike else None
    if alike.is_clear_mismatch or not (are_alike or alike.is_clear_match):
        return None
    return Relation.SAME_SESSION


def _is_same_summary(one: SourceRow, other: SourceRow) -> bool:
    """As many heart rates with the same mean and maximum: one recording, with its pauses or without them."""
    if one.hr_mean is None or other.hr_mean is None or one.hr_n < LEAST_COMMON_S:
        return False
    is_near = abs(one.hr_mean - other.hr_mean) < 0.1 and one.hr_max == other.hr_max
    return is_near and abs(one.hr_n - other.hr_n) <= 0.01 * one.hr_n


def _is_all_else_equal(one: SourceRow, other: SourceRow, heart: Heart, moved_ms: int) -> bool:
    """The same heart second by second says most; else length and totals must agree, and one be known."""
    means = [it.hr_mean for it in (one, other) if it.hr_mean is not None]
    if len(means) == 2 and abs(means[0] - means[1]) > 2:
        return False
    if _is_same_summary(one, other):
        return True
    alike = heart(one, other, moved_ms)
    if alike is not None:
        is_long = alike.common_s >= LEAST_OVERLAP * min(one.hr_n, other.hr_n)
        return is_long and alike.is_same_recording
    if abs(one.elapsed_s - other.elapsed_s) > SHIFT_MS / 1000:
        return False
    for a, b in ((one.distance_m, other.distance_m), (one.energy_kcal, other.energy_kcal)):
        if a is not None and b is not None and abs(a - b) > 0.02 * max(a, b):
            return False
    if len(means) == 2:
        return one.hr_n == other.hr_n and abs(means[0] - means[1]) < 0.5
    return bool(one.distance_m and other.distance_m)
