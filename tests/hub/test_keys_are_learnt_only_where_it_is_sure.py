"""What a cloud says of its keys counts where it was checked in full, not on a remembered key's word."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from hub.clock import Clock
from hub.store import boots, pins
from hub.store.database import Database
from hub.syncing.cloud_line import CloudLine
from sync.wire import Anchor
from tests.sync.tls_ground import Authority, server

DAY_MS = 86_400_000


def told(clock: Clock, source: str = "cloud") -> Anchor:
    """It is 20 days later than the system thinks."""
    now_ms = time.time_ns() // 1_000_000 + 20 * DAY_MS
    return Anchor(boot_no=clock.boot_no, mono_ms=clock.mono_ms(), wall_ms=now_ms, err_ms=50, source=source)


def test_a_server_known_only_by_a_remembered_key_cannot_name_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setattr("hub.clock.NETWORK_TIME_FLAG", tmp_path / "missing")
    shown, other = authority.certificate(10, 100), authority.certificate(10, 100).certificate.pin
    own = shown.certificate.pin
    database = Database.open(tmp_path / "hub.db")
    clock = Clock(database.write_now(lambda db: boots.register(db, "boot")))
    database.write_now(lambda db: pins.put(db, (own,)))

    async def story() -> list[tuple[str, ...]]:
        line, kept = CloudLine(database, clock), []
        await line.load()
        async with server(shown) as place, httpx.AsyncClient(transport=line.transport(place.url)) as http:
            for _ in range(2):
                assert (await http.get(place.url)).status_code == 200
                line.announced([own, other])
                await line.keep()
                kept.append(await database.read(pins.known))
                clock.learn(told(clock))
        return kept

    assert asyncio.run(story()) == [(own,), (own, other)]
    database.close()


@pytest.mark.parametrize(
    ("source", "is_known"), [("gps", False), ("tablet", False), ("cloud", True), ("ntp", True)]
)
def test_neither_a_file_nor_a_tablet_says_the_date_by_which_certificates_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, is_known: bool
) -> None:
    monkeypatch.setattr("hub.clock.NETWORK_TIME_FLAG", tmp_path / "missing")
    database = Database.open(tmp_path / "hub.db")
    clock = Clock(database.write_now(lambda db: boots.register(db, "boot")))
    anchor = told(clock, source)
    clock.learn(anchor)
    database.write_now(lambda db: boots.add_anchor(db, anchor))
    assert CloudLine(database, clock).time().is_known is is_known
    assert database.read_now(boots.newest_known_ms) == (anchor.wall_ms if is_known else 0)
    database.close()
