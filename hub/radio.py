"""Which radios the settings name: the one place that chooses between BlueZ, relays and the virtual pitch.

It opens and closes; it listens to nothing.
"""

from __future__ import annotations

from hub.config import HubSettings
from hub.devices.radio import BleakRadio
from hub.devices.source import RadioSource
from hub.devices.together import RadiosTogether
from hub.errors import SettingInvalid

NO_ADAPTERS = ("none",)
"""What TOUCHLINE_ADAPTERS says where relays alone do the listening."""


async def open_radio(settings: HubSettings, relays: str | None = None) -> RadioSource:
    """The radios the settings name: BlueZ through bleak, or the virtual pitch through the same bleak.

    `relays` stands in for the setting: more receivers, written "name=host, name=host:port/key". Raises
    SettingInvalid for relays that cannot be understood, and where an extra that is needed is not installed.
    """
    named = settings.relays if relays is None else relays
    if not named.strip():
        return await _adapters(settings)
    try:
        from hub.devices.relays import RelayRadio, relays_from_text
    except ImportError as error:
        raise SettingInvalid("TOUCHLINE_RELAYS.", hint="Install the hub extra: touchline[hub].") from error
    remote = RelayRadio(relays_from_text(named))
    if settings.adapters == NO_ADAPTERS:
        return remote
    return RadiosTogether(await _adapters(settings), remote)


async def close_radio(settings: HubSettings, radio: RadioSource | None = None) -> None:
    """Hang up what `open_radio` opened."""
    if radio is not None:
        await radio.close()
    if settings.backend == "virtual":
        from hub.devices.virtual import backend

        await backend.close_adapters()


async def _adapters(settings: HubSettings) -> RadioSource:
    if settings.adapters == NO_ADAPTERS:
        raise SettingInvalid("TOUCHLINE_ADAPTERS=none.", hint="Name relays in TOUCHLINE_RELAYS.")
    if settings.backend == "bluez":
        return BleakRadio(settings.adapters)
    try:
        from hub.devices.virtual import backend
    except ImportError as error:
        raise SettingInvalid(
            "TOUCHLINE_BACKEND=virtual.", hint="Install the demo extra: pip install 'touchline[demo]'."
        ) from error
    names = settings.adapters or ("hci0",)
    for number, name in enumerate(names):
        await backend.open_adapter(name, f"tcp-client:127.0.0.1:{settings.virtual_port + number}")
    return BleakRadio(names, backend.VIRTUAL)
