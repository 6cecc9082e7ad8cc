"""The sync page says what is where and why not all is synced; edits that met are settled by a tap."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from sqlite3 import Connection
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from hub.domain import Session
from hub.store import erasure, meta, refused_segments, segments
from hub.store.records import apply_feed, propose, show
from hub.store.sync_findings import DayProof
from hub.syncing.verify import Difference, Verification
from hub.web.parts import SyncView
from sync.two_edits import Side, TwoEdits, to_fields
from sync.wire import ClubHub, ClubResponse, ErasureReceipt, FeedOp
from tests.web.small_hub import SmallHub

Client = TestClient[Litestar]
JOINED = SyncView(True, "idle", "up to date", None, 4.0, network="wlan0", bytes_sent=2400)
OWN = "11111111-own"


def join(hub: SmallHub, **other: Any) -> None:
    hub.sync = replace(JOINED, **other)

    def change(db: Connection) -> None:
        for key, value in (
            ("hub_id", OWN), ("club_name", "Rovers"), ("cloud_url", "https://cloud.test"),
            ("last_contact_ms", str(hub.wall_ms - 3000)), ("feed_head", "0"),
        ):  # fmt: skip
            meta.put(db, key, value)

    hub.database.write_now(change)


def arrive(hub: SmallHub, *ops: tuple[str, str, dict[str, Any], str | None]) -> None:
    """Entries of the feed."""
    feed = [
        FeedOp(seq=n, op_id=f"feed-{tbl}-{pk}-{n}", kind="set", tbl=tbl, pk=pk, fields=fields,
               stamp_ms=hub.wall_ms, hub_id=hub_id)
        for n, (tbl, pk, fields, hub_id) in enumerate(ops, 1)
    ]  # fmt: skip
    hub.database.write_now(lambda db: apply_feed(db, feed, hub.wall_ms))


def bury(hub: SmallHub, why: str = "invalid") -> str:
    """The newest edit was refused; its id."""

    def change(db: Connection) -> str:
        op_id, tbl, pk = db.execute("SELECT op_id, tbl, pk FROM outbox ORDER BY seq DESC LIMIT 1").fetchone()
        db.execute("UPDATE outbox SET state = 'acked' WHERE op_id != ?", (op_id,))
        db.execute("UPDATE outbox SET state = 'dead', reason = ? WHERE op_id = ?", (why, op_id))
        show(db, tbl, pk, hub.wall_ms)
        return str(op_id)

    return hub.database.write_now(change)


def met(hub: SmallHub, athlete_id: str) -> None:
    """Ana online and Ben here changed HRmax of this athlete; Ana's 192 stands."""
    it = TwoEdits(
        "m1", "athlete", athlete_id, "hr_max_bpm", athlete_id,
        Side(192, "Ana", None, hub.wall_ms - 60_000, True),
        Side(188, "Ben", OWN, hub.wall_ms - 90_000, False),
    )  # fmt: skip
    arrive(hub, ("two_edits", "m1", to_fields(it), None))
    asyncio.run(hub.save_athlete(athlete_id, {"hr_max_bpm": 192}))


def value(hub: SmallHub) -> Any:
    return hub.database.read_now(lambda db: db.execute("SELECT hr_max_bpm FROM athlete").fetchone()[0])


def test_the_page_counts_kind_by_kind_and_explains(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    join(hub, state="offline", last_error="The cloud cannot be reached: no route.", bytes_pending=3200)
    said = admin.get("/sync").text
    assert "<b>The cloud cannot be reached: no route.</b> Nothing is lost meanwhile." in said
    assert "The next try is in 4 seconds." in said
    assert "wait to be sent (3.2 kB)." in said
    assert 'Athletes and their values</th><td class="num">2</td><td class="num is-waiting">2</td>' in said
    hub.database.write_now(lambda db: db.execute("UPDATE outbox SET state = 'acked'"))
    join(hub)
    assert "Everything recorded here is in the cloud" in admin.get("/sync/status").text
    assert "Cloud: synced" in admin.get("/sync/pill").text
    for state, words in (("paused", "Cloud: paused"), ("waiting", "Cloud: other network")):
        join(hub, state=state)
        assert words in admin.get("/sync/pill").text


def test_refused_edits_can_be_saved_tried_again_and_put_away(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 239}))
    join(hub)
    op_id = bury(hub)
    said = admin.get("/sync").text
    assert "hr max bpm 239" in said
    assert "Refused because a value cannot be right." in said
    assert [it["fields"] for it in admin.get("/sync/letters.json").json()] == [{"hr_max_bpm": 239}]
    assert "hr max bpm 239" not in admin.post(f"/sync/letters/{op_id}", data={"choice": "retry"}).text
    assert value(hub) == 239
    op_id = bury(hub, "suspect")
    assert "failed on it again and again" in admin.get("/sync").text
    assert "Refused by" not in admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"}).text
    assert value(hub) == 195
    assert admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"}).status_code == 404


def test_an_edit_about_somebody_erased_can_only_be_put_away(hub: SmallHub, admin: Client) -> None:
    worn = {"stream_id": "s1", "athlete_id": "gone-for-good", "session_id": "x", "from_ms": 0, "to_ms": None}
    hub.database.write_now(lambda db: propose(db, hub.moment(), "stream_assignment", "a1", worn))
    join(hub)
    hub.database.write_now(lambda db: erasure.erase_subject(db, "gone-for-good", [], 7))
    op_id = bury(hub, "erased")
    said = admin.get("/sync").text
    assert "(its content is gone)" in said
    assert "it is about an athlete whose data was erased" in said
    assert "gone-for-good" not in said + admin.get("/sync/letters.json").text
    assert f"/sync/letters/{op_id}" in said
    assert "Try again" not in said
    refused = admin.post(f"/sync/letters/{op_id}", data={"choice": "retry"})
    assert refused.status_code == 422
    assert "Nothing of this edit is left to try again." in refused.text
    assert "Refused by" not in admin.post(f"/sync/letters/{op_id}", data={"choice": "drop"}).text


def test_many_edits_about_somebody_erased_are_one_line_and_put_away_by_one_tap(
    hub: SmallHub, admin: Client
) -> None:
    join(hub)
    for pk in ("a1", "a2", "a3"):
        worn = {"stream_id": pk, "athlete_id": "gone", "session_id": "x", "from_ms": 0, "to_ms": None}
        hub.database.write_now(lambda db, it=(pk, worn): propose(db, hub.moment(), "stream_assignment", *it))  # type: ignore[misc]
    hub.database.write_now(
        lambda db: db.execute("UPDATE outbox SET state = 'dead', reason = 'erased' WHERE pk IN ('a1', 'a2')")
    )
    hub.database.write_now(
        lambda db: db.execute("UPDATE outbox SET state = 'dead', reason = 'invalid' WHERE pk = 'a3'")
    )
    said = admin.get("/sync").text
    assert "2 edits about somebody whose data was erased" in said
    assert "(its content is gone)" not in said
    assert said.count('id="letter-') == 1, "the other refused edit has its own line"
    said = admin.post("/sync/letters/erased").text
    assert "whose data was erased" not in said
    assert said.count('id="letter-') == 1


def refuse(hub: SmallHub) -> list[bytes]:
    """What two athletes' straps said was refused, one for being damaged and one for its times."""

    def change(db: Connection) -> list[bytes]:
        db.execute("UPDATE outbox SET state = 'acked'")
        rows = db.execute(
            "SELECT seg_id FROM segment JOIN stream USING (stream_id) ORDER BY sensor_id, mono0"
        )
        ids = [bytes(row[0]) for row in rows]
        reasons = ("corrupt", "out_of_range")
        refused_segments.record(db, dict(zip(ids, reasons, strict=True)), hub.wall_ms - 180_000)
        return ids

    return hub.database.write_now(change)


def test_refused_recordings_are_tried_again_or_put_away_and_taken_back(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(2))
    asyncio.run(hub.train(2, 90))
    join(hub)
    first, second = (it.hex() for it in refuse(hub))
    said = admin.get("/sync").text
    assert "The cloud refused 2 items: 1 because it is damaged; 1 because its times cannot be right." in said
    assert "wait to be sent" not in said
    assert "Cloud: 2 refused" in admin.get("/sync/pill").text
    for words in ("(strap Polar H10", "Heart rate · Training · Sat 21 Nov 2026, ", " · 89 seconds",
                  "Refused 3 minutes ago because it is damaged."):  # fmt: skip
        assert words in said
    assert said.count('id="recording-') == 2

    said = admin.post(f"/sync/recordings/{first}", data={"choice": "keep"}).text
    assert "1 recording that the cloud refused is put away. It stays on this hub only" in said
    assert "(1 put away)" in said
    assert "Take it back" in said
    said = admin.post(f"/sync/recordings/{second}", data={"choice": "retry"}).text
    assert "1 recording waits to be sent" in said
    hub.database.write_now(lambda db: segments.mark_stored(db, [bytes.fromhex(second)]))
    said = admin.get("/sync").text
    assert "Everything recorded here but what was put away is in the cloud" in said
    assert "Cloud: synced" in admin.get("/sync/pill").text

    said = admin.post(f"/sync/recordings/{first}", data={"choice": "back"}).text
    assert "Try again" in said
    assert "put away." not in said
    assert "Cloud: 1 refused" in admin.get("/sync/pill").text
    assert "1 recording waits" in admin.post("/sync/recordings/all", data={"choice": "retry"}).text
    assert admin.post(f"/sync/recordings/{first}", data={"choice": "keep"}).status_code == 404
    assert admin.post(f"/sync/recordings/{first}", data={"choice": "burn"}).status_code == 422


def test_pausing_and_limits_are_kept_and_shown(hub: SmallHub, admin: Client) -> None:
    join(hub)
    assert admin.post("/sync/pause", data={"is_paused": "yes"}).status_code == 303
    assert "Go on syncing" in admin.get("/sync").text
    admin.post("/sync/pause", data={"is_paused": "no"})
    form = {"cap_kbit_s": "300", "only_network": "ClubWifi"}
    assert admin.post("/sync/limits", data=form).status_code == 303
    said = admin.get("/sync").text
    assert '<option value="300" selected>300 kbit/s</option>' in said
    assert 'value="ClubWifi"' in said
    assert "whole number" in admin.post("/sync/limits", data=form | {"cap_kbit_s": "fast"}).text


def test_comparing_shows_progress_what_differs_and_who_else_is_there(hub: SmallHub, admin: Client) -> None:
    join(hub)
    told: list[str] = []

    async def verify(tell: Any) -> Verification:
        tell("comparing 2026-11-21", 3, 8)
        await asyncio.sleep(0.3)
        told.append("done")
        unlike = Difference("2026-11-21", "", "athlete", "abcdef123456", "only in the cloud")
        day = DayProof("2026-11-21", "", 4, 5, False, "ab" * 32)
        return Verification(4, 5, 0, 0, False, (unlike,), (day,))

    async def club() -> ClubResponse:
        seen = dict(model="touchline", sw="1.2", enrolled_ms=1, is_revoked=False, ops=7, segments=8)
        hubs = [ClubHub(hub_id=it, seen_ms=hub.wall_ms - 7_300_000, **seen) for it in (OWN, "22222222-b")]  # type: ignore[arg-type]
        receipt = ErasureReceipt(erased_ms=hub.wall_ms - 5000, done=[OWN], waiting=["22222222-b"])
        return ClubResponse(server_ms=hub.wall_ms, hubs=hubs, erasures=[receipt])

    hub.cloud.verify, hub.cloud.club = verify, club  # type: ignore[method-assign]
    hub.desk._parts = replace(hub.desk._parts, ask_verify=verify, ask_club=club)
    assert "Never compared yet" in admin.get("/sync").text
    said = admin.post("/sync/compare").text
    assert "disabled" in said
    deadline = time.monotonic() + 10
    while "1 of 4 records and 5 recordings differs" not in said and time.monotonic() < deadline:
        time.sleep(0.1)
        said = admin.get("/sync/status").text
    assert "1 of 4 records and 5 recordings differs" in said
    assert told == ["done"]
    for words in ("This hub", "Hub 22222222", "heard 2 hours ago", "done here", "1 of 2 hubs"):
        assert words in said
    proof = admin.get("/sync/proof").text
    assert "only in the cloud" in proof
    assert "abababababab" in proof
    assert "Cloud: 1 differ" in admin.get("/sync/pill").text


def test_a_comparison_that_cannot_be_made_says_why(hub: SmallHub, admin: Client) -> None:
    join(hub)
    said = admin.post("/sync/compare").text
    deadline = time.monotonic() + 10
    while "This hub is not enrolled." not in said and time.monotonic() < deadline:
        time.sleep(0.05)
        said = admin.get("/sync/status").text
    assert "This hub is not enrolled. Enter a claim code" in said
    assert "disabled" not in said


def test_the_other_value_is_one_tap_away_on_the_athletes_own_page(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    met(hub, ann)
    page = f"/athletes/{ann}"
    said = admin.get(page).text
    assert "Two people changed HRmax" in said
    assert "Ana, online, 60 seconds ago" in said
    assert "Ben, here, about 90 seconds ago" in said
    assert "1 pair of edits to decide" in admin.get("/sync").text
    answer = admin.post("/sync/edits/m1", data={"choice": "other", "back": page})
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert value(hub) == 188
    assert "Two people" not in admin.get(page).text
    assert "188 bpm was chosen by coach." in admin.get("/sync/edits").text
    answer = admin.post("/sync/edits/m1", data={"choice": "open", "back": "https://elsewhere.test/"})
    assert answer.headers["location"] == "/sync/edits"
    assert value(hub) == 192
    admin.post("/sync/edits/m1", data={"choice": "kept"})
    said = admin.get("/sync/edits").text
    assert "Nothing to decide" in said
    assert "192 bpm was kept by coach." in said
    assert admin.post("/sync/edits/m2", data={"choice": "kept"}).status_code == 404
    assert admin.post("/sync/edits/m1", data={"choice": "burn"}).status_code == 422


def test_a_choice_on_a_page_that_shows_what_stood_once_changes_nothing_and_says_what_stands(
    hub: SmallHub, admin: Client
) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    join(hub)
    met(hub, ann)
    shown = {"shown": "192"}
    assert 'name="shown" value="192"' in admin.get("/sync/edits").text
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 201}))
    for sent in ({"choice": "other"} | shown, {"choice": "kept"} | shown, {"choice": "other"}):
        answer = admin.post("/sync/edits/m1", data=sent)
        assert answer.status_code == 422
        assert "HRmax of " in answer.text
        assert "was set to 201 bpm meanwhile." in answer.text
        assert value(hub) == 201
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 192}))
    assert admin.post("/sync/edits/m1", data={"choice": "other"} | shown).status_code == 303
    assert 'name="shown" value="188"' in admin.get("/sync/edits").text
    asyncio.run(hub.save_athlete(ann, {"hr_max_bpm": 202}))
    undone = admin.post("/sync/edits/m1", data={"choice": "open", "shown": "188"})
    assert "was set to 202 bpm meanwhile." in undone.text
    assert (undone.status_code, value(hub)) == (422, 202)


def test_a_strap_of_two_is_named_by_its_wearers_and_really_changes_hands(
    hub: SmallHub, admin: Client
) -> None:
    ann, bea = asyncio.run(hub.add_squad(2))
    join(hub)
    strap_id = hub.database.read_now(
        lambda db: db.execute("SELECT strap_id FROM strap WHERE athlete_id = ?", (ann,)).fetchone()[0]
    )
    stands, other = (Side(it, "Ana", None, hub.wall_ms, True) for it in (ann, bea))
    arrive(
        hub,
        (
            "two_edits",
            "s1",
            to_fields(TwoEdits("s1", "strap", strap_id, "athlete_id", None, stands, other)),
            None,
        ),
    )
    names = hub.database.read_now(
        lambda db: [row[0] for row in db.execute("SELECT name FROM athlete ORDER BY shirt_number")]
    )
    said = admin.get("/sync/edits").text
    assert "Two people changed who wears it" in said
    assert f"Use {names[1]} instead" in said
    admin.post("/sync/edits/s1", data={"choice": "other"})
    assert hub.recorder._who.wearer[strap_id] == bea


def test_a_form_sets_only_what_was_changed_on_it(hub: SmallHub, admin: Client) -> None:
    (ann,) = asyncio.run(hub.add_squad(1))
    shown = {
        "name": "Ann",
        "shirt_number": "1",
        "sex": "M",
        "hr_max": "195",
        "hr_rest": "55",
        "is_active": "yes",
    }
    asyncio.run(hub.save_athlete(ann, {"name": "Ann"}))
    was = {f"was_{key}": text for key, text in shown.items()}
    asyncio.run(hub.save_athlete(ann, {"hr_rest_bpm": 50}))  # meanwhile, elsewhere
    assert admin.post(f"/athletes/{ann}", data=shown | was | {"hr_max": "199"}).status_code == 303
    row = hub.database.read_now(
        lambda db: db.execute("SELECT hr_max_bpm, hr_rest_bpm FROM athlete").fetchone()
    )
    assert row == (199, 50)
    by = hub.database.read_now(
        lambda db: db.execute("SELECT made_by, fields FROM outbox ORDER BY seq DESC").fetchone()
    )
    assert by == ("coach", '{"hr_max_bpm": 199}')
    answer = admin.post(f"/athletes/{ann}", data=shown | was | {"hr_rest": "60"})
    assert answer.status_code == 422
    assert "This was set to “50” while you typed. Save again to use yours." in answer.text


def test_a_session_of_another_hub_says_so(hub: SmallHub, admin: Client) -> None:
    join(hub)
    fields = {
        "title": "Away", "sport": "training", "started_at_ms": hub.wall_ms, "utc_offset_s": 0,
        "ended_at_ms": hub.wall_ms + 60_000, "boot_no": 1, "mono0_ms": 0, "mono1_ms": 60_000,
        "source": "gatt",
    }  # fmt: skip
    arrive(hub, ("session", "5e551011-0000-4000-8000-000000000001", fields, "22222222-b"))
    session: Session = asyncio.run(hub.train(0, 1))
    said = admin.get("/sessions").text
    assert said.count("recorded by another hub") == 1
    assert "recorded by another hub" in admin.get("/sessions/5e551011-0000-4000-8000-000000000001").text
    assert "recorded by another hub" not in admin.get(f"/sessions/{session.session_id}").text
