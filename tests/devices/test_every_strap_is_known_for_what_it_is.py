"""Identity, ways in and other sensors end to end: virtual pods of several makers through bleak's own API."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise

import pytest

from hub.devices.gatt import decode_location
from hub.devices.identity import Identities, Proof, clean_name
from hub.devices.virtual.brands import foreign_serial
from hub.devices.wishes import WayIn, Wish
from hub.domain import MotionReading, StrapStatus, Via
from tests.devices.pitch_process import PitchProcess
from tests.devices.squad import Squad, squad_on, strap_id


def named(squad: Squad, wanted: str) -> StrapStatus:
    return next(status for status in squad.fleet.statuses() if status.strap_id == wanted)


def test_a_strap_whose_name_says_nothing_is_known_by_the_serial_inside() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: squad.count(1, Via.GATT) >= 2 and squad.count(2, Via.GATT) >= 2, 10)
            assert set(squad.readings) == {strap_id(1), strap_id(2)}
            await squad.until(lambda: named(squad, strap_id(1)).model is not None, 6)
            status = named(squad, strap_id(1))
            assert (status.name, status.model, status.worn_at) == (strap_id(1), "HRM", "chest")
            assert status.battery_percent is not None

    with PitchProcess("--athletes", "2", "--brands", "nameless") as pitch:
        asyncio.run(story(pitch.port))


def test_straps_of_several_makers_keep_their_ways() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: all(squad.count(number, Via.GATT) >= 3 for number in range(1, 8)), 20)
            garmin, wristband = squad.latest(2), squad.latest(7)
            assert named(squad, strap_id(2)).name.startswith("HRM-Pro:")
            assert any(reading.rr_1024 for reading in squad.readings[garmin.strap_id])
            assert not any(reading.rr_1024 for reading in squad.readings[wristband.strap_id])
            assert (named(squad, strap_id(4)).contact, wristband.contact) == ("unsupported", "unsupported")

    with PitchProcess("--athletes", "7", "--brands", "mixed") as pitch:
        asyncio.run(story(pitch.port))


def test_a_running_pod_is_a_second_stream_beside_its_strap() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: len(squad.motion) >= 6 and squad.count(1, Via.GATT) >= 2, 12)
            pods = {reading.strap_id for reading in squad.motion}
            assert len(pods) == 2
            assert pods.isdisjoint(squad.readings)
            one = [reading for reading in squad.motion if reading.strap_id == min(pods)]
            assert all(
                isinstance(reading, MotionReading) and reading.cadence_per_min >= 80 for reading in one
            )
            assert all((b.distance_dm or 0) >= (a.distance_dm or 0) for a, b in pairwise(one))
            assert named(squad, min(pods)).is_connected

    with PitchProcess("--athletes", "2", "--pods", "2") as pitch:
        asyncio.run(story(pitch.port))


def test_a_pinned_strap_changes_its_way_and_an_ignored_one_falls_silent() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            foreign = foreign_serial(1)
            squad.fleet.wish(strap_id(1), Wish(way=WayIn.BROADCAST))
            squad.fleet.wish(foreign, Wish(is_ignored=True))
            await squad.until(lambda: squad.is_connected(2) and squad.count(1, Via.BROADCAST) >= 2, 12)
            assert not squad.is_connected(1)
            assert named(squad, strap_id(1)).is_pinned
            assert named(squad, foreign).is_ignored
            assert foreign not in squad.readings
            squad.fleet.wish(strap_id(1), Wish(way=WayIn.CONNECTED))
            squad.fleet.wish(strap_id(2), Wish(way=WayIn.BROADCAST))
            await squad.until(lambda: squad.is_connected(1) and not squad.is_connected(2), 10)
            heard = squad.count(2, Via.BROADCAST)
            await squad.until(lambda: squad.count(2, Via.BROADCAST) >= heard + 2, 10)

    with PitchProcess("--athletes", "2", "--foreign", "1") as pitch:
        asyncio.run(story(pitch.port))


def test_a_dead_battery_and_swapped_straps_are_what_they_are() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.connected() == 3, 10)
            await squad.until(lambda: squad.count(1, Via.GATT) > 0, 10)  # a link without a value owes none
            pitch.say("die 1")
            await squad.until(lambda: not squad.is_connected(1), 6)
            pitch.say("swap 2 3")
            last_ms = max(squad.latest(1).mono_ms, squad.latest(2).mono_ms)
            await squad.until(lambda: squad.latest(2).mono_ms > last_ms + 2_500, 6)
            assert squad.status(2).reconnects == squad.status(3).reconnects == 0
            pitch.say("revive 1")
            await squad.until(lambda: squad.is_connected(1), 12)
            assert 0 < (squad.status(1).packet_loss or 0) < 1

    with PitchProcess("--athletes", "3") as pitch:
        asyncio.run(story(pitch))


def test_two_addresses_cannot_share_one_id() -> None:
    identities = Identities(silent_ms=30_000)
    assert identities.claim("A0000001", "C0:01", Proof.NAME, 0)
    assert not identities.claim("A0000001", "C0:02", Proof.NAME, 1_000)
    assert identities.claim("A0000001", "C0:01", Proof.NAME, 2_000)
    assert identities.holder("A0000001") == "C0:01"


def test_a_serial_read_over_a_link_proves_more_than_a_name() -> None:
    identities = Identities()
    identities.claim("A0000001", "C0:01", Proof.NAME, 0)
    assert identities.claim("A0000001", "C0:02", Proof.SERIAL, 1_000)
    assert not identities.claim("A0000001", "C0:01", Proof.NAME, 2_000)
    assert not identities.claim("A0000001", "C0:03", Proof.SERIAL, 2_000)


def test_a_strap_that_comes_back_under_a_new_address_keeps_its_id() -> None:
    identities = Identities(silent_ms=30_000)
    identities.claim("A0000001", "C0:01", Proof.SERIAL, 0)
    identities.heard("A0000001", "C0:01", 50_000)
    assert not identities.claim("A0000001", "C0:02", Proof.NAME, 70_000)
    assert identities.claim("A0000001", "C0:02", Proof.NAME, 81_000)
    identities.forget("C0:02")
    assert identities.holder("A0000001") is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Polar H10 A0000001", "Polar H10 A0000001"),
        ("  a\x00b\nc\x1b[31m ", "a b c [31m"),
        ("\u202eevil\u2066", "evil"),
        ("x" * 500, "x" * 40),
        ("\ud800", ""),
        ("Löwe 🦁", "Löwe 🦁"),
        (None, ""),
    ],
)
def test_absurd_names_are_made_fit_for_a_page(name: str | None, shown: str) -> None:
    assert clean_name(name) == shown


def test_where_a_strap_is_worn_is_a_word() -> None:
    said = [decode_location(data) for data in (b"\x01", b"\x06", b"\x07", b"", b"\x01\x01")]
    assert said == ["chest", "foot", None, None, None]


def test_nothing_is_logged_for_each_sample(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: squad.count(1, Via.GATT) >= 4, 12)

    with PitchProcess("--athletes", "1") as pitch:
        asyncio.run(story(pitch.port))
    assert len([record for record in caplog.records if record.name.startswith("hub")]) <= 4
