"""Strangers in a session: enough of them to be attributed later, never so many that the store fills."""

from __future__ import annotations

import asyncio

import pytest

from hub.domain import Reading
from hub.store import straps
from hub.wearing.admission import MOST_STRANGERS, Admission
from tests.hub.ground import Ground


def test_a_thousand_made_up_straps_leave_the_squad_whole_and_the_store_small(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        recorder = ground.recorder
        door = Admission(
            recorder.hear, {"S1", "S2"}.__contains__,
            lambda: None if recorder.session is None else recorder.session.session_id,
        )  # fmt: skip
        session = await ground.start()
        for second in range(3):
            ground.pass_ms(1_000)
            for number in range(1_000):
                door.hear(Reading(f"X{number}", ground.mono_ms, 90))
            for strap_id in ("S1", "S2"):
                door.hear(Reading(strap_id, ground.mono_ms, 120 + second))
            await recorder.tick()
        kept = {it.strap_id for it in ground.store.read_now(straps.all_straps)}
        assert {"S1", "S2"} <= kept
        assert len(kept) == MOST_STRANGERS + 2
        assert door.turned_away == 3 * (1_000 - MOST_STRANGERS)
        ground.pass_ms(500)
        await recorder.end_session()
        assert session.is_live
        door.hear(Reading("X999", ground.mono_ms, 90))  # without a session the board may count it
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).unassigned > MOST_STRANGERS

    asyncio.run(story())
    assert [it.message for it in caplog.records if "left out" in it.message] == [
        "128 straps nobody wears are in the air; X128 and more are left out"
    ]


def test_a_strap_given_to_somebody_is_let_in_at_once_and_the_next_session_begins_anew() -> None:
    taken: list[str] = []
    ours: set[str] = set()
    running = ["s1"]
    door = Admission(lambda it: taken.append(it.strap_id), ours.__contains__, lambda: running[0])
    for number in range(MOST_STRANGERS + 5):
        door.hear(Reading(f"X{number}", 1, 90))
    late = f"X{MOST_STRANGERS + 1}"
    assert late not in taken
    ours.add(late)
    door.hear(Reading(late, 2, 90))
    assert taken[-1] == late
    running[0] = "s2"
    door.hear(Reading("X-new", 3, 90))
    assert (taken[-1], door.turned_away) == ("X-new", 0)
