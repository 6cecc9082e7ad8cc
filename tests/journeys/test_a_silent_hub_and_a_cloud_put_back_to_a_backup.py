"""A hub returns after half a year, then the cloud is put back to yesterday: nothing is lost, nobody risen.

Real processes and pages. Half a year cannot be waited for: while the cloud is stopped, its rows are made to
say that the feed was written, and the hub last heard, 200 days earlier. The backup is a copy of the stopped
cloud's Postgres folder, made the night before the hub returns and put back in the place of today's; nobody
tells the cloud that it was.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.store.athletes import all_athletes
from hub.store.ledger import sync_ledger
from tests.journeys.cloud_view import CloudView
from tests.journeys.club_people import (
    PATIENCE_MS,
    add_athlete,
    change_athlete,
    compare,
    is_in_step,
    is_synced,
    join,
    own_name,
    picture,
    shown,
    sync_now,
)
from tests.journeys.loaded_hub import LoadedHub
from tests.journeys.test_two_people_edit_one_athlete_during_an_outage import laptop_at, tablet_at
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]
DAYS = 200
GONE = "Athlete 2"


def recorded(ground: Ground, seed: int) -> None:
    """A training of ten minutes onto the card of a hub that does not run, worn by those who are on it."""
    hub = LoadedHub(ground.folder / "hub", seed=seed)
    hub.athletes = [it.athlete_id for it in hub.asked(all_athletes)]
    hub.record(athletes=max(2, len(hub.athletes)), minutes=10)
    hub.close()


def test_a_silent_hub_catches_up_and_a_restored_cloud_is_made_whole(
    ground: Ground, staff: Staff, browser: Browser
) -> None:
    ground.start_cloud()
    ground.start_pitch("--athletes", "1")
    other = ground.another_hub("lakeside")
    recorded(ground, seed=7)
    other.launch_hub()
    ground.start_hub()
    ground.claim_code()  # makes the club and the coach
    staff.set_up()
    wait_for("the other hub answers", other.health)
    their_staff = Staff(other)
    their_staff.set_up()
    their_staff.close()
    laptop, ours, theirs = laptop_at(browser, ground), tablet_at(browser, ground), tablet_at(browser, other)
    join(ours, laptop, ground)
    join(theirs, laptop, other)
    names = own_name(ours, ground), own_name(theirs, other)
    shown(theirs, other.hub_url + "/athletes", "Athlete 1", GONE)
    is_synced(theirs, other)

    view = CloudView(ground)
    a_hub_falls_silent(ground, other, theirs)
    backup = half_a_year_goes_by(ground, other, view, ours, laptop, names)
    then = view.held()
    it_comes_back(ground, other, ours, theirs, laptop)
    somebody_is_erased(ground, other, ours, theirs, laptop, names)
    held = view.held()
    assert sum(kind == "recording" for kind, _ in held) > sum(kind == "recording" for kind, _ in then)
    assert set(then) - set(held), "who was erased is in the backup"

    last_night_comes_back(ground, backup)
    for at, tablet in ((ground, ours), (other, theirs)):
        sync_now(tablet, at)
    wait_for("the day is back, and nobody is risen", lambda: is_back(view, held) or None, 90)
    for at, tablet in ((ground, ours), (other, theirs)):
        shown(tablet, at.hub_url + "/athletes", "Athlete 1", "77", "Cleo", gone=(GONE,))
        is_synced(tablet, at)
        compare(tablet, laptop, at)
        diary(tablet, "the cloud was put back to a backup")
        picture(tablet, f"silent-7-hub-{at.hub_port}-after-the-backup")
    shown(laptop, ground.cloud_url + "/athletes", "77", "Cleo", gone=(GONE,))
    erased_everywhere(laptop, ground, names)
    picture(laptop, "silent-8-online-after-the-backup")


def diary(tablet: Page, words: str) -> None:
    """The hub's page notes what happened."""
    tablet.reload()
    tablet.locator("summary", has_text="What happened lately").tap()
    expect(tablet.locator(".diary")).to_contain_text(words)


# --- half a year


def a_hub_falls_silent(ground: Ground, other: Ground, theirs: Page) -> None:
    """It goes on without a network, with an athlete and a training that it could not send."""
    assert other.hub is not None
    theirs.goto(other.hub_url + "/sync")
    theirs.get_by_role("button", name="Pause").tap()
    expect(theirs.locator("#limits")).to_contain_text("Paused: nothing is sent or fetched.")
    add_athlete(theirs, other, "Cleo")
    theirs.goto(other.hub_url + "/sync")
    expect(theirs.locator("#sync")).to_contain_text("1 edit waits to be sent")
    picture(theirs, "silent-1-hub-before")
    other.hub.stop()
    recorded(other, seed=8)


def own_id(ground: Ground) -> str:
    hub_id = ground.stored(sync_ledger).hub_id
    assert hub_id is not None
    return hub_id


def half_a_year_goes_by(
    ground: Ground, other: Ground, view: CloudView, ours: Page, laptop: Page, names: tuple[str, str]
) -> Path:
    """The club goes on without it, and the feed it has not read is compacted; last night's backup."""
    assert ground.cloud is not None
    change_athlete(ours, ground, "Athlete 1", shirt_number="66")
    shown(laptop, ground.cloud_url + "/athletes", "66")
    sync_now(ours, ground)
    is_in_step(laptop, ground, names[0])
    hub_id = own_id(other)
    read = view.read_by(own_id(ground))
    view.months_pass(DAYS, hub_id)
    ground.cloud.stop()
    postgres, backup = ground.folder / "cloud" / "postgres", ground.folder / "cloud" / "backup"
    subprocess.run(["cp", "-a", str(postgres), str(backup)], check=True)  # with whose the files are
    ground.start_cloud()
    wait_for("what every living hub has read is compacted", lambda: view.is_forgotten(read) or None, 60)
    sync_now(ours, ground)
    laptop.goto(ground.cloud_url + "/hubs")
    expect(laptop.locator("tr", has_text=names[1])).to_contain_text(f"Not heard for {DAYS} days")
    panel = laptop.locator(".panel.hub", has_text=names[1])
    expect(panel).to_contain_text("Silent for half a year: the club no longer waits for it.")
    picture(laptop, "silent-2-online-while-silent")
    return backup


def it_comes_back(ground: Ground, other: Ground, ours: Page, theirs: Page, laptop: Page) -> None:
    """It takes all of the club anew, and what it did in its silence arrives."""
    other.start_hub()
    theirs.goto(other.hub_url + "/sync")
    expect(theirs.locator("#sync")).to_contain_text("Somebody paused the sync.")
    theirs.get_by_role("button", name="Go on syncing").tap()
    expect(theirs.locator("#limits")).to_contain_text("what is new waits here")
    is_synced(theirs, other)
    diary(theirs, "took all records of the club anew")
    picture(theirs, "silent-3-hub-is-back")
    for at, tablet in ((other, theirs), (ground, ours)):
        shown(tablet, at.hub_url + "/athletes", "66", "Cleo", GONE)
        is_synced(tablet, at)
        compare(tablet, laptop, at)
    shown(ours, ground.hub_url + "/sessions", "recorded by another hub")
    laptop.goto(ground.cloud_url + "/hubs")
    expect(laptop.locator("main")).not_to_contain_text("Not heard for")
    expect(laptop.locator("main")).not_to_contain_text("Silent for half a year")
    picture(laptop, "silent-4-online-all-back")


# --- a backup


def somebody_is_erased(
    ground: Ground, other: Ground, ours: Page, theirs: Page, laptop: Page, names: tuple[str, str]
) -> None:
    """The day's last edit, and somebody's data is erased on both hubs, as the page online shows."""
    change_athlete(ours, ground, "Athlete 1", shirt_number="77")
    ground.cloud_command("erase", "--club", "Riverside", GONE, "--yes")
    for at, tablet in ((ground, ours), (other, theirs)):
        sync_now(tablet, at)
        shown(tablet, at.hub_url + "/athletes", "77", "Cleo", gone=(GONE,))
        is_synced(tablet, at)
        sync_now(tablet, at)  # its next word tells the cloud that it was done
    erased_everywhere(laptop, ground, names)
    picture(laptop, "silent-5-online-erased")


def erased_everywhere(laptop: Page, ground: Ground, names: tuple[str, str]) -> None:
    """The page online has a receipt of every hub, for one erasure."""

    def has_receipts() -> bool:
        laptop.goto(ground.cloud_url + "/hubs")
        section = laptop.locator("section", has=laptop.get_by_role("heading", name="Erasures"))
        done = section.locator("tbody tr td:nth-child(2)").all_inner_texts()
        return len(done) == 1 and all(it in done[0] for it in names)

    wait_for(f"{names} have carried it out", has_receipts, PATIENCE_MS / 1000)


def is_back(view: CloudView, held: list[tuple[str, str]]) -> bool:
    """Whether all is there and nothing else but what an edit about the erased may leave behind.

    It comes again where the other hub tells the cloud of the erasure before this one sends its log.
    """
    told = set(view.put_away_as_erased())
    return [it for it in view.held() if it in held or it not in told] == held


def last_night_comes_back(ground: Ground, backup: Path) -> None:
    """The database of last night in the place of today's."""
    assert ground.cloud is not None
    ground.cloud.stop()
    postgres = ground.folder / "cloud" / "postgres"
    postgres.rename(postgres.with_name("broken"))
    backup.rename(postgres)
    ground.start_cloud()
