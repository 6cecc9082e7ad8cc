"""Sleep, recharge, activity, fitness tests and 24/7 heart rate become daily values of the right date."""

from __future__ import annotations

import pytest

from hub.devices.exports.found import Found
from hub.devices.exports.polar_account import is_polar_account, read_polar_account
from tests.devices.exports.polar_files import BERLIN, as_json, source, utc_ms

SLEEP = [
    {
        "night": "2026-01-06",
        "modified": "2026-01-06T09:00:00",
        "evaluation": {
            "sleepSpan": "PT8H",
            "asleepDuration": "PT7H30M",
            "analysis": {"efficiencyPercent": "93.75"},
            "phaseDurations": {"wake": "PT30M", "rem": "PT1H30M", "light": "PT4H", "deep": "PT2H"},
        },
        "sleepResult": {"hypnogram": {"sleepEnd": "2026-01-06T06:30:00+01:00", "deviceId": "ABCD1234"}},
    }
]


def read(found: object) -> Found:
    text = as_json(found)
    assert is_polar_account(text.encode())
    return read_polar_account(source("any.json", text), BERLIN)


def values(found: Found) -> dict[tuple[str, str], float]:
    return {(one.date, one.name): one.value for one in found.daily}


def test_a_night_counts_for_the_day_of_waking() -> None:
    found = read(SLEEP)
    day = {name: value for (date, name), value in values(found).items() if date == "2026-01-06"}
    assert day == {
        "in_bed": 480,
        "asleep": 450,
        "light_sleep": 240,
        "deep_sleep": 120,
        "rem_sleep": 90,
        "awake": 30,
        "sleep_efficiency": 93.75,
    }
    assert {one.updated_at_ms for one in found.daily} == {utc_ms("2026-01-06T09:00:00")}
    assert {one.person.device_serial for one in found.daily} == {"ABCD1234"}


def test_nightly_recharge_is_told_in_rates_and_ms() -> None:
    found = read(
        [
            {
                "night": "2026-01-06",
                "meanNightlyRecoveryRri": 1200,
                "meanNightlyRecoveryRmssd": 42,
                "meanNightlyRecoveryRespirationInterval": 4000,
                "ansStatus": -1.5,
                "recoveryIndicator": 5,
            }
        ]
    )
    assert values(found) == {
        ("2026-01-06", "hrv_rmssd"): 42,
        ("2026-01-06", "night_heart_rate"): 50,
        ("2026-01-06", "respiratory_rate"): 15,
        ("2026-01-06", "ans_charge"): -1.5,
        ("2026-01-06", "nightly_recharge"): 5,
    }


def test_a_day_of_heart_rates_gives_its_lowest_and_highest() -> None:
    samples = [
        {"heartRate": bpm, "secondsFromDayStart": s, "source": "OHR"}
        for s, bpm in enumerate((0, 48, 171, 60))
    ]
    found = read({"deviceDays": [{"userId": 77, "deviceId": "D1", "date": "2026-01-06", "samples": samples}]})
    assert values(found) == {("2026-01-06", "min_heart_rate"): 48, ("2026-01-06", "max_heart_rate"): 171}
    assert found.daily[0].person.account == "polar:77"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"exportVersion": "1", "date": "2026-01-01", "summary": {"stepCount": "3100"}}, {"steps": 3100}),
        (
            {
                "startTime": "2026-01-01T07:00:00",
                "fitnessTestResult": {"ownIndex": 51, "averageHeartRate": 55},
            },
            {"own_index": 51, "fitness_test_heart_rate": 55},
        ),
        ([{"night": "2026-01-01", "sleepScoreResult": {"sleepScore": 82.4}}], {"sleep_score": 82.4}),
    ],
)
def test_activity_fitness_tests_and_sleep_scores_are_days_too(
    part: object, expected: dict[str, float]
) -> None:
    assert values(read(part)) == {("2026-01-01", name): value for name, value in expected.items()}


def test_what_cannot_be_true_or_has_no_date_is_held() -> None:
    found = read(
        [
            {"night": "2026-01-06", "meanNightlyRecoveryRmssd": 42},
            {"night": "?", "ansStatus": 2},
            {"night": "2026-01-07", "meanNightlyRecoveryRmssd": -3},
        ]
    )
    assert len(found.daily) == 1
    assert [(one.where, one.reason) for one in found.held] == [
        ("record 2", "ans charge has no date"),
        ("record 3", "hrv rmssd cannot be true"),
    ]
