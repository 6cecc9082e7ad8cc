"""The shortcut for advertising reports against the library that writes and reads them in full."""

from __future__ import annotations

from bumble import hci
from bumble.core import AdvertisingData
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.virtual.reports import Report, ReportTap, report_from

parts = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=12)), max_size=3)


@given(st.sampled_from([0, 3, 4]), st.binary(min_size=6, max_size=6), st.integers(-127, 20), parts)
def test_a_report_written_by_the_library_is_read_here(
    kind: int, address: bytes, dbm: int, parts: list[tuple[int, bytes]]
) -> None:
    data = b"".join(bytes([len(value) + 1, part]) + value for part, value in parts)
    sender = hci.Address(address, hci.Address.RANDOM_DEVICE_ADDRESS)
    written = hci.HCI_LE_Advertising_Report_Event.Report(
        event_type=hci.HCI_LE_Advertising_Report_Event.EventType(kind),
        address_type=sender.address_type,
        address=sender,
        data=data,
        rssi=dbm,
    )
    packet = bytes(hci.HCI_LE_Advertising_Report_Event([written]))
    assert report_from(packet) == Report(
        kind,
        sender.to_string(with_type_qualifier=False),
        1,
        dbm,
        tuple(AdvertisingData.from_bytes(data).ad_structures),
    )


@given(st.binary(max_size=60))
def test_any_packet_is_a_report_or_is_handed_on(packet: bytes) -> None:
    reports: list[Report] = []

    class Host:
        def __init__(self) -> None:
            self.packets: list[bytes] = []

        def on_packet(self, packet: bytes) -> None:
            self.packets.append(packet)

    host = Host()
    ReportTap(host, reports.append).on_packet(packet)
    ReportTap(host, reports.append).on_packet(b"\x04\x3e" + packet)
    assert len(reports) + len(host.packets) == 2
