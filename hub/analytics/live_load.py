"""The live twin of `load`: one athlete's running load, advanced sample by sample in constant time.

It holds numbers only; whose they are and when they were last shown is the board's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.analytics.credit import CREDITED_GAP_MS, SILENT_GAP_MS
from hub.analytics.profile import HeartProfile
from hub.analytics.trimp import TABLE_BPM, banister_table, zone_table
from hub.analytics.zones import ZONE_COUNT


@dataclass(slots=True)
class LiveLoad:
    """Running sums since the session began. Times are ms on one clock; `zone_s` are zones 0 to 5."""

    profile: HeartProfile
    banister_au: float = 0.0
    zone_s: list[float] = field(default_factory=lambda: [0.0] * ZONE_COUNT)
    covered_s: float = 0.0
    estimated_s: float = 0.0
    n: int = 0
    last_ms: int | None = None
    last_bpm: int = 0

    @property
    def banister(self) -> float | None:
        """Banister TRIMP so far, or None where the profile lacks sex, HRmax or HRrest."""
        return None if banister_table(self.profile) is None else self.banister_au

    @property
    def edwards(self) -> float | None:
        """Edwards TRIMP so far, or None where HRmax is unknown."""
        if zone_table(self.profile.hr_max_bpm) is None:
            return None
        return sum(zone * seconds for zone, seconds in enumerate(self.zone_s)) / 60


def advance(state: LiveLoad, mono_ms: int, bpm: int | None) -> None:
    """Fold one sample into `state`; equal to `session_load` over the same samples in time order.

    bpm None or 0 is a gap. A sample not newer than the last is ignored, as a repeated notification.
    """
    if bpm is None or bpm <= 0 or (state.last_ms is not None and mono_ms <= state.last_ms):
        return
    rate = min(bpm, TABLE_BPM - 1)
    if state.last_ms is not None:
        dt_ms = mono_ms - state.last_ms
        if dt_ms <= CREDITED_GAP_MS:
            _credit(state, rate, dt_ms / 1000.0)
            if dt_ms > SILENT_GAP_MS:
                state.estimated_s += dt_ms / 1000.0
    state.last_ms, state.last_bpm, state.n = mono_ms, rate, state.n + 1


def _credit(state: LiveLoad, rate: int, dt_s: float) -> None:
    state.covered_s += dt_s
    banister = banister_table(state.profile)
    if banister is not None:
        state.banister_au += dt_s / 120 * (banister[state.last_bpm] + banister[rate])
    zones = zone_table(state.profile.hr_max_bpm)
    if zones is not None:
        state.zone_s[zones[state.last_bpm]] += dt_s / 2
        state.zone_s[zones[rate]] += dt_s / 2
