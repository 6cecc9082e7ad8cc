"""The board in real Chromium: patched equals rendered, nothing overflows, nothing leaves the origin."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from hub.domain import Contact, MotionReading, Role
from hub.web.app import create_web
from tests.browser import Watch
from tests.web.conftest import PASSWORD, add_user
from tests.web.small_hub import SmallHub, strap

pytestmark = pytest.mark.browser


class Served:
    """The small hub on a real socket, its loop in a thread; `run` does something on that loop."""

    def __init__(self, hub: SmallHub) -> None:
        self.hub = hub
        config = uvicorn.Config(
            create_web(hub.parts), port=0, log_level="error", timeout_graceful_shutdown=2, lifespan="on"
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve()

    def __enter__(self) -> Served:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _stop(self) -> None:
        self.hub.parts.stopping.set()
        self._server.should_exit = True

    def run(self, act: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def tick(self, say: Callable[[SmallHub], None], seconds: float = 1) -> None:
        """Time passes, straps speak, one frame is published."""

        async def act() -> None:
            self.hub.pass_time(seconds)
            say(self.hub)
            self.hub.publish()

        self.run(act)


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running


def sign_in(browser: Browser, served: Served, width: int = 1024, height: int = 768) -> tuple[Page, Watch]:
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    watch = Watch(page, served.origin)
    page.goto(f"{served.origin}/sign-in")
    page.fill("[name=name]", "coach")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{served.origin}/")
    expect(page.locator("#link")).to_have_text("Live")
    return page, watch


def everyone(hub: SmallHub) -> None:
    for number in range(1, 13):
        hub.hear(strap(number), 84 + 9 * number)


def changed(hub: SmallHub) -> None:
    for number in range(1, 10):
        hub.hear(strap(number), 110 + 8 * number)
    hub.hear(strap(10), None, Contact.NO)
    hub.board.warning = "The radio does not work."


def shown(page: Page) -> str:
    parts = ["elapsed", "fresh", "unassigned", "warning", "tiles"]
    return str(
        page.evaluate("(ids) => ids.map((id) => document.getElementById(id).outerHTML).join('')", parts)
    )


def test_the_patched_board_equals_the_rendered_one(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(12))
    served.run(lambda: served.hub.recorder.start_session("Training", "training", 0))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    before = shown(page)
    for _ in range(6):
        served.tick(changed)
    expect(page.locator(".tile.is-stale")).to_have_count(3)
    patched = shown(page)
    fresh = page.context.new_page()
    fresh.route("**/board/stream", lambda route: route.abort())
    fresh.goto(f"{served.origin}/")
    assert patched == shown(fresh)
    assert patched != before
    assert "▲ no contact" in patched
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_new_athlete_appears_without_reloading_and_focus_stays(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(3))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    page.evaluate("window.kept = document.querySelector('.tile'); window.kept.focus()")
    served.run(lambda: served.hub.save_athlete(None, {"name": "Newcomer", "shirt_number": 77}))
    served.tick(everyone)
    expect(page.locator(".tile")).to_have_count(4)
    assert page.evaluate("document.activeElement === window.kept && window.kept.isConnected")
    served.tick(changed)
    expect(page.locator(".tile .bpm").first).to_have_text("118")
    assert watch.complaints == []
    page.context.close()


@pytest.mark.parametrize(("width", "height", "count"), [(1024, 768, 60), (1440, 900, 60), (1024, 768, 24)])
def test_tiles_fit_without_scrolling_or_overflow(
    browser: Browser, served: Served, width: int, height: int, count: int
) -> None:
    served.run(lambda: served.hub.add_squad(count))

    def high(hub: SmallHub) -> None:
        for number in range(1, count + 1):
            hub.hear(strap(number), 139 + number)

    served.tick(high)
    page, watch = sign_in(browser, served, width, height)
    expect(page.locator(".tile .bpm").first).not_to_have_text("–")
    found = page.evaluate("""() => {
        const tiles = document.getElementById('tiles'), clipped = [];
        for (const tile of document.querySelectorAll('.tile')) {
            const box = (name) => tile.querySelector(name).getBoundingClientRect();
            const outer = tile.getBoundingClientRect(), bpm = box('.bpm'), side = box('.side');
            if (bpm.right > side.left + 1 || side.right > outer.right || bpm.top < box('.who').bottom - 6
                || box('.foot').bottom > outer.bottom + 1) clipped.push(tile.textContent);
        }
        const small = [...document.querySelectorAll('button, .bar a, .tile')].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.width && (box.width < 48 || box.height < 48);
        }).map((each) => each.textContent);
        return {clipped, small, scrolls: tiles.scrollHeight > tiles.clientHeight,
                wide: document.documentElement.scrollWidth > innerWidth};
    }""")
    assert found == {"clipped": [], "small": [], "scrolls": False, "wide": False}
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_hub_that_stops_sending_is_never_shown_as_live(browser: Browser, served: Served) -> None:
    ids = served.run(lambda: served.hub.add_squad(2))
    served.hub.board.set_motion({ids[0]: MotionReading("P1", served.hub.mono_ms + 1000, 3_200, 172)})
    served.tick(everyone)
    page, _ = sign_in(browser, served)
    expect(page.locator(".tile .speed").first).to_have_text("3.2 m/s")
    page.route("**/board/stream", lambda route: route.abort())
    expect(page.locator("#link")).to_have_text(re.compile(r"Reconnecting \(\d+ s\)"))
    expect(page.locator(".tile.is-stale")).to_have_count(2)
    assert page.inner_text(".tile .bpm") == "–"
    assert "no link" in page.inner_text(".tile .status")
    assert page.locator(".tile .speed, .tile .cadence").all_text_contents() == [""] * 4
    page.unroute("**/board/stream")
    served.tick(everyone)
    expect(page.locator("#link")).to_have_text("Live", timeout=15_000)
    expect(page.locator(".tile .bpm").first).to_have_text("93")
    page.context.close()


def test_theme_and_number_are_one_tap_and_stay(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(1))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    page.click("[data-theme-switch]")
    page.click("[data-metric=edwards]")
    page.reload()
    assert page.get_attribute("html", "class") == "night metric-edwards"
    assert page.get_attribute("[data-metric=edwards]", "aria-pressed") == "true"
    assert page.evaluate("Object.keys(localStorage).sort().join()") == "metric,theme"
    assert watch.complaints == []
    page.context.close()


def test_a_session_is_started_ended_and_read_by_keyboard_and_tap(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(2))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    page.focus("[popovertarget=start-session]")
    page.keyboard.press("Enter")
    page.click("#start-session button[type=submit]")
    for _ in range(70):
        served.tick(everyone)
    served.run(served.hub.recorder.tick)
    page.click("[popovertarget=end-session]")
    page.click("#end-session button[type=submit]")
    page.wait_for_url("**/sessions/*")
    page.wait_for_selector("#chart canvas")
    page.click("summary")
    page.wait_for_selector("#minutes td")
    loads = page.get_by_label("Load table")
    names, by_max = loads.locator("tbody th[scope=row]"), loads.locator("thead button", has_text="Max")
    by_max.click()
    expect(names).to_have_text(["Ben Hartmann", "Anna Albrecht"])
    by_max.click()
    by_max.click()
    expect(names).to_have_text(["Anna Albrecht", "Ben Hartmann"])
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_the_api_page_makes_no_outside_request(browser: Browser, served: Served) -> None:
    served.run(lambda: served.hub.add_squad(1))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    page.goto(f"{served.origin}/schema")
    page.wait_for_selector("text=/healthz")
    assert watch.elsewhere == []
    assert watch.complaints == []
    page.context.close()


def test_a_new_strap_is_given_to_an_athlete_in_one_tap_from_the_drawer(
    browser: Browser, served: Served
) -> None:
    served.run(lambda: served.hub.add_squad(1))
    zoe = served.run(lambda: served.hub.save_athlete(None, {"name": "Zoë", "shirt_number": 8}))
    served.tick(everyone)
    page, watch = sign_in(browser, served)
    expect(page.locator("#unassigned")).to_have_text("11 new")
    page.click("[popovertarget=straps]")
    page.click("#straps .choice:has-text('Zoë')")
    expect(page.locator("#straps .wearer", has_text="Zoë")).to_have_count(1)
    page.click("#straps >> text=Close")
    served.tick(everyone)
    expect(page.locator(f"#t-{zoe.athlete_id} .bpm")).to_have_text("102")
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()
