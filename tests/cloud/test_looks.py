"""The pages in real Chromium: nothing overflows, nothing is asked of other sites, the policy holds."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser

from cloud.clock import now_ms
from tests.browser import Watch, browser
from tests.cloud.conftest import PASSWORD
from tests.cloud.sender import Sender
from tests.cloud.serving import Serving

__all__ = ["browser"]

pytestmark = pytest.mark.browser

DAY_MS = 86_400_000
LONG = "Konstantinopolitanischdudelsackpfeifenmachergesellinnenhohen"
SIZES = {"tablet": (1024, 768), "phone": (390, 844)}


@pytest.fixture
def served(url: str, tmp_path: Path, claim: Callable[[str], str]) -> Iterator[str]:
    """A running service with two sessions of four athletes, one long of name; its origin."""
    code = claim("Rovers")
    serving = Serving({"DATABASE_URL": url, "TOUCHLINE_DATA": str(tmp_path)})
    try:
        assert serving.is_ready.wait(60), serving.lines
        train(serving.origin, code)
        wait_for_insight(url)
        yield serving.origin
    finally:
        code_at_end = serving.end(signal.SIGTERM)
    assert code_at_end == 0, serving.lines


def train(origin: str, code: str) -> None:
    with httpx.Client(base_url=origin) as client:
        hub = Sender(client)
        hub.enrol(code)
        hub.sign_in()
        people = [hub.add_athlete(name, number) for number, name in ((1, "Ann"), (2, "Bea"), (3, "Cleo"))]
        people.append(hub.add_athlete(LONG, 4))
        hub.push(*(op for _, op in people))
        hub.push(hub.op("athlete", people[-1][0], name=1000 * LONG, hr_max_bpm=900))
        for back in (8, 1):
            bpm: dict[str, int | None] = {pk: 150 for pk, _ in people}
            _, ops, segments = hub.record_session("Run", now_ms() - back * DAY_MS, 20, bpm)
            hub.push(*ops)
            hub.send_segments(*segments)


def wait_for_insight(url: str) -> None:
    deadline = now_ms() + 20_000
    with psycopg.connect(url, autocommit=True) as db:
        while now_ms() < deadline:
            row = db.execute("SELECT count(*) FROM row_state WHERE tbl = 'insight'").fetchone()
            if row == (1,):
                return
            time.sleep(0.1)
    pytest.fail("no insight was written within 20 s")


def test_a_coach_walks_through_every_page(served: str, browser: Browser) -> None:
    for size, (width, height) in SIZES.items():
        with browser.new_context(viewport={"width": width, "height": height}) as context:
            page = context.new_page()
            watch = Watch(page, served)
            page.goto(f"{served}/")
            page.get_by_label("E-mail address").fill("rovers@example.org")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("link", name="Run").first.click()
            page.get_by_role("link", name="Ann").click()
            page.get_by_role("img", name="Daily Banister load of Ann").wait_for()
            seen = [page.url]
            for name in ("Sessions", "Athletes", "Insights", "Hubs"):
                page.get_by_role("navigation").get_by_role("link", name=name).click()
                page.get_by_role("heading", level=1, name=name).wait_for()
                seen.append(page.url)
            page.goto(f"{served}/athletes")
            page.get_by_role("link", name=LONG).click()
            page.get_by_role("heading", level=1, name=LONG).wait_for()
            seen += [page.url, f"{page.url}/edit", f"{served}/letters", f"{served}/edits"]
            assert "week" in page.goto(f"{served}/insights").text()  # type: ignore[union-attr]
            for url in seen:
                page.goto(url)
                wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wider <= 0, (size, url)
            page.goto(f"{served}/schema")
            page.get_by_text("/v1/sync/push").wait_for()
            assert watch.elsewhere == []
            assert watch.complaints == []
