"""An athlete's days: mornings against the own band, load over 28 days, and a prompt only with its facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from sqlite3 import Connection
from uuid import uuid4

import numpy as np
import pytest

from hub.domain import Session
from hub.results.days import AthleteDays, athlete_days
from hub.store.records import propose
from tests.web.conftest import Client
from tests.web.moving import give_motion, tell_days
from tests.web.small_hub import SmallHub
from tests.web.test_static_files_are_our_own import refused_in
from tests.web.test_work_done_is_shown import FRAGMENT, said

TODAY = date(2026, 11, 21)


@pytest.fixture
def anna(hub: SmallHub) -> str:
    """An athlete with a strap and no history."""
    return asyncio.run(hub.add_squad(2))[0]


def back(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def steady(level: float, spread: float, last: float, last_days: int = 5) -> dict[str, float]:
    """70 days about a level, the last of them elsewhere."""
    return {back(day): last if day < last_days else level + spread * (-1) ** day for day in range(70)}


def days(hub: SmallHub, athlete_id: str) -> AthleteDays:
    return hub.database.read_now(lambda db: athlete_days(db, athlete_id, TODAY))


def section(client: Client, athlete_id: str, query: str = "") -> str:
    answer = client.get(f"/athletes/{athlete_id}/days{query}", headers=FRAGMENT)
    assert answer.status_code == 200, answer.text
    assert refused_in(answer.text) == []
    return said(answer.text)


def move(hub: SmallHub, session: Session, days_back: int) -> None:
    """Let a session have begun so many days earlier; samples are on its boot's clock and stay."""
    started_ms = session.started_at_ms - days_back * 86_400_000
    fields = {"started_at_ms": started_ms, "ended_at_ms": started_ms + 60_000}
    hub.database.write_now(lambda db: propose(db, hub.moment(), "session", session.session_id, fields))


def test_nothing_known_is_said_and_says_where_it_would_come_from(
    hub: SmallHub, admin: Client, anna: str
) -> None:
    text = section(admin, anna)
    assert "No morning RMSSD in the last 13 weeks" in text
    assert "No resting heart rate" in text
    assert "No load in the last 13 weeks" in text
    assert "Worth asking how" not in text
    assert f'hx-get="/athletes/{anna}/days"' in admin.get(f"/athletes/{anna}").text
    assert "Back to Anna Albrecht" in admin.get(f"/athletes/{anna}/days").text
    assert admin.get(f"/athletes/{uuid4()}/days").status_code == 404


def test_two_signs_that_last_are_worth_asking_about_with_their_facts(
    hub: SmallHub, admin: Client, anna: str
) -> None:
    tell_days(hub, anna, "hrv_rmssd", steady(60, 2, 35))
    tell_days(hub, anna, "resting_heart_rate", steady(52, 1, 60))
    text = section(admin, anna)
    assert "Worth asking how things are: 2 kinds of sign have lasted 3 days or more." in text
    assert "Resting heart rate 60.0 bpm, above own limit 53.0 bpm, for 5 days" in text
    assert "7-day lnRMSSD" in text
    assert ", below; own band 4.08 to 4.11, from 60 days." in text
    assert "overtrain" not in text.lower()
    found = days(hub, anna)
    assert found.mornings.band.n == 60
    assert found.prompt is not None
    assert [fact.days for fact in found.prompt.facts] == [5, 5]


def test_one_sign_alone_is_no_prompt_and_two_sources_are_never_mixed(hub: SmallHub, anna: str) -> None:
    tell_days(hub, anna, "hrv_rmssd", steady(60, 2, 60))
    tell_days(hub, anna, "resting_heart_rate", steady(52, 1, 60))
    assert days(hub, anna).prompt is None
    tell_days(hub, anna, "hrv_rmssd", {back(day): 20.0 for day in range(6)}, "Another")
    found = days(hub, anna)
    assert found.mornings.source == "Ring"
    assert found.mornings.ln_rmssd[-1] == pytest.approx(np.log(60))
    assert found.prompt is None


def test_too_few_mornings_have_dots_and_no_band(hub: SmallHub, admin: Client, anna: str) -> None:
    tell_days(hub, anna, "hrv_rmssd", {back(day): 60.0 for day in (0, 1, 9, 12)})
    assert "Fewer than 3 of the last 7 days have a value" in section(admin, anna)
    assert "The own band is drawn once 14 days" in section(admin, anna)
    series = admin.get(f"/athletes/{anna}/days.json").json()["mornings"]
    assert series["band"] is None
    assert series["week"][-1] is None
    assert series["ln_rmssd"][-2:] == [pytest.approx(np.log(60), abs=1e-3)] * 2
    assert series["days"][-1] == TODAY.isoformat()


def test_a_rest_day_is_nothing_and_a_day_without_heart_rate_is_missing(
    hub: SmallHub, admin: Client, anna: str
) -> None:
    first = asyncio.run(hub.train(2, 60))
    move(hub, first, 20)
    silent = asyncio.run(hub.train(0, 60))
    give_motion(hub, silent, anna, {"speed_mps": np.full(600, 3.0)})
    move(hub, silent, 10)
    asyncio.run(hub.recorder.assign("A0000001", None))
    absent = asyncio.run(hub.train(0, 60))
    move(hub, absent, 3)
    loads = days(hub, anna).loads
    assert loads.metric_id == "banister_trimp"
    from_end = loads.daily_au[::-1]
    assert from_end[20] > 0
    assert from_end[19] == from_end[0] == 0
    assert np.isnan(from_end[[10, 3, 21, 40]]).all()
    assert (loads.week_n[-1], loads.week_n[-14]) == (6, 7)
    assert loads.acute_au[-15] == pytest.approx(from_end[20] / 7)
    assert np.isnan(loads.chronic_au).all()
    assert "6/7 days with data" in section(admin, anna)
    assert "The chronic line begins after 28 days." in section(admin, anna)


def test_an_own_file_of_somebody_else_leaves_the_day_as_it_was(hub: SmallHub, anna: str) -> None:
    session = asyncio.run(hub.train(2, 60))
    move(hub, session, 5)
    other = replace(session, session_id=str(uuid4()))
    fields = {"title": "Run", "sport": "running", "started_at_ms": other.started_at_ms - 86_400_000,
              "utc_offset_s": 0, "ended_at_ms": other.started_at_ms - 86_300_000, "boot_no": 0,
              "mono0_ms": 0, "mono1_ms": None, "source": "file"}  # fmt: skip

    def change(db: Connection) -> None:
        propose(db, hub.moment(), "session", other.session_id, fields)

    hub.database.write_now(change)
    assert days(hub, anna).loads.daily_au[-2] == 0


def test_the_ratio_is_shown_only_when_it_is_asked_for(hub: SmallHub, admin: Client, anna: str) -> None:
    for days_back in (40, 12, 2):
        move(hub, asyncio.run(hub.train(1, 60)), days_back)
    quiet = section(admin, anna)
    assert "Show the acute:chronic ratio" in quiet
    assert "ratio, uncoupled" not in quiet.partition("Show data")[0]
    asked = section(admin, anna, "?ratio=yes")
    assert "3.00: the mean day of the last week over the mean day of the three weeks before it." in asked
    series = admin.get(f"/athletes/{anna}/days.json").json()["load"]
    assert len(series["daily"]) == len(series["chronic"]) == 28
    assert series["acute"][-1] == pytest.approx(2 * series["chronic"][-1], abs=0.1)
