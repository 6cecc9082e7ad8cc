"""What a training of 30 athletes and 90 minutes costs on 256 kbit/s: this product and two usual ways.

Everything runs here: a real cloud on the embedded Postgres, the product's store and relay, and a shaped TCP
proxy in between (no root needed). PouchDB is fetched by npm when there is one and left out otherwise.
`--fast` runs a tenth. How fast the cloud takes things in is `benchmarks.ingest`'s to say.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import numpy as np

from benchmarks.segments import walk
from sync.batch import packed
from sync.segments import Samples, frame, seal
from tests.journeys.loaded_hub import LoadedHub
from tests.journeys.torn_proxy import TornProxy
from tests.journeys.world import Ground

KBIT_S = 256.0
ATHLETES, MINUTES = 30, 90
POUCH = r"""
const fs = require('fs'), PouchDB = require('pouchdb'), Express = require('express');
const memory = require('pouchdb-adapter-memory'); PouchDB.plugin(memory);
const Server = PouchDB.defaults({adapter: 'memory'});
const app = Express();
app.use('/', require('express-pouchdb')(Server, {inMemoryConfig: true, logPath: '/dev/null'}));
const server = app.listen(0, '127.0.0.1', () => { console.log('port ' + server.address().port); });
process.stdin.once('data', async line => {
  const {proxy, file} = JSON.parse(line);
  const local = new PouchDB('local', {adapter: 'memory'});
  await local.bulkDocs(JSON.parse(fs.readFileSync(file)));
  const began = Date.now();
  const done = await local.replicate.to(proxy + '/club');
  console.log('done ' + JSON.stringify({s: (Date.now() - began) / 1000, docs: done.docs_written}));
  process.exit(0);
});
"""


def rows(samples: dict[str, Samples], step_s: int) -> list[dict[str, object]]:
    """A document for every `step_s` seconds of each athlete, with what was measured in it."""
    made: list[dict[str, object]] = []
    for athlete_id, it in samples.items():
        beats = np.concatenate(([0], np.cumsum(it.rr_count, dtype=np.int64)))
        for at in range(0, len(it), step_s):
            end = min(at + step_s, len(it))
            bpm, rr = it.bpm[at:end].tolist(), it.rr_1024[beats[at] : beats[end]].tolist()
            if step_s == 1:
                made.append({"athlete": athlete_id, "t": int(it.mono_ms[at]), "bpm": bpm[0], "rr": rr})
            else:
                made.append({"athlete": athlete_id, "t": it.mono_ms[at:end].tolist(), "bpm": bpm, "rr": rr})
    return made


def product(ground: Ground, minutes: int) -> tuple[float, dict[str, Samples]]:
    """The product's own session over the shaped link."""
    hub = LoadedHub(ground.folder / "one")
    one = hub.record(ATHLETES, minutes)
    weight = sum(len(frame(it)) for it in one.segments)
    batches = sum(len(packed(one.segments[at : at + 64])) for at in range(0, len(one.segments), 64))
    asyncio.run(hub.join(ground.cloud_url, ground.claim_code()))
    with TornProxy(ground.cloud_port, 1, kbit_s=KBIT_S) as link:
        began = time.monotonic()
        asyncio.run(hub.drain(hub.relay(link.url), 300))
        took_s = time.monotonic() - began
        up, down = link.bytes_up, link.bytes_down
    hub.close()
    steady = _steady_weight(minutes)
    print(
        f"this product     {up / 1e6:8.3f} MB up {down / 1e6:6.3f} MB down {took_s:8.1f} s   (bar 0.42, 14)"
    )
    print(
        f"  of it segments {batches / 1e6:8.3f} MB in batches ({weight / 1e6:.3f} MB in frames, and"
        f" {steady / 1e6:.3f} MB were notifications exactly 1 s apart)"
    )
    return took_s, one.samples


def _steady_weight(minutes: int) -> int:
    """Bytes of the same training, if every notification came exactly a second after the last."""
    rng, size = np.random.default_rng(1), 0
    for _ in range(ATHLETES):
        it = walk(minutes * 60, rng)
        beats = np.concatenate(([0], np.cumsum(it.rr_count, dtype=np.int64)))
        for at in range(0, len(it), 300):
            end = min(at + 300, len(it))
            part = Samples(
                np.arange(at, end, dtype=np.int64) * 1000, it.bpm[at:end], it.contact[at:end],
                it.rr_count[at:end], it.rr_1024[beats[at] : beats[end]],
            )  # fmt: skip
            size += len(frame(seal("6f1c2a52-5d0b-4f0e-9c53-0a3d8f2f7b11", 1, part)))
    return size


def json_rows(samples: dict[str, Samples]) -> None:
    """Zipped JSON by the thousand rows: its time follows from its bytes."""
    made = rows(samples, 1)
    size = sum(
        len(gzip.compress(json.dumps(made[at : at + 1000]).encode(), 6)) for at in range(0, len(made), 1000)
    )
    print(
        f"JSON rows, gzip  {size / 1e6:8.3f} MB up {'':14} {size * 8 / KBIT_S / 1000:8.1f} s   (by its bytes)"
    )


async def until(question: Callable[[], bool]) -> None:
    """Ask fifty times a second until it is so."""
    while not question():  # noqa: ASYNC110 (the store rings no bell)
        await asyncio.sleep(0.02)


async def bounded(story: Awaitable[float], most_s: float = 200) -> float:
    """What the story says, if it comes to an end."""
    async with asyncio.timeout(most_s):
        return await story


def critical(ground: Ground) -> None:
    """160 small records made while a backlog of ten sessions is on its way."""
    hub = LoadedHub(ground.folder / "ten", seed=2)
    asyncio.run(hub.join(ground.cloud_url, ground.claim_code()))
    for _ in range(10):
        hub.record(ATHLETES, 30)

    async def story(url: str) -> float:
        relay, wake = hub.relay(url), asyncio.Event()
        task = asyncio.create_task(relay.run(wake))
        await until(lambda: hub.ledger().segments_stored >= 50)
        hub.edit(160)
        last, began = hub.ledger(), time.monotonic()
        wake.set()
        await until(lambda: not hub.ledger().ops_pending)
        took_s = time.monotonic() - began
        assert hub.ledger().segments_pending > 0
        assert last.ops_pending
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return took_s

    with TornProxy(ground.cloud_port, 1, kbit_s=KBIT_S) as link:
        took_s = asyncio.run(bounded(story(link.url)))
    hub.close()
    print(f"160 records behind a backlog of ten sessions: confirmed in {took_s:.2f} s   bar 2 s")


def pouch(samples: dict[str, Samples], product_s: float, fast: bool) -> None:
    """PouchDB replicating the same session to a PouchDB server over the same link, if npm is here."""
    if shutil.which("npm") is None:
        print("PouchDB: left out, there is no npm")
        return
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "pouchdb", "express-pouchdb",
             "express@4", "pouchdb-adapter-memory"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        if got.returncode != 0:
            print(f"PouchDB: left out, npm could not fetch it ({got.stderr.strip()[-120:]})")
            return
        (Path(folder) / "bench.js").write_text(POUCH)
        shares = (("second", 1, 0.005 if fast else 0.02), ("minute", 60, 0.05 if fast else 0.2))
        for name, step_s, share in shares:
            made = rows(samples, step_s)
            some = made[: max(50, round(len(made) * share))]
            (Path(folder) / "docs.json").write_text(json.dumps(some))
            took_s, up = _replicated(folder)
            whole_s = took_s * len(made) / len(some)
            print(
                f"PouchDB / {name:7}{up * len(made) / len(some) / 1e6:8.3f} MB up {'':14} {whole_s:8.1f} s   "
                f"({len(some)} of {len(made)} run: {took_s:.1f} s) = {whole_s / product_s:.0f} times ours"
            )


def _replicated(folder: str) -> tuple[float, int]:
    node = subprocess.Popen(
        ["node", "bench.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert node.stdin is not None
    assert node.stdout is not None
    try:
        port = int(next(line for line in node.stdout if line.startswith("port ")).split()[1])
        httpx.put(f"http://127.0.0.1:{port}/club", timeout=20)
        with TornProxy(port, 1, kbit_s=KBIT_S) as link:
            node.stdin.write(json.dumps({"proxy": link.url, "file": "docs.json"}) + "\n")
            node.stdin.flush()
            done = json.loads(
                next(line for line in node.stdout if line.startswith("done ")).removeprefix("done ")
            )
            return float(done["s"]), link.bytes_up
    finally:
        node.kill()
        node.wait()


def main() -> None:
    """Run everything and print a table."""
    options = argparse.ArgumentParser(description="Bytes and seconds of one training on 256 kbit/s")
    options.add_argument("--fast", action="store_true", help="a tenth of the training and fewer documents")
    fast = options.parse_args().fast
    minutes = MINUTES // 9 if fast else MINUTES
    print(f"{ATHLETES} athletes, {minutes} min, {KBIT_S:g} kbit/s each way (shaped by a proxy on loopback)")
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        try:
            ground.start_cloud()
            took_s, samples = product(ground, minutes)
            json_rows(samples)
            pouch(samples, took_s, fast)
            critical(ground)
        finally:
            ground.close()


if __name__ == "__main__":
    main()
