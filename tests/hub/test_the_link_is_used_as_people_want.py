"""Pause, speed and network are kept over a restart, said and obeyed; a new network wakes the relay."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest

from hub.clock import Clock
from hub.errors import ActionRefused
from hub.store import boots, meta
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.store.sync_limits import SyncLimits
from hub.syncing.networks import Network, current_network
from hub.syncing.uplink import Uplink

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


class Place:
    """A hub of a club whose cloud is out of reach, on the network that is put here."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.open(folder / "hub.db")
        boot_no = self.database.write_now(lambda db: boots.register(db, "boot"))
        self.database.write_now(lambda db: meta.put(db, "hub_id", "hub-1"))
        self.database.write_now(lambda db: meta.put(db, "cloud_url", "http://127.0.0.1:9"))
        self.clock, self.key = Clock(boot_no), folder / "hub.key"
        self.key.write_bytes(bytes(range(32)))
        self.network: Network | None = Network("eth0", "192.168.1.1")
        self.outbox = StoreOutbox(self.database, "boot", self.moment, self.clock.learn)

    def moment(self) -> Moment:
        return Moment(self.clock.boot_no, 5, time.time_ns() // 1_000_000, lambda: str(uuid4()))

    def uplink(self) -> Uplink:
        return Uplink(self.database, self.outbox, self.clock, self.key, look=lambda: self.network)


async def until(uplink: Uplink, state: str) -> str:
    async with asyncio.timeout(20):
        while uplink.status is None or uplink.status.state != state:  # noqa: ASYNC110 (it rings no bell)
            await asyncio.sleep(0.02)
    return uplink.status.detail


def test_a_pause_survives_a_restart_and_ends_when_people_say_so(tmp_path: Path) -> None:
    place = Place(tmp_path)

    async def story() -> None:
        first = place.uplink()
        await first.pause(True)
        uplink = place.uplink()
        await uplink.start()
        assert await until(uplink, "paused") == "paused by a person"
        with pytest.raises(ActionRefused, match="paused"):
            await uplink.sync_now()
        await uplink.pause(False)
        await until(uplink, "offline")
        await uplink.stop()

    asyncio.run(story())
    place.database.close()


def test_only_the_network_people_chose_is_used(tmp_path: Path) -> None:
    place = Place(tmp_path)

    async def story() -> None:
        uplink = place.uplink()
        await uplink.limit(128, " Clubhouse ")
        await uplink.start()
        assert uplink.limits == SyncLimits(cap_kbit_s=128, only_network="Clubhouse")
        assert await until(uplink, "waiting") == "waiting for the network Clubhouse; the hub is on eth0"
        place.network = Network("wlan0", "10.0.0.1", "Clubhouse")
        await until(uplink, "offline")  # it tried: the network that came woke it
        await uplink.stop()

    asyncio.run(story())
    place.database.close()


def test_what_waits_is_counted_in_bytes(tmp_path: Path) -> None:
    place = Place(tmp_path)
    fields: dict[str, object] = {"name": "Ann"}
    place.database.write_now(lambda db: propose(db, place.moment(), "athlete", "a", fields))

    async def story() -> None:
        uplink = place.uplink()
        await uplink.start()
        async with asyncio.timeout(20):
            while not uplink.bytes_pending:  # noqa: ASYNC110 (it rings no bell)
                await asyncio.sleep(0.02)
        assert 200 < uplink.bytes_pending < 400
        assert uplink.eta_s is None
        await uplink.stop()

    asyncio.run(story())
    place.database.close()


@pytest.mark.parametrize(
    ("kbit_s", "network"), [(3, None), (2_000_000, None), (None, "x" * 65), (None, "a\nb")]
)
def test_limits_that_make_no_sense_are_refused(
    tmp_path: Path, kbit_s: int | None, network: str | None
) -> None:
    place = Place(tmp_path)
    with pytest.raises(ActionRefused):
        asyncio.run(place.uplink().limit(kbit_s, network))
    place.database.close()


def kernel(folder: Path, route: str = "", route6: str = "", state: str = "up") -> tuple[Path, Path]:
    proc, sys = folder / "proc", folder / "sys"
    proc.mkdir()
    (proc / "route").write_text(HEAD + route)
    (proc / "ipv6_route").write_text(route6)
    (sys / "eth0").mkdir(parents=True)
    (sys / "eth0" / "operstate").write_text(state + "\n")
    return proc, sys


ROUTES = (
    "wlan9\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)
ROUTE6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
)


def test_the_cheapest_way_out_is_the_network(tmp_path: Path) -> None:
    assert current_network(*kernel(tmp_path, ROUTES)) == Network("eth0", "192.0.2.1")


def test_a_network_may_have_only_the_newer_addresses(tmp_path: Path) -> None:
    assert current_network(*kernel(tmp_path, "", ROUTE6)) == Network("eth0", "fe80::1")


def test_a_cable_pulled_out_is_no_network(tmp_path: Path) -> None:
    assert current_network(*kernel(tmp_path, ROUTES, state="down")) is None


def test_without_a_way_out_there_is_no_network(tmp_path: Path) -> None:
    assert current_network(*kernel(tmp_path)) is None
    assert current_network(tmp_path / "no", tmp_path / "where") is None
