"""Corrections of who wore what, and files that fill or replace straps, leave each other right."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.domain import Session
from hub.imports.arrange import arrange_recorded
from hub.imports.choose import choose, choose_nothing
from hub.store import straps
from hub.wearing.desk import Parts, WearingDesk
from hub.wearing.stretches import Cell
from tests.hub.ground import Ground, run
from tests.imports.test_gaps_of_a_live_session_are_filled import take, trained, watch


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def desk_of(ground: Ground) -> WearingDesk:
    async def changed(session_id: str | None) -> None:
        assert session_id is not None
        await ground.store.write(lambda db: arrange_recorded(db, ground.moment(), session_id))

    return WearingDesk(Parts(ground.store, ground.recorder, lambda: (), ground.moment, changed))


def cell_of(ground: Ground, session: Session) -> Cell:
    """Minutes 14 to 16 of a1's strap, which a2 had on."""
    stream = ground.store.read_now(lambda db: straps.stream(db, session.boot_no, "S1"))
    assert stream is not None
    return Cell(stream.stream_id, session.mono0_ms + 840_500, session.mono0_ms + 960_500, "a2")


@pytest.mark.parametrize("is_file_chosen", [False, True])
def test_a_stretch_moved_and_moved_back_beside_a_file_leaves_the_session_as_it_was(
    ground: Ground, is_file_chosen: bool
) -> None:
    async def story() -> None:
        session = await trained(ground)
        alone = ground.table(session)
        source = take(ground, watch()).sources[0]
        if is_file_chosen:
            ground.store.write_now(lambda db: choose(db, ground.moment(), source.source_id))
        with_file = ground.table(session)
        desk = desk_of(ground)
        done = await desk.give(session.session_id, cell_of(ground, session), "coach")
        moved = ground.table(session)
        assert moved["a2"].banister_au != pytest.approx(alone["a2"].banister_au, abs=0.2)
        assert moved["a1"].coverage == pytest.approx(1, abs=0.02), "the file has those minutes, too"
        assert moved["a2"].coverage == pytest.approx(1, abs=0.02)
        await desk.take_back(done.edit.edit_id)
        assert ground.table(session) == with_file
        if is_file_chosen:
            ground.store.write_now(lambda db: choose_nothing(db, ground.moment(), session.session_id, "a1"))
        else:
            ground.store.write_now(lambda db: choose(db, ground.moment(), source.source_id))
        assert ground.table(session)["a2"] == alone["a2"]
        assert ground.table(session)["a1"].coverage == pytest.approx(1, abs=0.02)

    run(story())
    ground.close()
