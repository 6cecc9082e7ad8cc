"""Rolling windows and exponential smoothing of a squad's days by pandas, beside ours, on every column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics.daily_load import acute_chronic, balance, rolling_mean_au, week_loads
from hub.analytics.hrv import rolling_week
from hub.analytics.smoothing import Smoothing, alpha_of

pd: Any = pytest.importorskip("pandas", reason="pandas comes with the cloud or with .venv-oracles")


def same(ours: NDArray[np.float64], theirs: Any) -> None:
    expected = np.array(theirs, dtype=np.float64)
    expected[np.isinf(expected)] = np.nan
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_weeks(daily_au: NDArray[np.float64]) -> None:
    week, days = week_loads(daily_au), pd.DataFrame(daily_au).rolling(7)
    same(week.load_au, pd.DataFrame(daily_au).rolling(7, min_periods=1).sum())
    same(week.monotony, days.mean() / days.std(ddof=0))
    same(week.strain_au, days.sum() * days.mean() / days.std(ddof=0))


def test_acute_and_chronic(daily_au: NDArray[np.float64]) -> None:
    found, days = acute_chronic(daily_au), pd.DataFrame(daily_au)
    acute, chronic = days.rolling(7).mean(), days.rolling(28).mean()
    same(found.acute_au, acute)
    same(found.chronic_au, chronic)
    same(found.coupled, acute / chronic)
    same(found.uncoupled, acute / days.shift(7).rolling(21).mean())
    fast, slow = (days.ewm(span=span, adjust=False).mean() for span in (7, 28))
    same(found.ewma, fast / slow)
    same(rolling_mean_au(daily_au, 42), days.rolling(42).mean())


def test_missing_days_are_left_out_of_the_means(daily_au: NDArray[np.float64]) -> None:
    daily_au[np.random.default_rng(2).random(daily_au.shape) < 0.1] = np.nan
    found, days = acute_chronic(daily_au), pd.DataFrame(daily_au)
    theirs = days.rolling(7, min_periods=1).mean()
    theirs.iloc[:6] = np.nan
    same(found.acute_au, theirs)
    assert found.n_acute.tolist() == days.rolling(7, min_periods=0).count().astype(int).to_numpy().tolist()


def test_balance(daily_au: NDArray[np.float64]) -> None:
    found = balance(daily_au)
    seeded = pd.DataFrame(np.vstack([np.zeros(daily_au.shape[1]), daily_au]))
    ctl, atl = (
        seeded.ewm(alpha=alpha_of(Smoothing.EXPONENTIAL, n), adjust=False).mean().iloc[1:] for n in (42, 7)
    )
    same(found.ctl_au, ctl)
    same(found.atl_au, atl)
    same(found.tsb_au, (ctl - atl).shift(1))


def test_weekly_mean_and_variation_of_morning_values() -> None:
    rng = np.random.default_rng(5)
    values = np.where(rng.random(120) < 0.7, rng.normal(4, 0.2, 120), np.nan)
    found, days = rolling_week(values), pd.Series(values).rolling(7, min_periods=3)
    same(found.mean, days.mean())
    same(found.sd, days.std())
    same(found.cv_percent, 100 * days.std() / days.mean())
