"""Which heart-rate straps a recording is about, before it is played: by the pod's name, serial or address.

It reads the events once and plays nothing.
"""

from __future__ import annotations

from pathlib import Path

from hub.devices.gatt import HEART_RATE_MEASUREMENT, SERIAL_NUMBER
from hub.devices.identity import clean_name, id_from_address, id_from_name, id_from_serial
from hub.devices.recording import bytes_of, read_events


def straps_of(path: Path) -> dict[str, str]:
    """Each strap's id with its name, in order of appearance; pods that send no heart rate are none.

    Raises DecodeError where the file is no recording.
    """
    names: dict[str, str] = {}
    serials: dict[str, str] = {}
    with_heart_rate: dict[str, None] = {}
    for event in read_events(path):
        kind = event[1]
        if kind == "s":
            names[event[3]] = clean_name(event[4]) or names.get(event[3], "")
            if event[7] is not None:
                with_heart_rate.setdefault(event[3])
        elif kind == "n" and event[3] == HEART_RATE_MEASUREMENT:
            with_heart_rate.setdefault(event[2])
        elif kind == "r" and event[3] == SERIAL_NUMBER:
            serial = id_from_serial(bytes_of(event[4]))
            if serial is not None:
                serials[event[2]] = serial
    found: dict[str, str] = {}
    for address in with_heart_rate:
        name = names.get(address, "")
        strap_id = id_from_name(name) or serials.get(address) or id_from_address(address)
        found.setdefault(strap_id, name or strap_id)
    return found
