"""An imported file is a session like any other; a refused or repeated one leaves only a line in the diary."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub import importer
from hub.errors import ActionRefused, NotFound
from hub.loads import heart_series
from hub.store import imports, sessions
from hub.store.imports import ImportRecord
from tests.exports.fit_writer import run_file
from tests.hub.ground import Ground

START = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
HEART = [(second, 150) for second in range(0, 901)]
RUN = run_file(START, HEART, elapsed_s=1_000, offset_s=3_600)


def take(ground: Ground, data: bytes, athlete_id: str | None, name: str = "run.fit") -> ImportRecord:
    parsed = importer.parse(name, data)
    return ground.store.write_now(lambda db: importer.store(db, ground.moment(), parsed, athlete_id))


def contents(ground: Ground) -> dict[str, int]:
    tables = ("outbox", "session", "strap", "stream", "stream_assignment", "segment", "import")
    return {table: ground.count(table) for table in tables}


def test_a_file_becomes_an_ended_session_with_its_load(ground: Ground) -> None:
    ground.add_athlete(1)
    record = take(ground, RUN, "a1")
    assert (record.status, record.session_id is not None) == ("imported", True)
    assert "Athlete 1, running, 17 min, 901 heart rates" in record.detail
    (session,) = ground.store.read_now(sessions.recent)
    assert (session.source, session.is_live, session.utc_offset_s, session.boot_no) == (
        "file",
        False,
        3_600,
        0,
    )
    row = ground.table(session)["a1"]
    assert row.mean_bpm == pytest.approx(150)
    assert row.coverage == pytest.approx(0.9)
    ((_, seconds, _),) = ground.store.read_now(lambda db: heart_series(db, session.session_id))
    assert (seconds[0], seconds[-1]) == (0, 900)
    assert ground.store.read_now(sessions.live) is None


def test_the_same_bytes_are_never_stored_twice(ground: Ground) -> None:
    ground.add_athlete(1)
    first = take(ground, RUN, "a1")
    before = contents(ground)
    again = take(ground, RUN, "a1", "copy of run.fit")
    assert (again.status, again.session_id) == ("duplicate", first.session_id)
    assert "run.fit" in again.detail
    assert contents(ground) == before | {"import": 2}
    assert take(ground, RUN, None).status == "duplicate"


def test_the_same_run_under_other_bytes_is_another_file(ground: Ground) -> None:
    ground.add_athlete(1)
    take(ground, RUN, "a1")
    assert take(ground, run_file(START, HEART[:-1]), "a1").status == "imported"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Dear diary", "not a FIT file"),
        (run_file(START, []), "no heart rate"),
        (RUN[:40], "could not be read"),
    ],
)
def test_a_bad_file_is_noted_with_its_reason_and_stores_nothing_else(
    ground: Ground, data: bytes, words: str
) -> None:
    ground.add_athlete(1)
    before = contents(ground)
    record = take(ground, data, "a1")
    assert (record.status, record.session_id) == ("failed", None)
    assert words in record.detail
    assert contents(ground) == before | {"import": 1}
    assert ground.store.read_now(imports.recent) == [record]


def test_a_failed_file_may_be_tried_again(ground: Ground) -> None:
    ground.add_athlete(1)
    assert [take(ground, b"bad", "a1").status for _ in range(2)] == ["failed", "failed"]


def test_a_file_without_an_athlete_is_refused_with_nothing_applied(ground: Ground) -> None:
    before = contents(ground)
    with pytest.raises(ActionRefused, match="athlete") as refused:
        take(ground, RUN, None)
    with pytest.raises(NotFound):
        take(ground, RUN, "nobody")
    assert "--athlete" in refused.value.hint
    assert contents(ground) == before


def test_a_disk_that_fails_in_the_middle_leaves_nothing(ground: Ground) -> None:
    ground.add_athlete(1)
    before = contents(ground)
    ground.store.trouble = ActionRefused("stop")
    with pytest.raises(ActionRefused):
        take(ground, RUN, "a1")
    ground.store.trouble = None
    assert contents(ground) == before
    assert take(ground, RUN, "a1").status == "imported"


def test_dropped_rows_are_said(ground: Ground) -> None:
    ground.add_athlete(1)
    record = take(ground, run_file(START, [(40 * 86_400, 99), *HEART]), "a1")
    assert "1 rows with impossible times were left out" in record.detail
