"""Sync by stick on the tablet: what waits is written where it was asked for, and everything odd is said."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from hub.store import meta, oplog
from hub.store.bundles import TakenAnswer, remember_answer
from sync.bundle_keys import cloud_key_b64
from tests.hub.stick import CLUB_ID, HUB_ID
from tests.web.conftest import OWN, Client
from tests.web.small_hub import SmallHub


def enrol(hub: SmallHub, *, with_key: bool = True) -> None:
    def change(db: object) -> None:
        meta.put(db, "hub_id", HUB_ID)  # type: ignore[arg-type]
        meta.put(db, "club_id", CLUB_ID)  # type: ignore[arg-type]
        meta.put(db, "bundle_key", cloud_key_b64(bytes(32)) if with_key else None)  # type: ignore[arg-type]

    hub.database.write_now(change)


def plug_in(tmp_path: Path, name: str) -> Path:
    stick = tmp_path / "media" / name
    stick.mkdir(parents=True)
    return stick


def wait_until_done(hub: SmallHub, client: Client) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if hub.bundles.view.step != "writing":
            return client.get("/bundle/state").text
        time.sleep(0.05)
    raise AssertionError("it writes and writes")


def test_before_enrolment_and_before_the_first_contact_it_says_what_to_do(
    hub: SmallHub, admin: Client
) -> None:
    assert "belongs to no club yet" in admin.get("/bundle").text
    enrol(hub, with_key=False)
    assert "Let it sync once over any network" in admin.get("/bundle").text
    answer = admin.post("/bundle/write", data={"stick": "tablet"})
    assert answer.status_code == 303
    wait_until_done(hub, admin)
    assert "has not told this hub its key" in hub.bundles.view.fault


def test_the_sync_page_leads_here_and_the_page_lists_the_sticks(
    hub: SmallHub, staff: Client, tmp_path: Path
) -> None:
    enrol(hub)
    assert 'href="/bundle"' in staff.get("/sync").text
    assert "No stick found" in staff.get("/bundle").text
    plug_in(tmp_path, "BLUE")
    page = staff.get("/bundle").text
    assert "<b>BLUE</b>" in page
    assert "No stick found" not in page


def test_what_waits_is_written_onto_the_stick_that_was_chosen(
    hub: SmallHub, staff: Client, tmp_path: Path
) -> None:
    enrol(hub)
    asyncio.run(hub.add_squad(3))
    blue, red = plug_in(tmp_path, "BLUE"), plug_in(tmp_path, "RED")
    before = hub.database.read_now(lambda db: oplog.pending(db, 1 << 20))
    assert staff.post("/bundle/write", data={"stick": str(red)}).status_code == 303
    text = wait_until_done(hub, staff)
    assert "read back and checked" in text
    assert [it.suffix for it in red.iterdir()] == [".tlb"]
    assert list(blue.iterdir()) == []
    assert hub.database.read_now(lambda db: oplog.pending(db, 1 << 20)) == before


def test_a_bundle_for_the_tablet_is_saved_from_the_page(hub: SmallHub, staff: Client, tmp_path: Path) -> None:
    enrol(hub)
    asyncio.run(hub.add_squad(1))
    for _ in range(2):
        staff.post("/bundle/write", data={"stick": "tablet"})
        text = wait_until_done(hub, staff)
        hub.pass_time(5)
    name = next((tmp_path / "bundles").iterdir()).name
    assert len(list((tmp_path / "bundles").iterdir())) == 1, "the card is for recording"
    assert f'href="/bundle/files/{name}"' in text
    answer = staff.get(f"/bundle/files/{name}")
    assert answer.content.startswith(b"TLBUNDL1")
    assert "attachment" in answer.headers["content-disposition"]
    assert staff.get("/bundle/files/hub.key").status_code == 404
    assert staff.get("/bundle/files/..%2fhub.key").status_code == 404


def test_a_stick_that_is_gone_and_a_folder_that_is_none_are_refused(
    hub: SmallHub, staff: Client, tmp_path: Path
) -> None:
    enrol(hub)
    for stick in (str(tmp_path), "/etc", "", "../media"):
        answer = staff.post("/bundle/write", data={"stick": stick})
        assert answer.status_code == 422
        assert "not plugged in any more" in answer.text


@pytest.mark.parametrize("data", [b"", b"no bundle", b"TLBUNDL1\xff\xff"])
def test_a_file_that_is_no_answer_is_told_plainly(hub: SmallHub, staff: Client, data: bytes) -> None:
    enrol(hub)
    answer = staff.post("/bundle/answer", files={"file": ("answer.tlb", data)})
    assert answer.status_code == 303
    page = staff.get("/bundle").text
    assert "cannot be read" in page
    assert "Nothing was changed" in page


def test_without_signing_in_or_from_elsewhere_nothing_is_written(
    hub: SmallHub, client: Client, tmp_path: Path
) -> None:
    enrol(hub)
    assert client.post("/bundle/write", data={"stick": "tablet"}).status_code == 303
    assert client.get("/bundle").headers["location"] == "/sign-in"
    foreign = {**OWN, "origin": "http://elsewhere.test"}
    assert client.post("/bundle/write", data={"stick": "tablet"}, headers=foreign).status_code == 403
    assert not (tmp_path / "bundles").exists()


def test_the_last_answer_is_named(hub: SmallHub, staff: Client) -> None:
    enrol(hub)
    word = TakenAnswer(hub.wall_ms, hub.wall_ms - 7_200_000, 12, 3)
    hub.database.write_now(lambda db: remember_answer(db, word))
    assert "2 hours ago" in staff.get("/bundle").text
