"""Advertising reports taken out of the stream of HCI packets before the library unpacks and words them all.

Everything else is handed on to the library's host; a report it cannot read is handed on too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_HEAD = bytes([0x04, 0x3E])  # an HCI event, LE meta
_ADVERTISING_REPORT = 0x02
_FIXED = 15  # bytes of a packet with one report of no data
SCAN_RESPONSE = 0x04


@dataclass(frozen=True, slots=True)
class Report:
    """One LE Advertising Report: `address` in capitals, `parts` as (AD type, value)."""

    kind: int
    address: str
    address_type: int
    rssi_dbm: int
    parts: tuple[tuple[int, bytes], ...]


def report_from(packet: bytes) -> Report | None:
    """The single report of this HCI packet (Core 5.4, vol 4, part E, 7.7.65.2); None for any other packet."""
    if len(packet) < _FIXED or packet[:2] != _HEAD or packet[3] != _ADVERTISING_REPORT or packet[4] != 1:
        return None
    size = packet[13]
    if len(packet) != _FIXED + size:
        return None
    dbm = packet[-1]
    return Report(
        kind=packet[5],
        address=packet[12:6:-1].hex(":").upper(),
        address_type=packet[6],
        rssi_dbm=dbm - 256 if dbm > 127 else dbm,
        parts=_parts(packet[14 : 14 + size]),
    )


def _parts(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Advertising data as its structures, up to the first that is cut off."""
    parts = []
    at = 0
    while at + 1 < len(data) and data[at] and at + 1 + data[at] <= len(data):
        parts.append((data[at + 1], data[at + 2 : at + 1 + data[at]]))
        at += 1 + data[at]
    return tuple(parts)


class ReportTap:
    """Stands between the transport and the library's host."""

    def __init__(self, host: Any, on_report: Callable[[Report], None]) -> None:
        self._host = host
        self._on_report = on_report

    def on_packet(self, packet: bytes) -> None:
        """A packet of the controller."""
        report = report_from(packet)
        if report is None:
            self._host.on_packet(packet)
        else:
            self._on_report(report)

    def on_transport_lost(self) -> None:
        """The controller has gone."""
        self._host.on_transport_lost()
