"""The ledger and the scheduler in worlds of chance: radios that refuse, straps that go, scarce slots."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.receiver_health import ReceiverHealth
from hub.devices.scheduler import Connect, Policy, Release, Scheduler
from hub.devices.signal_strength import Signals
from hub.devices.slots import SlotLedger
from hub.devices.wishes import WayIn, Wish

TICK_MS = 250
RECEIVERS = ("hci0", "hci1", "north")


class World:
    """Straps in earshot of receivers; links take time, fail by chance, and end by chance."""

    def __init__(self, seed: int, slots: dict[str, int | None], *, refuses: float = 0.0, drops: float = 0.0):
        self.chance = Random(seed)
        self.ledger = SlotLedger()
        self.ledger.set_receivers(slots)
        self.scheduler = Scheduler(self.ledger, self.chance.random)
        self.slots = slots
        self.now_ms = 0
        self.refuses, self.drops = refuses, drops
        self.heard: dict[str, dict[str, int]] = {}
        self.broadcasting: set[str] = set()
        self.connecting: dict[str, int] = {}
        self.linked: dict[str, str] = {}
        self.connected_ms: dict[str, int] = {}
        self.waited_ms: dict[str, int] = {}
        self.reasons: list[str] = []

    def strap(self, address: str, /, broadcasts: bool = True, **dbm: int) -> None:
        self.heard[address] = dbm
        if broadcasts:
            self.broadcasting.add(address)

    def advertise(self) -> None:
        for address, ears in self.heard.items():
            if address in self.linked:
                continue
            for receiver, dbm in ears.items():
                self.scheduler.see(
                    address,
                    receiver,
                    dbm,
                    self.now_ms,
                    is_connectable=True,
                    broadcasts=address in self.broadcasting,
                )

    def step(self) -> None:
        self.now_ms += TICK_MS
        self.advertise()
        for move in self.scheduler.moves(self.now_ms):
            if isinstance(move, Connect):
                self.connecting[move.address] = self.now_ms + self.chance.choice((250, 500, 1_000))
            else:
                self.reasons.append(move.reason)
                self.end(move.address)
        for address, done_ms in list(self.connecting.items()):
            if self.now_ms >= done_ms:
                self.finish(address)
        for address in list(self.linked):
            if self.chance.random() < self.drops:
                self.end(address)
        for address in self.heard:
            self.waited_ms[address] = (
                0 if address in self.linked else self.waited_ms.get(address, 0) + TICK_MS
            )
        self.check()

    def finish(self, address: str) -> None:
        del self.connecting[address]
        if self.chance.random() < self.refuses:
            self.scheduler.failed(address, self.now_ms)
            return
        self.linked[address] = self.ledger.receiver_of(address) or ""
        self.scheduler.connected(address, self.now_ms)
        self.connected_ms.setdefault(address, self.now_ms)

    def end(self, address: str) -> None:
        if self.linked.pop(address, None) is not None:
            self.scheduler.ended(address, self.now_ms)

    def check(self) -> None:
        """What no radio could bear must never be asked of one."""
        for receiver, slots in self.slots.items():
            connecting = [a for a in self.connecting if self.ledger.receiver_of(a) == receiver]
            held = [a for a, name in self.linked.items() if name == receiver]
            assert len(connecting) <= 1
            assert slots is None or len(connecting) + len(held) <= slots
        assert not self.connecting.keys() & self.linked.keys()

    def run(self, seconds: float) -> None:
        for _ in range(int(seconds * 1000 / TICK_MS)):
            self.step()


dbms = st.integers(-100, -40)
ears = st.dictionaries(st.sampled_from(RECEIVERS), dbms, min_size=1)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    slots=st.fixed_dictionaries({name: st.none() | st.integers(0, 4) for name in RECEIVERS}),
    straps=st.lists(st.tuples(ears, st.booleans()), min_size=1, max_size=12),
    refuses=st.sampled_from([0.0, 0.3]),
    drops=st.sampled_from([0.0, 0.01]),
)
def test_no_receiver_is_ever_asked_for_more_than_it_can(
    seed: int,
    slots: dict[str, int | None],
    straps: list[tuple[dict[str, int], bool]],
    refuses: float,
    drops: float,
) -> None:
    world = World(seed, slots, refuses=refuses, drops=drops)
    for number, (dbm, broadcasts) in enumerate(straps):
        world.strap(f"strap {number}", broadcasts, **dbm)
    world.run(40)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), straps=st.lists(ears, min_size=1, max_size=20))
def test_with_slots_for_all_everyone_is_connected(seed: int, straps: list[dict[str, int]]) -> None:
    world = World(seed, dict.fromkeys(RECEIVERS), refuses=0.2)
    for number, dbm in enumerate(straps):
        world.strap(f"strap {number}", True, **dbm)
    world.run(120)
    assert set(world.connected_ms) == set(world.heard)


@pytest.mark.parametrize("seed", range(5))
def test_mute_straps_beyond_the_slots_take_turns_and_none_starves(seed: int) -> None:
    world = World(seed, {"hci0": 3})
    for number in range(8):
        world.strap(f"mute {number}", broadcasts=False, hci0=-60 - number)
    longest_ms = 0
    for _ in range(int(300_000 / TICK_MS)):
        world.step()
        longest_ms = max(longest_ms, *world.waited_ms.values())
    assert len(world.connected_ms) == 8
    assert (
        longest_ms < 100_000
    )  # eight straps, three slots, twenty seconds each: two rounds and the connecting


def test_a_storm_of_sixty_over_four_adapters_is_over_soon() -> None:
    world = World(3, {f"hci{number}": 15 for number in range(4)}, refuses=0.1)
    for number in range(60):
        world.strap(f"strap {number}", hci0=-60, hci1=-61, hci2=-62, hci3=-63)
    world.run(45)
    assert len(world.linked) == 60
    assert max(world.connected_ms.values()) < 45_000


def test_a_mute_strap_gets_the_slot_of_one_that_can_broadcast() -> None:
    world = World(1, {"hci0": 2})
    world.strap("polar 1", hci0=-50)
    world.strap("polar 2", hci0=-50)
    world.run(5)
    assert set(world.linked) == {"polar 1", "polar 2"}
    world.strap("mute", broadcasts=False, hci0=-80)
    world.run(5)
    assert "mute" in world.linked
    assert world.reasons == ["its slot is needed more elsewhere"]
    world.run(60)
    assert "mute" in world.linked


def test_who_wants_rr_comes_before_who_does_not() -> None:
    world = World(1, {"hci0": 1})
    world.strap("plain", hci0=-50)
    world.run(3)
    world.strap("rr", hci0=-80)
    world.advertise()
    world.scheduler.wish("rr", Wish(wants_rr=True))
    world.run(6)
    assert set(world.linked) == {"rr"}


def test_strangers_give_way_to_the_squad() -> None:
    world = World(1, {"hci0": 2})
    world.strap("stranger 1", broadcasts=False, hci0=-40)
    world.strap("stranger 2", broadcasts=False, hci0=-40)
    world.run(3)
    for name in ("ours 1", "ours 2"):
        world.strap(name, hci0=-85)
        world.advertise()
        world.scheduler.wish(name, Wish(is_ours=True))
    world.run(15)
    assert set(world.linked) == {"ours 1", "ours 2"}
    world.run(60)
    assert set(world.linked) == {"ours 1", "ours 2"}


def test_equals_that_broadcast_do_not_disturb_each_other() -> None:
    world = World(1, {"hci0": 2})
    for number in range(5):
        world.strap(f"strap {number}", hci0=-50 - number)
    world.run(120)
    assert len(world.linked) == 2
    assert world.reasons == []


def test_pins_are_obeyed() -> None:
    world = World(1, {"hci0": 3, "north": 3})
    for name in ("to north", "to broadcast", "ignored"):
        world.strap(name, hci0=-50, north=-80)
    world.run(3)
    assert set(world.linked.values()) == {"hci0"}
    world.scheduler.wish("to north", Wish(receiver="north"))
    world.scheduler.wish("to broadcast", Wish(way=WayIn.BROADCAST))
    world.scheduler.wish("ignored", Wish(is_ignored=True))
    for address in world.heard:  # this kind advertises while it is connected
        world.scheduler.see(address, "north", -80, world.now_ms, is_connectable=True, broadcasts=True)
    world.run(10)
    assert world.linked == {"to north": "north"}


def test_a_strap_roams_only_for_a_signal_that_stays_much_better() -> None:
    world = World(1, {"hci0": 3, "north": 3})
    world.strap("runner", hci0=-70, north=-90)
    world.run(2)
    assert world.linked == {"runner": "hci0"}

    def hear(north: int, seconds: int) -> None:
        for _ in range(int(seconds * 1000 / TICK_MS)):
            for receiver, dbm in (("hci0", -80), ("north", north)):
                world.scheduler.see(
                    "runner", receiver, dbm, world.now_ms, is_connectable=True, broadcasts=True
                )
            world.step()

    hear(-75, 30)  # better, but not by much
    hear(-60, 5)  # much better, but only for a while
    hear(-85, 5)
    assert world.reasons == []
    world.heard["runner"] = {"hci0": -80, "north": -55}
    hear(-55, 20)
    assert world.reasons == ["north hears it much better"]
    world.run(5)
    assert world.linked == {"runner": "north"}


def test_a_strap_that_turns_every_connection_down_is_known_for_it() -> None:
    world = World(1, {"hci0": 3}, refuses=1.0)
    world.strap("held by a watch", hci0=-50)
    world.run(2)
    assert not world.scheduler.is_refusing("held by a watch")
    world.run(30)
    assert world.scheduler.is_refusing("held by a watch")


def test_a_receiver_that_goes_strands_its_straps_and_takes_no_new_ones() -> None:
    world = World(1, {"hci0": 3})
    world.strap("strap", hci0=-50)
    world.run(2)
    assert world.ledger.set_receivers({"hci1": 3}) == ("strap",)
    assert not world.ledger.has_room("hci0")
    world.end("strap")
    assert world.ledger.receivers == ("hci1",)


def test_a_limit_is_learnt_and_forgotten() -> None:
    ledger = SlotLedger()
    ledger.set_receivers({"hci0": None})
    for number in range(2):
        ledger.begin("hci0", f"strap {number}")
        ledger.connected(f"strap {number}", now_ms=number)
    assert ledger.free("hci0") is None
    ledger.learn_full("hci0", now_ms=1_000)
    assert ledger.free("hci0") == 0
    ledger.forget_learnt(before_ms=500)
    assert ledger.free("hci0") == 0
    ledger.forget_learnt(before_ms=2_000)
    assert ledger.free("hci0") is None


def test_a_guessed_limit_is_tried_again_after_twice_as_long_each_time() -> None:
    ledger, now_ms, held_ms = SlotLedger(), 0, []
    ledger.set_receivers({"hci0": None})
    ledger.begin("hci0", "strap")
    ledger.connected("strap", now_ms=0)
    for _ in range(8):
        ledger.guess_full("hci0", began_ms := now_ms)
        while not ledger.has_room("hci0"):
            now_ms += 1_000
            ledger.doubt_guesses(now_ms)
        held_ms.append(now_ms - began_ms)
    assert held_ms == [15_000, 30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]
    ledger.begin("hci0", "one more")
    ledger.connected("one more", now_ms)
    ledger.guess_full("hci0", now_ms)
    ledger.doubt_guesses(now_ms + 15_000)
    assert ledger.has_room("hci0")


@pytest.mark.parametrize("wrong", ["same strap", "same turn", "no room", "unknown"])
def test_the_ledger_refuses_what_hardware_cannot_do(wrong: str) -> None:
    ledger = SlotLedger()
    ledger.set_receivers({"hci0": 1, "hci1": 2})
    ledger.begin("hci0", "a")
    ledger.begin("hci1", "b")
    attempts = {"same strap": ("hci1", "a"), "same turn": ("hci1", "c"), "no room": ("hci0", "c")}
    with pytest.raises(ValueError, match=r"lease|connect"):
        ledger.begin(*attempts.get(wrong, ("hci9", "c")))


@given(st.lists(st.tuples(st.sampled_from(RECEIVERS), st.integers(-110, -30)), min_size=1, max_size=200))
def test_the_best_receiver_never_wavers_within_its_margin(heard: list[tuple[str, int]]) -> None:
    signals = Signals(margin_db=6.0)
    before: str | None = None
    for number, (receiver, dbm) in enumerate(heard):
        signals.hear(receiver, dbm, number)
        now = signals.best(since_ms=-1)
        assert now is not None
        if before not in (None, now):
            assert (signals.dbm(now) or 0) >= (signals.dbm(before or "") or 0) + 6.0
        before = now


def test_a_strength_no_radio_can_measure_is_not_believed() -> None:
    signals = Signals()
    signals.hear("hci0", 127, 1)
    signals.hear("hci1", -90, 1)
    assert signals.best(0) == "hci1"


def test_one_stubborn_strap_does_not_make_a_receiver_hang() -> None:
    health = ReceiverHealth()
    for _ in range(20):
        health.failed_to_connect("stubborn")
    assert not health.is_hung()
    health.failed_to_connect("another")
    assert health.is_hung()


def test_resets_are_spaced_out_until_the_receiver_works() -> None:
    health = ReceiverHealth()
    resets_ms = []
    for now_ms in range(0, 600_000, 1_000):
        health.failed_to_connect(str(now_ms))
        if health.should_reset(now_ms):
            resets_ms.append(now_ms)
    gaps_ms = [b - a for a, b in itertools.pairwise(resets_ms)]
    assert gaps_ms == sorted(gaps_ms)
    assert gaps_ms[0] >= 30_000
    health.connected()
    assert not health.is_hung()


def test_a_receiver_that_never_heard_anything_is_not_reset_for_it() -> None:
    health = ReceiverHealth()
    for _ in range(10):
        health.fell_deaf()
    assert not health.is_hung()
    health.heard()
    for _ in range(3):
        health.fell_deaf()
    assert health.is_hung()


def test_back_off_waits_for_the_strap_to_be_heard_again() -> None:
    world = World(1, {"hci0": 3}, refuses=1.0)
    world.strap("strap", hci0=-50)
    world.run(2)
    del world.heard["strap"]
    world.run(60)
    assert world.scheduler.moves(world.now_ms) == []
    assert Policy().backoff_s[-1] == 30.0
    assert not any(isinstance(move, Release) for move in world.scheduler.moves(world.now_ms))
