"""Turn a Bluetooth adapter on through bluetoothd, as a desktop's settings would.

python -m tests.rigs.kernel.power hci0
"""

from __future__ import annotations

import asyncio
import sys

from dbus_fast import BusType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.message import Message


async def turn_on(adapter: str) -> None:
    """Set Powered. Raises OSError with bluetoothd's complaint."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    answer = await bus.call(
        Message(
            destination="org.bluez",
            path=f"/org/bluez/{adapter}",
            interface="org.freedesktop.DBus.Properties",
            member="Set",
            signature="ssv",
            body=["org.bluez.Adapter1", "Powered", Variant("b", True)],
        )
    )
    bus.disconnect()
    if answer is not None and answer.error_name:
        raise OSError(f"{adapter}: {answer.error_name} {answer.body}")


if __name__ == "__main__":
    asyncio.run(turn_on(sys.argv[1]))
