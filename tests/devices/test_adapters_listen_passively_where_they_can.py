"""The plan of a scan: ask for names, then listen passively; where that is refused stay active, and say so."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, ClassVar

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from hub.devices.radio import Backend, BleakRadio, is_private_address, radio_error
from hub.devices.scanning import ADVERTISED_BY_SENSORS, ScanPlan
from hub.devices.source import ReceiverKind, ScanMode, Sighting
from hub.devices.together import RadiosTogether
from hub.devices.virtual.backend import VirtualClient
from hub.errors import AdapterMissing, RadioError, SlotsTaken

QUICK = ScanPlan(is_passive=True, names_s=0.05, names_every_s=0.1, renew_every_s=0.05)


class BookKeeper(BaseBleakScanner):
    """An adapter's scanner as the operating system's edge: it keeps books of what it was asked."""

    asked: ClassVar[list[tuple[str, Any, int]]] = []
    running: ClassVar[list[BookKeeper]] = []
    refuses_passive: ClassVar[bool] = False
    is_gone: ClassVar[bool] = False

    def __init__(self, callback: Any, uuids: Any, scanning_mode: str = "active", **keywords: Any) -> None:
        super().__init__(callback, uuids)
        self._mode = scanning_mode
        self._bluez = keywords["bluez"]

    async def start(self) -> None:
        if self.is_gone:
            raise BleakBluetoothNotAvailableError("gone", BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
        if self._mode == "passive" and self.refuses_passive:
            raise BleakError("passive scanning on Linux requires BlueZ >= 5.56 with --experimental enabled")
        patterns = len(self._bluez.get("or_patterns", ()))
        self.asked.append((self._mode, self._bluez.get("adapter"), patterns))
        self.running.append(self)

    async def stop(self) -> None:
        if self in self.running:
            self.running.remove(self)


@pytest.fixture(autouse=True)
def _fresh_books() -> None:
    BookKeeper.asked = []
    BookKeeper.running = []
    BookKeeper.refuses_passive = BookKeeper.is_gone = False


def radio() -> BleakRadio:
    return BleakRadio(("hci3",), Backend(BookKeeper, VirtualClient, hears_passively=True), plan=QUICK)


def test_a_scan_asks_for_names_and_then_listens_passively() -> None:
    async def story() -> None:
        adapters = radio()
        scan = await adapters.start_scan("hci3", lambda _sighting: None)
        assert adapters.receivers()[0].mode is ScanMode.ACTIVE
        await asyncio.sleep(0.1)
        assert adapters.receivers()[0].mode is ScanMode.PASSIVE
        await asyncio.sleep(0.15)
        assert len(BookKeeper.running) == 1
        await scan.stop()
        assert adapters.receivers()[0].mode is ScanMode.NONE
        assert BookKeeper.running == []

    asyncio.run(story())
    patterns = len(ADVERTISED_BY_SENSORS)
    assert BookKeeper.asked[:3] == [
        ("active", "hci3", 0),
        ("passive", "hci3", patterns),
        ("active", "hci3", 0),
    ]
    assert patterns <= 16  # more do not fit one monitor
    assert 1 + 34 * patterns <= 255  # BlueZ 5.66 counts its bytes in one, and dies of more


def test_where_passive_is_refused_the_scan_stays_active_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    BookKeeper.refuses_passive = True

    async def story() -> None:
        adapters = radio()
        scan = await adapters.start_scan("hci3", lambda _sighting: None)
        await asyncio.sleep(0.4)
        assert adapters.receivers()[0].mode is ScanMode.ACTIVE
        await scan.stop()

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert {mode for mode, _adapter, _patterns in BookKeeper.asked} == {"active"}
    assert ["Experimental = true" in record.getMessage() for record in caplog.records] == [True]


def test_a_scan_that_cannot_be_begun_again_has_ended() -> None:
    async def story() -> None:
        scan = await radio().start_scan("hci3", lambda _sighting: None)
        BookKeeper.is_gone = True
        await asyncio.wait_for(scan.ended(), 2)
        await scan.stop()

    asyncio.run(story())


def test_adapters_are_those_plugged_in_at_the_moment(tmp_path: Path) -> None:
    adapters = BleakRadio(folder=tmp_path)
    assert [receiver.name for receiver in adapters.receivers()] == ["default"]
    for name in ("hci1", "hci0", "hci0:64", "rfkill0"):
        (tmp_path / name).mkdir()
    assert [receiver.name for receiver in adapters.receivers()] == ["hci0", "hci1"]
    (tmp_path / "hci0").rmdir()
    assert [receiver.name for receiver in adapters.receivers()] == ["hci1"]


def test_what_is_no_sensor_is_only_counted() -> None:
    async def story() -> None:
        heard: list[Sighting] = []
        adapters = radio()
        scan = await adapters.start_scan("hci3", heard.append)
        scanner = BookKeeper.running[0]
        device = BLEDevice("5E:00:00:00:00:01", None, {"props": {"AddressType": "random"}})
        for company in (0x004C, 0x006B):
            data = AdvertisementData(None, {company: b"\x33\x00\x00\x38"}, {}, [], None, -60, ())
            scanner.call_detection_callbacks(device, data)
        assert [sighting.is_private for sighting in heard] == [True]
        assert adapters.foreign() == 1
        await scan.stop()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("address", "details", "is_private"),
    [
        ("5E:00:00:00:00:01", {"props": {"AddressType": "random"}}, True),
        ("5E:00:00:00:00:01", {"props": {"AddressType": "public"}}, False),
        ("C5:00:00:00:00:01", {"address_type": 1}, False),
        ("7F:00:00:00:00:01", {"address_type": 1}, True),
        ("5E:00:00:00:00:01", None, False),
    ],
)
def test_an_address_that_changes_by_itself_is_known(address: str, details: object, is_private: bool) -> None:
    assert is_private_address(address, details) is is_private


def test_a_receiver_that_holds_all_it_can_is_told_from_one_that_fails() -> None:
    full = radio_error("north", BleakError("No backend with an available connection slot"))
    assert isinstance(full, SlotsTaken)
    assert not isinstance(radio_error("hci0", BleakError("org.bluez.Error.InProgress")), SlotsTaken)


def test_radios_together_answer_for_their_own_receivers() -> None:
    async def story() -> None:
        other = BleakRadio(("hci4",), Backend(BookKeeper, VirtualClient), slots=5)
        both = RadiosTogether(radio(), other)
        assert [(one.name, one.kind, one.slots) for one in both.receivers()] == [
            ("hci3", ReceiverKind.ADAPTER, None),
            ("hci4", ReceiverKind.ADAPTER, 5),
        ]
        scan = await both.start_scan("hci4", lambda _sighting: None)
        assert BookKeeper.asked == [("active", "hci4", 0)]
        await scan.stop()
        with pytest.raises(AdapterMissing):
            await both.start_scan("hci9", lambda _sighting: None)

    asyncio.run(story())


def test_an_adapter_that_cannot_be_reset_says_what_to_do(tmp_path: Path) -> None:
    async def story() -> None:
        with pytest.raises(RadioError) as refusal:
            await BleakRadio(("hci0",), folder=tmp_path).reset("hci0")
        assert "Unplug" in refusal.value.hint

    asyncio.run(story())
