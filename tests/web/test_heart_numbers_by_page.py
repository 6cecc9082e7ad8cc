"""More from the heart rate on the session's page: only what somebody has, and tests typed as times."""

from __future__ import annotations

import asyncio
import html
import re

import pytest

from hub.domain import Session
from hub.web.heart_page import read_test, seconds_of
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub

FRAGMENT = {"hx-request": "true"}


@pytest.fixture
def trained(hub: SmallHub) -> tuple[list[str], Session]:
    """Two who trained for 200 s, one of three minutes and twenty seconds at one steady rate."""
    ids = asyncio.run(hub.add_squad(2))
    return ids, asyncio.run(hub.train(2, 200))


def said(text: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def heads(text: str) -> list[str]:
    """The columns' words."""
    return [said(it).strip() for it in re.findall(r"<th[^>]*><button[^>]*>(.*?)</button>", text, re.S)]


def test_only_columns_that_somebody_has_are_shown(admin: Client, trained: tuple[list[str], Session]) -> None:
    _, session = trained
    text = admin.get(f"/sessions/{session.session_id}/heart", headers=FRAGMENT).text
    assert heads(text) == ["No.", "Name", "Lowest bpm", "Held bpm", "Peak %"]
    assert 'id="note-sustained_bpm"' in text


def test_a_fixed_run_and_a_stop_add_their_columns(admin: Client, trained: tuple[list[str], Session]) -> None:
    _, session = trained
    query = "?stop=2:00&run_from=0:10&run_to=3:10"
    text = admin.get(f"/sessions/{session.session_id}/heart{query}", headers=FRAGMENT).text
    assert heads(text)[-2:] == ["HRR60 bpm", "HRex bpm"]
    first = re.findall(r"<td[^>]*>(.*?)</td>", text.partition("<tbody>")[2].partition("</tr>")[0], re.S)
    assert first[-3:-1] == ["0", "121"]  # a steady rate does not fall
    assert '<details class="no-print" open>' in text


def test_a_test_outside_what_was_recorded_says_so(admin: Client, trained: tuple[list[str], Session]) -> None:
    _, session = trained
    text = admin.get(f"/sessions/{session.session_id}/heart?stop=45:00", headers=FRAGMENT).text
    assert "too little data" in said(text)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("12", "", ""), "stop"),
        (("", "1:00", ""), "run_to"),
        (("", "", "4:00"), "run_from"),
        (("", "1:00", "1:59"), "run_to"),
        (("1:75", "", ""), "stop"),
    ],
)
def test_a_time_nobody_can_mean_is_said_beside_its_field(typed: tuple[str, str, str], field: str) -> None:
    test, faults = read_test(*typed)
    assert list(faults) == [field]
    assert (test.stop_s, test.run_s) == (None, None)


def test_times_are_read_with_and_without_hours() -> None:
    assert [seconds_of(it) for it in ("12:30", "1:12:30", " 0:05 ", "90:00")] == [750, 4350, 5, 5400]
    assert [seconds_of(it) for it in ("", "5", "1:2", "x:10", "1:60")] == [None] * 5


def test_a_session_nobody_wore_a_strap_in_says_so(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    session = asyncio.run(hub.train(0, 60))
    assert "No heart rates in this session" in admin.get(f"/sessions/{session.session_id}/heart").text
