"""Losses and delays out of times of arrival, and the advice that follows from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.radio_report import AdapterReport, AirReport, LinkReport, counted, delays, share_of, verdicts

AIR = AirReport(straps=3, broadcasting=3, frames_s=1.0, adverts_s=3.0, rssi_dbm=-60)
LINKS = LinkReport(
    held=3, is_full=False, refusal="", connect_p50_s=0.5, connect_worst_s=1.0, expected=300, lost=0,
    dropped=0, silent=0, delay_p50_ms=20, delay_p99_ms=90, answer_p50_ms=60, answer_p99_ms=150,
)  # fmt: skip
GOOD = AdapterReport("hci1", "adapter", "passive", AIR, LINKS)


@given(st.sets(st.integers(1, 58)), st.lists(st.integers(0, 200), min_size=60, max_size=60))
def test_every_missing_second_is_a_lost_value_however_late_the_others_come(
    gone: set[int], late_ms: list[int]
) -> None:
    at_ms = [second * 1_000 + late_ms[second] for second in range(60) if second not in gone]
    assert counted(at_ms, 0, 60_500) == (60, 60 - len(gone))


def test_a_strap_that_falls_silent_loses_the_rest_and_a_dry_one_nothing() -> None:
    assert counted([1_000, 2_000, 3_000], 0, 10_000) == (9, 3)
    assert counted([], 0, 10_000) == (0, 0)
    assert counted([20_000], 0, 10_000) == (0, 0)


def test_a_delay_is_measured_from_the_quickest_value_of_the_same_strap() -> None:
    assert delays([1_050, 2_000, 3_120, 5_000]) == [50, 0, 120, 0]
    assert delays([]) == []
    assert share_of([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert share_of([], 0.5) is None


def test_good_adapters_need_no_advice() -> None:
    assert verdicts([GOOD, replace(GOOD, name="hci2", links=None)]) == []


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (replace(GOOD, air=None, links=None, trouble="it is gone."), "hci1: it is gone."),
        (replace(GOOD, air=replace(AIR, straps=0), links=None), "hears no strap"),
        (replace(GOOD, air=replace(AIR, frames_s=0.1)), "0.1 broadcast values"),
        (replace(GOOD, links=replace(LINKS, lost=4)), "lost 4 of 300"),
        (replace(GOOD, links=replace(LINKS, dropped=1)), "lost 1 of 3 links"),
        (replace(GOOD, links=replace(LINKS, is_full=True)), "TOUCHLINE_SLOTS=3"),
        (replace(GOOD, links=replace(LINKS, held=0, is_full=True, refusal="busy.")), "holds no link: busy."),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(report: AdapterReport, words: str) -> None:
    (said,) = verdicts([report])
    assert words in said
