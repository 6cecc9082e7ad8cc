"""Where clocks disagree the sync page and the training's own say so, and where they agree neither does."""

from __future__ import annotations

import asyncio

from litestar import Litestar
from litestar.testing import TestClient

from hub.store import boots
from sync.wire import Anchor
from tests.web.small_hub import SmallHub

Client = TestClient[Litestar]
DAY_MS = 86_400_000
SAID = "Two clocks disagree by 24 hours"


def tell(hub: SmallHub, mono_ms: int, by_ms: int, source: str) -> None:
    now = hub.moment()
    wall_ms = now.wall_ms - now.mono_ms + mono_ms + by_ms
    told = Anchor(boot_no=now.boot_no, mono_ms=mono_ms, wall_ms=wall_ms, err_ms=1, source=source)
    hub.database.write_now(lambda db: boots.add_anchor(db, told))


def test_both_pages_say_that_the_time_may_be_wrong_until_it_is_settled(hub: SmallHub, admin: Client) -> None:
    session = asyncio.run(hub.train(1, 5))
    page = f"/sessions/{session.session_id}"
    assert SAID not in admin.get(page).text + admin.get("/sync").text
    tell(hub, 5, 0, "cloud")
    assert SAID not in admin.get(page).text + admin.get("/sync/status").text
    tell(hub, 6, -DAY_MS, "ntp")
    tell(hub, 7, -DAY_MS, "ntp")
    assert SAID in admin.get("/sync").text
    assert SAID in admin.get("/sync/status").text
    assert f"{SAID}: " in admin.get(page).text
    assert "The time of this training may be wrong." in admin.get(page).text
    tell(hub, 8, 1, "cloud")
    assert SAID not in admin.get(page).text
    assert "The hub goes by the cloud" in admin.get("/sync/status").text
