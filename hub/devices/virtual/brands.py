"""How straps of different makers differ on the air: name, serial, contact sensor, broadcasts.

It covers what the hub must cope with, not every model there is.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.devices.virtual.squad import serial_of


@dataclass(frozen=True, slots=True)
class Brand:
    """`name` has a place for the strap's serial, or none; a strap without one advertises no name."""

    maker: str
    model: str
    name: str
    broadcasts: bool = False
    senses_contact: bool = True
    sends_rr: bool = True

    def name_of(self, serial: str) -> str:
        """The name advertised by the strap with this serial."""
        return self.name.format(serial=serial, digits=str(int(serial, 16))[-6:])


POLAR = Brand("Polar Electro Oy", "H10", "Polar H10 {serial}", broadcasts=True)
GARMIN = Brand("Garmin", "HRM-Pro", "HRM-Pro:{digits}")
WAHOO = Brand("Wahoo Fitness", "TICKR", "TICKR {digits}", senses_contact=False)
COOSPO = Brand("COOSPO", "H808S", "808S {digits}")
WRISTBAND = Brand("WHOOP", "4.0", "WHOOP {digits}", senses_contact=False, sends_rr=False)
NAMELESS = Brand("", "HRM", "")
BRANDS = {
    "polar": POLAR,
    "garmin": GARMIN,
    "wahoo": WAHOO,
    "coospo": COOSPO,
    "wristband": WRISTBAND,
    "nameless": NAMELESS,
}
MIXED = (POLAR, GARMIN, POLAR, WAHOO, POLAR, COOSPO, WRISTBAND)

FOREIGN_FROM = 0x0100_0000
"""Numbers of straps that belong to the other team begin here."""


def foreign_serial(number: int) -> str:
    """The serial of the other team's strap n."""
    return serial_of(FOREIGN_FROM + number)
