"""The pitch heat map: drawn to scale, on a known ground or a fitted one that says so, with its numbers."""

from __future__ import annotations

import asyncio
import html
import re

import numpy as np
import pytest

from hub.domain import Session
from hub.results.grounds import corners_of, in_order, pitch_of
from hub.store import grounds
from tests.web.conftest import Client
from tests.web.moving import A_METRE_DEG, corners, give_motion, on_pitch, runs
from tests.web.small_hub import SmallHub
from tests.web.test_static_files_are_our_own import refused_in
from tests.web.test_work_done_is_shown import FRAGMENT, said


@pytest.fixture
def played(hub: SmallHub) -> tuple[list[str], Session]:
    """Anna stood in one corner, Ben ran everywhere and visited all four."""
    ids = asyncio.run(hub.add_squad(3))
    session = asyncio.run(hub.train(3, 60))
    give_motion(hub, session, ids[0], on_pitch(np.full((600, 2), 2.5)))
    where = runs(56, 4) | {}
    edge = on_pitch(np.repeat([(0, 0), (105, 0), (105, 68), (0, 68)], 10, axis=0).astype(float))
    everywhere = {name: np.concatenate((where[name], edge[name])) for name in edge}
    give_motion(hub, session, ids[1], everywhere)
    return ids, session


def form(points: list[tuple[float, float]], **more: str) -> dict[str, str]:
    """The form as it is sent, points as typed corners 1 to 4."""
    typed = {"name": "Main pitch", "length_m": "105", "width_m": "68"}
    for number, (latitude, longitude) in enumerate(points, 1):
        typed |= {f"lat{number}": f"{latitude:.7f}", f"lon{number}": f"{longitude:.7f}"}
    return typed | more


def pitch(client: Client, session: Session, query: str = "") -> str:
    answer = client.get(f"/sessions/{session.session_id}/pitch{query}", headers=FRAGMENT)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def box(text: str) -> list[float]:
    found = re.search(r'class="pitch[^"]*" viewBox="([^"]+)"', text)
    assert found is not None
    return [float(it) for it in found[1].split()]


def test_a_fitted_pitch_is_to_scale_and_says_that_it_was_fitted(
    admin: Client, played: tuple[list[str], Session]
) -> None:
    _, session = played
    text = pitch(admin, session)
    left, top, width, height = box(text)
    assert (left, top) == (-3, -3)
    assert (width, height) == pytest.approx((111, 74), abs=2)
    assert "Fitted automatically (no ground is known here)" in text
    assert 'class="pitch is-fitted"' in text
    assert 'r="9.15"' not in text
    assert refused_in(text) == []
    assert "Where on the pitch" in admin.get(f"/sessions/{session.session_id}/pitch").text
    work = admin.get(f"/sessions/{session.session_id}/work", headers=FRAGMENT).text
    assert f'hx-get="/sessions/{session.session_id}/pitch"' in work


def test_a_ground_by_its_corners_is_recognised_and_one_athlete_can_be_chosen(
    hub: SmallHub, staff: Client, played: tuple[list[str], Session]
) -> None:
    ids, session = played
    here = f"/sessions/{session.session_id}/ground"
    mixed = [corners()[at] for at in (2, 0, 3, 1)]
    answer = staff.post(here, data=form(mixed))
    assert answer.headers["location"] == f"/sessions/{session.session_id}/pitch"
    (kept,) = hub.database.read_now(grounds.all_grounds)
    assert (kept.length_m, kept.width_m) == (105, 68)
    assert pitch_of(kept).misfit_m == pytest.approx(0, abs=0.1)
    text = pitch(staff, session)
    assert box(text) == [-3, -3, 111, 74]
    assert "Main pitch, chosen: 105 by 68 m, corners within 0.0 m." in text
    assert 'r="9.15"' in text
    hub.database.write_now(lambda db: grounds.choose(db, session.session_id, None))
    anna = pitch(staff, session, f"?athlete={ids[0]}")
    assert "Main pitch, recognised by where they ran" in anna
    assert anna.count('class="heat"') == 1 + 5
    assert "1:00 min on the pitch, 0:00 min off it" in anna
    cells = re.findall(r"<td class=\"num\">(\d+)</td>", anna)
    assert cells == ["60"]
    assert len(re.findall(r"<tr><th class=\"num\" scope=\"row\">", anna)) == 14
    assert f'value="{ids[0]}" selected' in anna


def test_what_somebody_chose_holds_and_a_ground_can_be_taken_away(
    hub: SmallHub, staff: Client, played: tuple[list[str], Session]
) -> None:
    _, session = played
    here = f"/sessions/{session.session_id}"
    staff.post(f"{here}/ground", data=form(corners()))
    (kept,) = hub.database.read_now(grounds.all_grounds)
    fitted = staff.post(f"{here}/pitch", data={"ground": "fitted"}, headers=FRAGMENT)
    assert "Fitted automatically (chosen)" in fitted.text
    assert "Fitted automatically (chosen)" in pitch(staff, session)
    back = staff.post(f"{here}/pitch", data={"ground": kept.ground_id}, headers=FRAGMENT)
    assert "Main pitch, chosen" in back.text
    assert staff.post(f"{here}/pitch", data={"ground": "elsewhere"}, headers=FRAGMENT).status_code == 404
    edit = f"{here}/ground?ground={kept.ground_id}"
    assert 'value="Main pitch"' in staff.get(edit).text
    assert staff.post(edit, data=form(corners(), name="Far pitch")).status_code == 303
    assert [it.name for it in hub.database.read_now(grounds.all_grounds)] == ["Far pitch"]
    answer = staff.post(f"/grounds/{kept.ground_id}/remove", data={"session": session.session_id})
    assert answer.headers["location"] == f"{here}/pitch"
    assert hub.database.read_now(grounds.all_grounds) == []
    assert "no ground is known here" in pitch(staff, session)
    assert staff.post(f"/grounds/{kept.ground_id}/remove", data={}).status_code == 404


def test_another_pitch_beside_is_not_taken_for_theirs(
    hub: SmallHub, staff: Client, played: tuple[list[str], Session]
) -> None:
    _, session = played
    beside = [(lat + 120 * A_METRE_DEG, lon) for lat, lon in corners()]
    staff.post(f"/sessions/{session.session_id}/ground", data=form(beside))
    hub.database.write_now(lambda db: grounds.choose(db, session.session_id, None))
    assert "no ground is known here" in pitch(staff, session)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Give the ground a name"),
        ({"lat2": "north"}, "Give degrees from -88 to 88"),
        ({"lon4": "200"}, "Give degrees from -180 to 180"),
        ({"length_m": "9"}, "Give a number from 10 to 150 m."),
        ({"length_m": "90"}, "The corners lie 105.0 by 68.0 m apart."),
        ({"lat3": "59.95"}, "These four points make no rectangle."),
    ],
)
def test_corners_that_cannot_be_are_refused_and_kept_on_the_form(
    hub: SmallHub, staff: Client, played: tuple[list[str], Session], typed: dict[str, str], sentence: str
) -> None:
    _, session = played
    answer = staff.post(f"/sessions/{session.session_id}/ground", data=form(corners(), **typed))
    assert answer.status_code == 422
    assert sentence in said(answer.text)
    assert all(f'value="{value}"' in answer.text for value in typed.values())
    assert hub.database.read_now(grounds.all_grounds) == []


def test_the_form_begins_at_the_fitted_corners_with_the_usual_size(
    staff: Client, played: tuple[list[str], Session]
) -> None:
    _, session = played
    text = staff.get(f"/sessions/{session.session_id}/ground").text
    assert refused_in(text) == []
    first = {
        name: float(value)
        for name, value in re.findall(r'name="(lat\d|lon\d|length_m|width_m)" value="([^"]+)"', text)
    }
    assert (first["length_m"], first["width_m"]) == (105, 68)
    found = sorted((first[f"lat{number}"], first[f"lon{number}"]) for number in range(1, 5))
    assert found == pytest.approx(np.array(sorted(corners())), abs=3 * A_METRE_DEG)


def test_a_session_whose_positions_make_no_pitch_says_so(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    session = asyncio.run(hub.train(1, 20))
    give_motion(hub, session, anna, on_pitch(np.full((200, 2), 10.0)))
    assert "The pitch cannot be made out" in said(pitch(admin, session))
    assert admin.get(f"/sessions/{session.session_id}/ground").status_code == 200
    still = asyncio.run(hub.train(1, 5))
    assert "No positions in this session" in said(pitch(admin, still))
    assert admin.get(f"/sessions/{still.session_id}/ground").status_code == 422


def test_corners_go_round_from_a_long_side_and_a_pitch_gives_its_own_back() -> None:
    for order in ((0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0), (1, 3, 0, 2)):
        given = [corners()[at] for at in order]
        turned = in_order(given)
        assert sorted(turned) == sorted(given)
        found = pitch_of(grounds.Ground("g", "", turned, 105, 68))
        assert found.misfit_m == pytest.approx(0, abs=0.1)
        assert sorted(corners_of(found)) == pytest.approx(np.array(sorted(given)), abs=0.2 * A_METRE_DEG)
