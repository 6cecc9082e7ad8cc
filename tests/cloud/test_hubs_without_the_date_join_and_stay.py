"""A hub that believes in the past joins over real TLS by the key in its claim code, and follows new keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cloud.config import CloudSettings
from hub.clock import RELEASED_MS, Clock
from hub.errors import ActionRefused
from hub.store import boots, meta, pins
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from hub.syncing.uplink import Uplink
from sync.claim import shown as code_shown
from tests.cloud.tls_cloud import DAY_MS, in_so_many_days, served
from tests.sync.tls_ground import Authority, Shown, new_key

Claim = Callable[[str], str]
AHEAD_DAYS = 20


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one everybody here trusts; hub and cloud are 20 days apart, and the hub's clock is unset."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    monkeypatch.setattr("hub.clock.NETWORK_TIME_FLAG", tmp_path / "missing")
    in_so_many_days(monkeypatch, AHEAD_DAYS)
    return made


class Card:
    """A hub's memory card, started anew with every boot."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.open(folder / "hub.db")
        self.key = folder / "hub.key"
        self.clock = Clock(0)

    @asynccontextmanager
    async def boot(self) -> AsyncIterator[Uplink]:
        """A boot in which nobody has told the hub the date yet."""
        boot_id = str(uuid4())
        boot_no = await self.database.write(lambda db: boots.register(db, boot_id))
        least_ms = max(RELEASED_MS, await self.database.read(boots.newest_known_ms))
        self.clock = Clock(boot_no, None, least_ms)
        assert not self.clock.is_verified
        outbox = StoreOutbox(self.database, boot_id, self.moment, self.clock.learn)
        uplink = Uplink(self.database, outbox, self.clock, self.key, look=lambda: None)
        await uplink.start()
        try:
            yield uplink
        finally:
            await uplink.stop()

    def moment(self) -> Moment:
        clock = self.clock
        return Moment(clock.boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

    def pins(self) -> tuple[str, ...]:
        return self.database.read_now(pins.known)

    def club(self) -> str | None:
        return self.database.read_now(lambda db: meta.value(db, "club_name"))


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def settings(url: str, folder: Path, *keys: object) -> CloudSettings:
    return CloudSettings(data_dir=folder, database_url=url, keys=tuple(map(str, keys)))


def later(authority: Authority, **more: object) -> Shown:
    """A certificate that begins ten days after the hub's clock, ten before the cloud's."""
    return authority.certificate(10, 100, **more)  # type: ignore[arg-type]


async def until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not question():  # noqa: ASYNC110 (it rings no bell)
            await asyncio.sleep(0.02)


def test_it_joins_by_the_key_in_the_code_learns_the_date_and_goes_on_checked_in_full(
    authority: Authority, card: Card, claim: Claim, url: str, tmp_path: Path
) -> None:
    shown, code = later(authority), claim("Rovers")
    pin = shown.certificate.pin

    async def story(address: str) -> None:
        async with card.boot() as uplink:
            with pytest.raises(ActionRefused, match="does not know the date") as refused:
                await uplink.enrol(address, code)
            assert "the longer claim code" in refused.value.hint
            await uplink.enrol(address, code_shown(code, pin).lower())  # nothing was told before: still good
            assert card.pins() == (pin,)
            await until(lambda: card.clock.is_verified)
            away_ms = card.clock.wall_ms() - time.time_ns() // 1_000_000
            assert away_ms == pytest.approx(AHEAD_DAYS * DAY_MS, abs=5_000)
            await uplink.sync_now()

    with served(settings(url, tmp_path, shown.file), shown) as address:
        asyncio.run(story(address))
    assert card.club() == "Rovers"


def test_a_code_that_names_another_key_is_not_sent_and_half_a_mark_is_said(
    authority: Authority, card: Card, claim: Claim, url: str, tmp_path: Path
) -> None:
    shown, code = later(authority), claim("Rovers")
    stranger = authority.certificate(-900, -300).certificate.pin  # a lost key of a certificate long over

    async def story(address: str) -> None:
        async with card.boot() as uplink:
            with pytest.raises(ActionRefused, match="names another key"):
                await uplink.enrol(address, code_shown(code, stranger))
            with pytest.raises(ActionRefused, match="12 characters"):
                await uplink.enrol(address, f"{code}ABCD")
            await uplink.enrol(address, code_shown(code, shown.certificate.pin))

    with served(settings(url, tmp_path), shown) as address:
        asyncio.run(story(address))
    assert card.club() == "Rovers"


def test_a_key_announced_in_time_is_believed_after_a_boot_without_the_date(
    authority: Authority, card: Card, claim: Claim, url: str, tmp_path: Path
) -> None:
    now, then = later(authority), new_key()
    following = later(authority, key=then)
    announced = tmp_path / "following.pem"
    announced.write_bytes(then.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    code = claim("Rovers")

    async def join(address: str) -> None:
        async with card.boot() as uplink:
            await uplink.enrol(address, code_shown(code, now.certificate.pin))
            assert card.pins() == (now.certificate.pin, following.certificate.pin)

    async def come_back(address: str) -> None:
        await card.database.write(lambda db: meta.put(db, "cloud_url", address))
        async with card.boot() as uplink:
            await uplink.sync_now()
            assert card.clock.is_verified
            await uplink.sync_now()  # on a connection of its own, checked in full: now the key is seen
            await until(lambda: card.pins()[0] == following.certificate.pin)

    with served(settings(url, tmp_path, now.file, announced), now) as address:
        asyncio.run(join(address))
    with served(settings(url, tmp_path, following.file), following) as address:
        asyncio.run(come_back(address))


def test_a_key_that_was_not_announced_waits_for_the_date(
    authority: Authority, card: Card, claim: Claim, url: str, tmp_path: Path
) -> None:
    now, unheard, code = later(authority), later(authority), claim("Rovers")

    async def join(address: str) -> None:
        async with card.boot() as uplink:
            await uplink.enrol(address, code_shown(code, now.certificate.pin))

    async def come_back(address: str) -> None:
        await card.database.write(lambda db: meta.put(db, "cloud_url", address))
        async with card.boot() as uplink:
            with pytest.raises(ActionRefused, match="the key is another one"):
                await uplink.sync_now()

    with served(settings(url, tmp_path, now.file), now) as address:
        asyncio.run(join(address))
    with served(settings(url, tmp_path, unheard.file), unheard) as address:
        asyncio.run(come_back(address))
