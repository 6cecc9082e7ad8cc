"""What a trial of the radios found, in numbers and in advice: losses and delays out of times of arrival.

It touches no radio; straps are taken to send one value a second.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

STRAP_PERIOD_MS = 1_000
_HALF_SILENT_MS = 1_500


@dataclass(frozen=True, slots=True)
class AirReport:
    """What one adapter hears. `frames_s` is new broadcast values a second of the median near strap (1)."""

    straps: int
    broadcasting: int
    frames_s: float | None
    adverts_s: float | None
    rssi_dbm: int | None


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What one adapter's links did; times are None where nothing could be timed.

    `is_full` says that the adapter took no more; otherwise the straps ran out first. `delay` is how much
    later a value came than the quickest of the same strap; `answer` is the way to a strap and back.
    """

    held: int
    is_full: bool
    refusal: str
    connect_p50_s: float | None
    connect_worst_s: float | None
    expected: int
    lost: int
    dropped: int
    silent: int
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    answer_p50_ms: float | None
    answer_p99_ms: float | None
    retries: int = 0


@dataclass(frozen=True, slots=True)
class AdapterReport:
    """One adapter; `trouble` is why it could not be tried."""

    name: str
    kind: str
    mode: str
    air: AirReport | None
    links: LinkReport | None
    trouble: str = ""


def counted(at_ms: list[int], from_ms: int, to_ms: int) -> tuple[int, int]:
    """How many values a strap that speaks once a second sent in the window, and how many came.

    A strap that never spoke in it counts none: a dry strap on a table sends nothing.
    """
    within = [ms for ms in at_ms if from_ms <= ms < to_ms]
    if not within:
        return 0, 0
    silent_ms = max(0, to_ms - within[-1] - _HALF_SILENT_MS)
    expected = round((within[-1] - within[0] + silent_ms) / STRAP_PERIOD_MS) + 1
    return max(expected, len(within)), len(within)


def delays(at_ms: list[int]) -> list[float]:
    """How much later than its quickest each of a strap's values came, in ms."""
    by_second: dict[int, int] = {}
    for ms in at_ms:
        second = round((ms - at_ms[0]) / STRAP_PERIOD_MS)
        by_second.setdefault(second, ms - second * STRAP_PERIOD_MS)
    quickest = min(by_second.values(), default=0)
    return [float(offset - quickest) for offset in by_second.values()]


def share_of(ordered: list[float], share: float) -> float | None:
    """The value below which such a share of the ordered ones lies; None of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def verdicts(reports: list[AdapterReport]) -> list[str]:
    """What a person should do about it, the worst first; empty when all is well."""
    said: dict[str, list[str]] = defaultdict(list)
    for it in reports:
        if it.trouble:
            said["cannot"].append(f"{it.name}: {it.trouble}")
            continue
        air, links = it.air, it.links
        if air is None or not air.straps:
            said["deaf"].append(f"{it.name} hears no strap: wet the electrodes, put one on, and come nearer.")
            continue
        if air.frames_s is not None and air.frames_s < 0.5:
            said["few"].append(
                f"{it.name} gets {air.frames_s:.1f} broadcast values a second and strap instead of 1: "
                "merge deploy/raspberry-pi/main.conf, so that BlueZ can listen passively."
            )
        if links is None:
            continue
        if links.lost > links.expected * 0.01:
            said["lost"].append(f"{it.name} lost {links.lost} of {links.expected} values over its links.")
        if links.dropped:
            said["drop"].append(
                f"{it.name} lost {links.dropped} of {links.held} links: hold fewer with TOUCHLINE_SLOTS."
            )
        if links.is_full and not links.held:
            said["none"].append(f"{it.name} holds no link: {links.refusal}")
        elif links.is_full:
            said["full"].append(
                f"{it.name} holds {links.held} links and no more: set TOUCHLINE_SLOTS={links.held}."
            )
    return [line for lines in said.values() for line in lines]
