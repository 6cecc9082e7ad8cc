"""The air over a pitch: who hears whose advertisement and how loudly, and which links hold.

It models no collisions and no retransmissions: a link in range delivers everything, in order.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from random import Random
from typing import Any

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

TOUCHLINE = (52.5, -2.0)
"""Where the hub stands, in metres from the corner of a 105 m x 68 m pitch."""

_AT_ONE_METRE_DBM = -45.0
_PATH_LOSS = 2.0
_HALF_LOST_DBM = -97.0
_ACTIVE_SCAN = 1
_EVENT = hci.HCI_LE_Advertising_Report_Event.EventType


class Field(LocalLink):
    """Carries advertisements to the receivers in earshot and data along the links."""

    def __init__(self, random: Random) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._random = random
        self._by_address: dict[str, Controller] = {}
        self._receivers: list[Receiver] = []
        self._places: dict[str, tuple[float, float]] = {}
        self._out_of_range: set[str] = set()

    def add_controller(self, controller: Controller) -> None:
        """A controller comes onto the pitch; the receivers among them hear advertisements."""
        super().add_controller(controller)
        if isinstance(controller, Receiver):
            self._receivers.append(controller)
        self.on_address_changed(controller)

    def on_address_changed(self, controller: Controller) -> None:
        """Remember which controller answers to an address, so that data finds it at once."""
        for address in (controller.random_address, controller.public_address):
            self._by_address[str(address)] = controller

    def find_le_controller(self, address: hci.Address) -> Controller | None:
        """Whoever answers to this address."""
        return self._by_address.get(str(address))

    def place(self, controller: Controller, x_m: float, y_m: float) -> None:
        """Somebody runs to a place on the pitch."""
        self._places[controller.name] = (x_m, y_m)

    def put_beside_the_hub(self, controller: Controller) -> None:
        """Somebody holds it to the receivers, wherever they stand."""
        self._places.pop(controller.name, None)

    def take_out_of_range(self, controller: Controller) -> None:
        """Nothing is heard of this controller any more, and its links are lost."""
        self._out_of_range.add(controller.name)
        self.cut_links(controller)

    def bring_into_range(self, controller: Controller) -> None:
        """The controller is back on the pitch."""
        self._out_of_range.discard(controller.name)

    def rssi_dbm(self, controller: Controller, receiver: Controller) -> float:
        """How loudly a receiver hears it, with a body sometimes in the way."""
        here = self._places.get(receiver.name, TOUCHLINE)
        distance_m = max(1.0, math.dist(self._places.get(controller.name, here), here))
        shadow_db = abs(self._random.gauss(0, 4))
        return _AT_ONE_METRE_DBM - 10 * _PATH_LOSS * math.log10(distance_m) - shadow_db

    def send_advertising_pdu(self, sender_controller: Controller, packet: Any) -> None:
        """Advertisements go to all receivers, a connection request to the one it names."""
        if isinstance(packet, ll.ConnectInd):
            strap = self.find_le_controller(packet.advertiser_address)
            if strap is not None:
                asyncio.get_running_loop().call_soon(strap.on_ll_advertising_pdu, packet)
            return
        scan_response = sender_controller.le_legacy_advertiser.scan_response_data
        self._air(
            sender_controller,
            lambda receiver, dbm: receiver.hear(packet.advertiser_address, packet.data, dbm, scan_response),
        )

    def broadcast(self, sender: Controller, data: bytes) -> None:
        """An advertisement nobody can connect to."""
        self._air(sender, lambda receiver, dbm: receiver.hear(sender.random_address, data, dbm, None))

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Data along a link, to the controller at its other end."""
        receiver = self.find_le_controller(destination_address)
        link = sender_controller.le_connections.get(destination_address)
        if receiver is not None and link is not None and receiver.le_connections.get(link.self_address):
            asyncio.get_running_loop().call_soon(_deliver, receiver, link.self_address, transport, data)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: Any
    ) -> None:
        """Link control, forgotten when the other end has gone."""
        receiver = self.find_le_controller(receiver_address)
        if receiver is not None and receiver.le_connections.get(sender_address):
            asyncio.get_running_loop().call_soon(_control, receiver, sender_address, packet)

    def cut_links(self, controller: Controller) -> None:
        """Both ends of every link of this controller learn that it timed out."""
        for link in list(controller.le_connections.values()):
            other = self.find_le_controller(link.peer_address)
            _lose(controller, link)
            if other is not None and (mirror := other.le_connections.get(link.self_address)):
                _lose(other, mirror)

    def _air(self, sender: Controller, tell: Callable[[Receiver, float], None]) -> None:
        if sender.name in self._out_of_range:
            return
        for receiver in self._receivers:
            dbm = self.rssi_dbm(sender, receiver)
            if self._random.random() > 1 / (1 + math.exp((dbm - _HALF_LOST_DBM) / 1.8)):
                tell(receiver, dbm)


class Receiver(Controller):
    """A hub's radio: scans, holds up to `slots` links, and is reset whenever its host goes away."""

    def __init__(self, name: str, field: Field, public_address: str, slots: int) -> None:
        self.slots = slots
        self._field = field
        super().__init__(name, link=field, public_address=public_address)
        keep_to_legacy_commands(self)

    def hear(self, sender: hci.Address, data: bytes, dbm: float, scan_response: bytes | None) -> None:
        """An advertisement arrives; without a `scan_response` it is not connectable."""
        wanted = self.pending_le_connection
        if wanted is not None and scan_response is not None and wanted.peer_address == sender:
            self.create_le_connection(sender)
            return
        if not self.le_scan_enable:
            return
        kind = _EVENT.ADV_NONCONN_IND if scan_response is None else _EVENT.ADV_IND
        self._report(kind, sender, data, dbm)
        if scan_response and self.le_scan_type == _ACTIVE_SCAN:
            self._report(_EVENT.SCAN_RSP, sender, scan_response, dbm)

    def power_cycle(self) -> None:
        """The host has gone or starts afresh: no link, no scan, no pending connection survives."""
        self.le_scan_enable = False
        self.pending_le_connection = None
        self._field.cut_links(self)

    def on_hci_reset_command(self, _command: Any) -> Any:
        """HCI Reset, which also drops the links (the library leaves them)."""
        self.power_cycle()
        return super().on_hci_reset_command(_command)

    def on_hci_le_create_connection_command(self, command: Any) -> None:
        """LE Create Connection, refused when all slots are taken."""
        if len(self.le_connections) >= self.slots:
            error = hci.HCI_ErrorCode.CONNECTION_LIMIT_EXCEEDED_ERROR
            self._send_hci_command_status(error, command.op_code)
            return
        super().on_hci_le_create_connection_command(command)

    def on_hci_le_create_connection_cancel_command(self, _command: Any) -> Any:
        """Cancel the attempt and say so, as the specification wants (the library stays silent)."""
        wanted, self.pending_le_connection = self.pending_le_connection, None
        if wanted is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        cancelled = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=wanted.peer_address_type,
            peer_address=wanted.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _report(self, kind: int, sender: hci.Address, data: bytes, dbm: float) -> None:
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind,
            address_type=sender.address_type,
            address=sender,
            data=data,
            rssi=max(-127, min(20, round(dbm))),
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))


def keep_to_legacy_commands(controller: Controller) -> None:
    """Offer neither privacy nor extended advertising: heart-rate straps use neither."""
    modern = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    controller.le_features = controller.le_features & ~modern


def _deliver(
    receiver: Controller, sender_address: hci.Address, transport: PhysicalTransport, data: bytes
) -> None:
    if receiver.le_connections.get(sender_address) is not None:
        receiver.on_link_acl_data(sender_address, transport, data)


def _control(receiver: Controller, sender_address: hci.Address, packet: Any) -> None:
    if receiver.le_connections.get(sender_address) is not None:
        receiver.on_ll_control_pdu(sender_address, packet)


def _lose(controller: Controller, link: Connection) -> None:
    if controller.le_connections.get(link.peer_address) is link:
        controller.on_le_disconnected(link, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
