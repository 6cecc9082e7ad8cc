"""Raw radio events in a file: what was heard, connected, read and notified, to be judged or played again.

It understands no value in them. A recording cut off anywhere, as by a power cut, is good up to the cut.

The file is gzip over lines of JSON. The first line says so and explains the others:
[ms, "s", receiver, address, name, dBm, flags, Polar data]   an advertisement
The flags of an advertisement are 1 heart rate, 2 other sensor, 4 private address, added up.
[ms, "c", receiver, address]  connected    [ms, "d", address]  link over
[ms, "r", address, characteristic, value]  read    [ms, "n", address, characteristic, value]  notified
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import error as ZlibError

from hub.devices.source import Link, RadioSource, Receiver, Scan, Sighting
from hub.errors import DecodeError

log = logging.getLogger(__name__)

FORMAT = "touchline-radio"
VERSION = 1
MOST_BYTES = 256 << 20
FLUSH_EVERY_MS = 1_000
MOST_LINE_BYTES = 4_096
HEART_RATE, SENSOR, PRIVATE = 1, 2, 4
Event = list[Any]


class RecordingWriter:
    """Appends events to a new file until `most_bytes` are on disk; a broken disk never raises."""

    def __init__(
        self, path: Path, receivers: tuple[str, ...], started_at_ms: int, most_bytes: int = MOST_BYTES
    ) -> None:
        self.events = 0
        self.lost = 0
        self.trouble = ""
        self._most_bytes = most_bytes
        self._raw = path.open("xb")
        self._file = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._raw, mtime=0)
        self._flushed_ms: int | None = None
        self._write(
            {
                "format": FORMAT,
                "version": VERSION,
                "started_at_ms": started_at_ms,
                "receivers": list(receivers),
                "lines": (__doc__ or "").partition("The file is ")[2].split("\n"),
            }
        )

    @property
    def size_bytes(self) -> int:
        """How long the file is; what has not been flushed yet is not counted."""
        return 0 if self._raw.closed else self._raw.tell()

    def add(self, event: Event) -> None:
        """One event, its time first."""
        if self.trouble:
            self.lost += 1
            return
        self._write(event)
        self.events += 1
        if self._flushed_ms is None or event[0] - self._flushed_ms >= FLUSH_EVERY_MS:
            self._flushed_ms = event[0]
            self._flush()

    def close(self) -> None:
        """End the file properly."""
        try:
            self._file.close()
        except OSError as error:
            self._give_up(str(error))
        self._raw.close()

    def _flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self._give_up(str(error))
            return
        if self._raw.tell() >= self._most_bytes:
            self._give_up(f"the recording has reached {self._most_bytes >> 20} MiB")

    def _write(self, line: Any) -> None:
        try:
            self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            self._give_up(str(error))

    def _give_up(self, trouble: str) -> None:
        if not self.trouble:
            log.warning("the recording stops: %s", trouble)
        self.trouble = trouble


def read_header(path: Path) -> dict[str, Any]:
    """The first line. Raises DecodeError where the file is no recording."""
    try:
        with gzip.open(path, "rb") as file:
            header = json.loads(file.readline(1 << 16))
    except (OSError, EOFError, ZlibError, ValueError) as error:
        raise DecodeError(f"{path.name} is no recording of radio events ({error}).") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise DecodeError(f"{path.name} is no recording of radio events this version can read.")
    return header


def read_events(path: Path) -> Iterator[Event]:
    """The events in order, up to the first damage. Raises DecodeError where the file is no recording."""
    read_header(path)
    with gzip.open(path, "rb") as file:
        file.readline(1 << 16)
        while True:
            try:
                line = file.readline(MOST_LINE_BYTES)
                event = json.loads(line) if line else None
            except (OSError, EOFError, ZlibError, ValueError):
                return
            if event is None or not _is_event(event):
                return
            yield event


def _is_event(event: Any) -> bool:
    if not isinstance(event, list) or len(event) < 3 or not isinstance(event[0], int):
        return False
    shapes: dict[Any, tuple[Any, ...]] = {
        "s": (str, str, (str, type(None)), int, int, (str, type(None))),
        "c": (str, str),
        "d": (str,),
        "r": (str, str, str),
        "n": (str, str, str),
    }
    shape = shapes.get(event[1]) if isinstance(event[1], str) else None
    values = event[2:]
    return (
        shape is not None
        and len(values) == len(shape)
        and all(isinstance(value, kind) for value, kind in zip(values, shape, strict=True))
    )


class RecordingRadio:
    """A radio that passes everything on and, while it has a writer, writes it down.

    What is heard is passed on first and written afterwards with the time it came: a slow card holds up no
    reading. A recording may begin at any time: what stands at that moment is written first.
    """

    def __init__(
        self, radio: RadioSource, writer: RecordingWriter | None, now_mono_ms: Callable[[], int]
    ) -> None:
        self._radio = radio
        self._writer = writer
        self._now_mono_ms = now_mono_ms
        self._links: set[_RecordingLink] = set()

    @property
    def writer(self) -> RecordingWriter | None:
        """The recording that runs."""
        return self._writer

    def begin(self, writer: RecordingWriter) -> None:
        """Write down from now on, beginning with the links that stand."""
        self.end()
        self._writer = writer
        for link in self._links:
            sighting = link.sighting
            now_ms = self._now_mono_ms()
            self._add(now_ms, "s", *sighting_columns(sighting))
            self._add(now_ms, "c", sighting.adapter, sighting.address)
            for characteristic, value in link.values.items():
                self._add(now_ms, "r", sighting.address, characteristic, value.hex())

    def end(self) -> None:
        """Write no more, and close the file properly."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def receivers(self) -> tuple[Receiver, ...]:
        """The radio's own."""
        return self._radio.receivers()

    def foreign(self) -> int:
        """The radio's own; foreign advertisements are not recorded."""
        return self._radio.foreign()

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Scan, writing down each sighting. Raises RadioError."""

        def on_heard(sighting: Sighting) -> None:
            if self._writer is None:
                on_sighting(sighting)
                return
            heard_ms = self._now_mono_ms()
            try:
                on_sighting(sighting)
            finally:
                self._add(heard_ms, "s", *sighting_columns(sighting))

        return await self._radio.start_scan(receiver, on_heard)

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """Connect, writing down what comes over the link. Raises RadioError."""
        link = await self._radio.connect(sighting, on_lost, timeout_s)
        self._add(self._now_mono_ms(), "c", sighting.adapter, sighting.address)
        recording = _RecordingLink(link, sighting, self._now_mono_ms, self._add, self._links.discard)
        self._links.add(recording)
        return recording

    async def reset(self, receiver: str) -> None:
        """The radio's own."""
        await self._radio.reset(receiver)

    async def close(self) -> None:
        """The radio's own, and the file."""
        await self._radio.close()
        self.end()

    def _add(self, at_ms: int, kind: str, *values: Any) -> None:
        if self._writer is not None:
            self._writer.add([at_ms, kind, *values])


class _RecordingLink:
    def __init__(
        self,
        link: Link,
        sighting: Sighting,
        now_mono_ms: Callable[[], int],
        add: Callable[..., None],
        on_over: Callable[[_RecordingLink], None],
    ) -> None:
        self.sighting = sighting
        self.values: dict[str, bytes] = {}
        self._link = link
        self._address = sighting.address
        self._now_mono_ms = now_mono_ms
        self._add = add
        self._on_over = on_over
        self._is_over = False

    def has(self, characteristic: str) -> bool:
        return self._link.has(characteristic)

    async def read(self, characteristic: str) -> bytes:
        value = await self._link.read(characteristic)
        self.values[characteristic] = value
        self._add(self._now_mono_ms(), "r", self._address, characteristic, value.hex())
        return value

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        def on_recorded(value: bytes) -> None:
            came_ms = self._now_mono_ms()
            try:
                on_value(value)
            finally:
                self._add(came_ms, "n", self._address, characteristic, value.hex())

        await self._link.subscribe(characteristic, on_recorded)

    async def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_over(self)
            self._add(self._now_mono_ms(), "d", self._address)
        await self._link.close()


def sighting_columns(sighting: Sighting) -> tuple[str, str, str | None, int, int, str | None]:
    """A sighting as the columns of an "s" event after its time and kind."""
    flags = (
        HEART_RATE * sighting.offers_heart_rate
        + SENSOR * sighting.offers_sensor
        + PRIVATE * sighting.is_private
    )
    polar = None if sighting.polar is None else sighting.polar.hex()
    return sighting.adapter, sighting.address, sighting.name, sighting.rssi_dbm, flags, polar


def sighting_from(event: Event) -> Sighting:
    """An "s" event as a sighting again, without anything to connect by."""
    _ms, _kind, receiver, address, name, dbm, flags, polar = event
    return Sighting(
        address=address,
        name=name,
        adapter=receiver,
        rssi_dbm=dbm,
        offers_heart_rate=bool(flags & HEART_RATE),
        polar=None if polar is None else bytes_of(polar),
        device=None,
        offers_sensor=bool(flags & SENSOR),
        is_private=bool(flags & PRIVATE),
    )


def bytes_of(text: str) -> bytes:
    """Hexadecimal text as bytes; damaged text as none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
