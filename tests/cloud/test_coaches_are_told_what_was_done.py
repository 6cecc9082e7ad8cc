"""After a press the page says what was done, takes it back where it can be, and asks first where not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hub.store.records import propose
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender
from tests.cloud.test_coaches_mind_the_hubs_online import FORM, WAS, post
from tests.cloud.test_pages import ORIGIN, text

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
SignIn = Callable[..., None]


def at_the_ground(hub: HubOn, pk: str, **fields: object) -> None:
    """Ben edits an athlete on the hub."""
    moment = replace(hub.moment(), by="Ben")
    hub.store.write_now(lambda db: propose(db, moment, "athlete", pk, fields))


@pytest.mark.parametrize("is_on_the_athletes_page", [True, False])
def test_what_was_chosen_between_two_edits_is_said_with_an_undo_beside_it(
    client: Client, start: Start, sign_in: SignIn, db: Db, is_on_the_athletes_page: bool
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    back = f"/athletes/{ann}" if is_on_the_athletes_page else "/edits"
    assert 'href="/edits"' in client.get("/hubs").text, "also where nothing is to be decided"
    post(client, f"/athletes/{ann}/edit", **(FORM | WAS | {"hr_max_bpm": "196"}))
    at_the_ground(ours, ann, hr_max_bpm=188)
    ours.sync()
    card = client.get(back).text
    choices = re.findall(r'<button( class="\w+")? name="choice" value="(\w+)"', card)
    assert choices == [(' class="second"', "other"), (' class="second"', "kept")], "neither is recommended"
    ((pk, met),) = docs(db, "two_edits").items()
    answer = client.post(f"/edits/{pk}", data={"choice": "other", "back": back}, headers=ORIGIN)
    assert answer.status_code == 303
    said = client.get(answer.headers["location"]).text
    assert f"{met['other']} bpm was chosen by rovers." in text(said)
    assert re.search(r'role="status".*value="open" type="submit">Undo<', said, re.DOTALL)
    assert 'href="/edits"' in client.get("/hubs").text
    undone = client.post(f"/edits/{pk}", data={"choice": "open", "back": back}, headers=ORIGIN)
    assert docs(db, "athlete")[ann]["hr_max_bpm"] == int(met["stands"])
    again = client.get(undone.headers["location"]).text
    assert "Two people changed HRmax" in again
    assert 'role="status"' not in again


def test_a_choice_on_a_page_that_shows_what_stood_once_changes_nothing_and_says_what_stands(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    post(client, f"/athletes/{ann}/edit", **(FORM | WAS | {"hr_max_bpm": "196"}))
    at_the_ground(ours, ann, hr_max_bpm=188)
    ours.sync()
    ((pk, met),) = docs(db, "two_edits").items()

    def set_at_the_ground(bpm: int) -> None:
        at_the_ground(ours, ann, hr_max_bpm=bpm)
        ours.sync()

    def refused(choice: str, **form: str) -> None:
        stands = docs(db, "athlete")[ann]["hr_max_bpm"]
        said = text(post(client, f"/edits/{pk}", 409, choice=choice, **form))
        assert f"Nothing was changed: HRmax of Ann was set to {stands} bpm meanwhile." in said
        assert docs(db, "athlete")[ann]["hr_max_bpm"] == stands

    assert f'name="shown" value="{met["stands"]}"' in client.get(f"/athletes/{ann}").text
    set_at_the_ground(201)
    for form in ({"shown": met["stands"]}, {}):
        refused("other", **form)
    refused("kept", shown=met["stands"])
    assert docs(db, "two_edits")[pk]["state"] == "open"
    set_at_the_ground(int(met["stands"]))
    post(client, f"/edits/{pk}", choice="other", shown=met["stands"])
    post(client, f"/edits/{pk}", choice="other", shown=met["stands"])  # pressed twice
    ours.sync()
    set_at_the_ground(202)
    refused("open", shown=met["other"])


def test_a_refused_edit_tells_whose_it_is_who_made_it_when_and_where(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann Example")
    ours.sync()
    at_the_ground(ours, ann, hr_max_bpm=900)
    ours.edit("profile_change", "change", athlete_id=ann, valid_from="2026-11-01", mass_kg=-4)
    ours.edit("lineup", "friday", what="?")
    ours.sync()
    sign_in()
    words = text(client.get("/letters").text)
    hub = f"Hub {ours.hub_id[:8]}"
    assert f"Ann Example Athlete hr max bpm 900 Made by Ben at {hub}, " in words
    assert re.search(
        rf"Made by Ben at {hub}, \w{{3}} \d+ \w{{3}} \d{{4}}, \d\d:\d\d UTC; it came just now\.", words
    )
    assert "Ann Example Value from a date valid from 2026-11-01, mass kg -4 Made at" in words
    assert "Lineup what ?" in words, "nobody's, as far as is known"


def test_putting_a_refused_edit_away_asks_first(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.edit("athlete", ann, hr_max_bpm=900)
    ours.sync()
    sign_in()
    listed = client.get("/letters").text
    assert 'value="drop"' not in listed
    (path,) = re.findall(r'href="(/letters/[^"]+/drop)"', listed)
    asked = client.get(path).text
    assert "Put this edit away?" in asked
    assert "Ann Athlete hr max bpm 900" in text(asked)
    assert "hr max bpm 900" in text(client.get("/letters").text), "asking does nothing"
    (action,) = re.findall(r'action="(/letters/[^"]+)"', asked)
    post(client, action, choice="drop")
    assert "Nothing was refused" in client.get("/letters").text
    assert client.get(path).status_code == 404


def test_a_bundle_that_comes_again_keeps_what_was_found_the_first_time(
    client: Client, start: Start, sign_in: SignIn, url: str, tmp_path: Path, db: Db
) -> None:
    ours = start("card")
    ours.athlete("Ann")
    bundle = Carrier(url, tmp_path / "stick").write(ours)
    sign_in()
    for is_again in (False, True):
        client.post("/bundles/file?name=a.tlb", content=bundle.read_bytes(), headers=ORIGIN)
        words = settled(client)
        listed = words[words.index("Taken before") :]
        assert f"Hub {ours.hub_id[:8]} " in listed
        assert "Taken New here: 1 edit." in listed
        assert "Already there" not in listed
        assert ("It came again just now." in listed) is is_again
    db.execute("UPDATE bundle SET state = 'refused', words = 'It was too early.'")
    client.post("/bundles/file?name=a.tlb", content=bundle.read_bytes(), headers=ORIGIN)
    assert "Already there Everything in it was here already." in settled(client).partition("Taken before")[2]


def settled(client: Client) -> str:
    """The words of the uploads once none is on its way."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = client.get("/bundles/jobs").text
        if "data-busy" not in found:
            return text(found)
        time.sleep(0.05)
    raise AssertionError("it takes and takes")


def test_loading_the_page_of_a_claim_code_again_makes_no_other_code(
    client: Client, hub: Sender, sign_in: SignIn, db: Db
) -> None:
    sign_in()
    before = db.execute("SELECT count(*) FROM claim_code").fetchone()
    answer = client.post("/hubs/code", headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/hubs/code")
    carried = answer.headers["set-cookie"]
    assert all(it in carried for it in ("HttpOnly", "Path=/hubs/code", "SameSite=strict"))
    assert re.search(r'class="code"[^>]*>\w{4}-\w{4}<', client.get("/hubs/code").text)
    again = client.get("/hubs/code").text
    assert 'class="code"' not in again
    assert "The code was shown once" in again
    assert db.execute("SELECT count(*) FROM claim_code").fetchone() == (int(str((before or (0,))[0])) + 1,)


@pytest.mark.parametrize("name", ["\u200b", "\u200b\u2060 \u200d", "\u3164", "\u0301", "\u2800"])
def test_a_name_of_which_nothing_can_be_seen_is_refused(
    client: Client, start: Start, sign_in: SignIn, db: Db, name: str
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    said = post(client, f"/athletes/{ann}/edit", 422, **(FORM | WAS | {"name": name}))
    assert "Nothing of this name can be seen" in said
    assert docs(db, "athlete")[ann]["name"] == "Ann"
    post(client, f"/athletes/{ann}/edit", **(FORM | WAS | {"name": "Zoe\u0308"}))
    assert docs(db, "athlete")[ann]["name"] == "Zoe\u0308"


def test_one_of_a_thing_is_never_called_many(client: Client, start: Start, sign_in: SignIn, db: Db) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.edit("athlete", ann, hr_max_bpm=900)
    ours.sync()
    sign_in()
    words = text(client.get("/hubs").text)
    assert "1 edit refused: a value cannot be right." in words
    assert "It was never compared." in words
    assert "Compared It" not in words
    db.execute("UPDATE hub SET verified_ms = 1, verified_records = 1, verified_segments = 1")
    assert "exactly the same on both sides, 1 record and 1 recording." in text(client.get("/hubs").text)
