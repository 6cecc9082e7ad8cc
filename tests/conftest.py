"""The order tests begin in: whole stories first, one after the other, so that none is left over for the end.

They mostly wait, and one processor does the short tests meanwhile.
"""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A sort that leaves all else as it was: the first worker has the stories in front of it."""
    items.sort(key=lambda it: it.get_closest_marker("journey") is None)
