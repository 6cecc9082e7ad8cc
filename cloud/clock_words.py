"""Clocks of a hub that contradict one another, as the cloud's pages say it: by how much, and who is believed.

It judges none of them itself, and keeps silent about what nobody would notice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from cloud.clock import HELLO_SOURCE
from cloud.counted import counted
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import HubAnchorRow
from sync import true_time
from sync.true_time import View, apart_ms

SAID_FROM_MS = 5_000
"""Who differs by less moves no training."""
NAMES = {
    "ntp": "network time",
    "cloud": "the cloud",
    HELLO_SOURCE: "the cloud",
    "gps": "a watch's file",
    "tablet": "a tablet",
}
UNITS = ((172_800_000, 86_400_000, "day"), (7_200_000, 3_600_000, "hour"), (120_000, 60_000, "minute"))


async def of_hubs(db: Connection, club_id: str) -> dict[str, str]:
    """By hub what is to be said since it was last switched on; hubs whose clocks agree are not in it."""
    told = await fetch_all(db, "anchors_of_newest_boots", HubAnchorRow, {"club_id": club_id})
    return {hub_id: words for hub_id, seen in _views(told).items() if (words := dispute_words(seen))}


async def of_session(db: Connection, club_id: str, session_id: str) -> str:
    """What is to be said of a training's date and time; "" where they are sure or it is settled."""
    params = {"club_id": club_id, "session_id": session_id}
    told = await fetch_all(db, "anchors_of_session", HubAnchorRow, params)
    return next((it for seen in _views(told).values() if (it := session_words(seen))), "")


def dispute_words(seen: View[HubAnchorRow]) -> str:
    """A sentence about a boot whose words contradict; "" where they agree."""
    said = _said(seen)
    if not said:
        return ""
    if seen.is_settled:
        return f"{said}; it goes by {_names(seen.believed)}, which more speaks for."
    return f"{said}; until more is heard the times of its trainings may be wrong by as much."


def session_words(seen: View[HubAnchorRow]) -> str:
    """The same for a training recorded in that boot; nothing once it is settled who is right."""
    said = "" if seen.is_settled else _said(seen)
    return said and f"{said}: the time of this training may be wrong; its length and its loads are right."


def _views(told: Collection[HubAnchorRow]) -> dict[str, View[HubAnchorRow]]:
    """By hub, each of one boot."""
    by_hub: dict[str, list[HubAnchorRow]] = defaultdict(list)
    for it in told:
        by_hub[it.hub_id].append(it)
    return {hub_id: true_time.view(facts) for hub_id, facts in by_hub.items()}


def _said(seen: View[HubAnchorRow]) -> str:
    far_ms = apart_ms(seen)
    if far_ms < SAID_FROM_MS:
        return ""
    ours, theirs = _names(seen.believed), _names(seen.against)
    who = f"{ours} and {theirs}" if ours != theirs else f"{ours} said both"
    return f"Two clocks of the hub disagree by {_span(far_ms)} ({who})"


def _names(words: Collection[HubAnchorRow]) -> str:
    return " and ".join(sorted({NAMES.get(it.source, it.source) for it in words}))


def _span(ms: int) -> str:
    for from_ms, unit_ms, word in UNITS:
        if ms >= from_ms:
            return counted(round(ms / unit_ms), word)
    return counted(round(ms / 1000), "second")
