"""Speed and cadence on the board: only of a pod that speaks, as fresh as a heart rate, wherever tiles fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.analytics.live_motion import LiveMotion
from hub.board import Board, LiveState
from hub.domain import Athlete, Contact, MotionReading, Role
from hub.web.tiles import tile_view
from tests.web.conftest import add_user
from tests.web.small_hub import SmallHub, strap
from tests.web.test_board_in_chromium import Served, shown, sign_in

ANNA, BEN = Athlete("a1", "Anna Albrecht", 7, hr_max_bpm=200), Athlete("a2", "Ben", 8)
HEARD = LiveState(ANNA, "S1", 150, 75.0, 3, 41.6, 87.2, 0.98, 0.5, Contact.YES, 80)


def said(mono_ms: int, speed_mmps: int = 3_199, cadence: int = 172) -> MotionReading:
    return MotionReading("P1", mono_ms, speed_mmps, cadence)


@pytest.mark.parametrize(
    ("age_s", "speed", "cadence", "classes"),
    [
        (0.0, "3.2 m/s", "172", "tile is-fresh z3 has-pod"),
        (3.0, "3.2 m/s", "172", "tile is-fresh z3 has-pod"),
        (3.1, "3.2 m/s", "172", "tile is-fresh z3 has-pod pod-fading"),
        (5.0, "3.2 m/s", "172", "tile is-fresh z3 has-pod pod-fading"),
        (5.1, "", "", "tile is-fresh z3"),
    ],
)
def test_a_pods_values_age_like_a_heart_rate_and_then_are_gone(
    age_s: float, speed: str, cadence: str, classes: str
) -> None:
    board = Board()
    board.set_athletes([ANNA])
    board.set_motion({"a1": said(100_000)})
    (state,) = board.snapshot(100_000 + round(age_s * 1000), 0).athletes
    tile = tile_view(replace(HEARD, motion=state.motion))
    assert (tile.speed, tile.cadence, tile.classes) == (speed, cadence, classes)


def test_only_who_wears_a_pod_has_them_and_a_strap_is_not_needed() -> None:
    board = Board()
    board.set_athletes([ANNA, BEN])
    board.set_motion({"a2": said(1_000)})
    anna, ben = board.snapshot(1_200, 0).athletes
    assert anna.motion is None
    assert ben.motion == LiveMotion(3.199, 172, 0.2)
    tile = tile_view(ben)
    assert (tile.speed, tile.bpm, tile.status) == ("3.2 m/s", "–", "no strap")
    board.set_motion({})
    assert board.snapshot(1_300, 0).athletes[1].motion is None


def test_standing_still_is_a_value_and_not_its_absence() -> None:
    tile = tile_view(replace(HEARD, motion=LiveMotion(0.0, 0, 0.1)))
    assert (tile.speed, tile.cadence) == ("0.0 m/s", "0")


# --- in Chromium


@pytest.fixture
def served(hub: SmallHub) -> Iterator[Served]:
    add_user(hub, "coach", Role.ADMIN)
    with Served(hub) as running:
        yield running


def running(served: Served, ids: list[str], pods: int) -> None:
    """Everybody speaks at a high rate, and the first few run as fast as anybody can."""

    def say(hub: SmallHub) -> None:
        for number in range(1, len(ids) + 1):
            hub.hear(strap(number), 139 + number)
        hub.board.set_motion({who: said(hub.mono_ms, 11_900, 212) for who in ids[:pods]})

    served.tick(say)


CLIPPED = """() => {
    const found = [];
    for (const tile of document.querySelectorAll('.tile')) {
        const box = (name) => tile.querySelector(name).getBoundingClientRect();
        const motion = box('.motion'), outer = tile.getBoundingClientRect();
        if (!motion.width) continue;
        const said = [box('.speed'), box('.cadence')];
        const digits = box('.bpm'), covers = (one) => one.width && motion.bottom > one.top + 4
            && motion.top < one.bottom - 4 && motion.left < one.right && motion.right > one.left;
        if (said.some((one) => one.right > outer.right - 4 || one.bottom > outer.bottom)
            || covers(digits) || covers(box('.zone')) || covers(box('.name')) || covers(box('.gauge'))
            || tile.querySelector('.motion').scrollWidth > motion.width + 1) found.push(tile.textContent);
    }
    return found;
}"""


def told(page: Page) -> list[str]:
    return [text for text in page.locator(".tile .speed").all_text_contents() if text]


@pytest.mark.parametrize(
    ("count", "sizes"), [(24, ((1024, 768), (390, 844), (1440, 900))), (60, ((1024, 768),))]
)
def test_speed_and_cadence_fit_their_tiles_and_cover_nothing(
    browser: Browser, served: Served, count: int, sizes: tuple[tuple[int, int], ...]
) -> None:
    ids = served.run(lambda: served.hub.add_squad(count))
    running(served, ids, 5)
    page, watch = sign_in(browser, served, *sizes[0])
    running(served, ids, 5)
    expect(page.locator(".tile .speed").first).to_have_text("11.9 m/s")
    assert told(page) == ["11.9 m/s"] * 5
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(CLIPPED) == [], (width, height)
    assert (watch.elsewhere, watch.complaints) == ([], [])
    page.context.close()


def test_a_silent_pod_leaves_the_patched_tile_as_a_rendered_one(browser: Browser, served: Served) -> None:
    ids = served.run(lambda: served.hub.add_squad(4))
    running(served, ids, 2)
    page, _ = sign_in(browser, served)
    expect(page.locator(".tile.has-pod")).to_have_count(2)
    running(served, ids, 1)
    expect(page.locator(".tile.has-pod")).to_have_count(1)
    rendered = page.context.new_page()
    rendered.route("**/board/stream", lambda route: route.abort())
    rendered.goto(f"{served.origin}/")
    assert shown(page) == shown(rendered)
    assert told(page) == ["11.9 m/s"]
    page.context.close()
