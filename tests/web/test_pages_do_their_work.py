"""Pages asked over HTTP on a real store: what a form changes and what a page then shows."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from uuid import uuid4

import pytest

from hub.domain import LoadRow
from hub.store import athletes, straps
from hub.store.ledger import Ledger
from hub.web.parts import SyncView
from hub.web.session_page import flags, load_csv, load_view, minute_means, zone_shares
from hub.web.straps_page import drawer
from hub.web.sync_page import pill
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap

HTMX = {"hx-request": "true"}


def wearers(hub: SmallHub) -> dict[str, str | None]:
    return {s.strap_id: s.athlete_id for s in hub.database.read_now(straps.all_straps)}


def test_health_needs_no_sign_in_and_has_exactly_these_fields(hub: SmallHub, client: Client) -> None:
    assert client.get("/healthz").json() == {
        "status": "ok",
        "version": "0.1.0",
        "live": {"athletes": 0, "fresh": 0},
        "session": None,
        "sync": {"pending": 0, "accepted_through": 0, "last_contact": None, "synced": False},
        "clock": {"verified": True},
    }
    asyncio.run(hub.add_squad(2))
    hub.hear(strap(1), 140)
    health = client.get("/healthz").json()
    assert health["live"] == {"athletes": 2, "fresh": 1}
    assert health["sync"]["pending"] > 0


def test_an_empty_board_offers_to_add_an_athlete(admin: Client) -> None:
    page = admin.get("/").text
    assert "No athletes yet" in page
    assert 'href="/athletes/new"' in page


def test_a_board_without_straps_says_what_to_do(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    hub.pass_time(11)
    assert "Moisten the straps" in admin.get("/").text
    hub.hear(strap(1), 90)
    assert "Moisten the straps" not in admin.get("/").text


def test_start_show_and_end_a_session(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    assert "Start session" in admin.get("/").text
    admin.post("/session/start", data={"title": "", "sport": "match"})
    hub.pass_time(61)
    page = admin.get("/").text
    assert "0:01:01" in page
    assert "End this session?" in page
    answer = admin.post("/session/end")
    assert answer.headers["location"].startswith("/sessions/")
    result = admin.get(answer.headers["location"])
    assert "Training Sat 21 Nov" in result.text
    assert "No heart rates in this session" in result.text


def test_a_refused_action_says_why_and_what_next(hub: SmallHub, admin: Client) -> None:
    answer = admin.post("/session/end")
    assert answer.status_code == 422
    assert "No session is running." in answer.text
    assert "Start one from the board." in answer.text


def test_a_session_shows_its_load_chart_and_csv(hub: SmallHub, admin: Client) -> None:
    first, _ = asyncio.run(hub.add_squad(2))
    session = asyncio.run(hub.train(2, 125))
    address = f"/sessions/{session.session_id}"
    page = admin.get(address).text
    assert "Anna Albrecht" in page
    assert page.count("<tr>") == 3
    assert admin.get("/sessions").text.count(address) == 1
    series = admin.get(f"{address}/series.json").json()["athletes"]
    assert [len(each["bpm"]) for each in series] == [125, 125]
    minutes = admin.get(f"{address}/minutes", params={"athlete": first}).text
    assert minutes.count("<td") == 6
    rows = list(csv.DictReader(io.StringIO(admin.get(f"{address}/load.csv").text)))
    assert [(row["number"], row["mean_bpm"], row["max_bpm"]) for row in rows] == [
        ("1", "121.0", "121"),
        ("2", "122.0", "122"),
    ]


def test_an_unknown_session_is_said_plainly(admin: Client) -> None:
    answer = admin.get(f"/sessions/{uuid4()}")
    assert answer.status_code == 404
    assert "no such record" in answer.text
    assert admin.get("/sessions/not-an-id").status_code == 404


FORM = {
    "name": "Zoë O'Neil",
    "shirt_number": "9",
    "sex": "F",
    "hr_max": "",
    "hr_rest": "52",
    "is_active": "yes",
}


def test_an_athlete_is_added_and_edited(hub: SmallHub, admin: Client) -> None:
    assert admin.post("/athletes/new", data=FORM).headers["location"] == "/athletes"
    (zoe,) = hub.database.read_now(athletes.all_athletes)
    assert (zoe.name, zoe.shirt_number, zoe.hr_max_bpm, zoe.hr_rest_bpm) == ("Zoë O'Neil", 9, None, 52)
    assert "HRmax not set" in admin.get("/athletes").text
    edited = {**FORM, "hr_max": "188"}
    del edited["is_active"]
    admin.post(f"/athletes/{zoe.athlete_id}", data=edited)
    (zoe,) = hub.database.read_now(lambda db: athletes.all_athletes(db, include_inactive=True))
    assert (zoe.hr_max_bpm, zoe.is_active) == (188, False)
    assert "No athletes yet" in admin.get("/").text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": " "}, "Give the athlete"),
        ({"hr_max": "abc"}, "whole number from 120 to 240"),
        ({"hr_max": "250"}, "whole number from 120 to 240"),
        ({"hr_max": "120", "hr_rest": "120"}, "must be below HRmax"),
        ({"shirt_number": "-1"}, "whole number from 0 to 999"),
    ],
)
def test_a_mistyped_athlete_is_not_saved(
    hub: SmallHub, admin: Client, change: dict[str, str], said: str
) -> None:
    answer = admin.post("/athletes/new", data=FORM | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Zoë" in answer.text or "name" in change
    assert hub.database.read_now(athletes.all_athletes) == []


def test_names_are_escaped_everywhere(hub: SmallHub, admin: Client) -> None:
    admin.post("/athletes/new", data=FORM | {"name": "<b>Bobby</b>"})
    for address in ("/", "/athletes", "/straps", "/import"):
        assert "<b>Bobby" not in admin.get(address).text


def test_one_tap_gives_a_new_strap_to_an_athlete(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    hub.hear("NEW1", 88)
    assert "Who wears Polar H10 NEW1?" in admin.get("/straps/drawer", headers=HTMX).text
    admin.post("/straps/assign", data={"strap_id": "NEW1", "athlete_id": anna}, headers=HTMX)
    assert wearers(hub) == {strap(1): None, "NEW1": anna}
    admin.post("/straps/assign", data={"strap_id": "NEW1"}, headers=HTMX)
    assert wearers(hub)["NEW1"] is None


def test_two_athletes_swap_their_straps_in_one_tap(hub: SmallHub, admin: Client) -> None:
    anna, ben = asyncio.run(hub.add_squad(2))
    chosen = admin.get("/straps/drawer", params={"strap": strap(1)}, headers=HTMX).text
    assert "swap straps" in chosen
    admin.post("/straps/assign", data={"strap_id": strap(1), "athlete_id": ben}, headers=HTMX)
    assert wearers(hub) == {strap(1): ben, strap(2): anna}


def test_the_drawer_lists_straps_nobody_wears_first_and_free_athletes_first(hub: SmallHub) -> None:
    asyncio.run(hub.add_squad(2))
    asyncio.run(hub.save_athlete(None, {"name": "Zed", "shirt_number": 99}))
    hub.hear("NEW1", 88)
    people = hub.database.read_now(athletes.all_athletes)
    known = hub.database.read_now(straps.all_straps)
    made = drawer(people, known, tuple(hub.heard.values()), "", hub.mono_ms)
    assert [view.strap_id for view in made.waiting] == ["NEW1"]
    assert [view.strap_id for view in made.worn] == [strap(1), strap(2)]
    assert made.choices[0].label == "99 Zed"
    assert made.waiting[0].detail == "live · battery 80 % · good signal"


def test_joining_a_club_shows_the_refusal_or_goes_through(hub: SmallHub, admin: Client) -> None:
    form = {"cloud_url": "https://cloud.example", "claim_code": "WRONG"}
    assert "Make a new one." in admin.post("/sync/enrol", data=form).text
    assert "starts with https" in admin.post("/sync/enrol", data=form | {"cloud_url": "cloud"}).text
    assert admin.post("/sync/enrol", data=form | {"claim_code": "CLAIM-1"}).status_code == 303
    assert hub.enrolled == [("https://cloud.example", "CLAIM-1")]


BOOKS = Ledger(0, 5, 0, 0, 9, 5, 5, 1_000_000, "h", "Club", "https://c")
JOINED = SyncView(True, "idle", "", None, None)


@pytest.mark.parametrize(
    ("view", "books", "text", "tone"),
    [
        (JOINED, BOOKS, "Cloud: synced", "ok"),
        (JOINED, replace(BOOKS, last_contact_ms=None), "Cloud: never reached", "warn"),
        (JOINED, replace(BOOKS, ops_pending=3, segments_pending=1), "Cloud: 4 waiting", "busy"),
        (JOINED, replace(BOOKS, ops_dead=2), "Cloud: 2 refused", "warn"),
        (replace(JOINED, state="failed"), BOOKS, "Cloud: sync failed", "warn"),
        (replace(JOINED, state="offline"), replace(BOOKS, ops_pending=1214),
         "Cloud: 5 min behind, 1\u202f214 waiting", "warn"),
        (replace(JOINED, is_enrolled=False), BOOKS, "Cloud: not enrolled", "off"),
    ],
)  # fmt: skip
def test_the_cloud_pill_says_synced_only_when_it_is(
    view: SyncView, books: Ledger, text: str, tone: str
) -> None:
    made = pill(view, books, 1_300_000)
    assert (made.text, made.tone) == (text, tone)


def test_an_old_contact_is_never_called_synced() -> None:
    assert pill(JOINED, BOOKS, 1_000_000 + 3 * 3_600_000).text == "Cloud: 3 h behind"


ROW = LoadRow("a", "Anna", 7, 150.4, 181, 42.0, 87.0, 0.6, (0.0, 60.0, 0.0, 180.0, 0.0, 60.0), 130.0, True)


def test_a_load_row_reads_with_its_flags_and_zone_bar() -> None:
    view = load_view(ROW)
    assert view.zones_text == "Z1 1 · Z3 3 · Z5 1"
    assert [(s.zone, s.start, s.width) for s in view.shares] == [
        (1, "0.00", "20.00"),
        (3, "20.00", "60.00"),
        (5, "80.00", "20.00"),
    ]
    assert view.flags == ("above HRmax: check it", "gaps", "2:10 estimated")
    assert zone_shares((0.0,) * 6) == ()
    unknown = replace(ROW, banister_au=None, zone_s=(0.0,) * 6, is_hr_max_exceeded=False)
    assert flags(unknown)[0] == "HRmax not set"


def test_minutes_without_a_value_stay_empty() -> None:
    assert minute_means([0, 30, 61, 125], [100, 103, None, 120]) == [(0, 102), (1, None), (2, 120)]


def test_a_csv_cell_cannot_become_a_formula() -> None:
    text = load_csv([replace(ROW, name="=HYPERLINK(1)"), replace(ROW, shirt_number=None, banister_au=None)])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert (rows[1]["number"], rows[1]["banister_au"]) == ("", "")


def test_the_api_description_names_only_data_routes(admin: Client) -> None:
    description = admin.get("/schema/openapi.json").json()
    assert set(description["paths"]) == {
        "/healthz",
        "/radio-check.json",
        "/athletes/{athlete_id}/days.json",
        "/sessions/{session_id}/load.csv",
        "/sessions/{session_id}/series.json",
    }
    page = admin.get("/schema").text
    assert "swagger-ui-bundle" in page
    assert "cdn" not in page
