"""Marking the end of a hard effort: one tap, a count of a minute, the fall, undo; by page and in Chromium."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from hub.domain import Role, Session
from tests.web.conftest import Client, add_user
from tests.web.small_hub import SmallHub, strap
from tests.web.test_board_in_chromium import Served, sign_in

FRAGMENT = {"hx-request": "true"}


def said(text: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()


async def run_on(hub: SmallHub, rates: list[int], heard: tuple[int, ...] = (1, 2)) -> None:
    """One second a rate; the second athlete's is higher by two."""
    for bpm in rates:
        hub.pass_time(1)
        for number in heard:
            hub.hear(strap(number), bpm + number)
    await hub.recorder.tick()
    hub.publish()


async def effort(hub: SmallHub) -> tuple[list[str], Session]:
    """Two athletes at the end of a minute and a half of hard work."""
    ids = await hub.add_squad(2)
    session = await hub.recorder.start_session("Runs", "running", 0)
    await run_on(hub, [170] * 90)
    return ids, session


def test_the_count_the_fall_and_the_heart_page_agree(hub: SmallHub, staff: Client) -> None:
    ids, session = asyncio.run(effort(hub))
    before = said(staff.get("/board/recovery").text)
    assert "stop at" not in before
    answer = staff.post("/board/recovery/stop", data={"of_one": ""}, headers=FRAGMENT)
    assert "2 stopped at 1:30" in said(answer.text)
    asyncio.run(run_on(hub, [169 - second for second in range(20)]))
    assert said(staff.get("/board/recovery").text).count("40 s") == 2
    asyncio.run(run_on(hub, [149 - second // 2 for second in range(42)]))
    assert said(staff.get("/board/recovery").text).count("the last seconds") == 2
    asyncio.run(run_on(hub, [129] * 6))
    live = said(staff.get(f"/board/recovery?athlete={ids[0]}").text)
    end, after, value = re.findall(r"Anna Albrecht (\d+) → (\d+) · at 1:30 (\d+) bpm", live)[0]
    assert int(value) == pytest.approx(int(end) - int(after), abs=1)
    heart = said(staff.get(f"/sessions/{session.session_id}/heart", headers=FRAGMENT).text)
    assert f"{value} stopped at 1:30" in heart
    note = said(staff.get(f"/metrics/hrr60?session={session.session_id}", headers=FRAGMENT).text)
    assert f"{value} bpm stop at 1:30 100%" in note
    asyncio.run(hub.recorder.end_session())
    page = staff.get(f"/sessions/{session.session_id}").text
    assert "/board/recovery" not in page
    assert f"{value} stopped at 1:30" in said(staff.get(f"/sessions/{session.session_id}/heart").text)
    assert "No session is running" in staff.get("/board/recovery").text


def test_a_stop_is_taken_back_for_one_and_for_all(hub: SmallHub, staff: Client) -> None:
    ids, session = asyncio.run(effort(hub))
    staff.post("/board/recovery/stop", data={}, headers=FRAGMENT)
    asyncio.run(run_on(hub, [150] * 4))
    staff.post("/board/recovery/stop", data={"athlete_id": ids[0]}, headers=FRAGMENT)
    text = staff.get("/board/recovery").text
    stop_ids = list(dict.fromkeys(re.findall(r'name="stop_id" value="([^"]+)"', text)))
    assert "stopped at" not in said(text)  # what is said of all stands only until somebody says more
    own = said(staff.get(f"/sessions/{session.session_id}/heart", headers=FRAGMENT).text)
    assert "1:30, 2 athletes" in own
    assert "1:34, Anna Albrecht" in own
    back = {"stop_id": stop_ids[0], "athlete_id": ids[0]}
    assert "2 stopped at 1:30" in said(staff.post("/board/recovery/undo", data=back, headers=FRAGMENT).text)
    squad = {"stop_id": stop_ids[1]}
    left = staff.post(f"/sessions/{session.session_id}/heart/unstop", data=squad, headers=FRAGMENT)
    assert "Stops marked" not in left.text
    assert staff.post("/board/recovery/undo", data=squad, headers=FRAGMENT).status_code == 404


def test_who_is_not_heard_cannot_be_marked(hub: SmallHub, staff: Client) -> None:
    ids, _ = asyncio.run(effort(hub))
    asyncio.run(run_on(hub, [150] * 12, heard=(1,)))
    text = staff.get(f"/board/recovery?athlete={ids[1]}").text
    assert re.search(r"aria-label=\"Ben Hartmann stopped now\" disabled", text)
    answer = staff.post("/board/recovery/stop", data={"athlete_id": ids[1]}, headers=FRAGMENT)
    assert (answer.status_code, "No heart rate is heard right now" in answer.text) == (422, True)


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_one_tap_or_one_key_marks_the_squad_and_undo_is_beside_it(
    browser: Browser, served: Served, width: int, height: int
) -> None:
    hub = served.hub
    _, session = served.run(lambda: effort(hub))
    page, watch = sign_in(browser, served, width, height)
    page.click("[popovertarget=recovery]")
    mark = page.get_by_role("button", name="Everybody stopped now")
    mark.click()
    expect(page.locator("#recovery")).to_contain_text("2 stopped at 1:30")
    small = page.evaluate("""() => [...document.querySelectorAll('#recovery button')].filter((each) => {
        const box = each.getBoundingClientRect();
        return box.width && (box.width < 48 || box.height < 48);
    }).map((each) => each.outerHTML)""")
    assert small == []
    served.run(lambda: run_on(hub, [150] * 20))
    expect(page.locator("#recovery .recovery-value")).to_have_text(["40 s", "40 s"])
    page.get_by_role("button", name="Undo: 2 stopped").press("Enter")
    expect(page.locator("#recovery .recovery-value")).to_have_text(["", ""])
    page.goto(f"{served.origin}/sessions/{session.session_id}")
    page.get_by_role("button", name="Anna Albrecht stopped now").press("Enter")
    expect(page.locator(".recovery .recovery-value")).to_have_text(["60 s", ""])
    page.click("#recovery-title >> xpath=.. >> [popovertarget=note-hrr60]")
    expect(page.locator("#note-hrr60")).to_contain_text("Cole 1999")
    assert page.evaluate("document.documentElement.scrollWidth > innerWidth") is False
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()
