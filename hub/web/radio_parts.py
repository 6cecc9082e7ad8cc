"""What the pages may ask the radio and want of it: receivers, wishes about straps, running pods.

It names no concrete radio; without one every answer is empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub.domain import MotionReading, ReceiverStatus
from hub.errors import ActionRefused
from hub.store.strap_wishes import StrapWish


async def _no_wish(_wish: StrapWish) -> None:
    raise ActionRefused("this hub has no radio.")


async def _no_pod(_pod_id: str, _athlete_id: str | None) -> None:
    raise ActionRefused("this hub has no radio.")


@dataclass(frozen=True, slots=True)
class RadioParts:
    """`foreign` counts advertisements of other things than sensors; `pods` is what each pod said just now.

    `pod_wearers` is pod to athlete; `sharing` names adapters that share their antenna with Wi-Fi in use.
    """

    receivers: Callable[[], tuple[ReceiverStatus, ...]] = tuple
    foreign: Callable[[], int] = int
    keep_wish: Callable[[StrapWish], Awaitable[None]] = _no_wish
    pods: Callable[[], dict[str, MotionReading]] = dict
    pod_wearers: Callable[[], dict[str, str]] = dict
    assign_pod: Callable[[str, str | None], Awaitable[None]] = _no_pod
    sharing: Callable[[], frozenset[str]] = frozenset


NO_RADIO = RadioParts()
