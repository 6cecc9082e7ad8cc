"""A GPX file's tracks become sessions, one each; heart rate is found under every name the makers use.

GPX states no totals: the distance is the device's own where it wrote one at each point, else the way between
the points, which differs from the device's by about 1 % and by more on short or jittery tracks. Routes and
waypoints are not read.
"""

from __future__ import annotations

from hub.devices.exports.found import Found, FoundSession, Held, Person, Setting, Track
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.devices.exports.xml_events import Listener, listen
from hub.devices.exports.xml_points import MOST_POINTS, Frame, Points, maker_of
from hub.errors import ExportUnreadable

# Elements inside a point, whatever namespace or none, lower case.
COLUMNS = {
    "time": "time", "ele": "altitude_m", "hr": "bpm", "heartrate": "bpm", "heartratebpm": "bpm",
    "cad": "cadence_per_min",
    "cadence": "cadence_per_min", "runcadence": "cadence_per_min", "atemp": "temperature_c",
    "temp": "temperature_c", "temperature": "temperature_c", "power": "power_w", "powerinwatts": "power_w",
    "watts": "power_w", "speed": "speed_mps", "distance": "distance_m", "hdop": "hdop", "sat": "satellites",
}  # fmt: skip
STRAVA_SPORTS = {"1": "cycling", "4": "hiking", "9": "running", "10": "walking"}
MOST_TRACKS = 2_000
MOST_WORDS = 200


class _Listener(Listener):
    """Gathers tracks; `inside` are the names of the elements open around."""

    row_name = "trkpt"

    def __init__(self) -> None:
        self.tracks: list[tuple[Points, dict[str, str]]] = []
        self.creator = ""
        self.n_left, self.n_places, self.n_surplus = MOST_POINTS, 0, 0
        self.inside: list[str] = []
        self.points: Points | None = None
        self.words: dict[str, str] = {}

    def column_of(self, name: str) -> str | None:
        return COLUMNS.get(name.casefold())

    def row(self, attributes: dict[str, str], texts: dict[str, str]) -> None:
        if self.points is not None:
            texts["latitude_deg"] = attributes.get("lat", "")
            texts["longitude_deg"] = attributes.get("lon", "")
            self.points.add(texts)

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self.inside.append(name)
        if name == "trk":
            self.points = Points(f"track {len(self.tracks) + 1}", self.n_left)
            self.words = {}
        elif name == "trkseg" and self.points is not None:
            self.points.part()
        elif name in ("rtept", "wpt"):
            self.n_places += 1
        elif name == "gpx":
            self.creator = attributes.get("creator", "")[:MOST_WORDS]

    def close(self, name: str, text: str) -> None:
        self.inside.pop()
        if name == "trk":
            self.keep()
        elif name in ("name", "type") and self.inside[-1:] == ["trk"]:
            self.words[name] = " ".join(text.split())[:MOST_WORDS]

    def keep(self) -> None:
        """The open track is at its end."""
        if self.points is not None and len(self.tracks) < MOST_TRACKS:
            self.tracks.append((self.points, self.words))
            self.n_left -= self.points.n_rows
        elif self.points is not None:
            self.n_surplus += 1
        self.points = None


def read_gpx(source: Source, setting: Setting) -> Found:
    """A session for each track with times; what stands before damage is kept and the damage told.

    Raises ExportUnreadable for a route, or where no track has possible times.
    """
    listener = _Listener()
    damage = listen(source, "gpx", listener)
    listener.keep()
    sessions: list[FoundSession] = []
    held: list[Held] = []
    for points, words in listener.tracks:
        frame = points.frame(setting)
        if frame is None or (frame.ended_ms == frame.began_ms and points.n > 1):
            held += points.held() or _held_as_route(points)
            continue
        held += frame.held
        sessions.append(_session(points, frame, words, listener.creator))
    if listener.n_surplus:
        held.append(Held("track", f"more than {MOST_TRACKS} tracks", n=listener.n_surplus))
    if not sessions:
        raise _without_session(listener, damage)
    return Found("GPX", maker_of(listener.creator), tuple(sessions), held=tuple(held), damage=damage)


def _session(points: Points, frame: Frame, words: dict[str, str], creator: str) -> FoundSession:
    written = words.get("type", "")
    sport = STRAVA_SPORTS.get(written) or sport_of(written)
    elapsed_s = (frame.ended_ms - frame.began_ms) / 1000
    paused_s = sum(end - start for start, end in frame.pauses_ms) / 1000
    return FoundSession(
        person=Person(),
        sport=sport,
        written_sport=written,
        started_at_ms=frame.began_ms,
        elapsed_s=elapsed_s,
        timer_s=max(0.0, elapsed_s - paused_s) if paused_s else None,
        distance_m=_device_way_m(frame.track) or frame.way_m,
        utc_offset_s=frame.offset_s,
        offset_known_by=frame.known_by,
        title=words.get("name", ""),
        device=creator,
        track=frame.track,
        stated=frame.stated,
        pauses_ms=frame.pauses_ms,
        n_records=points.n,
    )


def _held_as_route(points: Points) -> tuple[Held, ...]:
    return (Held(points.where, "all its points have one time", n=points.n),) if points.n else ()


def _device_way_m(track: Track) -> float | None:
    """What the device's own distances span, None where it wrote none."""
    way = track.column("distance_m")
    way = way[way == way]
    return float(way.max() - way.min()) if len(way) > 1 else None


def _without_session(listener: _Listener, damage: str | None) -> ExportUnreadable:
    tracks = [points for points, _ in listener.tracks if points.n]
    if damage:
        return ExportUnreadable(
            "it is damaged and holds no whole point with a time.", hint="Copy or export it again."
        )
    if any(points.n_impossible for points in tracks):
        return ExportUnreadable(
            "its clock is wrong throughout: none of its points has a possible time.",
            hint="Set the device's date and export again.",
        )
    if tracks or listener.n_places:
        return ExportUnreadable(
            "it is a route or a list of places: its points have no times.",
            hint="Choose a recorded activity instead.",
        )
    return ExportUnreadable("it holds no track.", hint="Choose a recorded activity instead.")
