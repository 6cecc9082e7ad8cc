"""The cloud's pages say in a sentence that a hub's clocks contradict, from 5 s apart on."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import structs

from cloud import clock_words
from cloud.store.rows import HubAnchorRow
from sync import true_time
from sync.segments import seal
from sync.wire import Anchor
from tests.cloud.pitchside import START_MS
from tests.cloud.sender import Sender, steady

Client = TestClient[Litestar]
BOOT = 7
DAY_MS = 86_400_000
BY_A_DAY = "Two clocks of the hub disagree by 24 hours (the cloud and network time)"


def told(mono_ms: int, source: str, off_ms: int = 0, boot_no: int = BOOT) -> Anchor:
    at_ms = START_MS + mono_ms + off_ms
    return Anchor(boot_no=boot_no, mono_ms=mono_ms, wall_ms=at_ms, err_ms=20, source=source)


def tell(hub: Sender, *anchors: Anchor) -> None:
    answer = hub.push(anchors=list(anchors))
    assert answer.status_code == 200, answer.text


def trained(hub: Sender, boot_no: int = BOOT) -> str:
    """A session of one athlete, recorded in a boot of the hub."""
    stream_id, session_id = str(uuid.uuid4()), str(uuid.uuid4())
    athlete_id, op = hub.add_athlete("Ann", 7)
    span = {
        "title": "Monday",
        "sport": "training",
        "started_at_ms": START_MS,
        "ended_at_ms": START_MS + 60_000,
    }
    place = {"boot_no": boot_no, "mono0_ms": 0, "mono1_ms": 60_000, "utc_offset_s": 0, "source": "live"}
    worn = {"stream_id": stream_id, "athlete_id": athlete_id, "session_id": session_id, "from_ms": 0}
    recorded = structs.replace(hub.op("session", session_id), fields={**span, **place})
    assigned = structs.replace(hub.op("stream_assignment", str(uuid.uuid4())), fields=worn)
    hub.push(op, recorded, assigned)
    hub.send_segments(seal(stream_id, boot_no, steady(120, 60)))
    return session_id


def test_a_hubs_panel_and_its_trainings_say_it_until_it_is_settled(
    client: Client, hub: Sender, sign_in: Callable[..., None]
) -> None:
    sign_in()
    session = f"/sessions/{trained(hub)}"
    tell(hub, told(1_000, "ntp", -DAY_MS))
    assert "disagree" not in client.get("/hubs").text + client.get(session).text
    tell(hub, told(5_000, "cloud"))
    assert f"{BY_A_DAY}; until more is heard the times of its trainings may" in client.get("/hubs").text
    assert f"{BY_A_DAY}: the time of this training may be wrong" in client.get(session).text
    tell(hub, told(70_000, "cloud"))
    assert f"{BY_A_DAY}; it goes by the cloud, which more speaks for." in client.get("/hubs").text
    assert "disagree" not in client.get(session).text


def test_the_panel_speaks_of_the_newest_boot_and_a_training_of_its_own(
    client: Client, hub: Sender, new_hub: Callable[..., Sender], sign_in: Callable[..., None]
) -> None:
    sign_in()
    session, later = f"/sessions/{trained(hub)}", f"/sessions/{trained(hub, BOOT + 1)}"
    tell(hub, told(1_000, "ntp", -DAY_MS), told(5_000, "cloud"), told(1_000, "cloud", boot_no=BOOT + 1))
    assert "disagree" not in client.get("/hubs").text + client.get(later).text
    assert BY_A_DAY in client.get(session).text
    tell(new_hub(), told(1_000, "ntp", -DAY_MS, BOOT + 1), told(5_000, "cloud", boot_no=BOOT + 1))
    assert client.get("/hubs").text.count(BY_A_DAY) == 1
    assert "disagree" not in client.get(later).text, "another hub's boot of the same number"


@pytest.mark.parametrize(
    ("apart_ms", "said"),
    [(4_900, ""), (5_000, "by 5 seconds"), (180_000, "by 3 minutes"), (3 * DAY_MS, "by 3 days")],
)
def test_it_is_said_from_five_seconds_on(apart_ms: int, said: str) -> None:
    rows = [
        HubAnchorRow("h", BOOT, mono_ms, START_MS + mono_ms + off_ms, 20, source)
        for mono_ms, off_ms, source in ((1_000, apart_ms, "ntp"), (1_500, 0, "cloud"))
    ]
    seen = true_time.view(rows)
    assert said in clock_words.dispute_words(seen)
    assert bool(clock_words.dispute_words(seen)) is bool(clock_words.session_words(seen)) is bool(said)
