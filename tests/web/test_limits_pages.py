"""Limits and zones over HTTP: the effect is shown first, applied on a second tap, and can be taken back."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
from datetime import UTC, datetime

import pytest

from hub.domain import Role, Session
from hub.store import profile_changes, session_results
from hub.web.limits_view import time_pieces
from hub.web.zone_colours import zone_css
from tests.web.conftest import Client, add_user, sign_in
from tests.web.small_hub import SmallHub

TODAY = "2026-11-21"
NEW = {"valid_from": TODAY, "hr_max_bpm": "210", "how": "measured", "note": "ramp test"}


@pytest.fixture
def trained(hub: SmallHub) -> tuple[str, Session]:
    """Anna's id and a session of 125 s at 121 bpm, with its results kept."""
    anna, _ = asyncio.run(hub.add_squad(2))
    session = asyncio.run(hub.train(2, 125))
    asyncio.run(hub.recalculation.settle())
    return anna, session


def said(text: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def changes(hub: SmallHub, athlete_id: str) -> list[profile_changes.KeptChange]:
    return hub.database.read_now(lambda db: profile_changes.of_athlete(db, athlete_id))


def banister(client: Client, session: Session) -> str:
    rows = csv.DictReader(io.StringIO(client.get(f"/sessions/{session.session_id}/load.csv").text))
    return next(rows)["banister_au"]


def test_the_effect_is_shown_before_anything_changes(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, session = trained
    before = banister(admin, session)
    shown = admin.post(f"/athletes/{anna}/limits/preview", data=NEW)
    assert shown.status_code == 200
    assert "Numbers change in 1 of 1 session" in shown.text
    assert 'name="hr_max_bpm" value="210"' in shown.text
    assert shown.text.count('class="before"') == 1
    assert changes(hub, anna) == []
    assert banister(admin, session) == before


def test_apply_recomputes_keeps_the_old_value_and_undo_brings_it_back(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, session = trained
    page, before = f"/athletes/{anna}/limits", banister(admin, session)
    assert admin.post(page, data=NEW).headers["location"] == page
    running = admin.get(page).text
    assert "Recomputing: 0 of 1 sessions done." in running
    assert 'hx-get="/recalculation" hx-trigger="every 1s"' in running
    asyncio.run(hub.recalculation.settle())
    assert "Recomputed 1 session." in admin.get("/recalculation").text
    assert "hx-trigger" not in admin.get("/recalculation").text
    assert banister(admin, session) != before

    result = admin.get(f"/sessions/{session.session_id}").text
    link = f"/sessions/{session.session_id}/athletes/{anna}/earlier"
    assert result.count("earlier values") == result.count(link) == 1
    earlier = said(admin.get(link).text)
    assert "superseded" in earlier
    assert "HRmax 210" in earlier
    assert "HRmax 195" in earlier

    (kept,) = changes(hub, anna)
    history = said(admin.get(page).text)
    assert "measured · coach" in history
    assert "ramp test" in history
    undo = f"{page}/{kept.change_id}/undo"
    assert "Undo this change" in admin.get(undo).text
    assert admin.post(undo).headers["location"] == page
    asyncio.run(hub.recalculation.settle())
    assert banister(admin, session) == before
    assert "taken back" in admin.get(page).text
    admin.post(f"{page}/{kept.change_id}/restore")
    asyncio.run(hub.recalculation.settle())
    assert banister(admin, session) != before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"hr_max_bpm": "abc"}, "Give HRmax as a whole number from 120 to 240 bpm"),
        ({"hr_max_bpm": "120", "hr_rest_bpm": "120"}, "HRmax must be above the resting heart rate"),
        ({"hr_max_bpm": ""}, "Give at least one new value."),
        ({"valid_from": "2026-11-22"}, "This date lies in the future"),
        ({"valid_from": "2026-02-30"}, "Give a date that exists"),
        ({"zone_unit": "bpm", "edges": "120 110"}, "Each edge must be above the one before it"),
        ({"zone_unit": "bpm", "edges": "120 high"}, "as numbers with spaces between"),
        ({"zone_unit": "bpm", "edges": ""}, "as numbers with spaces between"),
        ({"zone_unit": "%LTHR", "edges": "80 90"}, "%LTHR need that value"),
        ({"edges": "100 120"}, "Say what the edges are counted in."),
        ({"vt1_bpm": "150", "vt2_bpm": "140"}, "VT2 must be above VT1"),
        ({"mass_kg": "heavy"}, "Give the body mass in kg"),
        ({"mass_kg": "7"}, "20 to 250 kg"),
        ({"born_on": "2026-11-21"}, "The date of birth must lie before today."),
        ({"note": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_mistyped_is_said_and_kept_on_the_form(
    hub: SmallHub, admin: Client, trained: tuple[str, Session], typed: dict[str, str], sentence: str
) -> None:
    anna, _ = trained
    for address in (f"/athletes/{anna}/limits/preview", f"/athletes/{anna}/limits"):
        answer = admin.post(address, data=NEW | typed)
        assert answer.status_code == 422
        assert sentence in said(answer.text)
        assert all(f'value="{text}"' in answer.text for text in typed.values() if text and text != "x" * 201)
    assert changes(hub, anna) == []


def test_own_zones_are_drawn_while_typing_and_kept_with_the_session(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, session = trained
    typed = {"valid_from": TODAY, "zone_unit": "%HRmax", "edges": "50, 60.5 70"}
    drawn = said(admin.get(f"/athletes/{anna}/limits/zones", params=typed).text)
    assert "Z0 below 98" in drawn
    assert "Z3 from 137" in drawn
    half = admin.get(f"/athletes/{anna}/limits/zones", params={**typed, "edges": "50 4"})
    assert "five standard zones" in half.text
    admin.post(f"/athletes/{anna}/limits", data=typed)
    assert "own zones at 98, 118, 136" in said(admin.get(f"/sessions/{session.session_id}").text)
    rows = list(csv.DictReader(io.StringIO(admin.get(f"/sessions/{session.session_id}/load.csv").text)))
    assert [row["own_zone_edges_bpm"] for row in rows] == ["97.5 118.0 136.5", ""]
    assert (rows[0]["z2_s"], rows[0]["z5_s"]) == ("124", "")


def test_an_estimate_is_offered_from_the_age_and_marked(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1, hr_max=None))
    session = asyncio.run(hub.train(1, 60))
    page = f"/athletes/{anna}/limits"
    assert "give the date of birth first" in admin.get(page).text
    admin.post(page, data={"valid_from": TODAY, "born_on": "1996-11-22"})
    assert "HRmax by age: 187 bpm, estimated" in said(admin.get(page).text)
    assert 'value="187"' in admin.get(page, params={"hr_max_bpm": "187", "how": "estimated"}).text
    admin.post(page, data={"valid_from": TODAY, "hr_max_bpm": "187", "how": "estimated"})
    assert "187 bpm" in said(admin.get(page).text)
    assert "HRmax estimated" in said(admin.get(f"/sessions/{session.session_id}").text)


def test_a_held_maximum_is_only_proposed(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1, hr_max=121))
    asyncio.run(hub.train(1, 30))  # everyone at 121
    asyncio.run(hub.recalculation.settle())
    page = f"/athletes/{anna}/limits"
    assert "Held for 5 s" not in admin.get(page).text
    admin.post(page, data={"valid_from": TODAY, "hr_max_bpm": "120"})
    asyncio.run(hub.recalculation.settle())
    assert "Fill in 121" in admin.get(page).text
    assert [it.doc["hr_max_bpm"] for it in changes(hub, anna)] == [120]


def test_a_value_can_be_forgotten(hub: SmallHub, admin: Client, trained: tuple[str, Session]) -> None:
    anna, session = trained
    admin.post(f"/athletes/{anna}/limits", data={"valid_from": TODAY, "forget_hr_rest_bpm": "yes"})
    assert "rest not known" in said(admin.get(f"/athletes/{anna}/limits").text)
    assert banister(admin, session) == ""


def test_the_lists_show_what_holds_today(admin: Client, trained: tuple[str, Session]) -> None:
    anna, _ = trained
    admin.post(f"/athletes/{anna}/limits", data=NEW)
    assert "HRmax 210" in admin.get("/athletes").text
    assert f"before the changes from {TODAY} on" in admin.get(f"/athletes/{anna}").text


def test_staff_may_and_strangers_may_not(hub: SmallHub, client: Client, trained: tuple[str, Session]) -> None:
    anna, _ = trained
    page = f"/athletes/{anna}/limits"
    assert client.get(page).headers["location"] == "/sign-in"
    assert client.post(page, data=NEW).headers["location"] == "/sign-in"
    assert changes(hub, anna) == []
    add_user(hub, "helper", Role.STAFF)
    sign_in(client, "helper")
    assert client.post(page, data=NEW).headers["location"] == page
    assert [it.made_by for it in changes(hub, anna)] == ["helper"]


def test_notes_are_escaped(admin: Client, trained: tuple[str, Session]) -> None:
    anna, _ = trained
    admin.post(f"/athletes/{anna}/limits", data=NEW | {"note": "<b>x</b>"})
    assert "<b>x</b>" not in admin.get(f"/athletes/{anna}/limits").text


def test_unknown_people_and_changes_are_said_plainly(admin: Client, trained: tuple[str, Session]) -> None:
    anna, session = trained
    nobody = "00000000-0000-4000-8000-00000000ffff"
    for address in (
        f"/athletes/{nobody}/limits",
        f"/athletes/{anna}/limits/{nobody}/undo",
        f"/sessions/{session.session_id}/athletes/{nobody}/earlier",
        f"/sessions/{nobody}/athletes/{anna}/earlier",
    ):
        assert admin.get(address).status_code == 404


def test_more_than_five_zones_share_the_five_colours() -> None:
    assert [zone_css(zone, 5) for zone in range(6)] == ["z0", "z1", "z2", "z3", "z4", "z5"]
    assert [zone_css(zone, 7) for zone in range(8)] == ["z0", "z1", "z2", "z3", "z3", "z4", "z5", "z5"]
    assert [piece.name for piece in time_pieces((0.0, 30.0, 0.0, 90.0))] == ["Z1", "Z3"]


def test_the_day_of_the_form_is_the_hubs_own(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, _ = trained
    today = datetime.fromtimestamp(hub.wall_ms / 1000, UTC).astimezone().date().isoformat()
    assert f'name="valid_from" value="{today}" max="{today}"' in admin.get(f"/athletes/{anna}/limits").text


def test_results_hold_no_reader_of_a_page(hub: SmallHub, admin: Client, trained: tuple[str, Session]) -> None:
    _, session = trained
    admin.get(f"/sessions/{session.session_id}")
    rows = hub.database.read_now(lambda db: session_results.current(db, session.session_id))
    assert {row.new.why for row in rows.values()} == {"the session ended"}


RAMP = "100 1.0\n110 1.5\n121;2,4\n\n130 3.6"


def test_a_lactate_test_gives_its_load_for_half_a_year(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, session = trained
    typed = {"valid_from": TODAY, "how": "measured", "stages": RAMP}
    shown = said(admin.post(f"/athletes/{anna}/limits/preview", data=typed).text)
    assert "lactate test of 4 stages" in shown
    assert "Numbers change in 1 of 1 session" in shown
    assert "iTRIMP load of each session" in shown
    assert admin.post(f"/athletes/{anna}/limits", data=typed).status_code == 303
    asyncio.run(hub.recalculation.settle())
    assert "4 stages, counts for six months" in said(admin.get(f"/athletes/{anna}/limits").text)
    found = said(admin.get(f"/sessions/{session.session_id}/heart", headers={"hx-request": "true"}).text)
    assert "iTRIMP AU" in found


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ("100 1\n110 2\n120 3", "4 to 20 stages; these are 3"),
        ("100 1\n110 2\nhard\n120 3", "Line 3 cannot be read"),
        ("100 1\n110 2\n120 99\n130 4", "Line 3 is not a stage"),
        ("100 4\n110 3\n120 2\n130 1", "lactate must rise steadily"),
        ("110 1\n110 2\n110 3\n110 4", "lactate must rise steadily"),
    ],
)
def test_stages_that_make_no_curve_are_refused_beside_the_field(
    hub: SmallHub, admin: Client, trained: tuple[str, Session], stages: str, words: str
) -> None:
    anna, _ = trained
    answer = admin.post(f"/athletes/{anna}/limits/preview", data={"valid_from": TODAY, "stages": stages})
    assert answer.status_code == 422
    assert words in said(answer.text)
    assert changes(hub, anna) == []


def test_a_lactate_test_without_a_resting_heart_rate_says_what_is_missing(
    hub: SmallHub, admin: Client, trained: tuple[str, Session]
) -> None:
    anna, _ = trained
    typed = {"valid_from": TODAY, "stages": RAMP, "forget_hr_rest_bpm": "yes"}
    assert "needs HRmax and the resting heart rate" in said(
        admin.post(f"/athletes/{anna}/limits/preview", data=typed).text
    )


def test_every_number_of_a_preview_and_of_earlier_values_opens_its_note(
    admin: Client, trained: tuple[str, Session]
) -> None:
    anna, session = trained
    pages = (
        admin.post(f"/athletes/{anna}/limits/preview", data=NEW).text,
        admin.get(f"/sessions/{session.session_id}/athletes/{anna}/earlier").text,
    )
    for text in pages:
        for metric_id in ("banister_trimp", "edwards_trimp", "time_in_zone"):
            assert f'popovertarget="note-{metric_id}"' in text
            assert text.count(f'id="note-{metric_id}"') == 1
