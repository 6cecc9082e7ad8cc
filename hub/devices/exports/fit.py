"""One FIT activity file to one session's heart rate.

It takes heart rate and the session's frame only, the whole file as one; fit_activity has the rest: laps,
positions, beats, and each sport of a multisport file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hub.devices.exports.fit_activity import Activity, read_activity
from hub.errors import ExportUnreadable

NO_HEART_RATE = 255
LONGEST_SESSION_S = 30 * 86400


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """What a file says of one session. `at_ms` are epoch ms UTC and rise; `bpm` is > 0."""

    sport: str
    started_at_ms: int
    ended_at_ms: int
    utc_offset_s: int
    at_ms: tuple[int, ...]
    bpm: tuple[int, ...]
    device: str
    dropped: int = 0


def read_fit(data: bytes) -> ExportedSession:
    """The session in a FIT file. Raises ExportUnreadable, saying what is wrong and what to do."""
    activity = read_activity(data)
    bpm = np.round(np.nan_to_num(activity.records.column("bpm")))
    is_beating = (bpm > 0) & (bpm < NO_HEART_RATE)
    at_ms = activity.records.at_ms[is_beating]
    if not len(at_ms):
        raise _without_heart(activity)
    started = min(int(at_ms[0]), activity.stated_start_ms or int(at_ms[0]))
    elapsed_ms = int(min(activity.stated_elapsed_s, LONGEST_SESSION_S) * 1000)
    return ExportedSession(
        sport=activity.sport or "training",
        started_at_ms=started,
        ended_at_ms=max(int(at_ms[-1]) + 1, started + elapsed_ms),
        utc_offset_s=activity.utc_offset_s or 0,
        at_ms=tuple(at_ms.tolist()),
        bpm=tuple(bpm[is_beating].astype(int).tolist()),
        device=activity.device or "FIT device",
        dropped=activity.quarantined_bpm,
    )


def _without_heart(activity: Activity) -> ExportUnreadable:
    if activity.damage:
        return ExportUnreadable(
            f"it is damaged: {activity.damage}.", hint="Copy it from the watch again, or export it anew."
        )
    if activity.quarantined_bpm:
        return ExportUnreadable(
            "its clock is wrong throughout.", hint="Set the watch's date and export again."
        )
    return ExportUnreadable(
        "it holds no heart rate.",
        hint="Choose an activity that was recorded with a strap or a wrist sensor.",
    )
