"""What is doubtful is said on every cloud page that shows a coverage, in the download, and in the insight."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cloud.clock import now_ms
from cloud.insights.job import refresh_insights
from cloud.store.database import Database
from sync.segments import Samples, seal
from tests.cloud.sender import Sender
from tests.cloud.test_pages import Client, text

DAY_MS = 86_400_000
SECONDS = 1200


def living(still_from_s: int) -> Samples:
    """A rate that changes every second, and from then on stands still."""
    at_s = np.arange(SECONDS, dtype=np.int64)
    return Samples(
        at_s * 1000,
        np.where(at_s < still_from_s, 140 + at_s % 3, 143).astype(np.int16),
        np.full(SECONDS, 2, np.uint8),
        np.zeros(SECONDS, np.uint8),
        np.zeros(0, np.uint16),
    )


@pytest.fixture
def trained(hub: Sender, settle: Callable[[], None], url: str) -> tuple[str, str]:
    """A session in which Ann's rate stands still from its middle on and Bea's lives; with Ann's id."""
    session_id, began_ms = str(uuid.uuid4()), now_ms() - 2 * DAY_MS
    ann, op = hub.add_athlete("Ann", 1)
    bea, other = hub.add_athlete("Bea", 2)
    session: dict[str, Any] = {
        "title": "Run", "sport": "training", "started_at_ms": began_ms, "utc_offset_s": 0,
        "mono0_ms": 0, "mono1_ms": SECONDS * 1000, "ended_at_ms": began_ms + SECONDS * 1000, "source": "gatt",
    }  # fmt: skip
    held = hub.op("session", session_id, **session)
    held.fields["boot_no"] = 1
    hub.push(op, other, held)
    for athlete_id, still_from_s in ((ann, SECONDS // 2), (bea, SECONDS)):
        stream_id = str(uuid.uuid4())
        worn: dict[str, Any] = {
            "stream_id": stream_id,
            "athlete_id": athlete_id,
            "session_id": session_id,
            "from_ms": 0,
        }
        hub.push(hub.op("stream_assignment", str(uuid.uuid4()), **worn, to_ms=None))
        hub.send_segments(seal(stream_id, 1, living(still_from_s)))
    settle()

    async def write() -> None:
        database = Database(url)
        await refresh_insights(database, now_ms())
        await database.close()

    asyncio.run(write())
    return session_id, ann


def test_beside_a_coverage_stands_its_doubt_on_every_page_and_in_the_download(
    client: Client, sign_in: Callable[..., None], trained: tuple[str, str]
) -> None:
    session_id, ann = trained
    sign_in()
    assert "99 % 24 % of it doubtful" in text(client.get("/").text)
    page = text(client.get(f"/sessions/{session_id}").text)
    assert "Mean coverage 99 % 24 % of it doubtful" in page
    assert page.count("of it doubtful") == 2
    assert "99 % 48 % of it doubtful" in page
    assert "99 % 48 % of it doubtful" in text(client.get(f"/athletes/{ann}").text)
    answer = client.get(f"/sessions/{session_id}/load.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert (rows["Ann"]["doubtful_share"], rows["Bea"]["doubtful_share"]) == ("0.475", "0.000")
    assert client.get(f"/sessions/{uuid.uuid4()}/load.csv").status_code == 404
    insight = text(client.get("/insights").text)
    assert "more than 5 % is doubtful: Ann (1 session); these rates jump or stand still" in insight
