"""A whole hub beside 10 to 100 straps on the virtual radio: what is lost, how late, and at which price.

The hub runs with radio, recorder, store, board and pages in a process of its own, the pitch in another; both
speak HCI over TCP. It says nothing of air, bodies and real controllers. The bars are 60 connected straps over
four adapters and 100 broadcasting: none lost, p99 < 20 ms, < 15 % of a core, < 120 MB; descriptors flat.

  python -m benchmarks.devices                      all of it, five minutes a line
  python -m benchmarks.devices --seconds 30 --bars  the two lines with bars, quickly
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.measured_hub import Measured, Order
from tests.devices.pitch_process import ports_in_a_row

SQUADS = (10, 30, 60, 100)
BAR_P99_MS, BAR_CPU_PERCENT, BAR_RSS_MB = 20.0, 15.0, 120.0
RECONNECTS, RECONNECT_STRAPS, DROP_EVERY_S = 200, 20, 0.25
SPARE_FDS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    straps: int
    adapters: int
    is_broadcast: bool
    has_bars: bool

    @property
    def words(self) -> str:
        """How it is called in the table."""
        mode = (
            "broadcast"
            if self.is_broadcast
            else f"connected, {self.adapters} adapter{'s'[: self.adapters > 1]}"
        )
        return f"{self.straps:>3} {mode}"


def cases() -> list[Case]:
    """Connected squads over one to four adapters, then broadcasting ones over one."""
    over = {10: 1, 30: 2, 60: 4, 100: 4}
    connected = [Case(straps, over[straps], False, straps == 60) for straps in SQUADS]
    return connected + [Case(straps, 1, True, straps == 100) for straps in SQUADS]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="how long each squad trains (default 300)"
    )
    parser.add_argument(
        "--bars", action="store_true", help="only the two squads with bars, and the reconnects"
    )
    parser.add_argument("--only", metavar="WORDS", help="only squads so called, such as '100 broadcast'")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        from benchmarks import measured_hub

        measured_hub.run(options.inside)
        return 0
    print(
        f"{options.seconds:.0f} s a line; latency from a strap's sending to the live state, in two processes"
    )
    print(f"{'squad':<27} {'up':>6} {'samples':>8} {'lost':>5} {'p50':>6} {'p99':>6} {'worst':>6} {'CPU':>6} "
          f"{'RSS':>7} {'peak':>7}")  # fmt: skip
    missed = []
    for case in cases():
        if (options.bars and not case.has_bars) or (options.only and options.only not in case.words):
            continue
        found = _measured(case, options.seconds)
        print(_line(case, found), flush=True)
        if case.has_bars:
            missed += [f"{case.words.strip()}: {what}" for what in _missed(found)]
    if not options.only:
        missed += _reconnects_missed()
    print("all bars held" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


def _reconnects_missed() -> list[str]:
    found = _reconnected()
    print(
        f"{found.reconnects} reconnects: descriptors {found.fds_before} before, {found.fds_after} after; "
        f"{found.rss_mb:.0f} MB"
    )
    is_flat = found.fds_after <= found.fds_before + SPARE_FDS and found.reconnects >= RECONNECTS
    return [] if is_flat else ["descriptors over reconnects"]


def _line(case: Case, it: Measured) -> str:
    return (
        f"{case.words:<27} {it.squad_up_s:>4.1f} s {it.expected:>8} {it.lost:>5} {it.p50_ms:>3.0f} ms "
        f"{it.p99_ms:>3.0f} ms {it.worst_ms:>3.0f} ms {it.cpu_percent:>4.1f} % {it.rss_mb:>4.0f} MB "
        f"{it.peak_mb:>4.0f} MB"
    )


def _missed(it: Measured) -> list[str]:
    bars = {
        f"{it.lost} lost": it.lost == 0,
        f"p99 {it.p99_ms:.0f} ms": it.p99_ms < BAR_P99_MS,
        f"CPU {it.cpu_percent:.1f} %": it.cpu_percent < BAR_CPU_PERCENT,
        f"RSS {it.rss_mb:.0f} MB": it.rss_mb < BAR_RSS_MB,
    }
    return [words for words, holds in bars.items() if not holds]


def _measured(case: Case, seconds: float) -> Measured:
    broadcast = ("--broadcast", str(case.straps)) if case.is_broadcast else ()
    pitch, port = _pitch(case.straps, case.adapters, "--stamp", *broadcast)
    with pitch, tempfile.TemporaryDirectory() as folder:
        hub = _hub(Order(folder, port, case.straps, case.adapters, seconds))
        answer, _ = hub.communicate()
        pitch.communicate()
    return _answer(hub, answer)


def _reconnected() -> Measured:
    """Drop one link after the other until the hub has seen 200 come back."""
    pitch, port = _pitch(RECONNECT_STRAPS, 4)
    with pitch, tempfile.TemporaryDirectory() as folder:
        hub = _hub(Order(folder, port, RECONNECT_STRAPS, 4, 300.0, RECONNECTS))
        assert hub.stdout is not None
        assert pitch.stdin is not None
        hub.stdout.readline()
        dropped, poll = 0, 0.0
        while not select.select([hub.stdout], [], [], poll)[0]:
            pitch.stdin.write(f"drop {1 + dropped % RECONNECT_STRAPS}\n")
            pitch.stdin.flush()
            dropped, poll = dropped + 1, DROP_EVERY_S
        answer = hub.stdout.read()
        hub.wait()
        pitch.communicate()
    return _answer(hub, answer)


def _pitch(straps: int, adapters: int, *options: str) -> tuple[subprocess.Popen[str], int]:
    command = [
        sys.executable, "-m", "hub.devices.virtual.pitch", "--athletes", str(straps),
        "--adapters", str(adapters), "--port", str(ports_in_a_row(adapters)), "--stop-with-stdin", *options,
    ]  # fmt: skip
    pitch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pitch.stdout is not None
    ready = dict(word.split("=", 1) for word in pitch.stdout.readline().split() if "=" in word)
    return pitch, int(ready["port"])


def _hub(order: Order) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.devices", "--inside", json.dumps(asdict(order))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _answer(hub: subprocess.Popen[str], said: str) -> Measured:
    lines: Sequence[str] = said.strip().splitlines()
    if hub.returncode != 0 or not lines:
        raise SystemExit("The hub measured ended early; run it by hand to see why.")
    return Measured(**json.loads(lines[-1]))


if __name__ == "__main__":
    sys.exit(main())
