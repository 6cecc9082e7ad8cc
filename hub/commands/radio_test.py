"""`touchline-hub radio-test`: what the adapters of this machine hear, hold, lose and delay, as a report.

It needs the radio for itself, so no hub may run; it stores nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from hub.clock import mono_ms
from hub.config import HubSettings
from hub.control import ask
from hub.devices.radio_report import AdapterReport, LinkReport, verdicts
from hub.devices.radio_trial import RadioTrial
from hub.errors import ActionRefused
from hub.radio import close_radio, open_radio


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `radio-test` takes."""
    parser.add_argument(
        "--listen", type=float, default=15.0, metavar="S", help="seconds to listen (default 15)"
    )
    parser.add_argument(
        "--hold", type=float, default=30.0, metavar="S", help="seconds to hold the links (default 30)"
    )
    parser.add_argument("--links", type=int, metavar="N", help="open no more than N links an adapter")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(settings: HubSettings, options: argparse.Namespace) -> int:
    """Measure and print; 0 where every adapter hears straps and loses nothing, else 1."""
    if ask(settings.control_path, "status") is not None:
        raise ActionRefused(
            "The running hub holds the radio and the straps.",
            hint="Stop it for the test: sudo systemctl stop touchline-hub, or Ctrl-C where it runs.",
        )
    reports = asyncio.run(_measured(settings, options))
    advice = verdicts(reports)
    if options.json:
        print(json.dumps({"adapters": [asdict(one) for one in reports], "advice": advice}, indent=1))
    else:
        print(report_text(reports, advice))
    is_well = all(one.air is not None and one.air.straps for one in reports)
    return 0 if reports and is_well and not any(_loses(one.links) for one in reports) else 1


async def _measured(settings: HubSettings, options: argparse.Namespace) -> list[AdapterReport]:
    def say(words: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)

    radio = await open_radio(settings)
    trial = RadioTrial(
        radio, mono_ms, say, listen_s=options.listen, hold_s=options.hold, most_links=options.links
    )
    try:
        return await trial.run()
    finally:
        say("")
        await close_radio(settings, radio)


def _loses(links: LinkReport | None) -> bool:
    return links is not None and (links.lost > links.expected * 0.01 or links.dropped > 0)


def report_text(reports: list[AdapterReport], advice: list[str]) -> str:
    """The report as lines to read and to send to somebody."""
    lines = [line for one in reports for line in _adapter_lines(one)]
    lines += ["", *(f"- {words}" for words in advice)] if advice else ["", "Nothing stands in the way."]
    return "\n".join(lines)


def _adapter_lines(it: AdapterReport) -> list[str]:
    head = f"{it.name} ({', '.join(part for part in (it.kind, it.mode) if part)})"
    if it.air is None:
        return [head, f"  {it.trouble}"]
    air = it.air
    heard = f"  hears {air.straps} straps"
    if air.rssi_dbm is not None:
        heard += f", median {air.rssi_dbm} dBm, {_number(air.adverts_s, 1)} advertisements a second each"
    said = [head, heard]
    if air.broadcasting:
        said.append(
            f"  {air.broadcasting} broadcast: {_number(air.frames_s, 2)} new values a second each (ideal 1)"
        )
    return said + (_link_lines(it.links) if it.links is not None else ["  no strap offered a connection"])


def _link_lines(it: LinkReport) -> list[str]:
    bound = f"took no more: {it.refusal}" if it.is_full else "the straps ran out first"
    bound += "" if it.held or not it.refusal else f"; {it.refusal}"
    connecting = f"{_number(it.connect_p50_s, 1)} s (median), {_number(it.connect_worst_s, 1)} s (longest)"
    delay = f"{_number(it.delay_p50_ms)} ms (median), {_number(it.delay_p99_ms)} ms (p99)"
    answer = f"{_number(it.answer_p50_ms)} ms (median), {_number(it.answer_p99_ms)} ms (p99)"
    return [
        f"  holds {it.held} links ({bound})",
        f"  connecting took {connecting}; {it.retries} attempts had to be repeated",
        f"  lost {it.lost} of {it.expected} values; {it.dropped} links dropped, {it.silent} straps silent",
        f"  delay beyond the quickest: {delay}",
        f"  question and answer: {answer}",
    ]


def _number(value: Any, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
