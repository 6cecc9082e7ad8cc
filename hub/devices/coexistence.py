"""Which of this machine's adapters share their antenna with Wi-Fi that is switched on.

It reads what Linux says of the hardware and disturbs nothing; whether it matters shows in the packets lost.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

BLUETOOTH = Path("/sys/class/bluetooth")
NETWORKS = Path("/sys/class/net")


def adapters_beside_wifi(bluetooth: Path = BLUETOOTH, networks: Path = NETWORKS) -> frozenset[str]:
    """Adapters built into the machine (a Pi's own chip) while its built-in Wi-Fi is up; sticks are apart."""
    if not any(_is_wifi_up(place) and not _is_usb(place) for place in _places(networks)):
        return frozenset()
    return frozenset(
        place.name for place in _places(bluetooth) if place.name.startswith("hci") and not _is_usb(place)
    )


def _places(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_wifi_up(place: Path) -> bool:
    with suppress(OSError):
        return (place / "phy80211").exists() and (place / "operstate").read_text().strip() == "up"
    return False


def _is_usb(place: Path) -> bool:
    return any(part.startswith("usb") for part in (place / "device").resolve().parts)
