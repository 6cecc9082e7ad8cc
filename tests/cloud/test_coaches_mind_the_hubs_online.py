"""Online a coach lets hubs in and out, edits athletes, settles edits that met, decides about refused ones."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hub.store import two_edits
from hub.store.records import propose
from sync.errors import CloudUnreachable
from tests.cloud.pitchside import HubOn, docs, steady
from tests.cloud.sender import Sender
from tests.cloud.test_pages import ORIGIN, text

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
SignIn = Callable[..., None]
FORM = {
    "name": "Ann",
    "shirt_number": "7",
    "sex": "F",
    "hr_max_bpm": "190",
    "hr_rest_bpm": "50",
    "is_active": "yes",
}
WAS = {f"was_{name}": value for name, value in FORM.items()}


def post(client: Client, path: str, expected: int = 303, /, **form: str) -> str:
    answer = client.post(path, data=form, headers=ORIGIN)
    assert answer.status_code == expected, answer.text
    return answer.text


def test_a_claim_code_made_online_lets_a_hub_in(client: Client, hub: Sender, sign_in: SignIn) -> None:
    sign_in()
    post(client, "/hubs/code")
    shown = client.get("/hubs/code").text
    code = re.search(r'class="code"[^>]*>(\w{4}-\w{4})<', shown)
    assert code is not None
    assert "until" in text(shown)
    assert "http://cloud.test" in shown
    assert code.group(1) not in client.get("/hubs").text, "it is shown once"
    newcomer = Sender(client)
    assert newcomer.enrol(code.group(1).lower()).status_code == 200
    assert newcomer.sign_in().status_code == 200
    assert client.post("/hubs/code").status_code == 403, "only from our own page"


def test_shutting_a_hub_out_takes_two_steps(client: Client, start: Start, sign_in: SignIn) -> None:
    ours = start("ours")
    ours.sync()
    sign_in()
    page = f"/hubs/{ours.hub_id}/revoke"
    assert "can no longer send" in text(client.get(page).text)
    post(client, page)
    ours.sync()
    post(client, page, is_sure="yes")
    assert "Shut out just now" in text(client.get("/hubs").text)
    with pytest.raises(Exception, match="shut out"):
        ours.sync()
    assert client.get("/hubs/another/revoke").status_code == 404


def test_the_hubs_page_tells_what_a_hub_holds_and_what_comparing_found(
    client: Client, start: Start, sign_in: SignIn
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.session({ann: [(0, 600)]})
    sign_in()
    assert "never compared" in text(client.get("/hubs").text)
    ours.sync()
    assert "Athletes 1" in text(client.get("/hubs").text)
    assert ours.verify().is_equal
    ours.sync()
    words = text(client.get("/hubs").text)
    assert "exactly the same on both sides, 5 records and 2 recordings" in words
    assert "In step" in words
    proofs = text(client.get(f"/hubs/{ours.hub_id}/proof").text)
    for day in ours.verify().days:
        assert f"{day.day or 'no date'} {day.records} {day.segments} {day.sha256[:12]}" in proofs


def test_a_hub_is_in_step_only_where_nothing_waits_on_it_and_nothing_differed(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.session({ann: [(0, 600)]})
    for _ in range(2):
        ours.sync()
    sign_in()
    assert "In step" in text(client.get("/hubs").text)
    ours.keep(steady(str(uuid.uuid4()), ours.boot_no, 150, 600, 300))
    ours.line.most = len(ours.line.asked) + 3  # signs in, greets, and is cut off
    with pytest.raises(CloudUnreachable):
        ours.sync()
    ours.line.most = None
    words = text(client.get("/hubs").text)
    assert "1 recording not here yet" in words
    warning = text(client.get(f"/hubs/{ours.hub_id}/revoke").text)
    assert "stays; 1 recording it has not sent yet stays on it." in warning
    assert ours.send_samples() == 1
    assert "In step" in text(client.get("/hubs").text)
    db.execute("UPDATE hub SET verified_ms = 1, verified_records = 15, verified_differences = 3")
    words = text(client.get("/hubs").text)
    assert "3 differed when it was compared" in words
    assert "In step" not in words


def test_an_edit_online_sets_only_what_was_changed_and_reaches_the_hub(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    page = f"/athletes/{ann}/edit"
    assert 'value="190"' in client.get(page).text
    post(client, page, **(FORM | WAS | {"hr_max_bpm": "196"}))
    ours.edit("athlete", ann, shirt_number=12)
    ours.sync()
    assert docs(db, "athlete")[ann] | {"hr_max_bpm": 196, "shirt_number": 12} == docs(db, "athlete")[ann]
    assert ours.rows("SELECT hr_max_bpm, shirt_number FROM athlete") == [(196, 12)]
    said = post(client, page, 422, **(FORM | WAS | {"hr_max_bpm": "199", "hr_rest_bpm": "300"}))
    assert "while you typed" in said
    assert "from 25 to 120" in said
    assert docs(db, "athlete")[ann]["hr_max_bpm"] == 196
    assert client.get("/athletes/nobody/edit").status_code == 404


def test_edits_that_met_are_settled_online_and_the_hub_follows(
    client: Client, start: Start, sign_in: SignIn, db: Db
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    sign_in()
    post(client, f"/athletes/{ann}/edit", **(FORM | WAS | {"hr_max_bpm": "196"}))
    moment = replace(ours.moment(), by="Ben")
    ours.store.write_now(lambda it: propose(it, moment, "athlete", ann, {"hr_max_bpm": 188}))
    ours.sync()
    for page in (f"/athletes/{ann}", "/edits"):
        words = text(client.get(page).text)
        assert "Two people changed HRmax" in words
        assert "rovers, online" in words
        assert f"Ben, on hub {ours.hub_id[:8]}" in words
    assert "1 pair of edits to decide" in text(client.get("/hubs").text)
    (found,) = ours.ask(two_edits.page).found
    other = found.edits.other.value
    post(client, f"/edits/{found.edits.two_edits_id}", choice="other", back=f"/athletes/{ann}")
    assert "Two people" not in client.get(f"/athletes/{ann}").text
    assert f"{other} bpm was chosen by rovers" in text(client.get("/edits").text)
    ours.sync()
    assert ours.rows("SELECT hr_max_bpm FROM athlete") == [(other,)]
    post(client, f"/edits/{found.edits.two_edits_id}", choice="open")
    assert docs(db, "athlete")[ann]["hr_max_bpm"] == found.edits.stands.value
    assert "Keep" in client.get("/edits").text
    post(client, f"/edits/{found.edits.two_edits_id}", 422, choice="nonsense")
    post(client, "/edits/unknown", 404, choice="kept")


def test_refused_edits_are_tried_again_put_away_and_saved(
    client: Client, start: Start, sign_in: SignIn
) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.edit("athlete", ann, hr_max_bpm=900)
    ours.sync()
    sign_in()
    assert "1 edit refused" in text(client.get("/hubs").text)
    words = text(client.get("/letters").text)
    assert "hr max bpm 900" in words
    assert "a value cannot be right" in words
    (kept,) = client.get("/letters.json").json()
    assert kept["payload"]["fields"] == {"hr_max_bpm": 900}
    assert "still cannot be taken" in post(client, f"/letters/{kept['op_id']}", 422, choice="retry")
    post(client, f"/letters/{kept['op_id']}", choice="drop")
    assert "Nothing was refused" in client.get("/letters").text
    post(client, f"/letters/{kept['op_id']}", 404, choice="drop")
