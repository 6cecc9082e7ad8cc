"""Notifications people captured from real sensors and published, byte for byte, each with its public source.

Three tables, kept apart: sensors whose brand the source names, sensors whose brand it does not name, and one
example out of a maker's own library, which may never have been on the air. What each byte string means was
worked out by hand from the Heart Rate Service. Captures of Coospo, Magene, Decathlon, Suunto, Scosche, WHOOP,
Garmin HRM-Pro and Wahoo TICKR sensors were not found; how such straps may differ is covered by the
notifications constructed in `test_any_bytes_are_survived.py`, which name no brand.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hub.devices.gatt import HeartRate, decode_battery, decode_heart_rate
from hub.domain import Contact

YES, NO, UNSUPPORTED = Contact.YES, Contact.NO, Contact.UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Capture:
    """What one person saw one sensor send; `brand` is empty where the source does not name it."""

    brand: str
    sensor: str
    source: str
    notifications: dict[str, HeartRate]

    def __str__(self) -> str:
        return f"{self.brand} {self.sensor}".strip()


def heart_rate(bpm: int | None, contact: Contact, *rr_1024: int) -> HeartRate:
    return HeartRate(bpm, rr_1024, contact, None, False)


NAMED = (
    Capture(
        "Polar",
        "H7",
        "https://e-learn.cn/qa/answer/1013198/2064109.html",
        {
            "164d1603": heart_rate(77, YES, 790),
            "164e1b031203": heart_rate(78, YES, 795, 786),
            "164f0203": heart_rate(79, YES, 770),
            "164e0f03": heart_rate(78, YES, 783),
        },
    ),
    Capture(
        "Polar",
        "H7, another",
        "https://github.com/cal-id/Polar-H7-Pi",
        {
            "063c": heart_rate(60, YES),
            "163c1104": heart_rate(60, YES, 1041),
            "163cf503": heart_rate(60, YES, 1013),
        },
    ),
    Capture(
        "Polar",
        "H10",
        "https://github.com/polarofficial/polar-ble-sdk/issues/265",
        {
            "105819030f03": heart_rate(88, UNSUPPORTED, 793, 783),
            "1055db02b302": heart_rate(85, UNSUPPORTED, 731, 691),
        },
    ),
    Capture(
        "Polar",
        "H10, another",
        "https://stackoverflow.com/questions/67024800",
        {"103b5304": heart_rate(59, UNSUPPORTED, 1107)},
    ),
    Capture(
        "Polar",
        "H10, a third",
        "https://github.com/FleXoft/Polar-H7-HRM/issues/1",
        {
            "104ed202c802": heart_rate(78, UNSUPPORTED, 722, 712),
            "104fb702": heart_rate(79, UNSUPPORTED, 695),
            "1050c002": heart_rate(80, UNSUPPORTED, 704),
            "105100031203": heart_rate(81, UNSUPPORTED, 768, 786),
            "10513203": heart_rate(81, UNSUPPORTED, 818),
        },
    ),
    # It sends intervals no heart has, here 52 ms; over ANT+ the same strap does not.
    Capture(
        "Garmin",
        "HRM-Dual",
        "https://forums.garmin.com/developer/connect-iq/f/discussion/319496/"
        "hrm-dual---extra-data-in-heart-rate-characteristic-data",
        {"10382d043500": heart_rate(56, UNSUPPORTED, 1069, 53)},
    ),
    # It says it can feel the skin and does not feel it, and sends rate and intervals all the same.
    Capture(
        "Wahoo",
        "Blue HR",
        "https://stackoverflow.com/questions/10421633",
        {"144659035803": heart_rate(70, NO, 857, 856)},
    ),
    # Worn on the wrist; it sends a rate of 0 till it has found the pulse.
    Capture(
        "Mio Global",
        "Fuse",
        "https://github.com/metastableB/metastableB.github.io/blob/"
        "624e3afbeddaf526989639171bf13067d6b7de9e/drafts/mio-global-fuse.md",
        {
            "0000": heart_rate(None, UNSUPPORTED),
            "1056ca02": heart_rate(86, UNSUPPORTED, 714),
            "1053e402": heart_rate(83, UNSUPPORTED, 740),
            "105000030003": heart_rate(80, UNSUPPORTED, 768, 768),
            "104e1403": heart_rate(78, UNSUPPORTED, 788),
            "104c2803": heart_rate(76, UNSUPPORTED, 808),
            "104a3e03": heart_rate(74, UNSUPPORTED, 830),
            "10494a034a03": heart_rate(73, UNSUPPORTED, 842, 842),
            "10494a03": heart_rate(73, UNSUPPORTED, 842),
        },
    ),
    # Out of a phone's log of the link: the value of the notification of handle 0x004B.
    Capture(
        "Xiaomi",
        "Mi Band 1S",
        "https://github.com/Freeyourgadget/Gadgetbridge/issues/178",
        {"0646": heart_rate(70, YES)},
    ),
    Capture(
        "Amazfit",
        "watch of the Bip family",
        "https://github.com/piggz/harbour-amazfish/issues/510",
        {"0051": heart_rate(81, UNSUPPORTED)},
    ),
    # A trainer that passes a strap's rate on, without a strap.
    Capture(
        "Zwift",
        "Hub",
        "https://github.com/Berg0162/simcline/issues/7",
        {"0400": heart_rate(None, NO)},
    ),
)

UNNAMED = (
    Capture(
        "",
        "a strap without a make, Bluetooth and ANT+",
        "https://stackoverflow.com/questions/60599696",
        {
            "1634e404": heart_rate(52, YES, 1252),
            "1634a504": heart_rate(52, YES, 1189),
            "1633ea04": heart_rate(51, YES, 1258),
            "1633de04": heart_rate(51, YES, 1246),
        },
    ),
    Capture(
        "",
        "a strap that sets the contact bit without having the sensor",
        "https://community.appinventor.mit.edu/t/how-to-interpret-data-from-ble-heartrate-monitor/61569",
        {
            "12367804": heart_rate(54, UNSUPPORTED, 1144),
            "0236": heart_rate(54, UNSUPPORTED),
            "12357804": heart_rate(53, UNSUPPORTED, 1144),
            "12363704": heart_rate(54, UNSUPPORTED, 1079),
        },
    ),
    Capture(
        "",
        "a strap heard by a Raspberry Pi",
        "https://lihgong.blogspot.com/2014/10/holiday-bluetooth-engineer-make-it-work.html",
        {"1642a103": heart_rate(66, YES, 929)},
    ),
    Capture(
        "",
        "a strap recorded by an ActiGraph logger",
        "https://github.com/actigraph/GT3X-File-Format/blob/main/LogRecords/HeartRateBLE.md",
        {"164218047001": heart_rate(66, YES, 1048, 368)},
    ),
)

MAKERS_EXAMPLE = Capture(
    "Movisens",
    "the example of its library",
    "https://github.com/movisens/SmartGattLib",
    {"16485401ec02": heart_rate(72, YES, 340, 748)},
)

ALL = (*NAMED, *UNNAMED, MAKERS_EXAMPLE)


@pytest.mark.parametrize("capture", ALL, ids=str)
def test_a_captured_notification_means_what_the_service_says(capture: Capture) -> None:
    for data, meaning in capture.notifications.items():
        assert decode_heart_rate(bytes.fromhex(data)) == meaning


def test_captured_rates_and_intervals_agree_with_each_other() -> None:
    pairs = [meaning for capture in ALL for meaning in capture.notifications.values() if meaning.rr_1024]
    plausible = [
        meaning
        for meaning in pairs
        if meaning.bpm and 0.5 < meaning.bpm * sum(meaning.rr_1024) / len(meaning.rr_1024) / 61_440 < 1.5
    ]
    assert len(plausible) == len(pairs)


def test_the_captures_are_of_at_least_five_brands_and_each_says_where_it_was_published() -> None:
    assert len({capture.brand for capture in NAMED} - {""}) >= 5
    assert [str(capture) for capture in ALL if not capture.source.startswith("https://")] == []


def test_the_battery_of_a_mio_fuse_is_read() -> None:
    """The same publication as the rates: the answer of its battery level was 0x25."""
    assert decode_battery(bytes.fromhex("25")) == 37
