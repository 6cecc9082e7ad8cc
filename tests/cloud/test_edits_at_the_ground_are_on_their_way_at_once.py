"""An edit at the ground is in a real cloud within two seconds, though no round was due for minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from cloud.config import CloudSettings
from hub.clock import Clock
from hub.store import boots, ledger
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.uplink import Uplink
from sync import wire
from sync.client import CloudClient
from sync.relay import Relay
from tests.cloud.tls_cloud import served

EDITS = 30


def test_a_burst_of_edits_is_one_round_within_two_seconds(
    claim: Callable[[str], str], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = Relay.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "period_s", 600.0)
    pushed, push = list[int](), CloudClient.push

    async def noted(client: CloudClient, request: wire.PushRequest) -> wire.PushResponse:
        pushed.append(len(request.ops))
        return await push(client, request)

    monkeypatch.setattr(CloudClient, "push", noted)
    database = Database.open(tmp_path / "hub.db")
    clock = Clock(database.write_now(lambda db: boots.register(db, "boot")))

    def moment() -> Moment:
        return Moment(clock.boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

    async def edited(number: int) -> None:
        fields: dict[str, object] = {"name": f"Athlete {number}"}
        await database.write(lambda db: propose(db, moment(), "athlete", f"a{number}", fields))

    async def pending() -> int:
        return (await database.read(ledger.sync_ledger)).pending

    async def story(address: str) -> float:
        outbox = StoreOutbox(database, "boot", moment, clock.learn)
        uplink = Uplink(database, outbox, clock, tmp_path / "hub.key", look=lambda: None)
        await uplink.enrol(address, claim("Rovers"))
        await uplink.sync_now()
        await asyncio.sleep(0.5)  # the first round is over, too, and sleeps
        pushed.clear()
        for number in range(EDITS):
            await edited(number)
        began = time.monotonic()
        async with asyncio.timeout(10):
            while await pending():  # noqa: ASYNC110 (it rings no bell)
                await asyncio.sleep(0.01)
        took_s = time.monotonic() - began
        await uplink.stop()
        return took_s

    with served(CloudSettings(data_dir=tmp_path, database_url=url)) as address:
        took_s = asyncio.run(story(address))
    assert pushed == [EDITS]
    assert took_s < 2
    database.close()
