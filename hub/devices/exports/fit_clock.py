"""How a FIT file's clock stands to the world's: its local offset, and the date it lost with its power.

It moves whole files, never single rows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_layout import TIMESTAMP
from hub.devices.exports.fit_sessions import Named
from hub.devices.exports.fit_wire import Message

LONGEST_OFFSET_S = 26 * 3600
FIT_ZERO = datetime(1989, 12, 31, tzinfo=UTC)


def since_power_up(messages: list[Message], zone: tzinfo) -> int:
    """Seconds to add to the times of a device whose clock was never set; 0 where it was, or nothing helps.

    Its activity's local time is the better witness, the file's creation the other.
    """
    first_s, shift_s, created_s = None, 0, None
    for message in messages:
        number, at_s = message.layout.number, message.at_s
        if number in (profile.RECORD, profile.SESSION) and at_s is not None:
            if at_s >= profile.EARLIEST_DATE_S:
                return 0
            began_s = at_s if message.n == 1 else message.integer(TIMESTAMP)
            first_s = began_s if first_s is None else first_s
        elif number == profile.ACTIVITY and at_s is not None and at_s < profile.EARLIEST_DATE_S:
            local_s = message.integer(5) or 0
            if local_s >= profile.EARLIEST_DATE_S:
                local = (FIT_ZERO + timedelta(seconds=local_s)).replace(tzinfo=zone)
                shift_s = int((local - FIT_ZERO).total_seconds()) - at_s
        elif number == profile.FILE_ID and (message.integer(4) or 0) >= profile.EARLIEST_DATE_S:
            created_s = message.integer(4)
    if first_s is None:
        return 0
    return shift_s or (0 if created_s is None else created_s - first_s)


def moved(message: Message, shift_s: int) -> Message:
    at_s = message.at_s
    return (
        message if at_s is None or at_s >= profile.EARLIEST_DATE_S else message._replace(at_s=at_s + shift_s)
    )


def local_offset_s(row: Named) -> int | None:
    """Seconds local time is ahead of UTC, to the quarter of an hour; None where it cannot be right."""
    local_s, at_s = row.get("local_timestamp_s"), row.get("timestamp_s")
    if not isinstance(local_s, int) or not isinstance(at_s, int) or at_s < profile.EARLIEST_DATE_S:
        return None
    offset_s = round((local_s - at_s) / 900) * 900
    return offset_s if abs(offset_s) < LONGEST_OFFSET_S else None
