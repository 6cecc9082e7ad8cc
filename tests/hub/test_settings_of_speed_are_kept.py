"""The club's speed limits and confirmed top speeds survive being kept; limits that mean nothing do not."""

from __future__ import annotations

import json
from functools import partial

from hub.analytics.external_load import SpeedLimits
from hub.results.speeds import KEY, save_limits, save_tops, speed_settings
from hub.store import meta
from tests.hub.ground import Ground


def test_what_was_kept_is_read_again_and_each_part_leaves_the_other(ground: Ground) -> None:
    assert ground.store.read_now(speed_settings).limits == SpeedLimits()
    limits = SpeedLimits(5.0, 6.5, 0.9, 2.5)
    ground.store.write_now(lambda db: save_tops(db, {"a1": 8.5, "a2": 9.0}))
    ground.store.write_now(lambda db: save_limits(db, limits))
    ground.store.write_now(lambda db: save_tops(db, {"a2": None, "a3": 7.5}))
    kept = ground.store.read_now(speed_settings)
    assert kept.limits == limits
    assert kept.tops_m_s == {"a1": 8.5, "a3": 7.5}


def test_limits_of_another_version_are_the_usual_ones_and_tops_stay(ground: Ground) -> None:
    for limits in ({"high_speed_m_s": 9.0, "sprint_m_s": 7.0}, {"walk_m_s": 2.0}):
        text = json.dumps({"limits": limits, "tops_m_s": {"a1": 8.0}})
        ground.store.write_now(partial(meta.put, key=KEY, new=text))
        kept = ground.store.read_now(speed_settings)
        assert (kept.limits, kept.tops_m_s) == (SpeedLimits(), {"a1": 8.0})
