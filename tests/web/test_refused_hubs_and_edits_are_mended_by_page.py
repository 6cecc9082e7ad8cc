"""What the cloud refused is mended where it is shown: a hub joins again, an edit is corrected."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from html import unescape
from sqlite3 import Connection
from typing import Any

import pytest

from hub.errors import ActionRefused
from hub.store import erasure, erasure_notes, meta, shut_out
from hub.store.records import propose
from hub.syncing.desk import Comparing
from hub.web.letters import mended
from hub.web.typed import is_unseen
from sync.bundle_keys import cloud_key_b64
from sync.errors import CloudUnreachable
from sync.wire import ClubHub, ClubResponse, ErasureReceipt
from tests.web.small_hub import SmallHub
from tests.web.test_sync_pages_say_why_and_what_next import OWN, Client, bury, join, met, value

REVOKED = "This hub was shut out of its club."


def shut(hub: SmallHub) -> None:
    """The cloud said that this hub was shut out."""
    join(hub, state="failed", last_error=REVOKED, detail="")
    hub.database.write_now(lambda db: shut_out.heard(db, is_out=True))


def newest_edit(hub: SmallHub) -> tuple[str, str]:
    """The fields and the author of what was proposed last."""
    fields, made_by = hub.database.read_now(
        lambda db: db.execute("SELECT fields, made_by FROM outbox ORDER BY seq DESC LIMIT 1").fetchone()
    )
    return str(fields), str(made_by)


# --- a hub that was shut out


def test_a_hub_that_was_shut_out_says_so_and_joins_again_on_its_page(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    shut(hub)
    said = admin.get("/sync").text
    for words in ("The club has shut this hub out.", "what is recorded here stays here",
                  "stay here until this hub has joined again", "Join again"):  # fmt: skip
        assert words in said
    for words in ("revoked", "next try", "as soon as there is a way", "key:"):
        assert words not in said
    assert "Cloud: shut out" in admin.get("/sync/pill").text
    wrong = admin.post("/sync/rejoin", data={"claim_code": "NOPE"})
    assert wrong.status_code == 422
    assert "The cloud does not know this code. Make a new one." in wrong.text
    assert 'value="NOPE"' in wrong.text
    assert admin.post("/sync/rejoin", data={"claim_code": "  "}).status_code == 422
    assert admin.post("/sync/rejoin", data={"claim_code": "CLAIM-1"}).headers["location"] == "/sync"
    join(hub)
    hub.database.write_now(lambda db: meta.put(db, "hub_id", "99999999-new"))
    said = admin.get("/sync").text
    assert "shut this hub out" not in said
    assert "Hub 99999999" in said


def test_sync_now_is_off_where_nothing_can_come_of_it_and_says_why(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    off = 'id="why-not-now">{}</span><button'
    for state, why in (
        ("copied", "Another machine goes by this hub's name."), ("paused", "The sync is paused."),
        ("waiting", "It waits for its network."),
    ):  # fmt: skip
        join(hub, state=state)
        said = unescape(admin.get("/sync/status").text)
        assert off.format(why) in said
        assert 'disabled aria-describedby="why-not-now">Sync now' in said
    join(hub)
    assert "why-not-now" not in admin.get("/sync/status").text
    shut(hub)
    assert off.format("This hub is shut out.") in admin.get("/sync/status").text


def test_a_hub_whose_card_was_copied_joins_as_one_of_its_own_on_its_page(
    hub: SmallHub, admin: Client
) -> None:
    asyncio.run(hub.add_squad(1))
    join(hub, state="copied", last_error="Two machines.", next_try_s=9.0)
    said = unescape(admin.get("/sync").text)
    for words in ("Two machines run with copies of this hub's card.", "Join as a hub of its own",
                  "the other one keeps the old name", "here until this hub has joined again"):  # fmt: skip
        assert words in said
    for words in ("shut", "next try", "next round", "as soon as there is a way"):
        assert words not in said
    assert "Cloud: card copied" in admin.get("/sync/pill").text
    assert 'value="NOPE"' in admin.post("/sync/rejoin", data={"claim_code": "NOPE"}).text
    assert admin.post("/sync/rejoin", data={"claim_code": "CLAIM-1"}).headers["location"] == "/sync"
    hub.database.write_now(lambda db: meta.put(db, "hub_id", "99999999-new"))
    join(hub)
    assert "Two machines run" not in admin.get("/sync").text


def test_only_an_admin_lets_a_hub_join_again(hub: SmallHub, staff: Client) -> None:
    shut(hub)
    assert "An admin can let this hub join again here." in staff.get("/sync").text
    assert staff.post("/sync/rejoin", data={"claim_code": "CLAIM-1"}).status_code in (401, 403)


def test_no_bundle_is_written_that_the_cloud_would_refuse(hub: SmallHub, admin: Client) -> None:
    shut(hub)
    hub.database.write_now(lambda db: meta.put(db, "bundle_key", "x"))
    said = admin.get("/bundle").text
    assert "The club has shut this hub out: its cloud would refuse a bundle." in said
    assert ">Write<" not in said
    with pytest.raises(ActionRefused, match="would refuse the bundle"):
        asyncio.run(hub.bundles.write(hub.bundles.setting.own))


def test_what_the_cloud_said_of_the_old_name_is_void_under_a_new_one(hub: SmallHub) -> None:
    def change(db: Connection) -> list[bool]:
        found = [shut_out.is_shut_out(db)]
        meta.put(db, "hub_id", OWN)
        shut_out.heard(db, is_out=True)
        found.append(shut_out.is_shut_out(db))
        meta.put(db, "hub_id", "another")
        return [*found, shut_out.is_shut_out(db)]

    assert hub.database.write_now(change) == [False, True, False]


# --- refused edits


def test_a_refused_edit_says_whose_it_is_and_who_made_it_when(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 300}, by="Kim"))
    bury(hub)
    hub.pass_time(120)
    said = admin.get("/sync").text
    assert "Athlete · Anna Albrecht:</b> hr max bpm 300" in said
    assert "Set by Kim" in said
    worn = {"stream_id": "s1", "athlete_id": ann, "session_id": "x", "from_ms": 0, "to_ms": None}
    hub.database.write_now(lambda db: propose(db, hub.moment(), "stream_assignment", "a1", worn))
    bury(hub)
    assert "Who wore which strap · Anna Albrecht:" in admin.get("/sync").text


def test_a_refused_edit_is_mended_and_sent_again(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 300, "name": "Ann"}))
    page = f"/sync/letters/{bury(hub)}/mend"
    assert page in admin.get("/sync").text
    said = admin.get(page).text
    assert 'value="300"' in said
    assert "Send again" in said
    wrong = admin.post(page, data={"hr_max_bpm": "two hundred", "name": "\u200b"})
    assert wrong.status_code == 422
    assert "“two hundred” is not a whole number." in wrong.text
    assert "Give a name that can be seen." in wrong.text
    assert 'value="two hundred"' in wrong.text
    assert admin.post(page, data={"hr_max_bpm": "200", "name": "Ann"}).headers["location"] == "/sync"
    assert newest_edit(hub) == ('{"hr_max_bpm": 200, "name": "Ann"}', "coach")
    assert value(hub) == 200
    gone = admin.get(page)
    assert gone.status_code == 404
    assert "It was tried again or put away meanwhile" in gone.text


def test_mended_values_stay_of_the_kind_they_were() -> None:
    was: dict[str, Any] = {
        "n": 3, "mass_kg": 70.5, "title": "Run", "is_active": True, "athlete_id": "a", "zones": [1, 2],
        "x": None,
    }  # fmt: skip
    typed = {"n": "-4", "mass_kg": "71,5", "title": " Match ", "is_active": "no", "athlete_id": "b", "x": "1"}
    new, faults = mended(was, typed)
    assert faults == {}
    assert new == was | {"n": -4, "mass_kg": 71.5, "title": "Match", "is_active": False}
    assert isinstance(new["is_active"], bool)
    for text in ("", "3.5", "1e3", "٣", "--3", "9" * 30):
        assert "n" in mended(was, {"n": text})[1], text
    for text in ("", "nan", "inf", "1.2.3", "1e400"):
        assert "mass_kg" in mended(was, {"mass_kg": text})[1], text


def test_what_somebody_else_put_away_is_told_in_a_sentence(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 239}))
    op_id = bury(hub)
    admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"})
    second = admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"}, headers={"hx-request": "true"})
    assert second.status_code == 404
    assert 'role="alert"' in second.text
    assert "It was tried again or put away meanwhile; reload the page." in second.text


# --- edits that met


def test_a_choice_on_the_athletes_page_is_told_and_undone_there(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    assert 'href="/sync/edits"' in admin.get("/sync").text, "linked though no pair is open"
    met(hub, ann)
    page = f"/athletes/{ann}"
    admin.post("/sync/edits/m1", data={"choice": "other", "back": page})
    said = admin.get(page).text
    assert "<b>HRmax:</b> 188 bpm was chosen by coach." in said
    assert ">Undo<" in said
    assert 'href="/sync/edits"' in said
    admin.post("/sync/edits/m1", data={"choice": "open", "back": page})
    said = admin.get(page).text
    assert value(hub) == 192
    assert "Two people changed HRmax" in said
    assert ">Undo<" not in said


# --- the rest of the page


def test_a_comparison_that_failed_is_dated_and_past_once_the_cloud_was_reached(
    hub: SmallHub, admin: Client
) -> None:
    join(hub)

    async def verify(tell: Any) -> Any:
        raise ActionRefused("no route") from CloudUnreachable("no route")

    hub.desk._parts = replace(hub.desk._parts, ask_verify=verify)
    admin.post("/sync/compare")
    deadline = time.monotonic() + 10
    while "Tried just now" not in (said := admin.get("/sync/status").text) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "no route." in said
    assert "Tried just now" in said
    hub.database.write_now(lambda db: meta.put(db, "last_contact_ms", hub.wall_ms + 1))
    assert "no route" not in admin.get("/sync/status").text
    assert not Comparing("", 0, 1, False, "it has a fault", 5).is_past(6), "not for want of a way"


def test_nothing_is_lost_is_said_once(hub: SmallHub, admin: Client) -> None:
    error = CloudUnreachable("All connection attempts failed")
    join(hub, state="offline", last_error=f"{error}. {error.hint}")
    said = admin.get("/sync").text
    assert said.lower().count("nothing is lost") == 1
    assert "attempts failed. Nothing is lost" in said
    assert "The next try is in 4 seconds." in said


def test_the_page_says_which_hub_of_the_club_this_is(hub: SmallHub, admin: Client) -> None:
    join(hub)
    assert f"<dt>This hub</dt><dd>Hub {OWN[:8]}</dd>" in admin.get("/sync").text


def test_an_erasure_is_told_once_without_a_name_and_asked_about(hub: SmallHub, admin: Client) -> None:
    asked: list[bool] = []

    async def club() -> ClubResponse:
        asked.append(True)
        is_done = len(asked) > 1
        seen = ClubHub(
            hub_id=OWN, seen_ms=1, model="", sw="1", enrolled_ms=1, is_revoked=False, ops=1, segments=1
        )
        receipt = ErasureReceipt(
            erased_ms=hub.wall_ms, done=[OWN] if is_done else [], waiting=[] if is_done else [OWN]
        )
        return ClubResponse(server_ms=hub.wall_ms, hubs=[seen], erasures=[receipt])

    def shown(words: str) -> str:
        """The page, once it says this."""
        deadline = time.monotonic() + 10
        while words not in (said := admin.get("/sync/status").text) and time.monotonic() < deadline:
            time.sleep(0.02)
        return said

    join(hub)
    hub.desk._parts = replace(hub.desk._parts, ask_club=club)
    hub.database.write_now(erasure_notes.begin)
    assert hub.database.write_now(erasure_notes.take_new) == 0
    hub.database.write_now(lambda db: erasure.erase_subject(db, "gone-for-good", [], 7))
    assert hub.database.write_now(erasure_notes.take_new) == 1
    assert hub.database.write_now(erasure_notes.take_new) == 0
    assert erasure_notes.words(1).startswith("an athlete was erased online")
    assert erasure_notes.words(2).startswith("2 athletes were erased online")
    assert "not yet done here" in shown("0 of 1 hub<")
    hub.desk.erasure_heard()
    hub.pass_time(10)
    said = shown("1 of 1 hub<")
    assert "done here · 1 of 1 hub<" in said
    assert "1 edit and 1 recording in the cloud" in said
    n = len(asked)
    hub.pass_time(10)
    admin.get("/sync/status")
    time.sleep(0.1)
    assert len(asked) == n, "it is done here, and need not be asked at every look"


def test_a_name_nobody_can_see_is_refused(hub: SmallHub, admin: Client) -> None:
    for name in ("\u200b", " \u200d\ufeff ", "\u3164", "\u2800\u2060", "\u00ad"):
        answer = admin.post("/athletes/new", data={"name": name, "sex": "U"})
        assert answer.status_code == 422, ascii(name)
        assert "Give the athlete&#39;s name." in answer.text
    assert hub.database.read_now(lambda db: db.execute("SELECT count(*) FROM athlete").fetchone()[0]) == 0


def test_names_in_any_script_can_be_seen() -> None:
    for name in ("Ann", "李", "अंजलि", "محمد", "7", "É"):
        assert not is_unseen(name), name
    assert is_unseen("")


def test_a_wrong_answer_file_is_called_by_its_own_name(hub: SmallHub, admin: Client) -> None:
    join(hub)
    hub.database.write_now(lambda db: meta.put(db, "club_id", "c"))
    hub.database.write_now(lambda db: meta.put(db, "bundle_key", cloud_key_b64(bytes(32))))
    files = {"file": ("holiday.jpg", b"no bundle at all")}
    said = admin.post("/bundle/answer", files=files, headers={"hx-request": "true"}).text
    assert "holiday.jpg: This bundle cannot be read" in said
    assert "answer.upload" not in said
