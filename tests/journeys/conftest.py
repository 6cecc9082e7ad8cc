"""One ground a journey, cleared away whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import browser
from tests.journeys.world import Ground, Staff

__all__ = ["browser"]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def staff(ground: Ground) -> Iterator[Staff]:
    made = Staff(ground)
    yield made
    made.close()
