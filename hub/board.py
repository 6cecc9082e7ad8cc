"""Who is on the pitch right now: each athlete's running load, last heart rate and its age.

It is a fold over samples and nothing else: it stores nothing, words nothing and asks no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import coverage_of
from hub.analytics.custom_zones import zone_between
from hub.analytics.dfa import Alpha1
from hub.analytics.doubt import HeardTime, doubtful_share
from hub.analytics.live_hrv import LiveBeats, advance_beats, unbroken_rr_1024
from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.live_motion import LiveMotion, live_motion
from hub.analytics.live_recovery import LiveRecovery, advance_recovery, stop_effort
from hub.analytics.recovery import HeartRateRecovery
from hub.analytics.zones import percent_of_max, zone_of
from hub.domain import DOUBTFUL, Athlete, Contact, Flaw, MotionReading, Reading, Session

FRESH_S = 5.0
HEARD_RECENTLY_MS = 10_000


@dataclass(frozen=True, slots=True)
class LiveState:
    """One athlete's tile in numbers; None is unknown, and `age_s` None is never heard.

    `rmssd_ms` and `alpha1` are of the last two minutes of beats, None once they are over 10 s old. `doubt` is
    why the rate should not be believed as it stands. `stopped_s` is how long ago a hard effort ended, `hrr60`
    the recovery since, None until a minute after. `doubtful_share` (0 to 1) is of the time covered.
    """

    athlete: Athlete
    strap_id: str | None
    bpm: int | None
    pct_hr_max: float | None
    zone: int | None
    banister_au: float | None
    edwards_au: float | None
    coverage: float | None
    age_s: float | None
    contact: Contact
    battery_percent: int | None
    rmssd_ms: float | None = None
    alpha1: Alpha1 | None = None
    doubt: Flaw | None = None
    stopped_s: float | None = None
    hrr60: HeartRateRecovery | None = None
    motion: LiveMotion | None = None
    doubtful_share: float | None = None


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """The whole board at one tick; `at_ms` is the hub's view of epoch ms.

    `warning` is what stands in the way of recording right now, in words; empty when nothing does.
    """

    seq: int
    at_ms: int
    session: Session | None
    elapsed_s: float | None
    athletes: tuple[LiveState, ...]
    unassigned: int
    fresh: int
    warning: str = ""


@dataclass(slots=True)
class _Wearing:
    athlete: Athlete
    load: LiveLoad
    beats: LiveBeats = field(default_factory=LiveBeats)
    alpha1: Alpha1 | None = None
    recovery: LiveRecovery = field(default_factory=LiveRecovery)
    heard: HeardTime = field(default_factory=HeardTime)
    strap_id: str | None = None
    bpm: int | None = None
    heard_ms: int | None = None
    contact: Contact = Contact.UNSUPPORTED
    flaws: tuple[Flaw, ...] = ()


@dataclass(slots=True)
class Board:
    """The live state of everyone on the roster. Times are this boot's mono_ms throughout."""

    session: Session | None = None
    started_ms: int = 0
    warning: str = ""
    _rows: dict[str, _Wearing] = field(default_factory=dict)
    _strangers: dict[str, int] = field(default_factory=dict)
    _battery: dict[str, int] = field(default_factory=dict)
    _motion: Mapping[str, MotionReading] = field(default_factory=dict)
    _seq: int = 0

    def set_athletes(self, athletes: list[Athlete]) -> None:
        """Take the roster in the order the board shall show; known athletes keep what they had.

        An athlete whose profile changed keeps the old load until it is refolded.
        """
        kept: dict[str, _Wearing] = {}
        for athlete in athletes:
            row = self._rows.get(athlete.athlete_id) or _Wearing(athlete, LiveLoad(athlete.profile))
            row.athlete = athlete
            kept[athlete.athlete_id] = row
        self._rows = kept

    def set_session(self, session: Session | None, started_ms: int) -> None:
        """Begin counting load from nothing, or stop counting with None."""
        self.session, self.started_ms = session, started_ms
        for row in self._rows.values():
            row.load, row.beats, row.alpha1 = LiveLoad(row.athlete.profile), LiveBeats(), None
            row.recovery, row.heard = LiveRecovery(), HeardTime()

    def set_battery(self, percent_by_strap: dict[str, int]) -> None:
        """What the radio last read of each strap's battery."""
        self._battery = percent_by_strap

    def set_motion(self, by_athlete: Mapping[str, MotionReading]) -> None:
        """What each athlete's running pod said last; whoever is not in it wears none that speaks."""
        self._motion = by_athlete

    def set_refolded(self, athlete_id: str, load: LiveLoad, beats: LiveBeats, recovery: LiveRecovery) -> None:
        """Put a refolded load, refolded beats and a refolded recovery in place of the running ones."""
        if athlete_id in self._rows:
            row = self._rows[athlete_id]
            row.load, row.beats, row.alpha1, row.recovery = load, beats, None, recovery

    def set_heard(self, athlete_id: str, heard: HeardTime) -> None:
        """Put a refolded account of what was heard in place of the running one."""
        if athlete_id in self._rows:
            self._rows[athlete_id].heard = heard

    def heard_lately(self, now_mono_ms: int) -> dict[str, int | None]:
        """Everyone whose heart rate came within the last 10 s, and when they last stopped."""
        since_ms = now_mono_ms - HEARD_RECENTLY_MS
        return {
            athlete_id: row.recovery.stop_ms
            for athlete_id, row in self._rows.items()
            if row.heard_ms is not None and row.heard_ms >= since_ms
        }

    def stop_effort(self, athlete_ids: Collection[str], stop_ms: int) -> None:
        """A hard effort of theirs ended then, at most 10 s ago: their recovery is followed."""
        for athlete_id in athlete_ids:
            if athlete_id in self._rows:
                stop_effort(self._rows[athlete_id].recovery, stop_ms)

    def beat_windows(self, now_mono_ms: int) -> dict[str, NDArray[np.int64]]:
        """Copies of the unbroken intervals in 1/1024 s of everyone whose beats were heard just now."""
        return {
            athlete_id: unbroken_rr_1024(row.beats)
            for athlete_id, row in self._rows.items()
            if self.session is not None and _is_recent(row.beats, now_mono_ms)
        }

    def set_alpha1(self, found: Mapping[str, Alpha1]) -> None:
        """What was worked out of `beat_windows`; whoever is not in it has no value."""
        for athlete_id, row in self._rows.items():
            row.alpha1 = found.get(athlete_id)

    def hear(self, reading: Reading, athlete_id: str | None) -> None:
        """Fold one reading: into its athlete's tile, or into the count of unassigned straps."""
        row = self._rows.get(athlete_id) if athlete_id else None
        if row is None:
            self._strangers[reading.strap_id] = reading.mono_ms
            return
        self._strangers.pop(reading.strap_id, None)
        _show(row, reading)
        if reading.bpm is not None and self.session is not None:
            advance(row.load, reading.mono_ms, reading.bpm)
            advance_beats(row.beats, reading.mono_ms, reading.rr_1024, reading.strap_id)
            row.heard.advance(reading.mono_ms, is_doubtful=reading.is_doubtful)
            advance_recovery(row.recovery, reading.mono_ms, reading.bpm)

    def take_off(self, athlete_id: str) -> None:
        """The athlete no longer wears a strap: nothing live to show, the load so far stays."""
        row = self._rows.get(athlete_id)
        if row is not None:
            row.strap_id, row.bpm, row.heard_ms, row.contact = None, None, None, Contact.UNSUPPORTED
            row.flaws = ()

    def show(self, athlete_id: str, reading: Reading) -> None:
        """Put a reading on the athlete's tile that the load holds already."""
        if athlete_id in self._rows:
            _show(self._rows[athlete_id], reading)

    def forget_strangers(self, strap_ids: Collection[str]) -> None:
        """These straps are known to be others': they are not counted as unassigned."""
        for strap_id in strap_ids:
            self._strangers.pop(strap_id, None)

    def snapshot(self, now_mono_ms: int, now_wall_ms: int) -> BoardSnapshot:
        """The board as it stands, with the age of every value."""
        self._seq += 1
        elapsed_s = (now_mono_ms - self.started_ms) / 1000 if self.session is not None else None
        states = tuple(self._state(row, now_mono_ms, elapsed_s) for row in self._rows.values())
        recent = now_mono_ms - HEARD_RECENTLY_MS
        self._strangers = {strap: at for strap, at in self._strangers.items() if at >= recent}
        return BoardSnapshot(
            seq=self._seq,
            at_ms=now_wall_ms,
            session=self.session,
            elapsed_s=elapsed_s,
            athletes=states,
            unassigned=len(self._strangers),
            fresh=sum(_is_fresh(state) for state in states),
            warning=self.warning,
        )

    def _state(self, row: _Wearing, now_mono_ms: int, elapsed_s: float | None) -> LiveState:
        hr_max, counting = row.athlete.hr_max_bpm, elapsed_s is not None
        has_beats = counting and _is_recent(row.beats, now_mono_ms)
        known = row.bpm is not None and hr_max is not None
        stop_ms = row.recovery.stop_ms if counting else None
        return LiveState(
            athlete=row.athlete,
            strap_id=row.strap_id,
            bpm=row.bpm,
            pct_hr_max=percent_of_max(row.bpm, hr_max) if known and row.bpm and hr_max else None,
            zone=_zone(row.athlete, row.bpm),
            banister_au=row.load.banister if counting else None,
            edwards_au=row.load.edwards if counting else None,
            coverage=coverage_of(row.load.covered_s, elapsed_s) if elapsed_s is not None else None,
            age_s=None if row.heard_ms is None else max(0.0, (now_mono_ms - row.heard_ms) / 1000),
            contact=row.contact,
            battery_percent=self._battery.get(row.strap_id) if row.strap_id else None,
            rmssd_ms=row.beats.rmssd_ms if has_beats else None,
            alpha1=row.alpha1 if has_beats else None,
            doubt=next((flaw for flaw in row.flaws if flaw in DOUBTFUL), None) if row.flaws else None,
            doubtful_share=doubtful_share(row.heard.doubtful_ms, row.load.covered_s) if counting else None,
            stopped_s=None if stop_ms is None else max(0.0, (now_mono_ms - stop_ms) / 1000),
            hrr60=None if stop_ms is None else row.recovery.result_at(now_mono_ms),
            motion=_motion(self._motion.get(row.athlete.athlete_id), now_mono_ms),
        )


def _is_recent(beats: LiveBeats, now_mono_ms: int) -> bool:
    return beats.last_ms is not None and beats.last_ms >= now_mono_ms - HEARD_RECENTLY_MS


def _motion(said: MotionReading | None, now_mono_ms: int) -> LiveMotion | None:
    if said is None:
        return None
    age_s = max(0.0, (now_mono_ms - said.mono_ms) / 1000)
    return live_motion(said.speed_mmps, said.cadence_per_min, age_s)


def _is_fresh(state: LiveState) -> bool:
    """A rate heard just now that can be believed."""
    has_rate = state.bpm is not None and state.age_s is not None and state.age_s <= FRESH_S
    return has_rate and state.doubt is None


def _show(row: _Wearing, reading: Reading) -> None:
    row.strap_id, row.contact = reading.strap_id, reading.contact
    row.bpm, row.flaws = reading.bpm, reading.flaws
    if reading.bpm is not None:
        row.heard_ms = reading.mono_ms


def _zone(athlete: Athlete, bpm: int | None) -> int | None:
    """The zone of a rate by the athlete's own edges, or by the five standard ones."""
    if not bpm:
        return None
    if athlete.zone_edges_bpm:
        return zone_between(bpm, athlete.zone_edges_bpm)
    return None if athlete.hr_max_bpm is None else zone_of(bpm, athlete.hr_max_bpm)
