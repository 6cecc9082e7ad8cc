"""Work done on the session's page: what was run, by whose limits, and what a reader must know about it."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re

import numpy as np
import pytest

from hub.domain import Session
from hub.results.speeds import speed_settings
from tests.web.conftest import Client
from tests.web.moving import Floats, give_motion, on_pitch
from tests.web.small_hub import SmallHub
from tests.web.test_static_files_are_our_own import refused_in

FRAGMENT = {"hx-request": "true"}


def sprinter(top_m_s: float = 8.0, seconds: int = 60) -> dict[str, Floats]:
    """Up to the top and back to rest again and again, 20 s each time, at 10 Hz."""
    at = np.arange(10 * seconds) / 10
    speed: Floats = top_m_s * np.sin(np.pi * at / 20) ** 2
    return {"speed_mps": speed}


@pytest.fixture
def trained(hub: SmallHub) -> tuple[list[str], Session]:
    """Anna sprinted, Ben's watch gave positions only, Carla's a counter; David had only a strap."""
    ids = asyncio.run(hub.add_squad(4))
    session = asyncio.run(hub.train(4, 60))
    give_motion(hub, session, ids[0], sprinter())
    walked = on_pitch(np.stack((3.0 * np.arange(60), np.full(60, 5.0)), axis=1))
    give_motion(hub, session, ids[1], walked, 1)
    give_motion(hub, session, ids[2], {"distance_m": np.linspace(0, 147.5, 60)}, 1)
    return ids, session


def said(text: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def rows(text: str) -> dict[str, list[str]]:
    """The table's cells in words by athlete."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    found = {}
    for row in body.split("</tr>")[:-1]:
        cells = [said(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        found[cells[1]] = cells
    return found


def work(client: Client, session: Session, query: str = "") -> str:
    answer = client.get(f"/sessions/{session.session_id}/work{query}", headers=FRAGMENT)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_everyone_with_motion_has_a_row_and_says_where_it_is_from(
    admin: Client, trained: tuple[list[str], Session]
) -> None:
    _, session = trained
    text = work(admin, session)
    found = rows(text)
    assert list(found) == ["Anna Albrecht", "Ben Hartmann", "Carla Ott"]
    anna, ben, carla = found.values()
    assert anna[2] == "240"
    assert anna[6:9] == ["3", "–", "8.00"]
    assert int(anna[9]) == int(anna[10]) == 0
    assert ben[2] in ("177", "178")
    assert "speed worked out from positions" in ben[-1]
    assert carla[2:5] == ["148", "–", "–"]
    assert "the device's own distance, no speeds" in carla[-1]
    assert "High speed from 5.5 m/s (19.8 km/h), sprints from 7 m/s (25.2 km/h)" in said(text)
    assert refused_in(text) == []


def test_a_session_without_motion_has_no_such_table(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    session = asyncio.run(hub.train(1, 5))
    assert work(admin, session).strip() == ""
    assert "No motion in this session" in admin.get(f"/sessions/{session.session_id}/work").text
    head = admin.get(f"/sessions/{session.session_id}/load.csv").text.splitlines()[0]
    assert "distance_m" not in head
    assert (
        f'hx-get="/sessions/{session.session_id}/work"' in admin.get(f"/sessions/{session.session_id}").text
    )


def test_each_number_opens_a_note_that_names_limits_and_coverage(
    admin: Client, trained: tuple[list[str], Session]
) -> None:
    _, session = trained
    text = work(admin, session)
    shown = set(re.findall(r'popovertarget="note-(\w+)"', text))
    assert {"distance", "sprint_distance", "top_speed", "decelerations"} <= shown
    assert all(text.count(f'id="note-{name}"') == 1 for name in shown)
    note = admin.get(f"/metrics/sprints?session={session.session_id}", headers=FRAGMENT)
    assert "Anna Albrecht 3 count sprints from 7 m/s 99%" in said(note.text)
    top = said(admin.get(f"/metrics/top_speed?session={session.session_id}", headers=FRAGMENT).text)
    assert "Anna Albrecht 8.00 m/s" in top
    assert "Carla Ott –" in top


def test_metabolic_power_is_off_until_it_is_asked_for(
    admin: Client, trained: tuple[list[str], Session]
) -> None:
    _, session = trained
    assert "W/kg" not in work(admin, session)
    text = work(admin, session, "?power=yes")
    found = rows(text)
    assert float(found["Anna Albrecht"][11]) > 10
    assert found["Ben Hartmann"][11] == "–"
    assert "experimental" in said(text)
    note = admin.get(f"/metrics/metabolic_power?session={session.session_id}", headers=FRAGMENT)
    assert "model Osgnach 2010" in said(note.text)


def test_limits_are_the_clubs_and_change_every_session_at_once(
    hub: SmallHub, staff: Client, trained: tuple[list[str], Session]
) -> None:
    ids, session = trained
    form = {"high_speed_m_s": "4", "sprint_m_s": "8,5", "own_share": "90", "hard_m_s2": "1",
            f"top-{ids[0]}": "8.2", "session": session.session_id}  # fmt: skip
    answer = staff.post("/speeds", data=form)
    assert answer.headers["location"] == f"/sessions/{session.session_id}"
    anna = rows(work(staff, session))["Anna Albrecht"]
    assert anna[5:8] == ["0", "0", "3"]
    assert int(anna[9]) == int(anna[10]) == 3
    kept = hub.database.read_now(speed_settings)
    assert (kept.limits.own_share, kept.tops_m_s) == (0.9, {ids[0]: 8.2})
    page = staff.get("/speeds").text
    assert 'name="own_share" value="90"' in page
    assert 'value="8.2"' in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"high_speed_m_s": "fast"}, "Give a number from 2 to 10 m/s."),
        ({"sprint_m_s": ""}, "Give a number from 3 to 11 m/s."),
        ({"sprint_m_s": "5.5"}, "Sprints must begin above high speed."),
        ({"own_share": "120"}, "Give a number from 50 to 100 % of own top speed."),
        ({"hard_m_s2": "0"}, "Give a number from 1 to 6 m/s²."),
    ],
)
def test_limits_that_mean_nothing_are_refused_and_kept_on_the_form(
    hub: SmallHub, staff: Client, typed: dict[str, str], sentence: str
) -> None:
    good = {"high_speed_m_s": "5.5", "sprint_m_s": "7", "own_share": "85", "hard_m_s2": "3"}
    answer = staff.post("/speeds", data=good | typed)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert hub.database.read_now(speed_settings).limits.sprint_m_s == 7


def test_a_top_speed_counts_once_it_is_confirmed(
    hub: SmallHub, staff: Client, trained: tuple[list[str], Session]
) -> None:
    ids, session = trained
    address = f"/sessions/{session.session_id}/work" + "/top"
    assert "Confirm 8.00 m/s" in said(work(staff, session))
    assert "Confirm 3" not in said(work(staff, session))
    answer = staff.post(address, data={"athlete_id": ids[0]}, headers=FRAGMENT)
    assert rows(answer.text)["Anna Albrecht"][7] == "3"
    assert "Confirm" not in said(answer.text)
    assert staff.post(address, data={"athlete_id": ids[2]}).status_code == 303
    assert hub.database.read_now(speed_settings).tops_m_s == {ids[0]: 8.0}
    assert staff.post(address, data={"athlete_id": "nobody"}).status_code == 404


def test_the_download_holds_the_work_done_and_those_without_a_strap(
    hub: SmallHub, admin: Client, trained: tuple[list[str], Session]
) -> None:
    _, session = trained
    guest = asyncio.run(hub.save_athlete(None, {"name": "=Guest", "shirt_number": 40}))
    give_motion(hub, session, guest.athlete_id, sprinter(6.0))
    text = admin.get(f"/sessions/{session.session_id}/load.csv").text
    found = {row["name"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(found["Anna Albrecht"]["distance_m"]) == pytest.approx(240, abs=0.5)
    assert found["Anna Albrecht"]["top_speed_m_s"] == "8.00"
    assert found["David Fuchs"]["distance_m"] == ""
    assert found["Carla Ott"]["sprints"] == ""
    assert "own distance" in found["Carla Ott"]["motion_flags"]
    assert found["'=Guest"]["sprints"] == "0"
    assert found["'=Guest"]["banister_au"] == ""
