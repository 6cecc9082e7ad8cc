"""habluetooth's manager reduced to what a pitch needs: every advertisement from every relay, and no opinions.

Three of its habits, made for homes, are overruled here: it sets connection parameters that few links bear,
it drops advertisements of all relays but one, and it decides by itself who is present.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from bleak_retry_connector import BleakSlotManager
from bluetooth_adapters import AdapterDetails, BluetoothAdapters
from habluetooth import BluetoothManager, BluetoothServiceInfoBleak, set_manager

MOST_FOLLOWED = 512
Listener = Callable[[BluetoothServiceInfoBleak], None]


class _NoAdapters(BluetoothAdapters):
    """This machine's own adapters are driven by bleak alone."""

    @property
    def adapters(self) -> dict[str, AdapterDetails]:
        return {}

    @property
    def default_adapter(self) -> str:
        return "none"


class RelayManager(BluetoothManager):
    """Hands each packet to the listener of the relay that heard it; `is_wanted` picks the advertisers.

    It must be made in a running event loop; the library keeps the last one made for the whole process.
    """

    def __init__(self, is_wanted: Callable[[BluetoothServiceInfoBleak], bool]) -> None:
        super().__init__(_NoAdapters(), BleakSlotManager())
        self.unwanted = 0
        self._is_wanted = is_wanted
        self._listeners: dict[str, Listener] = {}
        self._followed: OrderedDict[str, Callable[[], None]] = OrderedDict()

    def set_up(self) -> None:
        """Begin, without the library's wrapping of bleak and without a socket to this machine's kernel."""
        set_manager(self)
        self._loop = asyncio.get_running_loop()
        self.async_setup_unavailable_tracking()

    def tear_down(self) -> None:
        """End."""
        self._followed.clear()
        self.async_stop()

    def get_bluez_mgmt_ctl(self) -> None:
        """None: nobody may set connection parameters behind the system's configuration."""
        return

    def listen(self, source: str, listener: Listener) -> Callable[[], None]:
        """Tell `listener` what the relay called `source` hears, until the returned function is called."""
        self._listeners[source] = listener

        def stop() -> None:
            if self._listeners.get(source) is listener:
                del self._listeners[source]

        return stop

    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        """The library's choice among the relays: used only to learn of new advertisers."""
        address = service_info.address
        if address in self._followed:
            self._followed.move_to_end(address)
            return
        if not self._is_wanted(service_info):
            self.unwanted += 1
            return
        self._followed[address] = self.async_register_advertisement_callback(self._on_packet, address)
        if len(self._followed) > MOST_FOLLOWED:
            _address, unfollow = self._followed.popitem(last=False)
            unfollow()
        self._on_packet(service_info)

    def _on_packet(self, service_info: BluetoothServiceInfoBleak) -> None:
        listener = self._listeners.get(service_info.source)
        if listener is not None:
            listener(service_info)
