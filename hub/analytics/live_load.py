"""The live twin of `load`: one athlete's running load, advanced sample by sample in constant time.

It holds numbers only; whose they are and when they were last shown is the board's business. Time is kept
in whole milliseconds, so that zones, minima and means are the same to the bit however often refolded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.analytics.credit import CREDITED_GAP_MS, SILENT_GAP_MS
from hub.analytics.profile import HeartProfile
from hub.analytics.trimp import TABLE_BPM, banister_table, zone_table
from hub.analytics.zones import ZONE_COUNT

FASTEST = TABLE_BPM - 1


@dataclass(slots=True)
class LiveLoad:
    """Running sums since the session began. Times are ms on one clock.

    `twice_zone_ms` (zones 0 to 5), `twice_bpm_ms` and `banister_sum` hold what both ends of every credited
    stretch contribute, so twice the integral: the last in AU times 120 000 ms.
    """

    profile: HeartProfile
    banister_sum: float = 0.0
    twice_zone_ms: list[int] = field(default_factory=lambda: [0] * ZONE_COUNT)
    twice_bpm_ms: int = 0
    covered_ms: int = 0
    estimated_ms: int = 0
    n: int = 0
    slowest_bpm: int = TABLE_BPM
    fastest_bpm: int = 0
    last_ms: int | None = None
    last_bpm: int = 0
    _banister: tuple[float, ...] | None = field(init=False, repr=False, compare=False)
    _zones: tuple[int, ...] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._banister, self._zones = banister_table(self.profile), zone_table(self.profile.hr_max_bpm)

    @property
    def banister(self) -> float | None:
        """Banister TRIMP so far, or None where the profile lacks sex, HRmax or HRrest."""
        return None if self._banister is None else self.banister_sum / 120_000

    @property
    def edwards(self) -> float | None:
        """Edwards TRIMP so far, or None where HRmax is unknown."""
        if self._zones is None:
            return None
        return sum(zone * twice_ms for zone, twice_ms in enumerate(self.twice_zone_ms)) / 120_000

    @property
    def zone_s(self) -> list[float]:
        """Seconds in zones 0 to 5; all 0 where HRmax is unknown."""
        return [twice_ms / 2000 for twice_ms in self.twice_zone_ms]

    @property
    def mean_bpm(self) -> float | None:
        """Mean over the credited time, None before there is any."""
        return self.twice_bpm_ms / (2 * self.covered_ms) if self.covered_ms else None

    @property
    def min_bpm(self) -> int | None:
        """Lowest heart rate heard, None before any; above 255 is read as 255."""
        return self.slowest_bpm if self.n else None

    @property
    def max_bpm(self) -> int | None:
        """Highest heart rate heard, None before any."""
        return self.fastest_bpm if self.n else None

    @property
    def covered_s(self) -> float:
        """Credited time, of which `estimated_s` bridges gaps of 10 to 60 s."""
        return self.covered_ms / 1000

    @property
    def estimated_s(self) -> float:
        return self.estimated_ms / 1000


def advance(state: LiveLoad, mono_ms: int, bpm: int | None) -> None:
    """Fold one sample into `state`; equal to `session_load` over the same samples in time order.

    bpm None or 0 is a gap. A sample not newer than the last is ignored, as a repeated notification.
    """
    if bpm is None or bpm <= 0:
        return
    rate = bpm if bpm < FASTEST else FASTEST
    last_ms = state.last_ms
    if last_ms is not None:
        dt_ms = mono_ms - last_ms
        if dt_ms <= 0:
            return
        if dt_ms <= CREDITED_GAP_MS:
            last = state.last_bpm
            state.covered_ms += dt_ms
            state.twice_bpm_ms += dt_ms * (last + rate)
            if (banister := state._banister) is not None:
                state.banister_sum += dt_ms * (banister[last] + banister[rate])
            if (zones := state._zones) is not None:
                zone_ms = state.twice_zone_ms
                zone_ms[zones[last]] += dt_ms
                zone_ms[zones[rate]] += dt_ms
            if dt_ms > SILENT_GAP_MS:
                state.estimated_ms += dt_ms
    if rate > state.fastest_bpm:
        state.fastest_bpm = rate
    if rate < state.slowest_bpm:
        state.slowest_bpm = rate
    state.last_ms, state.last_bpm = mono_ms, rate
    state.n += 1
