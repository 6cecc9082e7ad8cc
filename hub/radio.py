"""Which radio the settings name: the one place that chooses between BlueZ and the virtual pitch."""

from __future__ import annotations

from hub.config import HubSettings
from hub.devices.radio import BleakRadio, Radio
from hub.errors import SettingInvalid


async def open_radio(settings: HubSettings) -> Radio:
    """The radio the settings name: BlueZ through bleak, or the virtual pitch through the same bleak.

    Raises SettingInvalid when the virtual radio is asked for and the demo extra is not installed.
    """
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


async def close_radio(settings: HubSettings) -> None:
    """Hang up what `open_radio` opened."""
    if settings.backend == "virtual":
        from hub.devices.virtual import backend

        await backend.close_adapters()
