"""Imports in real Chromium: three files dropped, followed live, one undone, somebody unknown assigned."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.domain import Role
from hub.imports.inbox import inbox
from hub.store import sessions
from tests.browser import Watch
from tests.imports.own_files import fit_run
from tests.web.conftest import PASSWORD, add_user
from tests.web.import_hub import AtWork, give_desk
from tests.web.small_hub import SmallHub
from tests.web.test_board_in_chromium import Served
from tests.web.test_imports_by_page import UNKNOWN, named_table

pytestmark = pytest.mark.browser

DROP = """(files) => {
  const carried = new DataTransfer();
  for (const [name, text] of files)
    carried.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def served(hub: SmallHub, tmp_path: Path) -> Iterator[Served]:
    """A hub whose desk is at work on the server's own loop."""
    add_user(hub, "coach", Role.ADMIN)
    work = AtWork(give_desk(hub, tmp_path))
    with Served(hub) as running:
        running.run(work.begin)
        try:
            yield running
        finally:
            running.run(work.end)


def at_import(browser: Browser, served: Served, width: int = 1024, height: int = 768) -> tuple[Page, Watch]:
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    watch = Watch(page, served.origin)
    page.goto(f"{served.origin}/sign-in")
    page.fill("[name=name]", "coach")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{served.origin}/")
    page.goto(f"{served.origin}/import")
    return page, watch


def drop(page: Page, **files: bytes) -> None:
    page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files.items()])


def test_dropped_files_are_followed_undone_and_assigned(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(2))
    page, watch = at_import(browser, served)
    expect(page.locator(".drop-zone")).to_be_visible()
    drop(
        page,
        **{"run.fit": fit_run(300), "bad.fit": b"no file at all \x00", "squad.csv": named_table("Ben H.")},
    )
    batch = page.locator(".batch")
    expect(batch.locator("[data-said]")).to_have_text("2 imported, 1 not read", timeout=20_000)
    expect(batch.locator(".file")).to_have_count(3)
    expect(batch.locator(".file", has_text="bad.fit").get_by_role("button", name="Retry")).to_be_visible()
    expect(page.locator(".sending")).to_have_count(0)

    expect(page.locator("#earlier .earlier")).to_have_count(3)  # fetched once the batch was over
    expect(page.locator("#waiting")).to_contain_text("2 people wait in the inbox.")
    run = page.locator("#earlier .earlier", has_text="run.fit")
    run.locator("summary").first.click()
    run.get_by_role("button", name="Undo this import").click()
    run.get_by_role("button", name="Undo it").click()
    expect(run.locator(".done")).to_have_text("1 session taken back.")
    expect(run.locator("summary .pill").first).to_have_text("undone")
    assert len(served.hub.database.read_now(sessions.recent)) == 1

    page.goto(f"{served.origin}/inbox")
    page.get_by_role("button", name="Menu").click()
    expect(page.locator("#inbox-count .badge")).to_have_text("1")
    page.keyboard.press("Escape")
    waiting = page.locator(".waiting", has_text="Ben H.")
    waiting.locator("select[name=other_id]").select_option(label="Ben Hartmann")
    waiting.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator(".done")).to_have_text("1 recording went to Ben Hartmann.")
    assert served.hub.database.read_now(inbox) == []
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_table_is_previewed_as_its_columns_are_named(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(1))
    page, watch = at_import(browser, served)
    page.select_option("select[name=athlete_id]", label="Anna Albrecht")
    drop(page, **{"odd.csv": UNKNOWN.replace(b"01.03.2026", b"01/03/2026")})
    page.get_by_role("link", name="Name its columns").click()
    page.select_option("#meaning-0", label="time")
    expect(page.locator("select[name=date_order]")).to_be_enabled()
    expect(page.locator("select[name=date_order]")).to_have_value("")  # 01/03 could be either
    page.select_option("select[name=date_order]", "dmy")
    expect(page.locator(".fault")).to_contain_text("holds a value")
    expect(page.get_by_role("button", name="Save and read the file")).to_be_disabled()
    page.select_option("#meaning-1", label="heart rate")
    expect(page.locator("#table tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Save and read the file").click()
    expect(page.locator("[data-said]")).to_have_text("1 imported", timeout=20_000)
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_folder_is_sent_without_its_hidden_files_and_a_sending_is_cancelled(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    season = tmp_path / "season"
    (season / "june").mkdir(parents=True)
    (season / ".DS_Store").write_bytes(b"not meant")
    (season / "june" / "run.fit").write_bytes(fit_run(60))
    page, watch = at_import(browser, served)
    page.locator("[webkitdirectory]").set_input_files(season)
    expect(page.locator("[data-said]")).to_have_text("1 imported", timeout=20_000)
    expect(page.locator(".file b")).to_have_text("season/june/run.fit")
    page.route("**/import/files?*", lambda _: None)  # the Wi-Fi is gone
    drop(page, **{"a.fit": fit_run(60), "b.fit": fit_run(61)})
    expect(page.locator(".sending [data-said]")).to_contain_text("0 of 2 sent")
    page.locator(".sending").get_by_role("button", name="Cancel").click()
    expect(page.locator(".sending")).to_have_count(0)
    expect(page.locator(".batch")).to_have_count(1)
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_file_the_hub_refuses_is_named_with_the_reason(browser: Browser, served: Served) -> None:
    page, _ = at_import(browser, served)
    said = '{"detail": "There is not enough room on the disk: The file was not taken."}'
    page.route("**/import/files?*full*", lambda route: route.fulfill(status=422, body=said))
    drop(page, **{"full.fit": fit_run(60), "fine.fit": fit_run(61)})
    expect(page.locator(".batch [data-said]")).to_have_text("1 imported", timeout=20_000)
    expect(page.locator(".sending li")).to_have_text(
        "full.fit: There is not enough room on the disk: The file was not taken."
    )
    page.locator(".sending").get_by_role("button", name="Close").click()
    expect(page.locator(".sending")).to_have_count(0)
    page.context.close()
