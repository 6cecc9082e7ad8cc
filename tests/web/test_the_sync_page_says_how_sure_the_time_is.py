"""Where the hub calls its time verified it says how surely, in plain words."""

from __future__ import annotations

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hub.syncing.words import sure_words


@pytest.mark.parametrize(
    ("err_ms", "words"),
    [(0, "0.1 s"), (100, "0.1 s"), (101, "0.2 s"), (10_000, "10.0 s"), (10_001, "11 s"), (104_000, "104 s")],
)
def test_it_is_never_said_surer_than_it_is(err_ms: int, words: str) -> None:
    assert sure_words(err_ms) == f"known to within {words}"


def test_the_page_says_it_of_a_verified_clock(admin: TestClient[Litestar]) -> None:
    assert "clock is verified: the time is known to within 0.1 s." in admin.get("/sync").text
