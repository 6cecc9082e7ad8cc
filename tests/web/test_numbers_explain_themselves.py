"""How this is computed: a page a metric, and for a session what everyone's number rests on."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from hub.analytics.catalogue import METRICS, metric
from hub.analytics.flags import Flag
from hub.analytics.result import Result
from hub.web.metric_notes import input_text, used_view, value_text
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap
from tests.web.test_board_in_chromium import Served, served, sign_in

__all__ = ["served"]

FRAGMENT = {"hx-request": "true"}
COLUMNS = ("banister_trimp", "edwards_trimp", "mean_bpm", "max_bpm", "time_in_zone", "coverage")


@pytest.mark.parametrize("metric_id", [it.metric_id for it in METRICS])
def test_every_metric_has_a_page_with_its_formula_and_source(staff: Client, metric_id: str) -> None:
    it, answer = metric(metric_id), staff.get(f"/metrics/{metric_id}")
    assert answer.status_code == 200
    for text in (it.name, it.source, it.meaning):
        assert text.replace("&", "&amp;").replace("'", "&#39;") in answer.text


def test_the_list_leads_to_every_metric(staff: Client) -> None:
    text = staff.get("/metrics").text
    assert all(f'href="/metrics/{it.metric_id}"' in text for it in METRICS)


def test_an_unknown_metric_or_session_is_said_plainly(staff: Client) -> None:
    assert staff.get("/metrics/shoe-size").status_code == 404
    answer = staff.get(f"/metrics/coverage?session={uuid4()}")
    assert answer.status_code == 404
    assert "session" in answer.text
    assert staff.get("/metrics/coverage?session=1").status_code == 400


def test_metrics_are_shown_to_those_signed_in_only(client: Client) -> None:
    assert client.get("/metrics/coverage").headers["location"] == "/sign-in"


def test_a_session_says_what_each_number_was_computed_with(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    session = asyncio.run(hub.train(2, 65)).session_id
    page = admin.get(f"/sessions/{session}").text
    for metric_id in COLUMNS:
        assert f'popovertarget="note-{metric_id}"' in page
        assert f'id="note-{metric_id}"' in page
        assert metric(metric_id).source in page
    used = admin.get(f"/metrics/banister_trimp?session={session}", headers=FRAGMENT).text
    assert "<html" not in used
    assert all(name in used for name in ("Anna Albrecht", "Ben Hartmann"))
    assert "HRmax 195 bpm, HRrest 55 bpm, sex M, b 0.64, k 1.92" in used
    zones = admin.get(f"/metrics/time_in_zone?session={session}", headers=FRAGMENT).text
    assert "edges 50 60 70 80 90 %HRmax" in zones
    assert "Z2 1:0" in zones
    assert "Nobody has this number" in admin.get(f"/metrics/hrr60?session={session}", headers=FRAGMENT).text


def test_a_live_session_explains_itself_up_to_now(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    live = asyncio.run(hub.recorder.start_session("Training", "training", 0))
    hub.pass_time(10)
    hub.hear(strap(1), 130)
    asyncio.run(hub.recorder.tick())
    answer = admin.get(f"/metrics/max_bpm?session={live.session_id}")
    assert "130 bpm" in answer.text
    assert "All metrics" in answer.text


def test_values_are_worded_with_their_unit_band_or_dash() -> None:
    assert value_text(Result("banister_trimp", 63.6, "AU", "1")) == "64 AU"
    assert value_text(Result("banister_trimp", None, "AU", "1", band=(50.2, 61.7))) == "50 to 62 AU"
    assert value_text(Result("banister_trimp", None, "AU", "1")) == "–"
    assert value_text(Result("coverage", 99.6, "%", "1")) == "100%"
    assert value_text(Result("monotony", 1.264, "1", "1")) == "1.26"
    assert value_text(Result("time_above_hr_max", 75.0, "s", "1")) == "1:15"


def test_inputs_are_worded_and_guesses_marked() -> None:
    assert input_text("hr_max_bpm", 195, ("hr_max_bpm",)) == "HRmax 195 bpm (estimated)"
    assert input_text("k", 1.92) == "k 1.92"


def test_flags_of_all_zones_are_said_once() -> None:
    zones = [
        Result(f"time_in_zone_{zone}", 60.0 * zone, "s", "1", (("zone", zone),), 0.5, 9, (Flag.ABOVE_MAX,))
        for zone in range(3)
    ]
    view = used_view("Anna", zones)
    assert (view.value, view.inputs, view.coverage) == ("Z1 1:00 · Z2 2:00", "–", "50%")
    assert view.notes == Flag.ABOVE_MAX


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_a_note_opens_by_touch_and_keyboard_and_closes_again(
    browser: Browser, served: Served, width: int, height: int
) -> None:
    served.run(lambda: served.hub.add_squad(2))
    session = served.run(lambda: served.hub.train(2, 65)).session_id
    page, watch = sign_in(browser, served, width, height)
    page.goto(f"{served.origin}/sessions/{session}")
    first = page.locator("table[data-sortable] tbody tr").first.inner_text()
    button = page.get_by_role("button", name="How Banister TRIMP is computed")
    button.scroll_into_view_if_needed()
    button.click()
    note = page.locator("#note-banister_trimp")
    expect(note).to_be_visible()
    expect(note.get_by_text("Anna Albrecht")).to_be_visible()
    box = note.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= height
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(note).to_be_visible()
    note.get_by_role("button", name="Close").click()
    expect(note).to_be_hidden()
    again = page.locator("table[data-sortable] tbody tr").first.inner_text()
    assert again == first, "opening a note does not sort the table"
    assert page.locator("[aria-sort]").count() == 0
    assert (watch.complaints, watch.elsewhere) == ([], [])
    page.close()
