"""Who wears what by page: the bucket is given and taken back, swaps are corrected, foreign straps ignored."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import Session
from hub.errors import ActionRefused
from hub.results.loads import load_table
from hub.store import ignored_straps, put_aside, spare_straps, straps
from hub.wearing.unassigned import MOST_ON_A_PAGE
from hub.web.local_times import DAY_MS, clock_text, near
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap

FOREIGN = "B0000009"


async def a_session(hub: SmallHub, seconds: int = 60) -> Session:
    """Two athletes with straps, and a third strap nobody wears."""
    session = await hub.recorder.start_session("Training", "training", 3600)
    for second in range(seconds):
        hub.pass_time(1)
        hub.hear(strap(1), 120)
        hub.hear(strap(2), 160)
        hub.hear(FOREIGN, 140 + second % 20)
        await hub.recorder.tick()
    hub.pass_time(0.5)
    return session


def recorded(hub: SmallHub, *, is_ended: bool = True) -> tuple[list[str], Session]:
    async def story() -> tuple[list[str], Session]:
        ids = await hub.add_squad(2)
        session = await a_session(hub)
        if is_ended:
            await hub.recorder.end_session()
        return ids, session

    return asyncio.run(story())


def means(hub: SmallHub, session: Session) -> dict[str, float | None]:
    rows = hub.database.read_now(lambda db: load_table(db, session.session_id, hub.mono_ms))
    return {row.athlete_id: row.mean_bpm and round(row.mean_bpm) for row in rows}


def field(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, name
    return found.group(1)


def test_a_stretch_of_nobody_is_shown_given_in_part_and_taken_back(hub: SmallHub, admin: Client) -> None:
    ids, session = recorded(hub)
    text = admin.get("/straps/unassigned").text
    assert "Polar H10 B0000009" in text
    assert "140 · 150 · 159 bpm" in text
    assert "<polyline" in text
    begin, form = field(text, "begin"), {name: field(text, name) for name in ("stream_id", "from_ms", "end")}
    middle = clock_text(near(begin, session.started_at_ms, 3600) + 20_000, 3600)
    answer = admin.post("/straps/unassigned/give", data=form | {"begin": middle, "athlete_id": ids[0]})
    assert answer.status_code == 200, answer.text
    assert f"given to Anna Albrecht from {middle}" in answer.text
    assert "Heard on nobody" not in answer.text
    first = answer.text.index('name="begin" value="' + begin)
    assert answer.text.index('name="end" value="' + middle) > first, "the rest stays in the bucket"
    assert means(hub, session)[ids[0]] == pytest.approx(140, abs=2)
    back = admin.post("/straps/unassigned/back", data={"edit_id": field(answer.text, "edit_id")})
    assert "Taken back: " in back.text
    assert means(hub, session) == {ids[0]: 120, ids[1]: 160}
    assert field(back.text, "end") == form["end"]


def test_a_stretch_put_aside_is_offered_no_more_until_it_is_shown_again(hub: SmallHub, admin: Client) -> None:
    recorded(hub)
    text = admin.get("/straps/unassigned").text
    form = {name: field(text, name) for name in ("stream_id", "from_ms")}
    gone = admin.post("/straps/unassigned/aside", data=form).text
    assert "Nothing is left over" in gone
    assert len(hub.database.read_now(put_aside.recent)) == 1
    again = admin.post("/straps/unassigned/again", data={"aside_id": field(gone, "aside_id")}).text
    assert "140 · 150 · 159 bpm" in again


def test_earlier_sessions_are_a_page_away_and_what_is_done_there_stays_there(
    hub: SmallHub, admin: Client
) -> None:
    async def story() -> list[str]:
        ids = await hub.add_squad(1)
        for title, strangers in (("Oldest", 2), ("Middle", 1), ("Newest", MOST_ON_A_PAGE)):
            await hub.recorder.start_session(title, "training", 0)
            for _ in range(12):
                hub.pass_time(1)
                for number in range(strangers):
                    hub.hear(f"B{number:07}", 140)
                await hub.recorder.tick()
            hub.pass_time(60)
            await hub.recorder.end_session()
        return ids

    (anna,) = asyncio.run(story())
    first = admin.get("/straps/unassigned").text
    assert first.count(">Newest</a>") == MOST_ON_A_PAGE
    assert "Middle" not in first
    link = re.search(r'href="(/straps/unassigned\?older_than=[^"]+)">Earlier sessions', first)
    assert link is not None
    second = admin.get(link.group(1)).text
    assert [second.count(f">{title}</a>") for title in ("Newest", "Middle", "Oldest")] == [0, 1, 2]
    assert ("Newest sessions" in second, "Earlier sessions" in second) == (True, False)
    form = {name: field(second, name) for name in ("stream_id", "from_ms", "begin", "end", "older_than")}
    after = admin.post("/straps/unassigned/give", data=form | {"athlete_id": anna}).text
    assert [after.count(f">{title}</a>") for title in ("Newest", "Middle", "Oldest")] == [0, 0, 2]
    taken_back = {name: field(after, name) for name in ("edit_id", "older_than")}
    assert ">Middle</a>" in admin.post("/straps/unassigned/back", data=taken_back).text
    assert admin.get("/straps/unassigned?older_than=nothing").status_code == 404


def test_a_strap_that_is_still_heard_is_given_from_the_start_and_from_now_on(
    hub: SmallHub, admin: Client
) -> None:
    ids, session = recorded(hub, is_ended=False)
    text = admin.get("/straps/unassigned").text
    assert "heard now" in text
    form = {name: field(text, name) for name in ("stream_id", "from_ms", "begin", "end")}
    assert admin.post(
        "/straps/unassigned/give", data=form | {"athlete_id": ids[0], "goes_on": "yes"}
    ).is_success
    hub.hear(FOREIGN, 190)
    live = {it.athlete.athlete_id: it for it in hub.board.snapshot(hub.mono_ms, hub.wall_ms).athletes}
    assert live[ids[0]].bpm == 190
    assert means(hub, session)[ids[0]] == pytest.approx(149, abs=2)


def test_a_stretch_that_is_somebodys_meanwhile_is_refused_with_words(hub: SmallHub, admin: Client) -> None:
    ids, _ = recorded(hub)
    form = {"stream_id": "x", "from_ms": "1", "begin": "10:00", "end": "10:01", "athlete_id": ids[0]}
    answer = admin.post("/straps/unassigned/give", data=form)
    assert answer.status_code == 404
    assert "open the page again" in answer.text


def test_two_athletes_are_swapped_on_the_sessions_page_and_swapped_back(hub: SmallHub, admin: Client) -> None:
    ids, session = recorded(hub)
    here = f"/sessions/{session.session_id}/wearing"
    text = admin.get(here).text
    assert "Good</th>" in text
    swapped = admin.post(
        f"{here}/swap", data={"one_id": ids[0], "other_id": ids[1], "begin": field(text, "begin")}
    )
    assert "Anna Albrecht and Ben Hartmann swapped" in swapped.text
    assert means(hub, session) == {ids[0]: 160, ids[1]: 120}
    back = admin.post(f"{here}/back", data={"edit_id": field(swapped.text, "edit_id")})
    assert "Taken back" in back.text
    assert means(hub, session) == {ids[0]: 120, ids[1]: 160}


def test_a_strap_is_moved_to_nobody_between_two_times(hub: SmallHub, admin: Client) -> None:
    _, session = recorded(hub)
    here = f"/sessions/{session.session_id}/wearing"
    text = admin.get(here).text
    stream = re.search(r'<option value="([^"]+)">Polar H10 A0000001', text)
    assert stream is not None
    begin = near(field(text, "begin"), session.started_at_ms, 3600)
    form = {"stream_id": stream.group(1), "begin": clock_text(begin + 20_000, 3600),
            "end": clock_text(begin + 40_000, 3600)}  # fmt: skip
    answer = admin.post(f"{here}/move", data=form)
    assert "given to nobody" in answer.text
    assert len(re.findall(r"A0000001 <span", answer.text)) == 2
    refused = admin.post(f"{here}/move", data=form | {"begin": "half past"})
    assert refused.status_code == 422
    assert "no time of day" in refused.text


def test_a_foreign_strap_is_ignored_for_good_and_heard_again(hub: SmallHub, admin: Client) -> None:
    recorded(hub, is_ended=False)
    assert "Polar H10 B0000009" in admin.get("/straps/foreign").text
    answer = admin.post("/straps/foreign/ignore", data={"strap_id": FOREIGN})
    assert "coach" in answer.text
    before = hub.board.snapshot(hub.mono_ms, hub.wall_ms)
    assert before.unassigned == 0
    hub.pass_time(1)
    hub.hear(FOREIGN, 150)
    asyncio.run(hub.recorder.tick())
    assert hub.board.snapshot(hub.mono_ms, hub.wall_ms).unassigned == 0
    assert hub.database.read_now(ignored_straps.ids) == {FOREIGN}
    worn = admin.post("/straps/foreign/ignore", data={"strap_id": strap(1)})
    assert worn.status_code == 422
    assert admin.post("/straps/foreign/hear", data={"strap_id": FOREIGN}).is_success
    hub.hear(FOREIGN, 150)
    assert hub.board.snapshot(hub.mono_ms, hub.wall_ms).unassigned == 1


def hold(hub: SmallHub, admin: Client, levels: dict[str, int], athlete_id: str, seconds: int = 4) -> str:
    """What the page says after a few seconds at these levels."""
    text = ""
    for _ in range(seconds):
        hub.pass_time(1)
        for strap_id, dbm in levels.items():
            hub.heard[strap_id] = replace(hub.heard[strap_id], receivers=(("hci0", dbm),))
        text = admin.get(f"/straps/hold/look?athlete={athlete_id}").text
    return text


def test_the_strap_held_to_the_hub_is_proposed_confirmed_and_undone(hub: SmallHub, admin: Client) -> None:
    ids = asyncio.run(hub.add_squad(2))
    hub.hear(FOREIGN, None)
    far = {strap(1): -70, strap(2): -72, FOREIGN: -80}
    assert "Hold the strap to the hub" in hold(hub, admin, far, ids[0], 8)
    assert "Hold it closer" in hold(hub, admin, far | {FOREIGN: -66}, ids[0])
    found = hold(hub, admin, far | {FOREIGN: -40}, ids[0])
    assert "Found: Polar H10 B0000009" in found
    assert 'hx-trigger="every 1s"' not in found, "a proposal stays under the finger"
    answer = admin.post(
        "/straps/hold/confirm", data={"athlete_id": ids[0], "strap_id": FOREIGN, "as": "worn"}
    )
    worn = {it.strap_id: it.athlete_id for it in hub.database.read_now(straps.all_straps)}
    assert (worn[FOREIGN], worn[strap(1)]) == (ids[0], None)
    form = {name: field(answer.text, name) for name in ("athlete_id", "strap_id", "wearer_id", "own_id")}
    assert admin.post("/straps/hold/undo", data=form).is_success
    worn = {it.strap_id: it.athlete_id for it in hub.database.read_now(straps.all_straps)}
    assert (worn[FOREIGN], worn[strap(1)], worn[strap(2)]) == (None, ids[0], ids[1])
    spare = admin.post(
        "/straps/hold/confirm", data={"athlete_id": ids[0], "strap_id": FOREIGN, "as": "spare"}
    )
    assert "stands by for" in spare.text
    worn = {it.strap_id: it.athlete_id for it in hub.database.read_now(straps.all_straps)}
    assert worn[FOREIGN] == worn[strap(1)] == ids[0]


def test_a_running_pod_held_to_the_hub_is_not_taken_for_a_strap(hub: SmallHub, admin: Client) -> None:
    ids = asyncio.run(hub.add_squad(2))
    hub.hear(FOREIGN, None)
    hub.heard[FOREIGN] = replace(hub.heard[FOREIGN], is_pod=True)
    far = {strap(1): -70, strap(2): -72, FOREIGN: -80}
    hold(hub, admin, far, ids[0], 8)
    assert "Found" not in hold(hub, admin, far | {FOREIGN: -40}, ids[0])
    assert "Polar H10 A0000001" in hold(hub, admin, far | {FOREIGN: -38, strap(1): -40}, ids[1]), (
        "a pod beside it does not make it a tie"
    )
    form = {"athlete_id": ids[0], "strap_id": FOREIGN, "as": "worn"}
    assert admin.post("/straps/hold/confirm", data=form).status_code == 404
    assert admin.post("/straps/spares/add", data=form).status_code == 404


def test_a_spare_strap_is_given_and_taken_off_by_page(hub: SmallHub, admin: Client) -> None:
    assert "give everybody a first one" in admin.get("/straps/spares").text
    ids = asyncio.run(hub.add_squad(2))
    hub.hear(FOREIGN, None)
    assert "Nobody has a spare strap" in admin.get("/straps/spares").text
    form = {"strap_id": FOREIGN, "athlete_id": ids[1]}
    text = admin.post("/straps/spares/add", data=form).text
    assert "for Ben Hartmann" in text
    assert "fed by Polar H10 A0000002" in text
    assert hub.database.read_now(spare_straps.ids) == {FOREIGN}
    assert admin.post("/straps/spares/add", data=form | {"strap_id": "no such"}).status_code == 404
    assert "Nobody has a spare strap" in admin.post("/straps/spares/off", data=form).text
    assert hub.database.read_now(spare_straps.ids) == frozenset()


@given(st.integers(0, 4_000_000_000_000), st.integers(-DAY_MS // 2 + 1000, DAY_MS // 2 - 1000),
       st.integers(-50_400, 50_400))  # fmt: skip
def test_a_time_of_day_is_found_near_the_moment_it_is_about(at_ms: int, off_ms: int, offset_s: int) -> None:
    meant = at_ms + off_ms
    assert 0 <= meant - near(clock_text(meant, offset_s), at_ms, offset_s) < 1000


@pytest.mark.parametrize("text", ["", "soon", "25:00", "10:61", "10:00:61", "1:2:3:4", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ActionRefused):
        near(text, 0, 0)


def test_the_hold_page_lets_go_of_straps_nobody_wears_and_of_worn_ones_when_asked(
    hub: SmallHub, admin: Client
) -> None:
    ids = asyncio.run(hub.add_squad(2))
    for strap_id in (strap(1), strap(2), FOREIGN):
        hub.hear(strap_id, 120)
    everybody = {strap(1), strap(2), FOREIGN}
    here = f"/straps/hold/look?athlete={ids[0]}"
    text = admin.get(here).text
    assert hub.let_go == {FOREIGN}
    assert "1 connected strap was let go for this" in text
    assert "Look among worn straps, too" in text
    assert "3 connected straps were let go" in admin.get(f"{here}&among=every").text
    assert hub.let_go == everybody
    asyncio.run(hub.recorder.start_session("Training", "training", 0))
    text = admin.get(f"{here}&among=every").text
    assert hub.let_go == {FOREIGN}, "nobody loses a second of a session"
    assert "stay connected while the session runs" in text
