"""The date no true time is before is that of the newest release; a release without one cannot be made."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

from hub import __version__
from hub.clock import RELEASED_MS

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^## \[(?!Unreleased\])([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
RELEASES = HEADING.findall((ROOT / "CHANGELOG.md").read_text("utf-8"))


def test_every_release_in_the_changelog_has_its_date_and_the_newest_is_this_version() -> None:
    assert [version for version, date in RELEASES if not date] == []
    assert RELEASES[0][0] == __version__
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()


def test_no_true_time_is_before_the_newest_release_nor_is_that_still_to_come() -> None:
    newest = max(date for _, date in RELEASES)
    assert datetime.fromtimestamp(RELEASED_MS / 1000, UTC).date().isoformat() >= newest
    assert time.time_ns() // 1_000_000 >= RELEASED_MS
