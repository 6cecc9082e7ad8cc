"""A maker's word becomes our sport, sports match by class, and a place and time give the local offset."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from hub.devices.exports.fit_profile import SPORTS as FIT_SPORTS
from hub.devices.exports.sports import SPORTS, may_match, sport_of
from hub.devices.exports.zone_by_place import offset_at

WORDS = {
    "running": (
        "running Running INDOOR_RUNNING TREADMILL_RUNNING HKWorkoutActivityTypeRunning "
        "Trail_running Jogging Carrera correr Corrida Laufen Dauerlauf Course_à_pied marathon "
        "Track_&_Field"
    ),
    "cycling": (
        "Biking cycling e_biking Ride Virtual_Ride HKWorkoutActivityTypeCycling INDOOR_CYCLING "
        "Mountain_Biking Spin Ciclismo Radfahren Rennrad Vélo"
    ),
    "swimming": (
        "swimming lap_swimming POOL_SWIMMING HKWorkoutActivityTypeSwimming Natación Natação Schwimmen"
    ),
    "walking": "Walking HKWorkoutActivityTypeWalking Caminhada Marche Gehen Spazieren Caminar",
    "hiking": "hiking Senderismo Wandern Randonnée mountaineering",
    "rowing": "rowing INDOOR_ROWING HKWorkoutActivityTypeRowing Rudern Remo Aviron",
    "skiing": (
        "cross_country_skiing alpine_skiing CROSS-COUNTRY_SKIING "
        "HKWorkoutActivityTypeDownhillSkiing Langlauf Ski snowboarding"
    ),
    "football": (
        "soccer SOCCER HKWorkoutActivityTypeSoccer american_football Fußball Fútbol Futebol football Futsal"
    ),
    "rugby": "rugby Rugby_Union HKWorkoutActivityTypeRugby",
    "hockey": "hockey Field_Hockey ICE_HOCKEY HKWorkoutActivityTypeHockey",
    "basketball": "basketball Baloncesto Basquete HKWorkoutActivityTypeBasketball",
    "strength": (
        "STRENGTH_TRAINING HKWorkoutActivityTypeTraditionalStrengthTraining Weightlifting "
        "Powerlifting Krafttraining Musculação"
    ),
    "training": (
        "training Training_MD-1 Functional_Fitness "
        "HKWorkoutActivityTypeHighIntensityIntervalTraining Entrenamiento Treino CIRCUIT_TRAINING"
    ),
    "transition": "transition HKWorkoutActivityTypeTransition",
    "other": (
        "generic Other tennis Yoga HKWorkoutActivityTypeSwimBikeRun triathlon ice_skating "
        "water_skiing Match_day Handball motorcycling wheelchair_push_run"
    ),
}


@pytest.mark.parametrize("sport", SPORTS)
def test_makers_words_in_many_languages_become_ours(sport: str) -> None:
    for word in WORDS[sport].split():
        assert sport_of(word.replace("_", " ")) == sport, word
        assert sport_of(word if "HK" in word else word.upper()) == sport, word


def test_every_sport_of_fit_and_every_odd_text_is_one_of_ours() -> None:
    odd = ["", " ", "9", "\0", "HKWorkoutActivityType", "x" * 100_000, "走る"]
    assert {sport_of(word) for word in (*FIT_SPORTS.values(), *odd)} <= set(SPORTS)


def test_unknown_and_training_match_all_and_feet_match_feet() -> None:
    assert all(may_match(vague, sport) for vague in ("", "other", "training") for sport in SPORTS)
    assert may_match("running", "walking")
    assert may_match("football", "football")
    assert not may_match("running", "cycling")
    assert not may_match("swimming", "transition")


WINTER, SUMMER = (int(datetime(2026, month, 1, 12, tzinfo=UTC).timestamp() * 1000) for month in (1, 7))


def test_a_place_has_the_offset_of_its_zone_in_winter_and_in_summer() -> None:
    assert (offset_at(52.5, 13.4, WINTER), offset_at(52.5, 13.4, SUMMER)) == (3600, 7200)
    assert offset_at(27.7, 85.3, SUMMER) == 20_700
    assert offset_at(51.48, 0.0, WINTER) == 0  # on the meridian


@pytest.mark.parametrize("place", [(0.0, 0.0), (91.0, 0.0), (10.0, 181.0), (float("nan"), 10.0)])
def test_no_fix_and_no_place_on_earth_have_no_offset(place: tuple[float, float]) -> None:
    assert offset_at(*place, WINTER) is None


def test_a_time_that_no_calendar_holds_has_no_offset() -> None:
    assert offset_at(52.5, 13.4, 1 << 60) is None


def test_the_zones_are_not_loaded_before_a_place_is_asked_for() -> None:
    code = "import sys, hub.devices.exports.zone_by_place; sys.exit('tzfpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
