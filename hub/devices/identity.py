"""Which strap this is: the id printed on the pod where it can be known, else the serial, else the address.

It is decided once for each address and never changes while the process runs, so that one strap's
readings never fall apart into two.
"""

from __future__ import annotations

import re

_POLAR_NAME = re.compile(r"^Polar .*\b([0-9A-Fa-f]{8})$")
_FEWEST_SERIAL_CHARACTERS = 4


def id_from_name(name: str | None) -> str | None:
    """Polar's eight hexadecimal digits from "Polar H10 A0000001", as the pod shows them."""
    match = _POLAR_NAME.match((name or "").strip())
    return match.group(1).upper() if match else None


def id_from_serial(serial: bytes) -> str | None:
    """The Serial Number String (0x2A25) if it can tell straps apart: not short, not all one character."""
    text = serial.decode("utf-8", "replace").strip("\x00 \t\r\n")
    is_telling = len(text) >= _FEWEST_SERIAL_CHARACTERS and len(set(text)) > 1 and text.isprintable()
    return text if is_telling and "�" not in text else None


def id_from_address(address: str) -> str:
    """The last resort; a strap that changes its address becomes another strap."""
    return f"addr:{address.upper()}"
