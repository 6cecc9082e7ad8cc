"""One adapter's endless scan through bleak: names are asked for now and then, otherwise it listens passively.

An active scan leaves the controller's duplicate filter on, which costs nine in ten broadcasts; a passive one
needs BlueZ with its experimental features. Where that is refused the scan stays active, and `mode` says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from hub.devices.source import ScanMode

log = logging.getLogger(__name__)

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 2.0
_TROUBLE = (BleakError, TimeoutError, OSError, EOFError)
_LISTS = (
    AdvertisementDataType.INCOMPLETE_LIST_SERVICE_UUID16,
    AdvertisementDataType.COMPLETE_LIST_SERVICE_UUID16,
)

ADVERTISED_BY_SENSORS: tuple[OrPattern, ...] = (
    OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, b"\x6b\x00"),
    *(OrPattern(place, kind, b"\x0d\x18") for kind in _LISTS for place in (0, 2)),
    *(OrPattern(0, kind, b"\x14\x18") for kind in _LISTS),
)
"""Polar's company id, the heart-rate service as first or second listed, or the running service as first.

No more than seven: BlueZ 5.66 counts a monitor's bytes in one byte, 34 a pattern, and dies of an eighth. What
they miss is heard in the active turns.
"""


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """When to ask for names, and how often to begin afresh so that nothing heard is kept for ever."""

    is_passive: bool = True
    names_s: float = 3.0
    names_every_s: float = 120.0
    renew_every_s: float = 1_800.0


class Scanning:
    """Keeps a scanner running by the plan; `make` builds one for a mode, `on_mode` hears which runs."""

    def __init__(
        self, make: Callable[[ScanMode], BleakScanner], plan: ScanPlan, on_mode: Callable[[ScanMode], None]
    ) -> None:
        self._make = make
        self._plan = plan
        self._on_mode = on_mode
        self._scanner: BleakScanner | None = None
        self._is_refused = False
        self._turns: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    async def start(self) -> None:
        """Begin, asking for names. Raises bleak's errors."""
        await self._begin(ScanMode.ACTIVE)
        self._turns = asyncio.create_task(self._take_turns())

    async def ended(self) -> None:
        """Returns when a scan could not be begun again."""
        await self._ended.wait()

    async def stop(self) -> None:
        """Stop; an adapter that has gone meanwhile is no error."""
        if self._turns is not None:
            self._turns.cancel()
            await asyncio.wait({self._turns})
        await self._halt()
        self._on_mode(ScanMode.NONE)

    async def _take_turns(self) -> None:
        try:
            while True:
                if not self._plan.is_passive or self._is_refused:
                    await asyncio.sleep(self._plan.renew_every_s)
                    await self._begin(ScanMode.ACTIVE)
                    continue
                await asyncio.sleep(self._plan.names_s)
                await self._listen_passively()
                if not self._is_refused:
                    await asyncio.sleep(self._plan.names_every_s)
                    await self._begin(ScanMode.ACTIVE)
        except _TROUBLE as error:
            log.info("a scan could not be begun again: %s", error)
            self._ended.set()

    async def _listen_passively(self) -> None:
        try:
            await self._begin(ScanMode.PASSIVE)
        except BleakBluetoothNotAvailableError:
            raise
        except BleakError as error:
            log.warning(
                "passive scanning is not available (%s): broadcasts will be missed. "
                "Set Experimental = true in /etc/bluetooth/main.conf.",
                error,
            )
            self._is_refused = True
            await self._begin(ScanMode.ACTIVE)

    async def _begin(self, mode: ScanMode) -> None:
        """Replace the running scanner, whose memory of what it saw goes with it."""
        await self._halt()
        scanner = self._make(mode)
        self._scanner = scanner
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await scanner.start()
        except BaseException:
            await self._halt()
            raise
        self._on_mode(mode)

    async def _halt(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            with contextlib.suppress(*_TROUBLE):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await scanner.stop()
