"""Times are read in the forms that files use; day and month come from a whole column or are asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.exports.written_time import (
    DateOrder,
    as_epoch_ms,
    date_order,
    epoch_ms,
    moment,
    time_in_name,
    time_of_day_s,
)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["2026-03-04", "2026-03-05 10:00"], DateOrder.YMD),
        (["3/4/2026", "12/31/2026"], DateOrder.MDY),
        (["3/4/2026", "31/12/2026"], DateOrder.DMY),
        (["3/4/2026", "12/31/2026", "31/12/2026"], None),
        (["3/4/2026", "5/6/2026"], None),
        (["3.4.2026", "5.6.2026 10:00"], DateOrder.DMY),
        (["3.4.2026", "5.16.2026"], DateOrder.MDY),
        ([], DateOrder.YMD),
    ],
)
def test_the_whole_column_decides_or_nobody(cells: list[str], order: DateOrder | None) -> None:
    assert date_order(cells) is order


TWO_HOURS = timezone(timedelta(hours=2))
NINE = datetime(2026, 3, 15, 9, 0, 0)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "order", "at"),
    [
        ("2026-03-15 09:00:00", None, NINE),
        ("2026-03-15T09:00", None, NINE),
        ("2026/3/15 9:00 a.m.", None, NINE),
        ("2026-03-15 09:00:00.250", None, NINE.replace(microsecond=250_000)),
        ("2026-03-15 09:00:00,250", None, NINE.replace(microsecond=250_000)),
        ("2026-03-15T09:00:00Z", None, NINE.replace(tzinfo=UTC)),
        ("2026-03-15 09:00:00 +0200", None, NINE.replace(tzinfo=TWO_HOURS)),
        ("15/03/2026 09:00", DateOrder.DMY, NINE),
        ("3/15/26 9:00 AM", DateOrder.MDY, NINE),
        ("15Mar2026 09:00:00", None, NINE),
        ("15 March 2026 09:00", None, NINE),
        ("3/15/2026", None, None),
        ("15/03/2026", DateOrder.MDY, None),
        ("2026-02-30", None, None),
        ("1970-01-01 00:00:00", None, None),
        ("2026-03-15 25:00:00", None, None),
        ("2026-03-15 09:00:00+15:00", None, None),
        ("yesterday", None, None),
    ],
)
def test_moments_are_read_as_written(text: str, order: DateOrder | None, at: datetime | None) -> None:
    read = moment(text, order)
    assert (read, read.utcoffset() if read else None) == (at, at.utcoffset() if at else None)


def test_bare_numbers_are_times_by_their_size() -> None:
    assert epoch_ms("1775181600.5") == 1_775_181_600_500
    assert epoch_ms("1775181600500") == 1_775_181_600_500
    assert [epoch_ms(text) for text in ("120", "20260315", "99999999999999", "")] == [None] * 4


def test_a_naive_time_takes_the_zone_that_is_given() -> None:
    assert as_epoch_ms(NINE, TWO_HOURS) == (1_773_558_000_000, 7200, False)
    assert as_epoch_ms(NINE.replace(tzinfo=UTC), TWO_HOURS) == (1_773_565_200_000, 0, True)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("2026-03-15 09-00-00.txt", NINE),
        ("anna_20260315_0900.csv", NINE),
        ("2026-03-15T09_00.txt", NINE),
        ("2026-13-15 09-00-00.txt", None),
        ("rr.txt", None),
        ("20260315.txt", None),
    ],
)
def test_a_name_tells_a_start_only_with_its_time(name: str, at: datetime | None) -> None:
    assert time_in_name(name) == at


def test_a_clock_time_is_seconds_since_midnight() -> None:
    read = [time_of_day_s(text) for text in ("19:15:53.5", "7:15 PM", "12:00 am", "24:00", "7")]
    assert read == [69_353.5, 69_300.0, 0.0, None, None]


@given(
    st.text(max_size=80)
    | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T]\d\d:\d\d(:\d\d)?( ?[+-]\d{4})?", fullmatch=True)
)
def test_any_text_is_a_moment_or_none(text: str) -> None:
    for order in (None, *DateOrder):
        at = moment(text, order)
        assert at is None or 1990 <= at.year <= 2099
    date_order([text])
    epoch_ms(text)
    time_in_name(text)
