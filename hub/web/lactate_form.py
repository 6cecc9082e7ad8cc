"""A lactate test as somebody types it: a stage a line, heart rate and lactate, fitted against the reserve.

It reads and fits; whether and from when the fit counts is the profile's business.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from hub.analytics.errors import FitRejected, OutOfRange
from hub.analytics.profile import HeartProfile
from hub.analytics.threshold_trimp import LactateFit, fit_lactate

FEWEST_STAGES, MOST_STAGES = 4, 20
HIGHEST_MMOL_L = 30.0
Stages = tuple[tuple[int, float], ...]
HOW = "Give a stage a line: heart rate in bpm, then lactate in mmol/l, such as 142 1.8."


class StagesInvalid(ValueError):
    """The stages of the test cannot be read; the text says which line and what to do."""


def read_stages(text: str) -> Stages:
    """(bpm, mmol/l) of each line, in the order typed. Raises StagesInvalid."""
    stages: list[tuple[int, float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        cells = line.replace(",", ".").replace(";", " ").split()
        try:
            bpm, mmol_l = int(cells[0]), float(cells[1])
        except (ValueError, IndexError):
            raise StagesInvalid(f"Line {number} cannot be read. {HOW}") from None
        if len(cells) != 2 or not 40 <= bpm <= 240 or not 0 < mmol_l <= HIGHEST_MMOL_L:
            raise StagesInvalid(f"Line {number} is not a stage of 40 to 240 bpm and 0.1 to 30 mmol/l. {HOW}")
        stages.append((bpm, mmol_l))
    if not FEWEST_STAGES <= len(stages) <= MOST_STAGES:
        raise StagesInvalid(f"A test has {FEWEST_STAGES} to {MOST_STAGES} stages; these are {len(stages)}.")
    return tuple(stages)


def fitted(stages: Stages, heart: HeartProfile, measured_on: date) -> LactateFit:
    """The athlete's curve from the stages. Raises StagesInvalid where it cannot serve."""
    hr_max, hr_rest = heart.hr_max_bpm, heart.hr_rest_bpm
    if hr_max is None or hr_rest is None or hr_max <= hr_rest:
        raise StagesInvalid("A lactate test needs HRmax and the resting heart rate: give them as well.")
    bpm, mmol_l = (np.array(column, dtype=np.float64) for column in zip(*stages, strict=True))
    try:
        return fit_lactate((bpm - hr_rest) / (hr_max - hr_rest), mmol_l, measured_on)
    except FitRejected:
        raise StagesInvalid(
            "These stages give no usable curve: lactate must rise steadily with heart rate (r² 0.9 or more)."
        ) from None
    except OutOfRange as error:
        raise StagesInvalid(f"These stages cannot be used: {error}.") from None


def fit_words(fit: LactateFit) -> str:
    """As in: lactate test of 6 stages, 0.84 e^(2.31 x), r² 0.98."""
    return f"lactate test of {fit.n} stages, {fit.a:.2f} e^({fit.b:.2f} x), r² {fit.r2:.2f}"
