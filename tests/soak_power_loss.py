"""Ten thousand power cuts: `python -m tests.soak_power_loss [--trials 10000] [--seed 1]`; 1 on any loss.

Every run starts from its own seed, so a failing one can be repeated alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

from tests.power.trials import Tally, recorded, try_cuts

CUTS_A_RUN = 50


def one_run(seed: int, synchronous: str = "FULL", cuts: int = CUTS_A_RUN) -> Tally:
    """One training on a new disk, cut at many points."""
    with tempfile.TemporaryDirectory() as folder:
        return try_cuts(recorded(Path(folder), seed, synchronous), cuts, Random(seed))


def main() -> int:
    """Run the trials on all cores and say what they found."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--trials", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--synchronous", choices=("FULL", "NORMAL", "OFF"), default="FULL")
    given = options.parse_args()
    runs = -(-given.trials // CUTS_A_RUN)
    began, tally = time.monotonic(), Tally()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        seeds = range(given.seed, given.seed + runs)
        for found in pool.map(partial(one_run, synchronous=given.synchronous), seeds):
            tally += found
    print(
        f"{tally.trials} power cuts in {time.monotonic() - began:.0f} s (synchronous={given.synchronous}): "
        f"{tally.edits_lost} acknowledged edits lost, {tally.samples_lost} samples lost beyond the last tick "
        "and the commit in hand, "
        f"{tally.samples_doubled} doubled, {tally.corrupt} files spoilt; the oldest sample lost was "
        f"{tally.lost_ms} ms old, and {tally.lost_before_ms} ms when the commit in hand began"
    )
    for words in tally.words[:10]:
        print(f"  {words}")
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
