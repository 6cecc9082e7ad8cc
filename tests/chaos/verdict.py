"""The hub's records held against the true record of the day: whose each value is, what is missing.

It reads the finished database; nothing here is the hub's own arithmetic except the coverage it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from sqlite3 import Connection

from hub.devices.virtual.training import mark_of
from hub.results.loads import load_table
from hub.store import sessions, worn
from hub.store.database import Database
from tests.chaos.day import Truth, athlete_id

STEADY_MS = 12_000
"""Only who stays in reach for so long can be asked to be back within ten seconds."""

JOINED_MS = 60_000
NEVER_MS = 60_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Seconds are athlete-seconds of the session; `back_ms` how long each return took, sorted."""

    seconds: int
    covered: int
    missing_in_reach: int
    wrong_athlete: int
    back_ms: list[int]
    coverage_gap: float

    @property
    def back_p95_s(self) -> float:
        """Within which 95 of 100 returns were."""
        return self.back_ms[min(len(self.back_ms) - 1, int(0.95 * len(self.back_ms)))] / 1000

    def words(self) -> str:
        """The figures in lines."""
        missing = self.seconds - self.covered
        return (
            f"{self.seconds} athlete-seconds: {self.covered} covered on the right athlete, {missing} missing "
            f"({self.missing_in_reach} of them while in reach), {self.wrong_athlete} on a wrong one\n"
            f"{len(self.back_ms)} returns, p50 {self.back_ms[len(self.back_ms) // 2] / 1000:.1f} s, "
            f"p95 {self.back_p95_s:.1f} s, longest {self.back_ms[-1] / 1000:.1f} s\n"
            f"coverage as the hub says it differs by at most {self.coverage_gap:.4f} from the samples stored"
        )


def verdict(path: Path, truth: Truth, steady_ms: int = STEADY_MS) -> Verdict:
    """Everything compared. The session must have ended."""
    database = Database.open(path, read_only=True)
    try:
        return database.read_now(lambda db: _verdict(db, truth, steady_ms))
    finally:
        database.close()


def _verdict(db: Connection, truth: Truth, steady_ms: int) -> Verdict:
    session_id = db.execute("SELECT session_id FROM session").fetchone()[0]
    session = sessions.session(db, session_id)
    assert session.mono0_ms is not None
    assert session.mono1_ms is not None
    from_ms, to_ms = session.mono0_ms, session.mono1_ms
    stored = worn.heart_rates(db, session)
    said = {row.athlete_id: row.coverage for row in load_table(db, session_id)}
    seconds = covered = in_reach = wrong = 0
    back_ms: list[int] = []
    gaps = [0.0]
    for number, changes in truth.reach.items():
        rates = stored.get(athlete_id(number))
        heard = [] if rates is None else list(zip(rates.mono_ms.tolist(), rates.bpm.tolist(), strict=True))
        valid = sorted(ms for ms, bpm in heard if bpm > 0 and from_ms <= ms < to_ms)
        wrong += sum(bpm > 0 and abs(bpm - mark_of(number)) > 1 for _ms, bpm in heard)
        with_value = {(ms - from_ms) // 1000 for ms in valid}
        total = (to_ms - from_ms) // 1000
        seconds += total
        covered += len([second for second in with_value if second < total])
        spans = _in_reach(changes, to_ms)
        in_reach += sum(_missing(valid, begin, end) for begin, end in spans)
        back_ms += _returns(valid, spans, truth.upsets[number], to_ms, steady_ms)
        gaps.append(abs(said.get(athlete_id(number), 0.0) - _coverage(valid, to_ms - from_ms)))
    return Verdict(seconds, covered, in_reach, wrong, sorted(back_ms), max(gaps))


def _in_reach(changes: list[tuple[int, bool]], to_ms: int) -> list[tuple[int, int]]:
    ends = [at for at, _is in changes[1:]] + [to_ms]
    return [(at, end) for (at, is_audible), end in zip(changes, ends, strict=True) if is_audible and at < end]


def _missing(valid: list[int], begin_ms: int, end_ms: int) -> int:
    """Whole seconds of a span in reach without a value: one a second is due, within half a second."""
    within = [begin_ms, *(ms for ms in valid if begin_ms <= ms < end_ms), end_ms]
    return sum(max(0, round((b - a) / 1000) - 1) for a, b in pairwise(within))


def _returns(
    valid: list[int], spans: list[tuple[int, int]], upsets: list[int], to_ms: int, steady_ms: int
) -> list[int]:
    """From coming into reach, or from an upset in reach, to the next value; only where reach lasted."""
    begun = [(begin, end) for begin, end in spans]
    begun += [(at, end) for at in upsets for begin, end in spans if begin <= at < end]
    took = []
    for at, end in begun:
        if min(end, to_ms) - at < steady_ms:
            continue
        took.append(next((ms - at for ms in valid if ms >= at), NEVER_MS))
    return took


def _coverage(valid: list[int], elapsed_ms: int) -> float:
    """The gap policy written once more: neighbours up to a minute apart are joined, others are not."""
    joined = sum(b - a for a, b in pairwise(valid) if b - a <= JOINED_MS)
    return min(1.0, joined / elapsed_ms)
