"""A day on the pitch on which things go wrong, and the true record of it: who could be heard when.

It causes and notes; whether the hub coped is for `verdict`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from hub.clock import Clock, boot_id, mono_ms
from hub.store import boots
from hub.store.database import Database
from hub.store.records import Moment, propose
from tests.devices.pitch_process import PitchProcess, ports_in_a_row
from tests.devices.squad import strap_id

OFF_SKIN_S = 1.3
"""Straps are taken off to be exchanged: a second and a bit, until the last value of the old wearer is in."""


def athlete_id(number: int) -> str:
    """The athlete whose heart has mark `number`."""
    return str(UUID(int=number))


@dataclass(slots=True)
class Truth:
    """What was true when, in ms since boot. `reach`: athlete to the times at which being audible changed."""

    reach: dict[int, list[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(list))
    upsets: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Day:
    """The pitch, the hub beside it, and everything that can happen to both."""

    def __init__(self, folder: Path, athletes: int, adapters: int, *, broadcast: int = 0) -> None:
        self.folder, self.athletes, self.adapters = folder, athletes, adapters
        self.truth = Truth()
        self._pitch = PitchProcess(
            "--athletes", str(athletes), "--adapters", str(adapters), "--broadcast", str(broadcast),
            "--marked", port=ports_in_a_row(adapters),
        )  # fmt: skip
        self._wearer = {number: number for number in range(1, athletes + 1)}
        self._hidden: dict[int, set[str]] = defaultdict(set)
        self._plugged = set(range(adapters))
        self._is_hub_up = False
        self._hub: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def database_path(self) -> Path:
        """The hub's file."""
        return self.folder / "hub" / "hub.db"

    def make_squad(self) -> None:
        """The athletes, each with the strap of their number."""
        database = Database.open(self.database_path)
        boot_no = database.write_now(lambda db: boots.register(db, boot_id()))
        clock = Clock(boot_no)
        moment = Moment(boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))
        for number in range(1, self.athletes + 1):
            athlete = {"name": f"Athlete {number}", "shirt_number": number, "sex": "F", "hr_max_bpm": 220,
                       "hr_rest_bpm": 40, "is_active": True}  # fmt: skip
            strap = {"name": f"Strap {number}", "address": "", "athlete_id": athlete_id(number)}
            rows = (("athlete", athlete_id(number), athlete), ("strap", strap_id(number), strap))
            for table, pk, row in rows:
                database.write_now(lambda db, t=table, p=pk, r=row: propose(db, moment, t, p, r))  # type: ignore[misc]
        database.close()

    # --- the hub

    async def start_hub(self) -> None:
        """Until it answers."""
        self._hub = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.hub_process", str(self.folder), str(self._pitch.port),
            str(self.adapters), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await self._answer("ready")
        self._is_hub_up = True
        self._note()

    async def kill_hub(self, away_s: float) -> None:
        """The power goes, and comes back."""
        async with self._turn:
            assert self._hub is not None
            self._is_hub_up = False
            self._note()
            self._hub.kill()
            await self._hub.wait()
            self.truth.counts["hub killed"] += 1
            await asyncio.sleep(away_s)
            await self.start_hub()

    async def end(self) -> None:
        """The session ends, the hub is stopped, the straps are switched off."""
        async with self._turn:
            await self._tell("end")
            self._is_hub_up = False
            self._note()
            assert self._hub is not None
            await self._hub.wait()
        self._pitch.end()

    def give_up(self) -> None:
        """Leave no process behind when something else has failed."""
        if self._hub is not None and self._hub.returncode is None:
            self._hub.kill()
        self._pitch.kill()

    async def _tell(self, line: str) -> None:
        assert self._hub is not None
        assert self._hub.stdin is not None
        self._hub.stdin.write(f"{line}\n".encode())
        await self._answer("done")

    async def _answer(self, word: str) -> None:
        assert self._hub is not None
        assert self._hub.stdout is not None
        async with asyncio.timeout(60):
            said = (await self._hub.stdout.readline()).decode().strip()
        assert said == word, f"the hub said {said!r} instead of {word!r}"

    # --- what goes wrong

    async def drop(self, number: int) -> None:
        """A body in the way ends a link once."""
        self._upset([number], "link dropped")
        self._pitch.say(f"drop {number}")

    async def walk_off(self, number: int, for_s: float) -> None:
        """Out of earshot and back."""
        self._hide(number, "away", "walked off")
        self._pitch.say(f"leave {number}")
        await asyncio.sleep(for_s)
        self._pitch.say(f"return {number}")
        self._show(number, "away")

    async def swap(self, one: int, other: int) -> None:
        """Two athletes exchange straps properly: off the skin, said to the hub, and on again."""
        if one == other:
            return
        for number in (one, other):
            self._hide(number, "off", "took the strap off")
            self._pitch.say(f"takeoff {number}")
        await asyncio.sleep(OFF_SKIN_S)
        async with self._turn:
            self._pitch.say(f"swap {one} {other}")
            first, second = self._wearer[one], self._wearer[other]
            await self._tell(f"assign {strap_id(one)} {athlete_id(second)}")
            await self._tell(f"assign {strap_id(other)} {athlete_id(first)}")
            self._wearer[one], self._wearer[other] = second, first
        self.truth.counts["swap"] += 1
        for number in (one, other):
            self._pitch.say(f"puton {number}")
            self._show(number, "off")

    async def unplug(self, adapter: int, for_s: float) -> None:
        """A dongle comes loose and is put back; the others take over meanwhile."""
        if adapter not in self._plugged:
            return
        self._plugged.discard(adapter)
        self._note()
        self._upset(list(self._wearer), "adapter lost")
        self._pitch.say(f"unplug {adapter}")
        await asyncio.sleep(for_s)
        self._pitch.say(f"plug {adapter}")
        self._plugged.add(adapter)
        self._note()

    # --- noting

    def _hide(self, number: int, why: str, what: str) -> None:
        self._hidden[number].add(why)
        self.truth.counts[what] += 1
        self._note()

    def _show(self, number: int, why: str) -> None:
        self._hidden[number].discard(why)
        self._note()

    def _upset(self, straps: list[int], what: str) -> None:
        self.truth.counts[what] += 1
        for strap in straps:
            self.truth.upsets[self._wearer[strap]].append(mono_ms())

    def _note(self) -> None:
        now_ms = mono_ms()
        for strap, wearer in self._wearer.items():
            is_audible = self._is_hub_up and bool(self._plugged) and not self._hidden[strap]
            known = self.truth.reach[wearer]
            if not known or known[-1][1] != is_audible:
                known.append((now_ms, is_audible))
