"""Which network the machine is on: the way out of it, by name, as the kernel tells.

It asks no daemon and changes nothing; a machine without a way out is on no network.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

PROC_NET = Path("/proc/net")
SYS_NET = Path("/sys/class/net")
_REJECT_FLAG = 0x0200
_GET_SSID = 0x8B1B  # SIOCGIWESSID of linux/wireless.h
_MOST_SSID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Network:
    """The interface traffic leaves by, the gateway it goes to, and the Wi-Fi's name where it is one."""

    interface: str
    gateway: str
    ssid: str | None = None

    @property
    def name(self) -> str:
        """What people call it: the Wi-Fi's name, else the interface."""
        return self.ssid or self.interface

    def is_called(self, name: str) -> bool:
        """Whether a person meant this one: by the Wi-Fi's name or the interface's."""
        return name in (self.ssid, self.interface)


def current_network(proc_net: Path = PROC_NET, sys_net: Path = SYS_NET) -> Network | None:
    """The network the default route leads over, None where there is none or its link is down."""
    found = _default_route(proc_net)
    if found is None:
        return None
    interface, gateway = found
    if _is_down(sys_net / interface):
        return None
    ssid = _ssid(interface) if (sys_net / interface / "wireless").is_dir() else None
    return Network(interface, gateway, ssid)


def _default_route(proc_net: Path) -> tuple[str, str] | None:
    """Interface and gateway of the cheapest default route, IPv4 before IPv6."""
    routes = [
        (int(part[6]), part[0], socket.inet_ntoa(struct.pack("<L", int(part[2], 16))))
        for part in _rows(proc_net / "route")[1:]
        if part[1] == "00000000" and part[7] == "00000000" and _is_way_out(int(part[3], 16))
    ]
    if not routes:
        routes = [
            (int(part[5], 16), part[9], socket.inet_ntop(socket.AF_INET6, bytes.fromhex(part[4])))
            for part in _rows(proc_net / "ipv6_route")
            if part[1] == "00" and part[9] != "lo" and _is_way_out(int(part[8], 16))
        ]
    return min(routes)[1:] if routes else None


def _is_way_out(flags: int) -> bool:
    """Up and not rejected; a route straight to an interface (a modem) has no gateway."""
    return bool(flags & 1) and not flags & _REJECT_FLAG


def _rows(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text().splitlines() if line.strip()]
    except OSError:
        return []


def _is_down(folder: Path) -> bool:
    try:
        return (folder / "operstate").read_text().strip() in ("down", "lowerlayerdown", "notpresent")
    except OSError:
        return False


def _ssid(interface: str) -> str | None:
    """The Wi-Fi's name, None where the driver does not say."""
    room = array.array("B", bytes(_MOST_SSID_BYTES))
    address, size = room.buffer_info()
    question = array.array("B", struct.pack("16sPHH", interface.encode()[:15], address, size, 0))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking.fileno(), _GET_SSID, question)
    except OSError:
        return None
    length = struct.unpack_from("16sPH", question.tobytes())[2]
    return room.tobytes()[:length].rstrip(b"\0").decode(errors="replace") or None
