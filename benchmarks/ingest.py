"""How fast the cloud takes in records and segments on the embedded Postgres, straight and over HTTP.

Every push and every batch of segments is committed with fsync before it counts. `--straight` leaves out
HTTP, where the senders share the machine's cores with the service.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
import numpy as np

from benchmarks.segments import walk
from cloud import accounts, hubs
from cloud import ingest as ingesting
from cloud.accounts import sha256
from cloud.clock import now_ms
from cloud.store.database import Database, execute
from cloud.store.embedded import embedded_server
from cloud.store.migrate import migrate
from cloud.store.rows import HubIdentity
from sync import wire
from sync.chain import CHAIN_0, next_chain
from sync.digest import content_digest
from sync.segments import Segment, frame, seal
from tests.cloud.serving import Serving

HUBS, PUSHES, BATCHES, SEGMENTS, A_BATCH = 8, 1500, 40, 3000, 50


class Pusher:
    """A hub's log as the cloud is to see it: one athlete's edit an operation."""

    def __init__(self, hub: HubIdentity, number: int) -> None:
        self.hub, self._number = hub, number
        self._seq, self._chain = 0, CHAIN_0
        self.token = f"bench-{number}"

    def batch(self, size: int) -> wire.PushRequest:
        """The next `size` operations."""
        ops = []
        for _ in range(size):
            self._seq += 1
            op_id = f"00000000-0000-4000-{0x8000 + self._number:04x}-{self._seq:012x}"
            self._chain = next_chain(self._chain, op_id)
            fields = {"name": "A", "hr_max_bpm": 150 + self._seq % 50}
            ops.append(
                wire.Op(seq=self._seq, op_id=op_id, tbl="athlete", pk=f"p{self._number}-{self._seq % 30}",
                        fields=fields, after_ms=0, boot_no=0, mono_ms=self._seq, chain=self._chain)
            )  # fmt: skip
        return wire.PushRequest(epoch=1, ops=ops)


def sealed(count: int, seed: int) -> list[Segment]:
    """So many different segments of five minutes."""
    rng = np.random.default_rng(seed)
    base = [walk(300, rng) for _ in range(8)]
    return [seal(f"6f1c2a52-5d0b-4f0e-{seed:04x}-{it:012x}", 1, base[it % 8]) for it in range(count)]


async def joined(database: Database, count: int) -> list[Pusher]:
    """A club with hubs, each with a session that lasts."""
    async with database.transaction() as db:
        club = await accounts.ensure_club(db, "Bench", now_ms())
    made = []
    for number in range(count):
        async with database.transaction() as db:
            code = await accounts.new_claim_code(db, club, now_ms())
            key = b64encode(number.to_bytes(32)).decode()  # one key is one hub
            answer = await hubs.enrol(db, wire.EnrolRequest(claim_code=code, pubkey=key), now_ms())
            pusher = Pusher(HubIdentity(club.club_id, answer.hub_id), number)
            token = {"token_sha256": sha256(pusher.token), "expires_ms": now_ms() + 10**7}
            await execute(db, "token_add", {**token, "club_id": club.club_id, "hub_id": answer.hub_id})
        made.append(pusher)
    return made


async def timed(work: Callable[[int], Awaitable[None]], workers: int, each: int) -> float:
    """Pieces of work a second, `each` by every worker."""
    began = time.perf_counter()

    async def go(worker: int) -> None:
        for _ in range(each):
            await work(worker)

    await asyncio.gather(*(go(worker) for worker in range(workers)))
    return workers * each / (time.perf_counter() - began)


async def straight(url: str) -> None:
    """The ingest alone."""
    database = Database(url)
    pushers = await joined(database, HUBS)
    parts = [sealed(SEGMENTS // 4, seed) for seed in range(8)]

    def pushing(size: int) -> Callable[[int], Awaitable[None]]:
        async def push(worker: int) -> None:
            one = pushers[worker]
            batch = one.batch(size)
            async with database.transaction() as db:
                await ingesting.push(db, one.hub, batch, now_ms())

        return push

    bodies = [
        [b"".join(frame(it) for it in part[at : at + A_BATCH]) for at in range(0, len(part), A_BATCH)]
        for part in parts
    ]

    async def store(worker: int) -> None:
        opened = await ingesting.open_segments(bodies[worker].pop(), wire.FRAMES)
        async with database.transaction() as db:
            await ingesting.store_segments(db, pushers[worker].hub, opened.good, now_ms())

    each = len(bodies[0])
    print(f"pushes of one record, one hub:      {await timed(pushing(1), 1, PUSHES):8.0f} /s   bar 500")
    print(f"pushes of one record, eight hubs:   {await timed(pushing(1), HUBS, PUSHES // 4):8.0f} /s")
    ops = 100 * await timed(pushing(100), 1, BATCHES)
    print(f"records, 100 a push, one hub:       {ops:8.0f} /s")
    bodies[0] += [body for more in bodies[4:7] for body in more]
    per_s = A_BATCH * await timed(store, 1, each * 4)
    print(f"segments, 50 a request, one hub:    {per_s:8.0f} /s   bar 3,000")
    per_s = A_BATCH * await timed(lambda worker: store(worker + 1), 3, each)
    print(f"segments, 50 a request, three hubs: {per_s:8.0f} /s")
    await database.close()


async def over_http(url: str, folder: Path) -> None:
    """The same through `touchline-cloud serve` and real sockets."""
    database = Database(url)
    pushers = await joined(database, HUBS)
    serving = Serving({"DATABASE_URL": url, "TOUCHLINE_DATA": str(folder)})
    assert await asyncio.to_thread(serving.is_ready.wait, 60), serving.lines
    limits = httpx.Limits(max_connections=HUBS, max_keepalive_connections=HUBS)

    def said(body: bytes, kind: str, token: str) -> dict[str, str]:
        return {
            "content-type": kind, "content-digest": content_digest(body), "authorization": f"Bearer {token}",
        }  # fmt: skip

    async with httpx.AsyncClient(base_url=serving.origin, limits=limits, timeout=30) as http:

        async def push(worker: int) -> None:
            one = pushers[worker]
            body = msgspec.json.encode(one.batch(1))
            headers = said(body, "application/json", one.token)
            (await http.post("/v1/sync/push", content=body, headers=headers)).raise_for_status()

        print(f"over HTTP, pushes, one hub:         {await timed(push, 1, PUSHES // 3):8.0f} /s")
        print(f"over HTTP, pushes, eight hubs:      {await timed(push, HUBS, PUSHES // 8):8.0f} /s")
        parts = [sealed(SEGMENTS // 4, seed) for seed in range(100, 104)]
        bodies = [
            [b"".join(frame(it) for it in part[at : at + A_BATCH]) for at in range(0, len(part), A_BATCH)]
            for part in parts
        ]
        each = len(bodies[0])

        async def send(worker: int) -> None:
            body = bodies[worker].pop()
            headers = said(body, "application/octet-stream", pushers[worker].token)
            (await http.post("/v1/seg", content=body, headers=headers)).raise_for_status()

        print(f"over HTTP, segments, four hubs:     {A_BATCH * await timed(send, 4, each):8.0f} /s")
    await asyncio.to_thread(serving.end, 15)
    await database.close()


def main() -> None:
    """Run and print a table."""
    options = argparse.ArgumentParser(description="Records and segments a second into the embedded Postgres")
    options.add_argument("--straight", action="store_true", help="leave out HTTP")
    chosen = options.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as folder:
        for name, measure in (("straight", straight), ("http", lambda url: over_http(url, Path(folder)))):
            if name == "http" and chosen.straight:
                continue
            with embedded_server(Path(folder) / name) as url:
                asyncio.run(migrate(url))
                asyncio.run(measure(url))


if __name__ == "__main__":
    main()
