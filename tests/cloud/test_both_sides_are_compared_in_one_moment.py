"""What another hub sends in the midst of a comparison is no difference: both sides are looked at again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.syncing.verify import LOOKS
from sync import wire
from sync.client import CloudClient
from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]


class Busy:
    """Another hub edits whenever the first asks for the cloud's digests, so many times."""

    def __init__(self, other: HubOn, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.asked = times, 0
        real = CloudClient.digest

        async def digest(client: CloudClient) -> wire.DigestResponse:
            self.asked += 1
            if self.left:
                self.left -= 1
                other.athlete(f"Athlete {self.left}")
                await other.relay.run_once()
                await other.relay.close()
            return await real(client)

        monkeypatch.setattr(CloudClient, "digest", digest)


def hubs(start: Start) -> tuple[HubOn, HubOn]:
    ours, other = start("ours"), start("other")
    ours.athlete("Ann")
    ours.sync()
    other.sync()
    return ours, other


@pytest.mark.parametrize("times", [1, LOOKS - 1])
def test_what_came_meanwhile_is_fetched_and_both_are_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    ours, other = hubs(start)
    busy = Busy(other, times, monkeypatch)
    found = ours.verify(ours.relay.run_once)
    assert (busy.asked, found.is_equal, found.records) == (times + 1, True, times + 1)
    assert found.words == f"The cloud has exactly what this hub has: {times + 1} records and 0 recordings."


def test_a_cloud_that_never_rests_is_not_called_different_without_saying_why(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = hubs(start)
    busy = Busy(other, 99, monkeypatch)
    found = ours.verify(ours.relay.run_once)
    assert (busy.asked, found.is_equal) == (LOOKS, False)
    assert "Only the cloud has 1 of them." in found.words
    assert found.words.endswith("The cloud wrote more meanwhile: compare again.")
