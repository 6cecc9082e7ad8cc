"""Settings come from the environment, and a wrong one is named with what it should be."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.config import HubSettings
from hub.errors import SettingInvalid


def test_none_is_needed() -> None:
    settings = HubSettings.from_env({})
    assert settings == HubSettings()
    assert settings.database_path == Path("touchline-data/hub/hub.db")
    assert settings.control_path.parent == settings.database_path.parent


def test_every_variable_is_read() -> None:
    settings = HubSettings.from_env(
        {
            "TOUCHLINE_DATA": "/data", "TOUCHLINE_HOST": "0.0.0.0", "TOUCHLINE_PORT": "80",
            "TOUCHLINE_BACKEND": "virtual", "TOUCHLINE_ADAPTERS": "hci0, hci1,", "TOUCHLINE_SLOTS": "7",
            "TOUCHLINE_VIRTUAL_PORT": "9800", "TOUCHLINE_CLOUD_PORT": "8200", "TOUCHLINE_LOG": "DEBUG",
            "TOUCHLINE_TIME_ZONE": "Asia/Kolkata", "TOUCHLINE_WATCH": "/in:/more", "TOUCHLINE_USB": "/media",
            "TOUCHLINE_ORIGINALS_MIB": "100000", "TOUCHLINE_RELAYS": " north=10.0.0.11 ",
        }
    )  # fmt: skip
    assert settings == HubSettings(
        data=Path("/data"), host="0.0.0.0", port=80, backend="virtual", adapters=("hci0", "hci1"),
        virtual_port=9800, cloud_port=8200, slots_per_adapter=7, zone=ZoneInfo("Asia/Kolkata"),
        watched=(Path("/in"), Path("/more")), usb=(Path("/media"),), originals_mib=100_000, log_level="debug",
        relays="north=10.0.0.11",
    )  # fmt: skip


def test_the_folder_watched_is_in_the_data_folder_unless_named_or_none_is() -> None:
    assert HubSettings(data=Path("/data")).watched_folders == (Path("/data/imports"),)
    assert HubSettings.from_env({"TOUCHLINE_WATCH": "none"}).watched_folders == ()


def test_an_empty_variable_is_as_good_as_none() -> None:
    names = ("DATA", "HOST", "PORT", "BACKEND", "ADAPTERS", "SLOTS", "VIRTUAL_PORT", "CLOUD_PORT", "LOG",
             "TIME_ZONE", "WATCH", "USB", "ORIGINALS_MIB")  # fmt: skip
    assert HubSettings.from_env({f"TOUCHLINE_{name}": "" for name in names}) == HubSettings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TOUCHLINE_PORT", "http"),
        ("TOUCHLINE_PORT", "0"),
        ("TOUCHLINE_PORT", "65536"),
        ("TOUCHLINE_PORT", "-1"),
        ("TOUCHLINE_PORT", "٨٠"),
        ("TOUCHLINE_SLOTS", "many"),
        ("TOUCHLINE_SLOTS", "0"),
        ("TOUCHLINE_VIRTUAL_PORT", "9.7"),
        ("TOUCHLINE_BACKEND", "zigbee"),
        ("TOUCHLINE_LOG", "loud"),
        ("TOUCHLINE_TIME_ZONE", "Mars/Olympus"),
        ("TOUCHLINE_TIME_ZONE", "../etc/passwd"),
        ("TOUCHLINE_ORIGINALS_MIB", "0"),
    ],
)
def test_a_wrong_value_names_its_variable_and_says_what_it_takes(name: str, text: str) -> None:
    with pytest.raises(SettingInvalid, match=name) as wrong:
        HubSettings.from_env({name: text})
    assert wrong.value.hint
