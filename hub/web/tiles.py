"""Live state becomes words: every text and class a board tile shows is decided here, once.

It knows no HTML, no socket and no clock; the page renders these words and the stream repeats them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.analytics.catalogue import metric
from hub.analytics.live_motion import LiveMotion
from hub.board import BoardSnapshot, LiveState
from hub.domain import Athlete, Contact, Flaw
from hub.web.zone_colours import COLOURS, zone_css

FRESH_S = 3.0
STALE_S = 5.0
BATTERY_LOW_PERCENT = 15
NOTHING = "–"
DOUBTS = {Flaw.JUMP: "▲ rate jumps", Flaw.FLAT: "▲ flat line"}


@dataclass(frozen=True, slots=True)
class TileView:
    """One tile in words. `bar` is the width of the %HRmax bar in per cent, "0" when not shown.

    `speed` and `cadence` are of a running pod that speaks, empty otherwise; the page adds the cadence's unit
    where there is room for it.
    """

    athlete_id: str
    number: str
    name: str
    classes: str
    bar: str
    bpm: str
    zone: str
    percent: str
    banister: str
    edwards: str
    coverage: str
    status: str
    speed: str = ""
    cadence: str = ""

    def patch(self) -> list[str]:
        """The changing texts in the order the page's script expects: classes, bar, then the fields."""
        return [
            self.classes,
            self.bar,
            self.bpm,
            self.zone,
            self.percent,
            self.banister,
            self.edwards,
            self.coverage,
            self.speed,
            self.cadence,
            self.status,
        ]


@dataclass(frozen=True, slots=True)
class BoardView:
    """The board in words. `key` changes when the page must fetch its tiles anew."""

    key: str
    clock: str
    session_id: str
    title: str
    elapsed: str
    fresh: str
    unassigned: str
    warning: str
    density: str
    is_silent: bool
    with_own_zones: int
    tiles: tuple[TileView, ...]


def age_text(age_s: float) -> str:
    """How old a value is: seconds below two minutes, then minutes, then hours."""
    if age_s < 120:
        return f"{int(age_s)} s"
    if age_s < 7200:
        return f"{int(age_s // 60)} min"
    return f"{int(age_s // 3600)} h"


def elapsed_text(elapsed_s: float | None) -> str:
    """Running time as h:mm:ss; empty when nothing runs."""
    if elapsed_s is None:
        return ""
    total = max(0, int(elapsed_s))
    return f"{total // 3600}:{total // 60 % 60:02d}:{total % 60:02d}"


def clock_text(at_ms: int) -> str:
    """The hub's wall time as hh:mm in the hub's own zone."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone().strftime("%H:%M")


def _status(state: LiveState) -> tuple[str, str]:
    """The tile's freshness class and its words when something is not as it should be."""
    age_s = state.age_s
    off_skin = state.bpm is None and state.contact is Contact.NO
    if state.strap_id is None and age_s is None:
        return "is-idle", "no strap"
    if age_s is None:
        return "is-idle", "no contact" if off_skin else "strap silent"
    if off_skin:
        return "is-stale", "▲ no contact"
    if age_s > STALE_S or state.bpm is None:
        return "is-stale", f"▲ {age_text(age_s)} old"
    if state.doubt is not None:
        return "is-fading", DOUBTS.get(state.doubt, "▲ doubtful")
    freshness = "is-fading" if age_s > FRESH_S else "is-fresh"
    if state.athlete.hr_max_bpm is None:
        return freshness, "HRmax not set"
    if state.battery_percent is not None and state.battery_percent <= BATTERY_LOW_PERCENT:
        return freshness, f"▲ battery {state.battery_percent} %"
    return freshness, ""


def _motion_css(motion: LiveMotion | None) -> str:
    """A tile with a pod, and whether what it said is getting old."""
    if motion is None:
        return ""
    return " has-pod" if motion.age_s <= FRESH_S else " has-pod pod-fading"


def _coverage(state: LiveState) -> str:
    """How much was heard, and how much of that is doubtful."""
    if state.coverage is None:
        return NOTHING
    doubt = state.doubtful_share
    beside = "" if doubt is None else f", {'<1' if doubt < 0.01 else f'{doubt * 100:.0f}'}% doubtful"
    return f"{state.coverage * 100:.0f}%{beside}"


def _zone_css(athlete: Athlete, zone: int | None) -> str:
    if zone is None:
        return "z-none"
    return zone_css(zone, len(athlete.zone_edges_bpm) or COLOURS)


def tile_view(state: LiveState) -> TileView:
    """Words for one athlete; a value too old to trust is never among them."""
    freshness, status = _status(state)
    is_shown = freshness in ("is-fresh", "is-fading")
    percent = state.pct_hr_max if is_shown else None
    zone = state.zone if is_shown else None
    athlete, motion = state.athlete, state.motion
    return TileView(
        athlete_id=athlete.athlete_id,
        number="" if athlete.shirt_number is None else str(athlete.shirt_number),
        name=athlete.name,
        classes=f"tile {freshness} {_zone_css(athlete, zone)}{_motion_css(motion)}",
        bar="0" if percent is None else str(max(0, min(100, int(percent)))),
        bpm=str(state.bpm) if is_shown and state.bpm is not None else NOTHING,
        zone="" if zone is None else f"Z{zone}",
        percent="" if percent is None else f"{int(percent)}%",
        banister=metric("banister_trimp").text(state.banister_au),
        edwards=metric("edwards_trimp").text(state.edwards_au),
        coverage=_coverage(state),
        status=status,
        speed="" if motion is None else metric("running_speed").text(motion.speed_m_s, 1),
        cadence="" if motion is None else str(motion.cadence_steps_min),
    )


def _density(count: int) -> str:
    """How many tiles share the screen, as a class: the style sheet turns it into columns."""
    for name, limit in (("d8", 8), ("d12", 12), ("d24", 24), ("d40", 40)):
        if count <= limit:
            return name
    return "d60"


def board_view(snapshot: BoardSnapshot) -> BoardView:
    """Words for the whole board, in the order the snapshot gives."""
    tiles = tuple(tile_view(state) for state in snapshot.athletes)
    session = snapshot.session
    session_id = "" if session is None else session.session_id
    title = "" if session is None else session.title
    named = "\n".join(f"{tile.athlete_id}|{tile.number}|{tile.name}" for tile in tiles)
    straps = snapshot.unassigned
    is_silent = straps == 0 and all(state.age_s is None for state in snapshot.athletes)
    return BoardView(
        key=f"{zlib.crc32(f'{session_id}|{title}|{is_silent}|{named}'.encode()):08x}",
        clock=clock_text(snapshot.at_ms),
        session_id=session_id,
        title=title,
        elapsed=elapsed_text(snapshot.elapsed_s),
        fresh=f"{snapshot.fresh} of {len(tiles)} live" if tiles else "",
        unassigned="" if straps == 0 else f"{straps} new",
        warning=snapshot.warning,
        density=_density(len(tiles)),
        is_silent=is_silent,
        with_own_zones=sum(bool(state.athlete.zone_edges_bpm) for state in snapshot.athletes),
        tiles=tiles,
    )
