"""Running pods in a session: speed and cadence journalled once a second and sealed as motion every 300 s.

It is the recorder's small brother for the second stream: who wears which pod is kept apart from the straps,
so that an athlete wears both. It computes nothing; pages read the motion like that of an imported file.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from sqlite3 import Connection

import numpy as np

from hub.domain import Assignment, MotionReading, Session
from hub.errors import HubError
from hub.store import athletes, boots, erasure, pods, segments, sessions, straps
from hub.store.database import Database
from hub.store.pods import Pod, Stride
from hub.store.records import Moment, propose
from hub.store.straps import Stream
from hub.wearing.labels import Labels
from sync.motion import CHANNEL, Motion, joined, seal_motion
from sync.segments import Segment

log = logging.getLogger(__name__)

SEAL_MS = 300_000
MOST_PENDING = 600 * 30
"""Readings kept in memory while the disk refuses them: ten minutes of thirty pods."""

FRESH_MS = 5_000


@dataclass(slots=True)
class _Book:
    """The running session's memory of pods; a change is tried on a copy until it is on disk."""

    session: Session | None = None
    streams: dict[str, Stream] = field(default_factory=dict)
    worn: dict[str, Assignment] = field(default_factory=dict)

    def copy(self) -> _Book:
        return _Book(self.session, dict(self.streams), dict(self.worn))


@dataclass(slots=True)
class _Open:
    """Strides that are journalled and not yet sealed."""

    strides: dict[int, list[Stride]] = field(default_factory=lambda: defaultdict(list))
    last_row: int = 0
    since_ms: int | None = None

    def add(self, strides: Iterable[Stride], row_id: int) -> None:
        for stride in strides:
            self.strides[stride.stream_no].append(stride)
            if self.since_ms is None:
                self.since_ms = stride.mono_ms
        self.last_row = row_id


class Pods:
    """All methods run on the hub's event loop; `session` answers the session that runs."""

    def __init__(
        self, database: Database, moment: Callable[[], Moment], session: Callable[[], Session | None]
    ) -> None:
        self._database, self._moment, self._session = database, moment, session
        self._wearer: dict[str, str] = {}
        self._labels = Labels()
        self._latest: dict[str, MotionReading] = {}
        self._pending: list[MotionReading] = []
        self._book, self._open = _Book(), _Open()
        self._turn = asyncio.Lock()
        self._is_refused = False

    # --- what is heard

    def hear(self, reading: MotionReading) -> None:
        """One measurement: shown at once, on disk with the next tick of a running session."""
        self._latest[reading.strap_id] = reading
        if self._session() is not None and len(self._pending) < MOST_PENDING:
            self._pending.append(reading)

    def label(self, pod_id: str, name: str, address: str) -> None:
        """What the radio calls a pod."""
        self._labels.note(pod_id, name, address)

    def latest(self) -> dict[str, MotionReading]:
        """What each pod said in the last seconds."""
        since_ms = self._moment().mono_ms - FRESH_MS
        self._latest = {pod: it for pod, it in self._latest.items() if it.mono_ms >= since_ms}
        return dict(self._latest)

    def on_athletes(self) -> dict[str, MotionReading]:
        """What each athlete's pod said in the last seconds, by athlete."""
        said = self.latest()
        return {who: said[pod] for pod, who in self._wearer.items() if pod in said}

    def wearers(self) -> dict[str, str]:
        """Pod to athlete, kept from session to session."""
        return dict(self._wearer)

    # --- once a second

    async def tick(self) -> None:
        """Journal the last second; seal every 300 s and when the session has ended."""
        await asyncio.shield(self._tick())

    async def _tick(self) -> None:
        async with self._turn:
            try:
                running, known = self._session(), self._book.session
                if known is not None and (running is None or running.session_id != known.session_id):
                    await self._finish()
                if running is None:
                    self._pending.clear()
                    return
                self._book.session = running
                await self._flush(running)
                since_ms = self._open.since_ms
                if since_ms is not None and self._moment().mono_ms - since_ms >= SEAL_MS:
                    await self._seal()
            except HubError as error:
                if not self._is_refused:
                    log.error("running pods cannot be recorded: %s", error)
                self._is_refused = True
            else:
                self._is_refused = False

    async def _flush(self, session: Session) -> None:
        taken = list(self._pending)
        if not taken:
            return
        moment, book = self._moment(), self._book.copy()

        def change(db: Connection) -> tuple[list[Stride], int]:
            strides = []
            for reading in taken:
                stream = self._stream(db, book, reading.strap_id, moment)
                wearer = self._wearer.get(reading.strap_id)
                if wearer and reading.strap_id not in book.worn and not erasure.is_erased(db, wearer):
                    self._wear(db, book, session, stream, reading.mono_ms, moment)
                strides.append(_stride(stream.stream_no, reading))
            return strides, pods.append(db, moment.boot_no, strides)

        strides, row_id = await self._database.write(change)
        self._book = book
        del self._pending[: len(taken)]
        self._open.add(strides, row_id)

    async def _seal(self) -> None:
        closing = self._open
        if not closing.strides:
            return
        await self._database.write(lambda db: _seal_all(db, closing))
        self._open = _Open()

    async def _finish(self) -> None:
        """The session is over: its last strides sealed, its pods laid down."""
        session = self._book.session
        if session is not None and self._pending:
            await self._flush(session)
        await self._seal()
        worn, moment = self._book.worn, self._moment()

        def change(db: Connection) -> None:
            for assignment in worn.values():
                _end(db, assignment, moment.mono_ms, moment)

        if worn:
            await self._database.write(change)
        self._book = _Book()

    # --- who wears which

    async def assign(self, pod_id: str, athlete_id: str | None) -> None:
        """Give a pod to an athlete, or take it back with None. Raises NotFound.

        In a running session a pod nobody wore yet is the athlete's from the start, any other from now on.
        """
        await asyncio.shield(self._assign(pod_id, athlete_id))

    async def _assign(self, pod_id: str, athlete_id: str | None) -> None:
        async with self._turn:
            session = self._session()
            if session is not None:
                await self._flush(session)
            moment, book = self._moment(), self._book.copy()
            wearer = {pod: who for pod, who in self._wearer.items() if pod != pod_id and who != athlete_id}
            laid_down = [pod for pod in book.worn if pod not in wearer]
            if athlete_id is not None:
                wearer[pod_id] = athlete_id

            def change(db: Connection) -> None:
                if athlete_id is not None:
                    athletes.athlete(db, athlete_id)
                self._keep(db, pod_id)
                pods.give(db, pod_id, athlete_id)
                for pod in laid_down:
                    _end(db, book.worn.pop(pod), moment.mono_ms, moment)

            await self._database.write(change)
            self._wearer, self._book = wearer, book

    async def roster_changed(self) -> None:
        """Whoever was erased wears no pod any more: what it says from now on is nobody's."""
        await asyncio.shield(self._roster_changed())

    async def _roster_changed(self) -> None:
        async with self._turn:
            known = {it.pod_id: it.athlete_id for it in await self._database.read(pods.all_pods)}
            gone = [pod for pod in self._wearer if known.get(pod) is None]
            for pod in gone:
                del self._wearer[pod]
                self._book.worn.pop(pod, None)

    def _keep(self, db: Connection, pod_id: str) -> None:
        name, address = self._labels.of(pod_id)
        pods.keep(db, Pod(pod_id, name, address))

    def _stream(self, db: Connection, book: _Book, pod_id: str, moment: Moment) -> Stream:
        """The pod's stream in this boot, begun if need be."""
        if pod_id not in book.streams:
            self._keep(db, pod_id)
            if straps.stream_on(db, moment.boot_no, pod_id, CHANNEL) is None:
                fields = {"strap_id": pod_id, "boot_no": moment.boot_no, "channel": CHANNEL}
                propose(db, moment, "stream", moment.new_id(), fields)
            begun = straps.stream_on(db, moment.boot_no, pod_id, CHANNEL)
            assert begun is not None
            book.streams[pod_id] = begun
        return book.streams[pod_id]

    def _wear(
        self, db: Connection, book: _Book, session: Session, stream: Stream, at_ms: int, moment: Moment
    ) -> None:
        athlete_id = self._wearer[stream.strap_id]
        is_worn = pods.took_part(db, session.session_id, stream.stream_id, athlete_id)
        if not is_worn and not erasure.is_fenced(db, stream.stream_id):
            at_ms = max(0, session.mono0_ms + boots.shift_ms(db, session.boot_no, stream.boot_no))
        new = Assignment(moment.new_id(), stream.stream_id, athlete_id, session.session_id, at_ms)
        fields = {name: value for name, value in asdict(new).items() if name != "assignment_id"}
        propose(db, moment, "stream_assignment", new.assignment_id, fields)
        book.worn[stream.strap_id] = new

    # --- restart

    async def restore(self) -> None:
        """Go on where the last process stopped; to be called before the recorder's own restore.

        Strides of an earlier boot, or of a session that has ended, are sealed as they are.
        """
        session, moment = await self._database.read(sessions.live), self._moment()
        known = await self._database.read(pods.all_pods)
        self._wearer = {pod.pod_id: pod.athlete_id for pod in known if pod.athlete_id is not None}
        for pod in known:
            self._labels.note(pod.pod_id, pod.name, pod.address)
        past = _Open()
        for row_id, boot_no, strides in await self._database.read(pods.open_strides):
            goes_on = session is not None and boot_no == moment.boot_no
            (self._open if goes_on else past).add(strides, row_id)

        def change(db: Connection) -> dict[str, Assignment]:
            _seal_all(db, past)
            return _resumed(db, session, moment)

        self._book = _Book(session, {}, await self._database.write(change))

    async def close(self) -> None:
        """Make what was heard durable before the process ends; the session itself stays running."""
        with suppress(HubError):
            await self.tick()


def _resumed(db: Connection, session: Session | None, moment: Moment) -> dict[str, Assignment]:
    """Assignments that go on; the others end with their last stride."""
    worn: dict[str, Assignment] = {}
    for pod_id, assignment in pods.still_worn(db):
        stream = straps.stream_by_id(db, assignment.stream_id)
        is_ours = session is not None and assignment.session_id == session.session_id
        if stream is not None and is_ours and stream.boot_no == moment.boot_no:
            worn[pod_id] = assignment
            continue
        heard = segments.of_stream(db, assignment.stream_id, assignment.from_ms, None)
        _end(db, assignment, max((it.mono1_ms for it in heard), default=assignment.from_ms) + 1, moment)
    return worn


def _end(db: Connection, assignment: Assignment, to_ms: int, moment: Moment) -> None:
    propose(db, moment, "stream_assignment", assignment.assignment_id, {"to_ms": to_ms})


def _seal_all(db: Connection, closing: _Open) -> None:
    for stream_no, strides in closing.strides.items():
        for segment in sealed(straps.stream_by_no(db, stream_no), strides):
            segments.add(db, segment)
    if closing.strides:
        pods.forget_through(db, closing.last_row)


def _stride(stream_no: int, reading: MotionReading) -> Stride:
    return Stride(
        stream_no, reading.mono_ms, reading.speed_mmps, reading.cadence_per_min, reading.distance_dm
    )


def sealed(stream: Stream, strides: list[Stride]) -> list[Segment]:
    """Strides of one stream as motion segments, in order of time; of two at one time the first stays."""
    ordered = sorted(strides, key=lambda it: it.mono_ms)
    times, first = np.unique(np.array([it.mono_ms for it in ordered], np.int64), return_index=True)
    rows = [ordered[at] for at in first]
    columns = {
        "speed_mps": np.array([it.speed_mmps / 1000 for it in rows]),
        "cadence_per_min": np.array([float(it.cadence_per_min) for it in rows]),
        "distance_m": np.array([math.nan if it.distance_dm is None else it.distance_dm / 10 for it in rows]),
    }
    motion = joined([Motion.of_columns(times, columns)])
    return [seal_motion(stream.stream_id, stream.boot_no, piece) for piece in motion.pieces()]
