"""What no calendar shows is refused; where a store holds it from before, its club's neighbours go on."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud.clock import now_ms
from cloud.insights.job import refresh_insights
from cloud.loads import AGAIN_MS, DEBOUNCE_MS, recompute_stale
from cloud.records import refusal
from cloud.store.database import Database
from sync import wire
from sync.chain import CHAIN_0
from sync.segments import frame, seal
from tests.cloud.conftest import run
from tests.cloud.sender import Sender, steady

Client = TestClient[Litestar]
Look = psycopg.Connection[tuple[object, ...]]
BEGAN_MS = 1_795_255_200_000
NEAR_10000_MS = 253_402_300_799_000
FIT_EPOCH_MS = 631_065_600_000


def code_of(tbl: str, **fields: Any) -> str | None:
    op = wire.Op(
        seq=1, op_id=str(uuid.uuid4()), tbl=tbl, pk=str(uuid.uuid4()), fields=fields, after_ms=0,
        boot_no=1, mono_ms=1, chain=CHAIN_0,
    )  # fmt: skip
    found = refusal(op)
    return None if found is None else found.code


@pytest.mark.parametrize(
    ("tbl", "name"),
    [
        ("session", "started_at_ms"),
        ("session", "ended_at_ms"),
        ("source", "started_at_ms"),
        ("source", "rows_end_ms"),
        ("source", "hr_chosen_at_ms"),
        ("daily_value", "updated_at_ms"),
        ("profile_change", "made_at_ms"),
    ],
)
def test_a_time_outside_the_years_records_tell_of_is_refused(tbl: str, name: str) -> None:
    for at_ms in (-1, 7_258_118_400_000, NEAR_10000_MS, 2**53, 1.5, True):
        assert code_of(tbl, **{name: at_ms}) == "invalid", at_ms
    for at_ms in (0, 1, FIT_EPOCH_MS, 1_104_537_600_000, BEGAN_MS, 7_258_118_399_999):
        assert code_of(tbl, **{name: at_ms}) is None, at_ms


@pytest.mark.parametrize(("tbl", "name"), [("daily_value", "date"), ("profile_change", "valid_from")])
def test_a_day_the_calendar_does_not_have_is_refused(tbl: str, name: str) -> None:
    for day in ("2026-99-99", "2026-02-29", "1899-12-31", "2200-01-01", "20260101", "٢٠٢٦-01-01", 5):
        assert code_of(tbl, **{name: day}) == "invalid", day
    for day in ("1900-01-01", "1989-12-31", "2028-02-29", "2199-12-31"):
        assert code_of(tbl, **{name: day}) is None, day


def test_an_offset_of_more_than_eighteen_hours_is_refused() -> None:
    for tbl in ("session", "source"):
        assert code_of(tbl, utc_offset_s=64_801) == code_of(tbl, utc_offset_s=-64_801) == "invalid"
        assert code_of(tbl, utc_offset_s=64_800) is code_of(tbl, utc_offset_s=-64_800) is None


def record_session(hub: Sender) -> str:
    athlete, session, stream = (str(uuid.uuid4()) for _ in range(3))
    answer = hub.push(
        hub.op("athlete", athlete, name="Ann", sex="F", hr_max_bpm=190, hr_rest_bpm=50, is_active=True),
        hub.op(
            "session", session, title="Drill", sport="training", started_at_ms=BEGAN_MS, utc_offset_s=0,
            ended_at_ms=BEGAN_MS + 600_000, boot_no=1, mono0_ms=0, mono1_ms=600_000, source="gatt",
        ),
        hub.op("stream", stream, strap_id="X", boot_no=1, channel="hr"),
        hub.op(
            "stream_assignment", str(uuid.uuid4()), stream_id=stream, athlete_id=athlete,
            session_id=session, from_ms=0, to_ms=600_000,
        ),
    )  # fmt: skip
    assert {it["status"] for it in answer.json()["results"]} == {"ok"}
    segment = frame(seal(stream, 1, steady(140, 600)))
    assert hub.post("/v1/seg", segment, content_type="application/octet-stream").status_code == 200
    return session


def hold(db: Look, session: str, name: str, value: str) -> None:
    """As a store may hold it that took it before it was refused."""
    db.execute(
        "UPDATE row_state SET doc = jsonb_set(doc, ARRAY[%s], %s::jsonb) WHERE pk = %s",
        (name, value, session),
    )


def clubs_with_loads(db: Look) -> set[object]:
    rows = db.execute("SELECT DISTINCT club.name FROM session_load JOIN club USING (club_id)")
    return {row[0] for row in rows.fetchall()}


def within(url: str, work: Callable[[Database], Any]) -> Any:
    async def go() -> Any:
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return run(go())


def test_a_session_that_cannot_be_computed_is_told_of_once_and_waits_behind_all_others(
    new_hub: Callable[[str], Sender], url: str, db: Look, caplog: pytest.LogCaptureFixture
) -> None:
    odd = record_session(new_hub("Rovers"))
    record_session(new_hub("Albion"))
    hold(db, odd, "mono0_ms", '"no number"')
    db.execute("UPDATE session_stale SET marked_ms = CASE session_id WHEN %s THEN 1 ELSE 2 END", (odd,))
    at_ms = now_ms() + 60_000
    failing: set[tuple[str, str]] = set()

    def pass_at(ms: int) -> Any:
        return within(url, lambda it: recompute_stale(it, ms, failing=failing))

    with caplog.at_level(logging.ERROR, logger="cloud.loads"):
        assert pass_at(at_ms) == (2, 0)  # nothing that is worth another look soon
        assert clubs_with_loads(db) == {"Albion"}
        assert pass_at(at_ms + 2 * DEBOUNCE_MS) == (0, 0)
        later_ms = at_ms + AGAIN_MS + DEBOUNCE_MS
        assert pass_at(later_ms) == (1, 0)
        assert [odd in it.getMessage() for it in caplog.records] == [True]
    hold(db, odd, "mono0_ms", "0")
    assert pass_at(later_ms + AGAIN_MS + DEBOUNCE_MS) == (1, 0)
    assert clubs_with_loads(db) == {"Albion", "Rovers"}
    assert not failing
    assert db.execute("SELECT count(*) FROM session_stale").fetchone() == (0,)


def test_a_new_reason_brings_a_session_put_off_back_at_once(
    new_hub: Callable[[str], Sender], url: str, db: Look, settle: Callable[[], None]
) -> None:
    hub = new_hub("Rovers")
    odd = record_session(hub)
    hold(db, odd, "mono0_ms", '"no number"')
    settle()
    assert clubs_with_loads(db) == set()
    hub.push(hub.op("session", odd, mono0_ms=0))
    settle()
    assert clubs_with_loads(db) == {"Rovers"}


def test_a_club_whose_insight_cannot_be_written_stops_no_other(
    new_hub: Callable[[str], Sender],
    url: str,
    db: Look,
    settle: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    odds = [record_session(new_hub(name)) for name in ("Albion", "Rovers", "Zebras")]
    settle()
    for odd in odds[::2]:
        hold(db, odd, "utc_offset_s", '"east"')
    with caplog.at_level(logging.ERROR, logger="cloud.insights.job"):
        assert within(url, lambda it: refresh_insights(it, now_ms())) == 1
    assert [it.getMessage().split(",")[0] for it in caplog.records] == ["no insight for 2 clubs"]


def test_a_session_of_no_calendar_is_computed_and_shown_with_a_dash(
    new_hub: Callable[[str], Sender],
    url: str,
    db: Look,
    settle: Callable[[], None],
    client: Client,
    sign_in: Callable[..., None],
) -> None:
    hub = new_hub("Rovers")
    odd, even = record_session(hub), record_session(hub)
    hold(db, odd, "started_at_ms", str(NEAR_10000_MS))
    hold(db, odd, "utc_offset_s", "64800")
    settle()
    assert db.execute("SELECT count(*) FROM session_load").fetchone() == (2,)
    assert within(url, lambda it: refresh_insights(it, BEGAN_MS)) == 1
    assert db.execute("SELECT doc ->> 'week_start' FROM row_state WHERE tbl = 'insight'").fetchall() == [
        ("2026-11-16",)
    ]
    sign_in("Rovers")
    people = [str(row[0]) for row in db.execute("SELECT athlete_id FROM session_load").fetchall()]
    pages = ["/", "/athletes", f"/sessions/{odd}", f"/sessions/{even}", f"/sessions/{odd}/load.csv"]
    pages += ["/insights", *(f"/athletes/{it}" for it in people)]
    assert {path: client.get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
    assert "<dt>Started</dt><dd>–</dd>" in client.get(f"/sessions/{odd}").text
