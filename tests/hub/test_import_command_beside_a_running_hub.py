"""`touchline-hub import` while the hub runs: the hub itself keeps the file, and a dry run leaves it alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.store import athletes, imports, originals, sessions
from tests.imports.own_files import fit_run, tcx_run
from tests.journeys.world import Ground, Staff

OPTIONS = ("--athlete", "Athlete 1")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A running hub with one athlete."""
    world = Ground(tmp_path_factory.mktemp("ground"))
    try:
        world.start_pitch("--athletes", "1")
        world.start_hub()
        staff = Staff(world)
        staff.set_up()
        staff.post("/athletes/new", name="Athlete 1", shirt_number="1", sex="F", is_active="yes")
        staff.close()
        yield world
    finally:
        world.close()


def imported(ground: Ground, *arguments: str | Path) -> tuple[int, list[Any]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hub.cli", "import", "--json", *map(str, arguments)],
        env={**os.environ, **ground.env}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def file(ground: Ground, name: str, data: bytes) -> Path:
    (ground.folder / name).write_bytes(data)
    return ground.folder / name


def test_the_running_hub_keeps_the_file_and_goes_on(ground: Ground) -> None:
    paths = file(ground, "run.fit", fit_run(300)), file(ground, "bad.fit", b"\x89PNG\r\n\x1a\n" + bytes(99))
    status, told = imported(ground, *paths, *OPTIONS)
    assert (status, [it["status"] for it in told]) == (1, ["imported", "failed"])
    (session,) = told[0]["sessions"]
    assert (session["athlete"], session["hr"]["n"]) == ("Athlete 1", 300)
    assert ground.newest_session().session_id == session["id"]
    assert ground.stored(originals.total_bytes) > 0
    assert ground.health()["status"] == "ok"


def test_a_dry_run_beside_it_says_what_would_become_and_keeps_nothing(ground: Ground) -> None:
    imported(ground, file(ground, "first.fit", fit_run(280)), *OPTIONS)
    before = ground.stored(lambda db: (imports.recent(db), sessions.recent(db), originals.total_bytes(db)))
    twin = file(ground, "twin.tcx", tcx_run(280))
    status, (told,) = imported(ground, twin, "--dry-run", *OPTIONS)
    assert (status, told["status"]) == (0, "linked")
    after = ground.stored(lambda db: (imports.recent(db), sessions.recent(db), originals.total_bytes(db)))
    assert after == before
    assert [it.name for it in ground.stored(athletes.all_athletes)] == ["Athlete 1"]
