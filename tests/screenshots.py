"""Photographs of the running product for the README: the demo is started, walked through and stopped.

Run as `make screenshots`; `--sizes` adds phone and desktop, `--out` writes elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, MISSING, chromium_path
from tests.journeys.world import free_port, wait_for

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SIZES = {"tablet": (1024, 768), "phone": (390, 844), "desktop": (1440, 900)}
TRAINING_S = 60


@contextmanager
def demo(folder: Path) -> Iterator[dict[str, str]]:
    """A demo of its own: the two addresses and the sign-in it printed."""
    hub, cloud = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    env = {**os.environ, "TOUCHLINE_DATA": str(folder), "TOUCHLINE_PORT": hub.rpartition(":")[2],
           "TOUCHLINE_CLOUD_PORT": cloud.rpartition(":")[2]}  # fmt: skip
    out = folder / "demo.log"
    with out.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "demo", "--speed", "20"], env=env, stdout=log, stderr=log
        )
    try:
        ready = wait_for("the demo is ready", lambda: "Ctrl-C stops" in out.read_text() or None, 120)
        assert ready
        hub_password, cloud_password = re.findall(r"password (\S+)", out.read_text())
        yield {"hub": hub, "cloud": cloud, "hub_password": hub_password, "cloud_password": cloud_password}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def walk(browser: Browser, place: dict[str, str], size: str, out: Path) -> None:
    """Every page worth a picture, in one size."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height})

    def shoot(name: str, *, whole: bool = False) -> None:
        page.wait_for_timeout(700)
        file = f"{name}.png" if size == "tablet" else f"{name}-{size}.png"
        page.screenshot(path=out / file, full_page=whole)

    page.goto(place["hub"])
    shoot("sign-in")
    sign_in(page, "name", "admin", place["hub_password"])
    page.wait_for_selector(".tile.is-fresh")
    page.wait_for_timeout(2500)
    shoot("board")
    page.click("[data-theme-switch]")
    shoot("board-night")
    page.click("[data-theme-switch]")
    for name in ("athletes", "straps", "radio-check", "sessions", "import", "sync", "insights", "users"):
        page.goto(f"{place['hub']}/{name}")
        shoot(name)
    page.goto(f"{place['hub']}/sessions")
    page.locator("main a[href^='/sessions/']").nth(1).click()
    page.wait_for_selector("#chart canvas")
    shoot("session", whole=size == "phone")
    page.goto(place["cloud"])
    shoot("cloud-sign-in")
    sign_in(page, "email", "coach@riverside.example", place["cloud_password"])
    shoot("cloud-sessions")
    for name in ("athletes", "insights", "hubs"):
        page.goto(f"{place['cloud']}/{name}")
        shoot(f"cloud-{name}")
    page.goto(f"{place['cloud']}/athletes")
    page.locator("main a[href^='/athletes/']").first.click()
    shoot("cloud-athlete", whole=size == "phone")
    page.goto(place["cloud"])
    page.locator("main a[href^='/sessions/']").nth(1).click()
    shoot("cloud-session")
    page.close()


def sign_in(page: Page, field: str, name: str, password: str) -> None:
    """Fill the form that both services have."""
    page.fill(f"input[name={field}]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle" if field == "email" else "load")


def main() -> int:
    """Start, walk, stop; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["tablet"])
    parser.add_argument("--out", type=Path, default=IMAGES)
    options = parser.parse_args()
    path = chromium_path()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder, demo(Path(folder)) as place:
        print(f"The demo trains for {TRAINING_S} s so that there is something to see.")
        time.sleep(TRAINING_S)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for size in options.sizes:
                walk(browser, place, size, options.out)
            browser.close()
    print(f"Pictures are in {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
