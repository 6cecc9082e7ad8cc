"""The running session's page shows RMSSD and alpha1 small, marked experimental, and never on a tile."""

from __future__ import annotations

import asyncio
import re

import numpy as np

from hub.domain import Contact, Reading
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap


async def _train(hub: SmallHub, seconds: int) -> str:
    """The first of two athletes tells every beat; the second's strap tells none."""
    await hub.add_squad(2)
    session = await hub.recorder.start_session("Run", "running", 0)
    rr = [round(it) for it in 430 + 12 * np.sin(np.arange(400) / 5) + np.arange(400) % 3]
    ends_ms, told = np.cumsum(rr) / 1.024, 0
    for second in range(1, seconds + 1):
        hub.pass_time(1)
        due = int((ends_ms <= second * 1000).sum())
        hub.recorder.hear(Reading(strap(1), hub.mono_ms, 140, tuple(rr[told:due]), Contact.YES))
        hub.hear(strap(2), 150)
        told = due
        await hub.recorder.tick()
        await hub.recorder.refresh_alpha1()
    return session.session_id


def cells(text: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(<td.*?)</tr>", text)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


def test_values_reasons_and_the_convention_are_shown(hub: SmallHub, admin: Client) -> None:
    session_id = asyncio.run(_train(hub, 130))
    page = admin.get(f"/sessions/{session_id}").text
    assert "experimental: steady work only" in page
    text = admin.get("/board/variability").text
    (_, name, rmssd, alpha1, notes), silent = cells(text)
    assert name == "Anna Albrecht"
    assert 1 < float(rmssd) < 10
    assert 0 < float(alpha1) < 2
    assert notes.endswith("% of beats corrected")
    assert silent[2:] == ["–", "–", "no beats heard just now"]
    assert "13 scales 4-16, boxes from the start, linear detrending, log2 slope" in text
    assert "alpha1" not in admin.get("/board").text


def test_before_two_minutes_the_reason_is_said_and_afterwards_the_end(hub: SmallHub, admin: Client) -> None:
    session_id = asyncio.run(_train(hub, 40))
    assert cells(admin.get("/board/variability").text)[0][3:] == ["–", "too little data"]
    asyncio.run(hub.recorder.end_session())
    assert "The session has ended." in admin.get("/board/variability").text
    assert "/board/variability" not in admin.get(f"/sessions/{session_id}").text
