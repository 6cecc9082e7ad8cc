"""A hub-side Bluetooth adapter on the virtual radio: Bumble's host stack on an HCI-over-TCP connection.

It opens again what was lost when it is next asked for; it never retries by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.hci import Address, OwnAddressType
from bumble.transport import open_transport
from bumble.transport.common import Transport

from hub.devices.virtual.reports import Report, ReportTap

_OPEN_TIMEOUT_S = 2.0
_COMMAND_TIMEOUT_S = 1.5
_CLOSE_TIMEOUT_S = 1.0

_adapters: dict[str, VirtualAdapter] = {}


class VirtualAdapter:
    """One adapter by its name; `transport_spec` says where its controller listens."""

    def __init__(self, name: str, transport_spec: str) -> None:
        self.name = name
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport_spec = transport_spec
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._opening = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._listeners: list[Callable[[Report], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the controller can be spoken to."""
        return self._device is not None and not self.lost.done()

    async def open(self) -> None:
        """Reach the controller and reset it. Raises BleakBluetoothNotAvailableError."""
        async with self._opening:
            if self.is_open:
                return
            await self._let_go()
            self.lost = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(_OPEN_TIMEOUT_S):
                    await self._reach()
            except (OSError, TimeoutError, BaseBumbleError, asyncio.CancelledError) as error:
                await self._let_go()
                if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                    raise
                raise self._unavailable() from error

    async def close(self) -> None:
        """Hang up; scanning listeners are forgotten."""
        self._listeners.clear()
        await self._let_go()

    async def listen(self, listener: Callable[[Report], None]) -> None:
        """Scan actively, telling `listener` each report. Raises BleakBluetoothNotAvailableError."""
        await self.open()
        if not self._listeners and self._device is not None:
            await self._command(
                self._device.start_scanning(legacy=True, active=True, filter_duplicates=False)
            )
        self._listeners.append(listener)

    async def stop_listening(self, listener: Callable[[Report], None]) -> None:
        """Tell this listener nothing more; the last one to go ends the scan."""
        if listener not in self._listeners:
            return
        self._listeners.remove(listener)
        if not self._listeners and self.is_open and self._device is not None:
            await self._command(self._device.stop_scanning(legacy=True))

    async def connect(self, address: Address) -> Connection:
        """A link to this address, one attempt at a time as controllers want it."""
        async with self._connecting:
            device = self._device
            if device is None or self.lost.done():
                raise self._unavailable()
            attempt: asyncio.Future[Connection]
            attempt = asyncio.ensure_future(
                device.connect(address, own_address_type=OwnAddressType.RANDOM, timeout=None)
            )
            try:
                await first_of(attempt, self.lost)
                if not attempt.done() or attempt.cancelled():
                    raise self._unavailable()
                return attempt.result()
            finally:
                if not attempt.done():
                    await self._give_up(device, attempt)

    async def _command(self, command: Coroutine[Any, Any, None]) -> None:
        """Carry it out; a controller that does not answer is hung up on, so that it can be opened anew."""
        try:
            async with asyncio.timeout(_COMMAND_TIMEOUT_S):
                await command
        except (BaseBumbleError, TimeoutError) as error:
            await self._let_go()
            raise self._unavailable() from error

    async def _give_up(self, device: Device, attempt: asyncio.Future[Connection]) -> None:
        """Cancel an attempt so that neither the controller nor a late link keeps anything of it."""
        with contextlib.suppress(BaseBumbleError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                if self.is_open:
                    await device.cancel_connection()  # type: ignore[no-untyped-call]
                    await asyncio.wait({attempt})
        if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
            with contextlib.suppress(BaseBumbleError, TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await attempt.result().disconnect()
        attempt.cancel()

    async def _reach(self) -> None:
        self._transport = await open_transport(self._transport_spec)
        lost = self.lost
        self._transport.source.terminated.add_done_callback(lambda _terminated: self._on_lost(lost))
        address = Address(_address_of(self.name), Address.RANDOM_DEVICE_ADDRESS)
        self._device = Device.from_config_with_hci(
            DeviceConfiguration(name=f"hub {self.name}", address=address),
            self._transport.source,
            self._transport.sink,
        )
        self._transport.source.set_packet_sink(ReportTap(self._device.host, self._on_report))
        reset = asyncio.ensure_future(self._device.power_on())
        try:
            await first_of(reset, self.lost)
            if not reset.done():
                raise self._unavailable()
            reset.result()
        finally:
            reset.cancel()

    async def _let_go(self) -> None:
        transport, self._transport = self._transport, None
        self._device = None
        if transport is not None:
            sink: Any = transport.sink
            sink.transport.abort()  # `close` would wait for a peer that reads no more
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await asyncio.wait({self.lost})

    def _on_lost(self, lost: asyncio.Future[None]) -> None:
        if lost is self.lost:
            self._listeners.clear()
        if not lost.done():
            lost.set_result(None)

    def _on_report(self, report: Report) -> None:
        for listener in tuple(self._listeners):
            listener(report)

    def _unavailable(self) -> BleakBluetoothNotAvailableError:
        return BleakBluetoothNotAvailableError(
            f"the virtual radio {self.name} ({self._transport_spec}) does not answer",
            BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
        )


async def open_adapter(name: str, transport_spec: str) -> None:
    """Make `name` stand for the controller at `transport_spec`, e.g. "tcp-client:127.0.0.1:9700".

    Nobody need answer there yet: like an adapter plugged in later, it is opened by the next scan.
    """
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    known = _adapters.pop(name, None)
    if known is not None:
        await known.close()
    adapter = _adapters[name] = VirtualAdapter(name, transport_spec)
    with contextlib.suppress(BleakBluetoothNotAvailableError):
        await adapter.open()


async def close_adapters() -> None:
    """Hang up everywhere and forget all names."""
    while _adapters:
        _name, adapter = _adapters.popitem()
        await adapter.close()


async def reset_adapter(name: str) -> None:
    """Hang up, which ends its links and its scan; the next scan opens it again."""
    adapter = _adapters.get(name)
    if adapter is not None:
        await adapter.close()


def adapter_named(name: str | None) -> VirtualAdapter:
    """The adapter of this name, any for None. Raises BleakBluetoothNotAvailableError."""
    adapter = next(iter(_adapters.values()), None) if name is None else _adapters.get(name)
    if adapter is None:
        raise BleakBluetoothNotAvailableError(
            f"there is no virtual adapter {name or ''}".rstrip(),
            BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
        )
    return adapter


async def first_of(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done; none is cancelled."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def is_being_cancelled() -> bool:
    """Whether the running task was really cancelled: the library raises CancelledError for lost links."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _address_of(name: str) -> str:
    """A static random address per adapter, so that the straps can tell two of them apart."""
    return "F0:" + name.encode().rjust(5, b"\x00")[-5:].hex(":").upper()
