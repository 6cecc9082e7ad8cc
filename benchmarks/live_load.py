"""What one live update of an athlete's load costs, beside numpy's batch over the same samples; prints only.

The batch is faster a sample and knows nothing until all are there; the ratio is what to compare between
machines. It measures the formulas alone, without board, journal or radio.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.load import session_load
from hub.analytics.profile import HeartProfile, Sex

ATHLETES, MINUTES, ROUNDS = 30, 90, 5
PROFILE = HeartProfile(Sex.FEMALE, 195, 52)


def best_s(work: Callable[[], object]) -> float:
    """Shortest of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def main() -> None:
    rng = np.random.default_rng(1)
    seconds = MINUTES * 60
    at_ms = np.cumsum(rng.integers(980, 1021, (ATHLETES, seconds)), axis=1).astype(np.int64)
    walk = 140 + np.cumsum(rng.normal(0, 0.8, (ATHLETES, seconds)), axis=1)
    bpm = np.clip(walk, 60, 205).astype(np.int16)
    heard = [list(zip(t.tolist(), b.tolist(), strict=True)) for t, b in zip(at_ms, bpm, strict=True)]
    end_ms = int(at_ms.max()) + 1

    def live() -> list[LiveLoad]:
        states = [LiveLoad(PROFILE) for _ in range(ATHLETES)]
        for state, samples in zip(states, heard, strict=True):
            for mono_ms, rate in samples:
                advance(state, mono_ms, rate)
        return states

    def batch() -> list[float | None]:
        rows = zip(at_ms, bpm, strict=True)
        return [session_load(t, b, PROFILE, 0, end_ms).banister_au for t, b in rows]

    samples = ATHLETES * seconds
    live_ns, batch_ns = best_s(live) / samples * 1e9, best_s(batch) / samples * 1e9
    worst = max(abs((s.banister or 0) - (b or 0)) for s, b in zip(live(), batch(), strict=True))
    print(f"samples                     {samples:10d}   ({ATHLETES} athletes, {MINUTES} min at about 1 Hz)")
    print(f"live update, ns a sample    {live_ns:10.0f}")
    print(f"numpy batch, ns a sample    {batch_ns:10.1f}")
    print(f"live / batch                {live_ns / batch_ns:10.1f}")
    print(f"largest difference, au      {worst:10.1e}")


if __name__ == "__main__":
    main()
