"""What the radios that are here can do, measured: what they hear, how many links they hold, loss and delay.

It drives a RadioSource directly, one adapter after the other, and knows neither squad nor hub; the straps in
earshot are its instruments, so few straps show few slots.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

from hub.devices.gatt import BATTERY_LEVEL, HEART_RATE_MEASUREMENT
from hub.devices.identity import clean_name
from hub.devices.radio_report import AdapterReport, AirReport, LinkReport, counted, delays, share_of
from hub.devices.source import Link, RadioSource, Receiver, Sighting
from hub.errors import RadioError, SlotsTaken

CONNECT_TIMEOUT_S = 15.0
QUESTION_TIMEOUT_S = 5.0
TRIES_A_STRAP, STRAPS_THAT_END_IT = 3, 2
CLOSE_ENOUGH_DBM = -80


@dataclass(slots=True)
class _Heard:
    latest: Sighting
    name: str = ""
    at_ms: list[int] = field(default_factory=list)
    dbm: list[int] = field(default_factory=list)
    frame_ms: list[int] = field(default_factory=list)
    last_frame: int | None = None

    def hear(self, sighting: Sighting, now_ms: int) -> None:
        self.latest = sighting
        self.name = clean_name(sighting.name) or self.name
        self.at_ms.append(now_ms)
        self.dbm.append(sighting.rssi_dbm)
        if sighting.polar:
            frame = sighting.polar[0] >> 2 & 0x07
            if frame != self.last_frame:
                self.frame_ms.append(now_ms)
            self.last_frame = frame

    @property
    def frames_s(self) -> float:
        """New broadcast values a second, between the first change and the last; 0 where too few came to tell.

        The first value heard is no change: it may have been on the air for a while.
        """
        changes_ms = self.frame_ms[1:]
        if len(changes_ms) < 2:
            return 0.0
        return (len(changes_ms) - 1) * 1000 / (changes_ms[-1] - changes_ms[0])


@dataclass(slots=True)
class _Held:
    link: Link
    took_s: float
    at_ms: list[int] = field(default_factory=list)
    is_lost: bool = False


class RadioTrial:
    """Tries every receiver of a radio; `say` hears what is going on."""

    def __init__(
        self,
        radio: RadioSource,
        now_mono_ms: Callable[[], int],
        say: Callable[[str], None],
        *,
        listen_s: float = 15.0,
        hold_s: float = 30.0,
        most_links: int | None = None,
    ) -> None:
        self._radio = radio
        self._now_mono_ms = now_mono_ms
        self._say = say
        self._listen_s = listen_s
        self._hold_s = hold_s
        self._most_links = most_links
        self._retries = 0

    async def run(self) -> list[AdapterReport]:
        """A report for each receiver, in their order."""
        return [await self._tried(receiver) for receiver in self._radio.receivers()]

    async def _tried(self, receiver: Receiver) -> AdapterReport:
        heard: dict[str, _Heard] = {}

        def on_sighting(sighting: Sighting) -> None:
            known = heard.setdefault(sighting.address, _Heard(sighting))
            known.hear(sighting, self._now_mono_ms())

        self._say(f"{receiver.name}: listening for {self._listen_s:g} s")
        try:
            scan = await self._radio.start_scan(receiver.name, on_sighting)
        except RadioError as error:
            return AdapterReport(
                receiver.name, receiver.kind.value, "", None, None, f"{error} {error.hint}".strip()
            )
        try:
            await asyncio.sleep(self._listen_s)
            air = _air_of(heard, self._listen_s)
            modes = {each.name: each.mode.value for each in self._radio.receivers()}
            links = await self._links(receiver, heard)
        finally:
            await scan.stop()
        return AdapterReport(receiver.name, receiver.kind.value, modes.get(receiver.name, ""), air, links)

    async def _links(self, receiver: Receiver, heard: dict[str, _Heard]) -> LinkReport | None:
        wanted = [address for address, one in heard.items() if one.latest.offers_heart_rate]
        wanted.sort(key=lambda address: -median(heard[address].dbm))
        if not wanted:
            return None
        held: list[_Held] = []
        self._retries = 0
        try:
            is_full, refusal = await self._fill(receiver, wanted[: self._most_links], heard, held)
            self._say(f"{receiver.name}: holding {len(held)} links for {self._hold_s:g} s")
            from_ms = self._now_mono_ms()
            answers = await self._hold(held)
            report = _links_of(held, (from_ms, self._now_mono_ms()), answers, refusal, is_full=is_full)
            return replace(report, retries=self._retries)
        finally:
            await asyncio.gather(*(one.link.close() for one in held), return_exceptions=True)

    async def _fill(
        self, receiver: Receiver, wanted: list[str], heard: dict[str, _Heard], held: list[_Held]
    ) -> tuple[bool, str]:
        """Connect one strap after the other until the adapter takes no more or none is left."""
        failures, refusal = 0, ""
        for address in wanted:
            one = heard[address]
            self._say(f"{receiver.name}: link {len(held) + 1}, {one.name or address}")
            for _turn in range(TRIES_A_STRAP):
                try:
                    held.append(await self._open(one.latest))
                    failures = 0
                    break
                except SlotsTaken as error:
                    return True, str(error)
                except (RadioError, TimeoutError) as error:
                    self._retries += 1
                    refusal = str(error) or "the strap did not answer in time."
            else:
                failures += 1
                if failures == STRAPS_THAT_END_IT:
                    return bool(held), refusal
        return False, refusal

    async def _open(self, sighting: Sighting) -> _Held:
        began_s = time.monotonic()
        held: list[_Held] = []

        def on_lost() -> None:
            for one in held:
                one.is_lost = True

        link = await self._radio.connect(sighting, on_lost, CONNECT_TIMEOUT_S)
        one = _Held(link, time.monotonic() - began_s)
        held.append(one)
        try:
            async with asyncio.timeout(QUESTION_TIMEOUT_S):
                await link.subscribe(
                    HEART_RATE_MEASUREMENT, lambda _value: one.at_ms.append(self._now_mono_ms())
                )
        except BaseException:
            await link.close()
            raise
        return one

    async def _hold(self, held: list[_Held]) -> list[float]:
        """Hold the links, asking a strap for its battery now and then; the answers' times in ms."""
        answers: list[float] = []
        until_s = time.monotonic() + self._hold_s
        turn = 0
        while (left_s := until_s - time.monotonic()) > 0 and held:
            await asyncio.sleep(min(left_s, 0.25))
            one = held[turn % len(held)]
            turn += 1
            if one.is_lost or not one.link.has(BATTERY_LEVEL):
                continue
            asked_s = time.monotonic()
            try:
                async with asyncio.timeout(QUESTION_TIMEOUT_S):
                    await one.link.read(BATTERY_LEVEL)
            except (RadioError, TimeoutError):
                continue
            answers.append((time.monotonic() - asked_s) * 1000)
        return answers


def _air_of(heard: dict[str, _Heard], seconds: float) -> AirReport:
    near = [one for one in heard.values() if median(one.dbm) >= CLOSE_ENOUGH_DBM]
    frames = [one.frames_s for one in near if one.latest.polar]
    return AirReport(
        straps=len(heard),
        broadcasting=sum(one.latest.polar is not None for one in heard.values()),
        frames_s=median(frames) if frames else None,
        adverts_s=median(len(one.at_ms) / seconds for one in near) if near else None,
        rssi_dbm=round(median(median(one.dbm) for one in heard.values())) if heard else None,
    )


def _links_of(
    held: list[_Held], window_ms: tuple[int, int], answers: list[float], refusal: str, *, is_full: bool
) -> LinkReport:
    values = [counted(one.at_ms, *window_ms) for one in held]
    late = sorted(delay for one in held for delay in delays(one.at_ms))
    took_s = sorted(one.took_s for one in held)
    return LinkReport(
        held=len(held),
        is_full=is_full,
        refusal=refusal,
        connect_p50_s=share_of(took_s, 0.5),
        connect_worst_s=share_of(took_s, 1.0),
        expected=sum(expected for expected, _came in values),
        lost=sum(expected - came for expected, came in values),
        dropped=sum(one.is_lost for one in held),
        silent=sum(not one.at_ms for one in held),
        delay_p50_ms=share_of(late, 0.5),
        delay_p99_ms=share_of(late, 0.99),
        answer_p50_ms=share_of(sorted(answers), 0.5),
        answer_p99_ms=share_of(sorted(answers), 0.99),
    )
