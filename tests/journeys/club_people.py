"""What people of a club do at its pages: let a hub in by a code, change athletes, look, compare both sides.

They go by what the pages say; nobody here looks into a database, but for when a comparison was made.
"""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from hub.store import sync_findings
from tests.journeys.world import Ground, wait_for

PATIENCE_MS = 90_000
"""A machine with other work takes its time; what is waited for is there in a few seconds on an idle one."""
PICTURES = os.environ.get("PICTURES")  # a folder, where somebody wants to look


def picture(page: Page, name: str) -> None:
    """What is on the screen, where pictures are wanted."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def new_code(laptop: Page, ground: Ground) -> str:
    """A claim code by the button online."""
    laptop.goto(ground.cloud_url + "/hubs")
    laptop.get_by_role("button", name="Add a hub").click()
    return laptop.inner_text(".code")


def join(tablet: Page, laptop: Page, ground: Ground) -> None:
    """Let a hub into the club."""
    code = new_code(laptop, ground)
    tablet.goto(ground.hub_url + "/sync")
    tablet.fill("input[name=cloud_url]", ground.cloud_url)
    tablet.fill("input[name=claim_code]", code)
    tablet.get_by_role("button", name="Join", exact=True).tap()
    expect(tablet.locator("#sync .facts")).to_contain_text("Riverside", timeout=PATIENCE_MS)


def own_name(tablet: Page, ground: Ground) -> str:
    """What the hub is called on pages, as in Hub 1a2b3c4d."""
    tablet.goto(ground.hub_url + "/sync")
    return (
        tablet.locator("#sync .facts div", has=tablet.get_by_text("This hub", exact=True))
        .locator("dd")
        .inner_text()
    )


def add_athlete(tablet: Page, ground: Ground, name: str) -> None:
    """Add somebody at the ground."""
    tablet.goto(ground.hub_url + "/athletes/new")
    tablet.fill("input[name=name]", name)
    tablet.get_by_role("button", name="Save", exact=True).tap()
    tablet.wait_for_url(ground.hub_url + "/athletes")


def change_athlete(tablet: Page, ground: Ground, name: str, **values: str) -> None:
    """Change an athlete at the ground."""
    tablet.goto(ground.hub_url + "/athletes")
    tablet.get_by_role("link", name=name).tap()
    for field, value in values.items():
        tablet.fill(f"input[name={field}]", value)
    tablet.get_by_role("button", name="Save", exact=True).tap()
    tablet.wait_for_url(ground.hub_url + "/athletes")


def shown(page: Page, url: str, *wanted: str, gone: tuple[str, ...] = ()) -> None:
    """Look at a page again and again until it has these words, and not those."""

    def looked() -> bool:
        page.goto(url)
        text = page.inner_text("main")
        return all(it in text for it in wanted) and not any(it in text for it in gone)

    wait_for(f"{url} shows {wanted} and not {gone}", looked, PATIENCE_MS / 1000)


def sync_now(tablet: Page, ground: Ground) -> None:
    """Tell the hub not to wait for its next try."""
    tablet.goto(ground.hub_url + "/sync")
    tablet.get_by_role("button", name="Sync now").tap()


def is_synced(tablet: Page, ground: Ground) -> None:
    """The hub says that nothing is left to be done."""
    shown(tablet, ground.hub_url + "/sync", "Cloud: synced", "Everything recorded here is in the cloud")


def is_in_step(laptop: Page, ground: Ground, name: str) -> None:
    """Online nothing speaks against a hub: it sent all and has read all."""

    def looked() -> bool:
        laptop.goto(ground.cloud_url + "/hubs")
        return "In step" in laptop.locator("tr", has_text=name).inner_text()

    wait_for(f"{name} is in step", looked, PATIENCE_MS / 1000)


def compare(tablet: Page, laptop: Page, ground: Ground) -> None:
    """Compare now; both sides then say that they hold exactly the same."""
    before = ground.stored(sync_findings.last_finding)
    name = own_name(tablet, ground)
    tablet.get_by_role("button", name="Compare now").tap()
    wait_for("it was compared", lambda: ground.stored(sync_findings.last_finding) != before, 90)
    found = ground.stored(sync_findings.last_finding)
    assert found is not None
    assert found.is_equal, found
    expect(tablet.locator("#sync .done")).to_contain_text("exactly what this hub has", timeout=PATIENCE_MS)
    laptop.goto(ground.cloud_url + "/hubs")
    panel = laptop.locator(".panel.hub", has_text=name)
    expect(panel).to_contain_text("exactly the same on both sides")
