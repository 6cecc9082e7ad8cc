"""A strap keeps one id, the one a person can read on the pod where that can be known."""

from __future__ import annotations

import pytest

from hub.devices.identity import id_from_address, id_from_name, id_from_serial


@pytest.mark.parametrize(
    ("name", "strap_id"),
    [
        ("Polar H10 A0000001", "A0000001"),
        ("Polar Sense 7f3c21e0", "7F3C21E0"),
        ("Polar H10", None),
        ("TICKR 1234ABCD", None),
        ("", None),
        (None, None),
    ],
)
def test_a_polar_name_carries_the_id_on_the_pod(name: str | None, strap_id: str | None) -> None:
    assert id_from_name(name) == strap_id


@pytest.mark.parametrize(
    ("serial", "strap_id"),
    [
        (b"HRM-0042\x00", "HRM-0042"),
        (b"  77120 ", "77120"),
        (b"0000000", None),
        (b"12", None),
        (b"", None),
        (b"\xff\xfe\xff\xfe12", None),
    ],
)
def test_a_serial_counts_only_if_it_can_tell_straps_apart(serial: bytes, strap_id: str | None) -> None:
    assert id_from_serial(serial) == strap_id


def test_an_address_is_the_last_resort() -> None:
    assert id_from_address("aa:bb:cc:dd:ee:0f") == "addr:AA:BB:CC:DD:EE:0F"
