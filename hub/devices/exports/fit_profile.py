"""What the numbers in a FIT file mean: the messages and fields that are kept, with names and scales.

A field not listed here is passed over; nothing here reads bytes. A value is raw / scale + offset.
Source: Garmin FIT profile 21.218, message and field numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from hub.devices.exports.fit_layout import Value
from hub.devices.exports.fit_wire import Message

UNIX_AT_FIT_ZERO = 631_065_600
EARLIEST_DATE_S = 0x10000000  # smaller times count from power-up and are no dates
SEMICIRCLES = 2**31 / 180

FILE_ID, SESSION, LAP, RECORD, EVENT, DEVICE_INFO = 0, 18, 19, 20, 21, 23
ACTIVITY, MONITORING, HRV, LENGTH, HR = 34, 55, 78, 101, 132
BEAT_INTERVALS, RAW_BBI, MONITORING_INFO = 290, 372, 103

Scaled = Value | tuple[float | None, ...]


class Field(NamedTuple):
    """A field's name with its unit, and how its raw value becomes it."""

    name: str
    scale: float = 1
    offset: float = 0

    def scaled(self, raw: Value) -> Scaled:
        if self.scale == 1 and not self.offset:
            return raw
        if isinstance(raw, tuple):
            return tuple(None if v is None else v / self.scale + self.offset for v in raw)
        return raw / self.scale + self.offset if isinstance(raw, int | float) else raw


class Kind(NamedTuple):
    """A kind of message and its fields by number."""

    name: str
    fields: dict[int, Field]


def _kind(name: str, fields: dict[int, str | Field]) -> Kind:
    return Kind(name, {n: f if isinstance(f, Field) else Field(f) for n, f in fields.items()})


_TOTALS: dict[int, str | Field] = {
    253: "timestamp_s",
    2: "start_s",
    7: Field("elapsed_s", 1000),
    8: Field("timer_s", 1000),
    9: Field("distance_m", 100),
}

KINDS: dict[int, Kind] = {
    FILE_ID: _kind("file_id", {
        0: "type", 1: "manufacturer", 2: "product", 3: "serial", 4: "created_s", 5: "number",
        8: "product_name",
    }),
    7: _kind("zones_target", {1: "max_bpm", 2: "threshold_bpm", 3: "threshold_power_w"}),
    8: _kind("hr_zone", {254: "index", 1: "high_bpm"}),
    SESSION: _kind("session", {
        **_TOTALS, 5: "sport", 6: "sub_sport", 11: "energy_kcal", 14: Field("avg_speed_m_s", 1000),
        124: Field("enhanced_avg_speed_m_s", 1000), 16: "avg_bpm", 17: "max_bpm", 18: "avg_cadence",
        20: "avg_power_w", 21: "max_power_w", 22: "ascent_m", 23: "descent_m",
        24: Field("training_effect", 10), 25: "first_lap", 26: "n_laps", 34: "normalized_power_w",
        35: Field("training_stress", 10), 44: Field("pool_m", 100), 47: "n_active_lengths",
        65: Field("time_in_hr_zone_s", 1000), 110: "profile_name",
        137: Field("anaerobic_training_effect", 10),
    }),
    LAP: _kind("lap", {
        **_TOTALS, 15: "avg_bpm", 16: "max_bpm", 23: "intensity", 24: "trigger", 40: "n_active_lengths",
    }),
    30: _kind("weight_scale", {253: "timestamp_s", 0: Field("weight_kg", 100)}),
    MONITORING_INFO: _kind("monitoring_info", {253: "timestamp_s", 0: "local_timestamp_s"}),
    211: _kind("monitoring_hr", {253: "timestamp_s", 0: "rest_bpm", 1: "day_rest_bpm"}),
    RECORD: _kind("record", {
        253: "timestamp_s", 0: Field("lat_deg", SEMICIRCLES), 1: Field("long_deg", SEMICIRCLES),
        2: Field("altitude_m", 5, -500), 3: "bpm", 4: "cadence", 5: Field("distance_m", 100),
        6: Field("speed_m_s", 1000), 7: "power_w", 8: "compressed_speed_distance", 13: "temperature_c",
        30: "left_right", 39: Field("vertical_oscillation_mm", 10), 41: Field("stance_ms", 10),
        53: Field("fractional_cadence", 128), 73: Field("enhanced_speed_m_s", 1000),
        78: Field("enhanced_altitude_m", 5, -500), 83: Field("vertical_ratio_percent", 100),
        84: Field("stance_balance_percent", 100), 85: Field("step_length_mm", 10),
        99: "respiration_per_min", 108: Field("enhanced_respiration_per_min", 100),
        116: Field("stress", 100), 139: Field("core_temperature_c", 100),
    }),
    EVENT: _kind("event", {253: "timestamp_s", 0: "event", 1: "event_type", 3: "data"}),
    DEVICE_INFO: _kind("device_info", {
        253: "timestamp_s", 0: "index", 1: "type", 2: "manufacturer", 3: "serial", 4: "product",
        5: Field("software", 100), 11: "battery_status", 25: "source_type", 27: "name",
    }),
    ACTIVITY: _kind("activity", {
        253: "timestamp_s", 0: Field("timer_s", 1000), 1: "n_sessions", 5: "local_timestamp_s",
    }),
    MONITORING: _kind("monitoring", {
        253: "timestamp_s", 3: Field("cycles", 2), 5: "activity_type", 26: "timestamp_16", 27: "bpm",
    }),
    HRV: _kind("hrv", {0: Field("rr_s", 1000)}),
    LENGTH: _kind("length", {
        253: "timestamp_s", 2: "start_s", 3: Field("elapsed_s", 1000), 4: Field("timer_s", 1000),
        5: "strokes", 6: Field("speed_m_s", 1000), 7: "stroke", 12: "type",
    }),
    HR: _kind("hr", {
        253: "timestamp_s", 0: Field("fraction_s", 32768), 1: Field("time256_s", 256), 6: "bpm",
        9: Field("event_s", 1024), 10: "event_12",
    }),
    206: _kind("field_description", {
        0: "developer", 1: "number", 2: "base_type", 3: "name", 6: "scale", 7: "offset", 8: "units",
        14: "native_message", 15: "native_field",
    }),
    207: _kind("developer_id", {1: "application", 3: "developer"}),
    216: _kind("time_in_zone", {
        253: "timestamp_s", 0: "of_kind", 1: "of_index", 2: Field("time_in_hr_zone_s", 1000),
        6: "high_bpm", 11: "max_bpm", 12: "rest_bpm", 13: "threshold_bpm",
    }),
    227: _kind("stress", {253: "timestamp_s", 0: "stress", 1: "time_s"}),
    275: _kind("sleep_level", {253: "timestamp_s", 0: "level"}),
    BEAT_INTERVALS: _kind("beat_intervals", {253: "timestamp_s", 0: "timestamp_ms", 1: "time_ms"}),
    370: _kind("hrv_status", {
        253: "timestamp_s", 0: Field("weekly_ms", 128), 1: Field("last_night_ms", 128),
        3: Field("baseline_low_ms", 128), 4: Field("baseline_balanced_low_ms", 128),
        5: Field("baseline_balanced_high_ms", 128),
    }),
    371: _kind("hrv_value", {253: "timestamp_s", 0: Field("rmssd_ms", 128)}),
    RAW_BBI: _kind("raw_bbi", {253: "timestamp_s", 0: "timestamp_ms", 1: "data"}),
}  # fmt: skip

WANTED = {number: kind.fields for number, kind in KINDS.items()}

SPORTS: dict[int, str] = dict(enumerate((
    "generic", "running", "cycling", "transition", "fitness_equipment", "swimming", "basketball", "soccer",
    "tennis", "american_football", "training", "walking", "cross_country_skiing", "alpine_skiing",
    "snowboarding", "rowing", "mountaineering", "hiking", "multisport", "paddling", "flying", "e_biking",
    "motorcycling", "boating", "driving", "golf", "hang_gliding", "horseback_riding", "hunting", "fishing",
    "inline_skating", "rock_climbing", "sailing", "ice_skating", "sky_diving", "snowshoeing",
    "snowmobiling", "stand_up_paddleboarding", "surfing", "wakeboarding", "water_skiing", "kayaking",
    "rafting", "windsurfing", "kitesurfing", "tactical", "jumpmaster", "boxing", "floor_climbing",
    "baseball",
))) | {
    53: "diving", 62: "hiit", 64: "racket", 65: "wheelchair_push_walk", 66: "wheelchair_push_run",
    67: "meditation", 69: "disc_golf", 71: "cricket", 72: "rugby", 73: "hockey", 74: "lacrosse",
    75: "volleyball", 76: "water_tubing", 77: "wakesurfing", 80: "mixed_martial_arts", 82: "snorkeling",
    83: "dance", 84: "jump_rope",
}  # fmt: skip

SUB_SPORTS: dict[int, str] = {
    1: "treadmill", 5: "spin", 6: "indoor_cycling", 14: "indoor_rowing", 15: "elliptical",
    16: "stair_climbing", 17: "lap_swimming", 18: "open_water", 20: "strength_training", 22: "match",
    26: "cardio_training", 27: "indoor_walking", 37: "skate_skiing", 43: "yoga", 58: "virtual_activity",
    62: "hiit",
}  # fmt: skip

# What a file is that holds no activity, by the type it names.
FILE_TYPES: dict[int, str] = {
    1: "a device's description", 2: "a device's settings", 3: "a sport's settings", 5: "a planned workout",
    6: "a course to follow", 7: "a training calendar", 9: "weights", 10: "running totals", 11: "goals",
    14: "blood pressures", 15: "a day's monitoring", 20: "a list of activities", 28: "a day's monitoring",
    32: "a day's monitoring", 34: "a segment to race", 35: "a list of segments", 40: "a device's pages",
}  # fmt: skip

MAKERS: dict[int, str] = {
    1: "garmin", 13: "dynastream_oem", 15: "dynastream", 23: "suunto", 32: "wahoo_fitness",
    70: "sigmasport", 76: "moxy", 89: "tacx", 95: "stryd", 123: "polar_electro", 255: "development",
    260: "zwift", 265: "strava", 267: "bryton", 289: "hammerhead", 294: "coros",
}  # fmt: skip


def named(message: Message) -> dict[str, Scaled]:
    """A message's known fields by name, scaled; what says nothing is left out."""
    kind, values = KINDS[message.layout.number], message.values
    found = {
        kind.fields[number].name: kind.fields[number].scaled(slot.read(values))
        for number, slot in message.layout.slots.items()
        if number in kind.fields
    }
    if message.at_s is not None and 253 in kind.fields:
        found["timestamp_s"] = message.at_s
    return {name: value for name, value in found.items() if value is not None}


def epoch_ms(fit_s: int) -> int | None:
    """FIT time as epoch ms UTC; None where the device did not know the date."""
    return (fit_s + UNIX_AT_FIT_ZERO) * 1000 if fit_s >= EARLIEST_DATE_S else None
