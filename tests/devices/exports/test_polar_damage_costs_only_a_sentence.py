"""Polar's files with bytes flipped, cut out or doubled end in sessions or in one refusal, not in a crash."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from hub.devices.exports.found import Found, Setting
from hub.devices.exports.polar_account import is_polar_account, read_polar_account
from hub.devices.exports.polar_flow import read_polar_flow_csv, read_polar_flow_json
from hub.devices.exports.polar_hrm import is_polar_hrm, read_polar_hrm
from hub.devices.exports.polar_rr import read_polar_rr_csv
from hub.devices.exports.polar_team import is_polar_team_csv, read_polar_team
from hub.devices.exports.polar_xml import read_polar_xml
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from tests.devices.exports import polar_files as made

Reader = Callable[[Source, Setting], Found]
CASES, SEED = 200, 20_260_219
TEAM = [made.team_row(1, "", 5000), made.team_row(1, "Game", 3000, 46072.7)]
SLEEP = [{"night": "2026-01-06", "evaluation": {"asleepDuration": "PT7H"}, "ansStatus": 1.5}]
FILES: dict[str, tuple[Reader, bytes]] = {
    "old account": (read_polar_account, made.as_json(made.old_session()).encode()),
    "new account": (read_polar_account, made.as_json(made.new_session()).encode()),
    "sleep": (read_polar_account, made.as_json(SLEEP).encode()),
    "flow csv": (read_polar_flow_csv, made.flow_csv().encode()),
    "rr csv": (read_polar_rr_csv, made.RR_CSV.encode()),
    "flow json": (
        read_polar_flow_json,
        b'{"eventType": "exercise", "datetime": "2017-04-10T19:15:53Z", "duration": 5000, "listItemId": 4}',
    ),
    "hrm": (read_polar_hrm, made.hrm("Interval=1\nSMode=11100010", "120 180 80 500\n" * 9).encode()),
    "team csv": (read_polar_team, made.team_csv(TEAM)),
    "team xlsx": (read_polar_team, made.team_xlsx(TEAM)),
    "xml": (read_polar_xml, made.XML.encode()),
}


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, a stretch cut out or doubled, or the end lost."""
    out = bytearray(data)
    at, n = chance.randrange(len(out)), chance.randrange(1, 40)
    match chance.randrange(5):
        case 0:
            del out[at:]
        case 1:
            del out[at : at + n]
        case 2:
            out[at:at] = out[at : at + n]
        case 3:
            out[at] = chance.choice(b"-9eE[{\x00\xff\"',;:.\n")
        case _:
            for _ in range(chance.randrange(1, 5)):
                out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


@pytest.mark.parametrize("kind", FILES)
def test_damage_ends_in_sessions_or_in_a_refusal(kind: str) -> None:
    read, data = FILES[kind]
    chance = random.Random(f"{SEED} {kind}")
    n_read, refusals = 0, list[ExportUnreadable]()
    for _ in range(CASES):
        bad = damaged(data, chance)
        is_polar_account(bad), is_polar_hrm(bad), is_polar_team_csv(bad)
        try:
            found = read(Source.of_bytes("1.hrv.csv", bad, {"1.csv": made.flow_csv().encode()}), made.BERLIN)
        except ExportUnreadable as refusal:
            refusals.append(refusal)
            continue
        n_read += 1
        assert found.sessions or found.daily
        for session in found.sessions:
            assert session.elapsed_s >= 0
            assert (session.track.at_ms[1:] > session.track.at_ms[:-1]).all()
            assert all(len(column) == len(session.track.at_ms) for column in session.track.columns.values())
    print(f"{kind}: seed {SEED}, {CASES} cases, {n_read} read, {CASES - n_read} refused")
    assert n_read > 0
    assert all(refusal.detail and refusal.hint for refusal in refusals)


def _changed(found: object, chance: random.Random) -> object:
    """The value with one of its parts put out of place: another type, a wild number, or gone."""
    odd: tuple[object, ...] = (
        None,
        True,
        -1,
        1e308,
        10**400,
        "NaN",
        "",
        [],
        {},
        [[]],
        {"a": {}},
        float("nan"),
        float("-inf"),
        "9" * 99,
    )
    if isinstance(found, dict) and found and chance.random() < 0.9:
        key = chance.choice(list(found))
        return {**found, key: _changed(found[key], chance)}
    if isinstance(found, list) and found and chance.random() < 0.9:
        place = chance.randrange(len(found))
        return [*found[:place], _changed(found[place], chance), *found[place + 1 :]]
    return chance.choice(odd)


@pytest.mark.parametrize(
    "whole", [made.old_session(), made.new_session(), SLEEP], ids=["old", "new", "sleep"]
)
def test_values_of_the_wrong_kind_end_in_sessions_or_in_a_refusal(whole: object) -> None:
    chance = random.Random(SEED)
    n_read = 0
    for _ in range(CASES):
        bad = _changed(_changed(whole, chance), chance)
        try:
            found = read_polar_account(made.source("1.json", made.as_json(bad)), made.BERLIN)
        except ExportUnreadable:
            continue
        n_read += 1
        assert all(0 <= session.elapsed_s <= 30 * 86_400 for session in found.sessions)
        assert all(math.isfinite(value.value) for value in found.daily)
    assert n_read > 0
