"""Bluetooth controllers of the virtual pitch as controllers of this kernel: HCI from TCP to /dev/vhci.

It changes no packet; what the kernel calls hci0 is the pitch's first receiver.

  python -m tests.rigs.kernel.controllers 9700 4
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

VHCI = "/dev/vhci"
MAKE_CONTROLLER = b"\xff\x00"
VENDOR = 0xFF
LONGEST = 4096
HEADS = {0x01: (3, 2, 1), 0x02: (4, 2, 2), 0x03: (3, 2, 1), 0x04: (2, 1, 1)}
"""Of each kind of H4 packet: bytes of its head, where its length stands, and in how many bytes."""


class Packets:
    """Cuts a stream of H4 bytes into packets: the kernel takes one a write."""

    def __init__(self, on_packet: Callable[[bytes], None]) -> None:
        self._on_packet = on_packet
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """More bytes. Raises ValueError for what is no HCI packet."""
        self._rest += data
        while len(self._rest) > 1:
            if self._rest[0] not in HEADS:
                raise ValueError(f"{self._rest[0]:02x} begins no HCI packet")
            head, at, width = HEADS[self._rest[0]]
            if len(self._rest) < 1 + head:
                return
            length = int.from_bytes(self._rest[1 + at : 1 + at + width], "little")
            end = 1 + head + length
            if len(self._rest) < end:
                return
            self._on_packet(self._rest[:end])
            self._rest = self._rest[end:]


async def carry(port: int) -> None:
    """One controller, until the pitch hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    device = os.open(VHCI, os.O_RDWR | os.O_NONBLOCK)
    os.write(device, MAKE_CONTROLLER)

    def from_kernel() -> None:
        packet = os.read(device, LONGEST)
        if packet and packet[0] != VENDOR:  # the kernel's answer to the making of a controller is no HCI
            writer.write(packet)

    packets = Packets(lambda packet: void(os.write(device, packet)))
    asyncio.get_running_loop().add_reader(device, from_kernel)
    while data := await reader.read(65_536):
        packets.feed(data)


def void(_count: int) -> None:
    """Written; the kernel takes packets whole."""


async def _all(first_port: int, count: int) -> None:
    await asyncio.gather(*(carry(first_port + number) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(_all(int(sys.argv[1]), int(sys.argv[2])))
