"""How tests run: whole stories begin first, so that none is left over for the end, and none is timed.

Stories mostly wait, and one processor does the short tests meanwhile. How fast something is, benchmarks say.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A sort that leaves all else as it was: the first worker has the stories in front of it."""
    items.sort(key=lambda it: it.get_closest_marker("journey") is None)
