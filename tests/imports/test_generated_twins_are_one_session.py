"""One effort written as FIT, TCX and GPX, by a strap and by a watch: one session, whatever comes first."""

from __future__ import annotations

import itertools
from datetime import UTC, timedelta
from pathlib import Path

from hub.devices.exports.found import Setting
from hub.imports import zones
from hub.imports.keep import keep
from hub.imports.read import read_path
from hub.imports.readfile import ReadFile
from hub.store import questions, sessions, sources
from tests.imports import made
from tests.imports.own_files import START, fit_run, gpx_run, rr_lines, tcx_run

MINUTES = 10


def read(folder: Path, name: str, data: bytes) -> ReadFile:
    (folder / name).write_bytes(data)
    (found,) = read_path(folder / name, Setting(UTC))
    assert found.error is None, found.error
    return found


def test_fit_tcx_and_gpx_of_one_effort_and_its_watch_are_one_session_in_any_order(tmp_path: Path) -> None:
    n = MINUTES * 60
    twins = [
        read(tmp_path, "run.fit", fit_run(n)),
        read(tmp_path, "run.tcx", tcx_run(n)),
        read(tmp_path, "run.gpx", gpx_run(n)),
        read(tmp_path, "watch.fit", fit_run(n, start=START + timedelta(seconds=3))),
    ]
    for files in itertools.permutations(twins):
        db, now = made.memory_store(1)
        statuses = [keep(db, now, it, "a1").record.status for it in files]
        assert statuses == ["imported", "linked", "linked", "linked"]
        (session,) = sessions.recent(db)
        assert len(sources.of_session(db, session.session_id)) == len(twins)
        assert not questions.still_open(db)


def test_a_straps_beats_and_the_watch_are_one_session_with_two_sources(tmp_path: Path) -> None:
    strap = read(tmp_path, "2026-03-01 09-00-00.txt", rr_lines(700))
    watch = read(tmp_path, "watch.fit", fit_run(540, first_bpm=72, start=START + timedelta(seconds=3)))
    for files in ((strap, watch), (watch, strap)):
        db, now = made.memory_store(1)
        assert [keep(db, now, it, "a1").record.status for it in files] == ["imported", "linked"]


def test_a_whole_hour_beside_is_asked_about_and_merges_only_when_confirmed(tmp_path: Path) -> None:
    n = MINUTES * 60
    right, wrong = (
        read(tmp_path, "run.fit", fit_run(n)),
        read(tmp_path, "moved.fit", fit_run(n, start=START + timedelta(hours=1))),
    )
    for files in ((right, wrong), (wrong, right)):
        db, now = made.memory_store(1)
        for it in files:
            keep(db, now, it, "a1")
        assert len(sessions.recent(db)) == 2
        (asked,) = questions.still_open(db)
        zones.answer(db, now, asked.question_id, correct=True)
        assert len(sessions.recent(db)) == 1
