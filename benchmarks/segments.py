"""How many bytes and microseconds a 300 s segment costs; prints tables and asserts nothing.

Heart rates are a random walk and intervals follow them with breathing and noise, so real straps may
compress differently: compare changes of the code with it, not sports.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from sync.motion import Motion, seal_motion, unseal_motion
from sync.segments import Samples, frame, seal, unseal

STREAM = "6f1c2a52-5d0b-4f0e-9c53-0a3d8f2f7b11"


def walk(seconds: int, rng: np.random.Generator) -> Samples:
    """`seconds` notifications at about 1 Hz with every beat's interval."""
    step_ms = 1000 + rng.integers(-20, 21, seconds)
    bpm = np.clip(140 + np.cumsum(rng.normal(0, 0.8, seconds)), 60, 205)
    intervals: list[int] = []
    rr_count = np.zeros(seconds, np.uint8)
    beat_s = 0.0
    for second in range(seconds):
        while beat_s < second + 1:
            breathing = 0.02 * np.sin(2 * np.pi * 0.3 * beat_s)
            rr_s = 60 / bpm[second] + breathing + rng.normal(0, 0.006)
            beat_s += rr_s
            intervals.append(round(rr_s * 1024))
            rr_count[second] += 1
    return Samples(
        mono_ms=(5_000_000 + np.cumsum(step_ms)).astype(np.int64),
        bpm=np.round(bpm).astype(np.int16),
        contact=np.full(seconds, 2, np.uint8),
        rr_count=rr_count,
        rr_1024=np.array(intervals, np.uint16),
    )


def drill(seconds: int, rate_hz: int, rng: np.random.Generator) -> Motion:
    """Running about on a pitch: position, speed, HDOP and satellites, with a receiver's noise."""
    n = seconds * rate_hz
    heading = np.cumsum(rng.normal(0, 0.4 / np.sqrt(rate_hz), n))
    speed = np.clip(3 + np.cumsum(rng.normal(0, 1 / rate_hz, n)), 0, 8)
    north = np.cumsum(speed * np.cos(heading)) / rate_hz + rng.normal(0, 0.05, n)
    east = np.cumsum(speed * np.sin(heading)) / rate_hz + rng.normal(0, 0.05, n)
    columns = {
        "latitude_deg": 59.9 + north / 111_195,
        "longitude_deg": 10.75 + east / 55_766,
        "speed_mps": speed,
        "hdop": 0.8 + rng.integers(0, 2, n) / 10,
        "satellites": 12.0 + rng.integers(0, 2, n),
    }
    return Motion.of_columns(5_000_000 + np.arange(n, dtype=np.int64) * (1000 // rate_hz), columns)


def microseconds(work: Callable[[], object], times: int = 2000) -> float:
    """Mean time of one call, best of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times // 5):
            work()
        rounds.append((time.perf_counter() - began) / (times // 5))
    return min(rounds) * 1e6


def main() -> None:
    rng = np.random.default_rng(1)
    segments = [seal(STREAM, 1, walk(300, rng)) for _ in range(30)]
    samples = unseal(segments[0])
    print(f"bytes a segment      {np.mean([len(s.payload) for s in segments]):8.0f}")
    print(f"bytes with its frame {np.mean([len(frame(s)) for s in segments]):8.0f}")
    print(f"intervals a segment  {np.mean([unseal(s).rr_1024.size for s in segments]):8.0f}")
    print(f"seal, us             {microseconds(lambda: seal(STREAM, 1, samples)):8.0f}")
    print(f"unseal, us           {microseconds(lambda: unseal(segments[0])):8.0f}")
    for rate_hz in (1, 10):
        moved = [seal_motion(STREAM, 1, drill(300, rate_hz, rng)) for _ in range(10)]
        motion = unseal_motion(moved[0])
        print(f"\nmotion at {rate_hz} Hz")
        print(f"bytes a segment      {np.mean([len(s.payload) for s in moved]):8.0f}")
        print(f"bytes a row          {np.mean([len(s.payload) / s.n for s in moved]):8.2f}")
        print(f"seal, us             {microseconds(partial(seal_motion, STREAM, 1, motion), 200):8.0f}")
        print(f"unseal, us           {microseconds(partial(unseal_motion, moved[0]), 200):8.0f}")


if __name__ == "__main__":
    main()
