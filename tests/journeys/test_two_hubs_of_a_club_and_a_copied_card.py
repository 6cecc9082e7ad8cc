"""Two hubs of a club see each other's work; then one's card is copied into a third machine, and all go on.

Real processes and pages; the card is copied as people do it: the machine is switched off, its folder copied,
and both are switched on again.
"""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.cloud_view import CloudView
from tests.journeys.club_people import (
    PATIENCE_MS,
    add_athlete,
    change_athlete,
    compare,
    is_synced,
    join,
    new_code,
    own_name,
    picture,
    shown,
)
from tests.journeys.loaded_hub import LoadedHub
from tests.journeys.test_two_people_edit_one_athlete_during_an_outage import laptop_at, tablet_at
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]
RECORDINGS = 4
COPIES = "Two machines run with copies of"


def test_two_hubs_and_a_copy_of_one_all_end_the_same(ground: Ground, staff: Staff, browser: Browser) -> None:
    ground.start_cloud()
    ground.start_pitch("--athletes", "1")
    other = ground.another_hub("lakeside")
    recorded = LoadedHub(other.folder / "hub", seed=6)
    recorded.record(athletes=2, minutes=10)
    recorded.close()
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

    they_see_one_another(ground, other, ours, theirs, laptop)
    spare = ground.another_hub("spare")
    copied = the_card_is_copied(other, spare, theirs, laptop, browser)
    the_stopped_one_joins_again(other, theirs, laptop)

    for at, tablet in ((ground, ours), (other, theirs), (spare, copied)):
        shown(tablet, at.hub_url + "/athletes", "Athlete 1", "Athlete 2", "Bea", "Cat", "Dee")
        shown(tablet, at.hub_url + "/sessions", "Training")
        expect(tablet.locator("main .list-row")).to_have_count(1)
        is_synced(tablet, at)
        compare(tablet, laptop, at)
    laptop.goto(ground.cloud_url + "/hubs")
    expect(laptop.locator(".panel.hub")).to_have_count(3)
    expect(laptop.locator("main")).not_to_contain_text(COPIES)
    picture(laptop, "clone-8-online-three-hubs")
    ours.goto(ground.hub_url + "/sync")
    expect(ours.get_by_label("Hubs of the club").locator("li")).to_have_count(3)
    picture(ours, "clone-9-hub-three-hubs")
    view = CloudView(ground)
    op_ids = view.hub_ops()
    assert len(op_ids) == len(set(op_ids)), "nothing was taken twice under another name"
    assert view.count("segment") == RECORDINGS
    assert view.count("dead_letter") == 0


def they_see_one_another(ground: Ground, other: Ground, ours: Page, theirs: Page, laptop: Page) -> None:
    """What one hub recorded is on the other's pages, and an edit there comes back."""
    shown(ours, ground.hub_url + "/sessions", "Training", "recorded by another hub")
    change_athlete(ours, ground, "Athlete 1", shirt_number="77")
    shown(theirs, other.hub_url + "/athletes", "77")
    shown(laptop, ground.cloud_url + "/athletes", "77", "Athlete 2")
    for at, tablet in ((ground, ours), (other, theirs)):
        is_synced(tablet, at)
        compare(tablet, laptop, at)
    names = [own_name(ours, ground), own_name(theirs, other)]
    theirs.goto(other.hub_url + "/sync")
    club = theirs.get_by_label("Hubs of the club")
    expect(club.locator("li")).to_have_count(2)
    expect(club.locator("li", has_text=f"{names[1]} (This hub)")).to_contain_text(f"{RECORDINGS} recordings")
    expect(club.locator("li", has_text=names[0])).to_contain_text("1 edit and 0 recordings")
    picture(theirs, "clone-1-hub-of-two")
    laptop.goto(ground.cloud_url + "/hubs")
    for name in names:
        expect(laptop.locator("tr", has_text=name)).to_contain_text("In step")
    picture(laptop, "clone-2-online-two-hubs")


def the_card_is_copied(other: Ground, spare: Ground, theirs: Page, laptop: Page, browser: Browser) -> Page:
    """The copy takes the hub's place, the original is stopped with a clear sentence; the copy's tablet."""
    assert other.hub is not None
    name = own_name(theirs, other)
    other.hub.stop()
    shutil.copytree(other.folder / "hub", spare.folder / "hub")
    other.start_hub()
    add_athlete(theirs, other, "Bea")
    shown(laptop, other.cloud_url + "/athletes", "Bea")

    spare.start_hub()
    copied = tablet_at(browser, spare)
    add_athlete(copied, spare, "Cat")
    shown(copied, spare.hub_url + "/athletes", "Bea", "Cat")
    is_synced(copied, spare)
    assert own_name(copied, spare) == name

    add_athlete(theirs, other, "Dee")
    theirs.goto(other.hub_url + "/sync")
    state = theirs.locator("#sync")
    expect(state).to_contain_text(f"{COPIES} this hub's card.", timeout=PATIENCE_MS)
    expect(state).to_contain_text("The other one has taken this hub's place.")
    expect(state).to_contain_text("until this hub has joined again")
    expect(state.locator(".pill").first).to_have_text("Cloud: card copied")
    picture(theirs, "clone-3-hub-stopped")
    laptop.goto(other.cloud_url + "/hubs")
    expect(laptop.locator("tr", has_text=name)).to_contain_text(f"{COPIES} its card")
    picture(laptop, "clone-4-online-stopped")
    return copied


def the_stopped_one_joins_again(other: Ground, theirs: Page, laptop: Page) -> None:
    """By a code typed on its own page it becomes a hub of its own, and sends what waited."""
    before = own_name(theirs, other)
    code = new_code(laptop, other)
    theirs.get_by_role("link", name="Join as a hub of its own").tap()
    form = theirs.locator("#rejoin")
    expect(form).to_contain_text("the other one keeps the old name")
    form.get_by_label("Claim code").fill("ABCD-EFGH")
    form.get_by_role("button", name="Join").tap()
    expect(theirs.locator("#rejoin .fault")).to_contain_text("The cloud does not take this claim code")
    picture(theirs, "clone-5-wrong-code")
    form.get_by_label("Claim code").fill(code)
    form.get_by_role("button", name="Join").tap()
    expect(theirs.locator("#sync")).not_to_contain_text(COPIES, timeout=PATIENCE_MS)
    expect(theirs.locator("#rejoin")).to_have_count(0)
    shown(laptop, other.cloud_url + "/athletes", "Bea", "Cat", "Dee")
    is_synced(theirs, other)
    assert own_name(theirs, other) != before
    picture(theirs, "clone-6-joined-again")
