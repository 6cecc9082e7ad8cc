"""Notifications people captured from sensors of five makes and published, byte for byte.

Where a make is not known, what it does differently is said. Captures of Garmin, Wahoo and Coospo straps were
not found in the open; how they differ is covered by the table of constructed notifications.
"""

from __future__ import annotations

import pytest

from hub.devices.gatt import HeartRate, decode_heart_rate
from hub.domain import Contact

YES, UNSUPPORTED = Contact.YES, Contact.UNSUPPORTED

CAPTURED = {
    "Polar H7": [("164d1603", HeartRate(77, (790,), YES, None, False))],
    "Polar H10": [
        ("105819030f03", HeartRate(88, (793, 783), UNSUPPORTED, None, False)),
        ("1055db02b302", HeartRate(85, (731, 691), UNSUPPORTED, None, False)),
        ("103b5304", HeartRate(59, (1107,), UNSUPPORTED, None, False)),
    ],
    "Movisens": [("16485401ec02", HeartRate(72, (340, 748), YES, None, False))],
    "a strap without a make, Bluetooth and ANT+": [
        ("1634e404", HeartRate(52, (1252,), YES, None, False)),
        ("1634a504", HeartRate(52, (1189,), YES, None, False)),
        ("1633ea04", HeartRate(51, (1258,), YES, None, False)),
        ("1633de04", HeartRate(51, (1246,), YES, None, False)),
    ],
    "a strap that sets the contact bit without having the sensor": [
        ("12367804", HeartRate(54, (1144,), UNSUPPORTED, None, False)),
        ("0236", HeartRate(54, (), UNSUPPORTED, None, False)),
        ("12357804", HeartRate(53, (1144,), UNSUPPORTED, None, False)),
        ("12363704", HeartRate(54, (1079,), UNSUPPORTED, None, False)),
    ],
}


@pytest.mark.parametrize("make", CAPTURED)
def test_a_captured_notification_means_what_the_service_says(make: str) -> None:
    for data, meaning in CAPTURED[make]:
        assert decode_heart_rate(bytes.fromhex(data)) == meaning


def test_captured_rates_and_intervals_agree_with_each_other() -> None:
    pairs = [meaning for table in CAPTURED.values() for _data, meaning in table if meaning.rr_1024]
    plausible = [
        meaning
        for meaning in pairs
        if meaning.bpm and 0.5 < meaning.bpm * sum(meaning.rr_1024) / len(meaning.rr_1024) / 61_440 < 1.5
    ]
    assert len(plausible) == len(pairs)
