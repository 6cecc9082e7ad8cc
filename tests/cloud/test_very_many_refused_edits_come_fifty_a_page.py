"""Online, too, thousands of refused edits come fifty a page, each once, forth and back without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]


def test_pages_of_fifty_show_each_edit_once_forth_and_back(
    client: Any, start: Start, sign_in: Callable[[], None], db: Any
) -> None:
    hub = start("card")
    hub.edit("athlete", hub.athlete("Ann"), hr_max_bpm=999)
    hub.sync()
    db.execute(
        "INSERT INTO dead_letter (club_id, op_id, hub_id, payload, code, detail, received_ms)"
        " SELECT club_id, 'op' || lpad(n::text, 5, '0'), hub_id, payload, code, detail, received_ms + n / 7"
        " FROM dead_letter, generate_series(1, 4000) n"
    )
    sign_in()
    answer = client.get("/letters")
    assert answer.status_code == 200
    assert len(answer.content) < 60_000
    assert "50 of 4001, the oldest first." in answer.text
    seen, pages = set[str](), list[list[str]]()
    for _ in range(3):
        pages.append(re.findall(r'action="/letters/([^"]+)"', answer.text))
        assert len(pages[-1]) == 50
        assert not seen & set(pages[-1])
        seen |= set(pages[-1])
        following = re.search(r'rel="next" href="([^"]+)"', answer.text)
        assert following is not None
        answer = client.get(following[1])
    previous = re.search(r'rel="prev" href="([^"]+)"', answer.text)
    assert previous is not None
    assert re.findall(r'action="/letters/([^"]+)"', client.get(previous[1]).text) == pages[2]
    assert 'rel="prev"' not in client.get("/letters").text
    assert client.get("/letters?after=nonsense&before=").status_code == 200
    far = client.post("/letters/op04000", data={"choice": "retry"}, headers={"Origin": "http://cloud.test"})
    assert far.status_code == 422
    assert "Ann: it still cannot be taken" in far.text
    assert client.get("/letters/op04000/drop").status_code == 200
    assert client.get("/letters/op%00/drop").status_code == 404
