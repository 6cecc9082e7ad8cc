"""A squad training on a virtual pitch, as a process of its own that serves its radio over TCP (HCI, H4).

It never speaks to the recorder: a hub drives the radio as it would drive a dongle, and the straps go
on training when the hub dies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from random import Random

from bumble import core
from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.hci import Address
from bumble.transport.common import PacketParser

from hub.devices.virtual.brands import BRANDS, FOREIGN_FROM, MIXED, POLAR
from hub.devices.virtual.field import Field, Receiver
from hub.devices.virtual.pod import VirtualPod
from hub.devices.virtual.squad import SEED, chance_of
from hub.devices.virtual.strap import VirtualStrap
from hub.devices.virtual.training import MarkedHeart, mark_of

_EXAMPLES = """\
examples:
  python -m hub.devices.virtual.pitch --athletes 24 --port 9700
  python -m hub.devices.virtual.pitch --athletes 24 --port 9700 --speed 20 --faults mixed
  python -m hub.devices.virtual.pitch --athletes 6 --port 0 --broadcast 2 --stop-with-stdin

lines on standard input, each with a strap's number:
  silence 3 | wake 3       link and advertisements stay, heart rate stops | goes on
  drop 3                   the link is lost once
  leave 3 | return 3       out of range | back
  hold 3 | lay 3           held to the hub | back on its athlete
  takeoff 3 | puton 3      skin contact lost, with a stale heart rate | found
  garble 3 | clear 3       notifications with a stray byte | whole again
  die 3 | revive 3         battery empty | replaced
  swap 3 5                 two athletes exchange their straps
  unplug 0 | plug 0        receivers count from 0: pulled out of the hub | back in
  quit
"""

_FAULT_EVERY_S = (6.0, 18.0)
_FAULT_LASTS_S = (6.0, 14.0)
_FAULTS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "silent": (("silence", "wake"),),
    "dropouts": (("drop", None), ("leave", "return")),
    "swaps": (("swap", None),),
    "batteries": (("die", "revive"),),
    "mixed": (
        ("silence", "wake"),
        ("drop", None),
        ("leave", "return"),
        ("takeoff", "puton"),
        ("garble", "clear"),
    ),
    "chaos": (
        ("drop", None),
        ("leave", "return"),
        ("silence", "wake"),
        ("takeoff", "puton"),
        ("garble", "clear"),
        ("die", "revive"),
        ("swap", None),
    ),
}


class Pitch:
    """The straps and receivers of one field."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._random = Random(options.seed)
        self._field = Field(Random(options.seed + 1))
        self._straps = {number: self._strap(number) for number in range(1, options.athletes + 1)}
        self._others = [self._foreign_strap(number) for number in range(1, options.foreign + 1)]
        self._pods = [
            VirtualPod(self._field, number, chance_of(number, options.seed), speed=options.speed)
            for number in range(1, options.pods + 1)
        ]
        self._doors: list[asyncio.Server] = []
        self._receivers: list[Receiver] = []
        self._first_port = 0
        self._hosts: set[HostLink] = set()
        self._chores: list[asyncio.Task[None]] = []

    async def open(self) -> int:
        """Listen, wake the straps; the port of the first receiver. Raises OSError if it is taken."""
        first_port = int(self._options.port)
        for index in range(self._options.adapters):
            receiver = Receiver(
                f"receiver {index}", self._field, f"00:AA:01:00:00:{index:02X}", self._options.slots
            )
            self._receivers.append(receiver)
            port = first_port + index if first_port else 0
            door = await self._door_of(receiver, port)
            self._doors.append(door)
            if not first_port:
                first_port = int(door.sockets[0].getsockname()[1])
        self._first_port = first_port
        for strap in (*self._straps.values(), *self._others, *self._pods):
            await strap.start()
        if self._options.crowd:
            self._chores.append(asyncio.create_task(self._crowd()))
        if self._options.faults != "none":
            self._chores.append(asyncio.create_task(self._cause_faults()))
        if self._options.faults in {"mixed", "chaos"}:
            self._chores.append(asyncio.create_task(self._foreign_device()))
        return first_port

    async def close(self) -> None:
        """Straps off, hosts disconnected."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        for door in self._doors:
            door.close()
        for host in list(self._hosts):
            host.close()
        for strap in (*self._straps.values(), *self._others, *self._pods):
            await strap.stop()

    def obey(self, line: str) -> str | None:
        """Do what a control line says; the complaint if it cannot be understood."""
        verb, _, rest = line.strip().partition(" ")
        first, _, second = rest.strip().partition(" ")
        if verb in {"unplug", "plug"}:
            return self._plug(first, is_in=verb == "plug")
        strap = self._straps.get(int(first)) if first.isdigit() else None
        other = self._straps.get(int(second)) if second.strip().isdigit() else None
        if strap is None or (verb == "swap" and other is None):
            return f"there is no strap {rest!r}"
        deeds: dict[str, Callable[[], None]] = {
            "silence": lambda: setattr(strap, "is_silent", True),
            "wake": lambda: setattr(strap, "is_silent", False),
            "drop": strap.drop_link,
            "leave": strap.leave_range,
            "return": strap.come_back,
            "hold": strap.hold_to_hub,
            "lay": lambda: setattr(strap, "is_held", False),
            "takeoff": lambda: setattr(strap, "in_contact", False),
            "puton": lambda: setattr(strap, "in_contact", True),
            "garble": lambda: setattr(strap, "is_garbling", True),
            "clear": lambda: setattr(strap, "is_garbling", False),
            "die": strap.die,
            "revive": strap.revive,
            "swap": lambda: strap.swap_wearers(other or strap),
        }
        if verb not in deeds:
            return f"{verb!r} is not one of {', '.join(deeds)}, quit"
        deeds[verb]()
        return None

    async def _door_of(self, receiver: Receiver, port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            _host_link(receiver, self._hosts), "127.0.0.1", port
        )

    def _plug(self, number: str, *, is_in: bool) -> str | None:
        """Pull a receiver out of the hub, or put it back in."""
        if not number.isdigit() or int(number) >= len(self._receivers):
            return f"there is no receiver {number!r}"
        index = int(number)
        if is_in:
            self._chores.append(asyncio.create_task(self._plug_in(index)))
            return None
        self._doors[index].close()
        host = self._receivers[index].host
        if isinstance(host, HostLink):
            host.close()
        return None

    async def _plug_in(self, index: int) -> None:
        self._doors[index] = await self._door_of(self._receivers[index], self._first_port + index)

    def _strap(self, number: int) -> VirtualStrap:
        is_broadcast = number > self._options.athletes - self._options.broadcast
        random = chance_of(number, self._options.seed)
        brands = MIXED if self._options.brands == "mixed" else (BRANDS[self._options.brands],)
        strap = VirtualStrap(
            self._field,
            number,
            random,
            speed=self._options.speed,
            is_broadcast=is_broadcast,
            brand=POLAR if is_broadcast else brands[(number - 1) % len(brands)],
            heart=MarkedHeart(random, mark_of(number)) if self._options.marked else None,
        )
        strap.is_stamping = self._options.stamp
        return strap

    def _foreign_strap(self, number: int) -> VirtualStrap:
        """A strap of the other team, training next door."""
        number += FOREIGN_FROM
        return VirtualStrap(self._field, number, Random(number), speed=self._options.speed)

    async def _cause_faults(self) -> None:
        while True:
            await asyncio.sleep(self._random.uniform(*_FAULT_EVERY_S))
            number = self._random.choice(list(self._straps))
            begin, end = self._random.choice(_FAULTS[self._options.faults])
            if begin == "swap":
                self.obey(f"swap {number} {self._random.choice(list(self._straps))}")
                continue
            self.obey(f"{begin} {number}")
            if end is not None:
                lasts_s = self._random.uniform(*_FAULT_LASTS_S)
                asyncio.get_running_loop().call_later(lasts_s, self.obey, f"{end} {number}")

    async def _crowd(self) -> None:
        """Telephones and watches of spectators, each with an address and a name that mean nothing."""
        chance = Random(self._options.seed + 2)
        devices = [
            Controller(f"spectator {number}", link=self._field) for number in range(self._options.crowd)
        ]
        for device in devices:
            octets = bytearray(chance.randbytes(6))
            octets[0] = 0x40 | octets[0] & 0x3F
            device.random_address = Address(octets.hex(":").upper(), Address.RANDOM_DEVICE_ADDRESS)
        while True:
            for device in devices:
                company = chance.choice((0x004C, 0x0075, 0x0006)).to_bytes(2, "little")
                said = company + chance.randbytes(chance.randint(0, 20))
                part = (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, said)
                self._field.broadcast(device, bytes(AdvertisingData([part])))
                await asyncio.sleep(1.0 / len(devices))

    async def _foreign_device(self) -> None:
        """Somebody's telephone, which has nothing to do with training."""
        phone = Controller("telephone", link=self._field)
        phone.random_address = Address("5E:11:22:33:44:55", Address.RANDOM_DEVICE_ADDRESS)
        part = (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, bytes.fromhex("4c001005"))
        while True:
            await asyncio.sleep(0.5)
            self._field.broadcast(phone, bytes(AdvertisingData([part])))


class HostLink(asyncio.Protocol):
    """HCI between one receiver and the hub that drives it; a second hub is turned away."""

    def __init__(self, receiver: Receiver, hosts: set[HostLink]) -> None:
        self._receiver = receiver
        self._hosts = hosts
        self._parser = PacketParser(receiver)
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A hub has come."""
        assert isinstance(transport, asyncio.Transport)
        if self._receiver.host is not None:
            transport.close()
            return
        self._wire = transport
        self._receiver.host = self
        self._hosts.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of HCI packets from the hub."""
        if self._wire is None:
            return
        try:
            self._parser.feed_data(data)
        except core.InvalidPacketError:
            self._wire.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The hub has gone, perhaps killed: its links are lost and the straps advertise again."""
        if self._wire is None:
            return
        self._wire = None
        self._hosts.discard(self)
        self._receiver.host = None
        self._receiver.power_cycle()

    def on_packet(self, packet: bytes) -> None:
        """An HCI packet of the receiver to the hub."""
        if self._wire is not None and not self._wire.is_closing():
            self._wire.write(packet)

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()


def _host_link(receiver: Receiver, hosts: set[HostLink]) -> Callable[[], HostLink]:
    return lambda: HostLink(receiver, hosts)


def _listen_to_stdin(hear: Callable[[str | None], None]) -> None:
    """Lines of standard input into the loop from a thread of their own, None at its end."""
    loop = asyncio.get_running_loop()

    def listen() -> None:
        rest = b""
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            while chunk := _read_stdin():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(hear, line.decode("utf-8", "replace"))
            loop.call_soon_threadsafe(hear, None)

    threading.Thread(target=listen, name="stdin", daemon=True).start()


def _read_stdin() -> bytes:
    try:
        return os.read(0, 4096)
    except OSError:
        return b""


async def _run(options: argparse.Namespace) -> int:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop_signal, stopping.set)
    pitch = Pitch(options)
    try:
        port = await pitch.open()
    except OSError as error:
        await pitch.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"The pitch cannot listen on 127.0.0.1 port {options.port}: {reason}.", file=sys.stderr)
        return 2

    def hear(line: str | None) -> None:
        if line is None:
            if options.stop_with_stdin:
                stopping.set()
        elif line.strip() == "quit":
            stopping.set()
        elif line.strip() and (complaint := pitch.obey(line)):
            print(complaint, file=sys.stderr, flush=True)

    print(f"ready port={port} athletes={options.athletes}", flush=True)
    _listen_to_stdin(hear)
    await stopping.wait()
    await pitch.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hub.devices.virtual.pitch",
        description="A squad of virtual heart-rate straps training on a virtual pitch.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--athletes", type=_count, default=24, help="straps on the pitch (default 24)")
    parser.add_argument("--port", type=int, default=9700, help="TCP port of the radio, 0 picks one")
    parser.add_argument("--adapters", type=_count, default=1, help="receivers, on ports following --port")
    parser.add_argument("--slots", type=_count, default=100, help="links each receiver can hold")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the plan passes (default 1)")
    parser.add_argument("--seed", type=int, default=SEED, help="same seed, same squad")
    parser.add_argument("--faults", choices=("none", *_FAULTS), default="none", help="what goes wrong")
    parser.add_argument("--brands", choices=("mixed", *BRANDS), default="polar", help="who made the straps")
    parser.add_argument("--pods", type=int, default=0, help="how many athletes wear a running pod too")
    parser.add_argument("--foreign", type=int, default=0, help="straps of another team within earshot")
    parser.add_argument("--crowd", type=int, default=0, help="spectators' devices that advertise")
    parser.add_argument("--broadcast", type=int, default=0, help="how many straps only broadcast")
    parser.add_argument("--stamp", action="store_true", help="energy and kHz fields tell the time sent, ms")
    parser.add_argument("--marked", action="store_true", help="each of up to 40 hearts at a rate of its own")
    parser.add_argument("--stop-with-stdin", action="store_true", help="end when standard input ends")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 200:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and 200")
    return number


def main(arguments: list[str] | None = None) -> int:
    """Run the pitch until it is told to stop; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    return asyncio.run(_run(options))


if __name__ == "__main__":
    sys.exit(main())
