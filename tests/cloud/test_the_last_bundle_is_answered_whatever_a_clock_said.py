"""The cloud answers the bundle that came last and was not overtaken, whatever its hub's clock said."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.store import bundles
from hub.store.records import Moment
from hub.syncing.enrolment import prepare_next_key
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn, steady

Start = Callable[..., HubOn]
TEN_YEARS_MS = 10 * 365 * 86_400_000


@pytest.fixture
def carrier(url: str, tmp_path: Path) -> Carrier:
    return Carrier(url, tmp_path / "stick")


@pytest.fixture
def hub(start: Start, carrier: Carrier) -> HubOn:
    """One that wrote its first bundle while its clock was ten years ahead."""
    hub = start("card")
    right = hub.moment

    def ahead() -> Moment:
        moment = right()
        return replace(moment, wall_ms=moment.wall_ms + TEN_YEARS_MS)

    hub.moment = ahead  # type: ignore[method-assign]
    hub.athlete("Ann")
    carrier.there_and_back(hub)
    hub.moment = right  # type: ignore[method-assign]
    return hub


def test_a_recording_refused_later_is_told(hub: HubOn, carrier: Carrier) -> None:
    good = steady(str(uuid.uuid4()), hub.boot_no, 140, 0, 300)
    hub.keep(replace(good, seg_id=bytes(32)))
    carrier.there_and_back(hub)
    assert (hub.books.segments_refused, hub.books.segments_pending) == (1, 0)


def test_a_hub_with_a_new_key_can_open_its_answers(hub: HubOn, carrier: Carrier) -> None:
    async def rotate() -> None:
        async with hub.dial() as client:
            await client.open_session()
            await client.rotate(prepare_next_key(hub.key_path))

    run(rotate())
    hub.relay = hub._relay()
    hub.sync()
    hub.athlete("Bea")
    carrier.there_and_back(hub)
    assert hub.books.pending == 0


def test_a_bundle_written_before_one_that_came_is_not_answered(hub: HubOn, carrier: Carrier, db: Any) -> None:
    hub.athlete("Bea")
    early = carrier.write(hub)
    hub.athlete("Cleo")
    late = carrier.write(hub)
    late_id = carrier.written.bundle_id
    carrier.accept(late)
    carrier.accept(early)
    carrier.accept(early)
    carrier.take_back(hub, carrier.answer(hub))
    assert hub.books.pending == 0
    answer = hub.ask(bundles.newest_answer)
    assert answer is not None
    assert answer.answers == late_id


def test_the_page_offers_the_answer_to_the_last_one(
    hub: HubOn, carrier: Carrier, client: Any, sign_in: Callable[[], None], db: Any
) -> None:
    hub.athlete("Bea")
    carrier.accept(carrier.write(hub))
    sign_in()
    first, second = re.findall(r"<tr>(.*?)</tr>", client.get("/bundles").text, re.DOTALL)[1:]
    assert f'href="/bundles/answers/{hub.hub_id}"' in first
    assert "see the newest" in second
