"""Whatever is carried when, twice, late or never: in the end both sides hold the same, each edit once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cloud.carrier import Carrier, Quiet
from tests.cloud.pitchside import HubOn, same

STEPS = 30


class Pulled(Exception):
    """The stick is out."""


class Puller(Quiet):
    """Pulls the stick out at a step."""

    def __init__(self, step: int) -> None:
        self.left = step

    def went(self, done_bytes: int, total_bytes: int) -> None:
        self.left -= 1
        if not self.left:
            raise Pulled


@dataclass(slots=True)
class World:
    """Two hubs of a club, a pocket full of old bundles and answers, and chance."""

    hubs: list[HubOn]
    carrier: Carrier
    rng: Random
    athletes: list[str] = field(default_factory=list)
    bundles: list[Path] = field(default_factory=list)
    answers: list[tuple[HubOn, Path]] = field(default_factory=list)

    def step(self) -> None:
        hub = self.rng.choice(self.hubs)
        doings = (self.edit, self.edit, self.record, self.write, self.write, self.accept, self.accept,
                  self.answer, self.answer, self.take, self.take, self.network, self.pull_out)  # fmt: skip
        self.rng.choice(doings)(hub)

    def edit(self, hub: HubOn) -> None:
        if self.athletes and self.rng.random() < 0.6:
            name = f"Name {self.rng.randrange(1000)}"
            hub.edit("athlete", self.rng.choice(self.athletes), name=name)
        else:
            self.athletes.append(hub.athlete(f"New {self.rng.randrange(1000)}"))

    def record(self, hub: HubOn) -> None:
        if self.athletes:
            hub.session({self.rng.choice(self.athletes): [(0, 60)]}, seconds=60)

    def write(self, hub: HubOn) -> None:
        path = self.carrier.write(hub)
        self.bundles.append(path.rename(path.with_name(f"{len(self.bundles)}.tlb")))

    def pull_out(self, hub: HubOn) -> None:
        try:
            self.carrier.write(hub, Puller(self.rng.randrange(1, 4))).unlink()
        except Pulled:
            return

    def accept(self, _hub: HubOn) -> None:
        if self.bundles:
            result = self.carrier.accept(self.rng.choice(self.bundles))
            assert result.state in ("taken", "there"), result

    def answer(self, hub: HubOn) -> None:
        if self.carrier.has_brought(hub):
            self.answers.append((hub, self.carrier.answer(hub)))

    def take(self, _hub: HubOn) -> None:
        if self.answers:
            self.carrier.take_back(*self.rng.choice(self.answers))

    def network(self, hub: HubOn) -> None:
        hub.sync()

    def come_to_rest(self, by_stick: bool) -> None:
        for _ in range(2):
            for hub in self.hubs:
                if by_stick:
                    self.carrier.there_and_back(hub)
                else:
                    hub.sync()


@pytest.fixture
def world_of(
    url: str, tmp_path: Path, line: Any, claim: Callable[[str], str]
) -> Iterator[Callable[[int], World]]:
    opened: list[HubOn] = []

    def make(seed: int) -> World:
        hubs = []
        for card in ("one", "other"):
            folder = tmp_path / f"{seed}-{card}"
            folder.mkdir()
            hubs.append(HubOn(folder, line))
            hubs[-1].enrol(claim(f"Club {seed}"))
        opened.extend(hubs)
        return World(hubs, Carrier(url, tmp_path / f"{seed}-stick"), Random(seed))

    yield make
    for hub in opened:
        hub.stop()


def judge(world: World, db: Any) -> None:
    for hub in world.hubs:
        assert hub.books.pending == 0
        assert hub.verify().is_equal, hub.verify()
        made = [row[0] for row in hub.rows("SELECT op_id FROM outbox ORDER BY seq")]
        question = "SELECT op_id FROM change_log WHERE hub_id = %s ORDER BY op_id"
        assert [row[0] for row in db.execute(question, (hub.hub_id,))] == sorted(made)
    assert same(world.hubs)


@pytest.mark.parametrize("seeds", [range(0, 2), range(2, 4)], ids=str)
def test_any_order_of_bundles_answers_and_network_ends_with_both_sides_equal(
    world_of: Callable[[int], World], db: Any, seeds: range
) -> None:
    for seed in seeds:
        world = world_of(seed)
        for _ in range(STEPS):
            world.step()
        world.come_to_rest(by_stick=seed % 2 == 0)
        judge(world, db)
