"""A session with gaps says whose seconds are missing and leads to the imports; one without says nothing."""

from __future__ import annotations

import asyncio

from hub.store import sessions
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap


def test_gaps_lead_to_the_imports_page_once_the_session_is_over(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    admin.post("/session/start", data={"title": "", "sport": "training"})
    for second in range(300):
        hub.pass_time(1)
        hub.hear(strap(1), 140)
        if second < 120:
            hub.hear(strap(2), 150)
    address = f"/sessions/{hub.database.read_now(sessions.recent)[0].session_id}"
    assert "Seconds are missing" not in admin.get(address).text
    admin.post("/session/end")
    page = admin.get(address).text
    said = page.partition("Seconds are missing")[2].partition("</section>")[0]
    assert 'href="/import"' in said
    assert "Anna Albrecht" not in said
    assert ": the straps were heard for less than 80 %" in said


def test_a_whole_session_says_nothing_of_gaps(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    session = asyncio.run(hub.train(2, 125))
    assert "Seconds are missing" not in admin.get(f"/sessions/{session.session_id}").text
