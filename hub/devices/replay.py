"""A recording as a radio: the same fleet hears it again, at up to sixty times its speed.

It invents nothing: a strap can be connected while it was connected then, and says what it said then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hub.devices.keeper import Timing
from hub.devices.recording import Event, bytes_of, read_events, read_header, sighting_from
from hub.devices.source import Link, Receiver, ReceiverKind, Scan, ScanMode, Sighting
from hub.errors import DecodeError, RadioError

FASTEST = 60.0
OPENS_SOON_MS = 1_500
LOOK_S = 0.02
TURNS_TO_BE_HEARD, A_TURN_S = 500, 0.001
_FOREVER_S = 1e9

REPLAY_TIMING = replace(
    Timing(),
    backoff_s=(0.05,),
    stall_s=_FOREVER_S,
    deaf_s=_FOREVER_S,
    relay_deaf_s=_FOREVER_S,
    lease_s=_FOREVER_S,
)
"""For a fleet that hears a recording: the recorded fleet was patient already."""


class ReplayClock:
    """Milliseconds of the recording; during an event it stands at that event's own time.

    It never goes back, and never past an event that is still to be handed on: where the machine cannot keep
    up, the recording's time slows down with it.
    """

    def __init__(self, speed: float, now_s: Callable[[], float] = time.monotonic) -> None:
        if not 0 < speed <= FASTEST:
            raise ValueError(f"a speed of {speed:g} is not above 0 and up to {FASTEST:g}")
        self.speed = speed
        self._now_s = now_s
        self._began_s = now_s()
        self._first_ms = 0
        self._standing_ms: int | None = None
        self._handed_on_ms: int | None = None
        self._next_ms: int | None = None

    def hold(self, at_ms: int) -> None:
        """Stand still at this time until the recording begins."""
        self._standing_ms = at_ms

    def begin(self, first_ms: int) -> None:
        """The recording begins now with its first event."""
        self._first_ms, self._began_s, self._standing_ms = first_ms, self._now_s(), None

    def go_on_at(self, speed: float) -> None:
        """From now on time passes at another speed, without a jump."""
        self.begin(self.now_ms())
        self.speed = speed

    def now_ms(self) -> int:
        """The recording's time."""
        if self._standing_ms is not None:
            return self._standing_ms
        now_ms = self._first_ms + round((self._now_s() - self._began_s) * 1000 * self.speed)
        if self._next_ms is not None:
            now_ms = min(now_ms, self._next_ms)
        return now_ms if self._handed_on_ms is None else max(now_ms, self._handed_on_ms)

    def wait_for(self, next_ms: int | None) -> float:
        """The time of the event that comes next, None for none; seconds until then, below 0 when late."""
        self._next_ms = None
        wait_s = 0.0 if next_ms is None else (next_ms - self.now_ms()) / 1000 / self.speed
        self._next_ms = next_ms
        return wait_s

    @contextlib.contextmanager
    def standing(self, at_ms: int) -> Iterator[None]:
        """Stand still at an event's time while it is handed on."""
        before, self._standing_ms = self._standing_ms, at_ms
        self._handed_on_ms = max(at_ms, self._handed_on_ms or at_ms)
        try:
            yield
        finally:
            self._standing_ms = before


@dataclass(slots=True)
class _Span:
    """One link of the recording: when it stood and what was learnt over it."""

    from_ms: int
    to_ms: int
    characteristics: set[str] = field(default_factory=set)
    values: dict[str, bytes] = field(default_factory=dict)


class ReplayRadio:
    """Receivers, straps and links of a recording. Raises DecodeError where the file is none.

    It plays once all its receivers are listened to; one that `waits`, not before `may_begin` is set.
    """

    def __init__(self, path: Path, clock: ReplayClock, *, waits: bool = False) -> None:
        self.finished = asyncio.Event()
        self.may_begin = asyncio.Event()
        if not waits:
            self.may_begin.set()
        self.events = 0
        self._path = path
        self._clock = clock
        self._spans: dict[str, list[_Span]] = defaultdict(list)
        self.first_ms, self.last_ms, self._names = self._survey()
        self._listeners: dict[str, Callable[[Sighting], None]] = {}
        self._links: dict[str, _ReplayLink] = {}
        self._opened: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._latest: dict[tuple[str, str], Sighting] = {}
        self._playing: asyncio.Task[None] | None = None

    def receivers(self) -> tuple[Receiver, ...]:
        """Those of the recording."""
        return tuple(Receiver(name, ReceiverKind.REPLAY, None, ScanMode.PASSIVE) for name in self._names)

    def foreign(self) -> int:
        """A recording holds sensors only."""
        return 0

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Listen; the recording begins to play when all its receivers are listened to."""
        self._listeners[receiver] = on_sighting
        if self._playing is None and set(self._names) <= set(self._listeners):
            self._playing = asyncio.create_task(self._play())
        return _ReplayScan(lambda: self._listeners.pop(receiver, None))

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """The strap's link, if it was connected then or is about to be. Raises RadioError."""
        until_ms = self._clock.now_ms() + timeout_s * 1000
        while (
            sighting.address not in self._links
            and self._is_opening(sighting.address)
            and self._clock.now_ms() < until_ms
        ):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._opened[sighting.address].wait()
        link = self._links.get(sighting.address)
        if link is None:
            raise RadioError(f"{sighting.address} was not connected at this point of the recording.")
        link.on_lost = on_lost
        return link

    async def reset(self, receiver: str) -> None:
        """A recording does not hang."""

    async def close(self) -> None:
        """Stop playing."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait({self._playing})

    def _survey(self) -> tuple[int, int, tuple[str, ...]]:
        """One pass over the file for its links: when each stood, and what it could."""
        names = [name for name in read_header(self._path).get("receivers", []) if isinstance(name, str)]
        first_ms: int | None = None
        last_ms = 0
        for event in read_events(self._path):
            first_ms, last_ms = event[0] if first_ms is None else first_ms, event[0]
            if event[1] in {"s", "c"} and event[2] not in names:
                names.append(event[2])
            self._note_link(event)
        if first_ms is None:
            raise DecodeError(f"{self._path.name} holds no radio events.")
        for spans in self._spans.values():
            spans[-1].to_ms = spans[-1].to_ms or last_ms + 1
        return first_ms, last_ms, tuple(names)

    def _note_link(self, event: Event) -> None:
        at_ms, kind = event[0], event[1]
        if kind == "c":
            self._spans[event[3]].append(_Span(at_ms, 0))
        elif kind != "s" and self._spans.get(event[2]):
            span = self._spans[event[2]][-1]
            if kind == "d":
                span.to_ms = at_ms
                return
            span.characteristics.add(event[3])
            if kind == "r":
                span.values[event[3]] = bytes_of(event[4])

    def _is_opening(self, address: str) -> bool:
        now_ms = self._clock.now_ms()
        spans = self._spans.get(address, ())
        return any(span.from_ms - OPENS_SOON_MS <= now_ms < span.to_ms for span in spans)

    async def _play(self) -> None:
        await self.may_begin.wait()
        self._clock.begin(self.first_ms)
        for event in read_events(self._path):
            wait_s = self._clock.wait_for(event[0])
            await asyncio.sleep(max(0.0, wait_s))
            if event[1] in {"c", "d"}:
                await self._hear_out(event[3] if event[1] == "c" else event[2])
            with self._clock.standing(event[0]):
                self._hand_on(event)
            self.events += 1
        for address in list(self._links):
            await self._hear_out(address)
        self._clock.wait_for(None)
        self.finished.set()

    async def _hear_out(self, address: str) -> None:
        """Before a link ends, what was said over it is heard, where the machine could not keep up."""
        link = self._links.get(address)
        for _ in range(TURNS_TO_BE_HEARD):
            if link is None or not link.is_waiting:
                return
            await asyncio.sleep(A_TURN_S)

    def _hand_on(self, event: Event) -> None:
        at_ms, kind = event[0], event[1]
        if kind == "s":
            sighting = sighting_from(event)
            self._latest[sighting.adapter, sighting.address] = sighting
            opens = self._is_opening(sighting.address)
            heard = sighting if opens else replace(sighting, offers_heart_rate=False, offers_sensor=False)
            self._tell(heard)
        elif kind == "c":
            self._open(event[2], event[3], at_ms)
        elif kind == "n" and (link := self._links.get(event[2])) is not None:
            link.take(event[3], at_ms, bytes_of(event[4]))
        elif kind == "d" and (link := self._links.pop(event[2], None)) is not None:
            self._opened.pop(event[2], None)
            link.lose()

    def _open(self, receiver: str, address: str, at_ms: int) -> None:
        """The link stands; the strap is heard once more, so that the fleet takes the link up."""
        before = self._links.pop(address, None)
        if before is not None:
            before.lose()
        span = next((span for span in self._spans[address] if span.from_ms == at_ms), None)
        if span is None:
            return
        self._links[address] = _ReplayLink(span, self._clock)
        self._opened[address].set()
        known = self._latest.get((receiver, address))
        if known is not None:
            self._tell(replace(known, offers_heart_rate=True))

    def _tell(self, sighting: Sighting) -> None:
        listener = self._listeners.get(sighting.adapter)
        if listener is not None:
            listener(sighting)


class _ReplayScan:
    def __init__(self, on_stop: Callable[[], object]) -> None:
        self._on_stop = on_stop

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self._on_stop()


class _ReplayLink:
    """One link of the recording; what is said before anybody subscribes is kept until then."""

    def __init__(self, span: _Span, clock: ReplayClock) -> None:
        self.on_lost: Callable[[], None] | None = None
        self._span = span
        self._clock = clock
        self._listeners: dict[str, Callable[[bytes], None]] = {}
        self._waiting: dict[str, list[tuple[int, bytes]]] = defaultdict(list)

    def has(self, characteristic: str) -> bool:
        return characteristic in self._span.characteristics

    @property
    def is_waiting(self) -> bool:
        """Something was said that nobody has subscribed to yet."""
        return bool(self._waiting)

    async def read(self, characteristic: str) -> bytes:
        value = self._span.values.get(characteristic)
        if value is None:
            raise RadioError(f"{characteristic[4:8]} was not read in the recording.")
        return value

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        self._listeners[characteristic] = on_value
        for at_ms, value in self._waiting.pop(characteristic, ()):
            with self._clock.standing(at_ms):
                on_value(value)

    async def close(self) -> None:
        self._listeners.clear()

    def take(self, characteristic: str, at_ms: int, value: bytes) -> None:
        """A recorded notification."""
        listener = self._listeners.get(characteristic)
        if listener is None:
            self._waiting[characteristic].append((at_ms, value))
        else:
            listener(value)

    def lose(self) -> None:
        """The recorded link was over here."""
        if self.on_lost is not None:
            self.on_lost()
