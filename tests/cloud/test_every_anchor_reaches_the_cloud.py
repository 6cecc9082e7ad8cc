"""What a hub knows of true time reaches the cloud however old, once, and again where it may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from cloud.clock import TrueTime, has_moved
from cloud.store.rows import AnchorRow
from hub.store import boots
from sync.wire import Anchor
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import START_MS, HubOn
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
BOOTS = 60


@pytest.fixture
def carrier(url: str, tmp_path: Path) -> Carrier:
    return Carrier(url, tmp_path / "stick")


def many_boots(hub: HubOn, n: int = BOOTS, each: int = 1) -> set[int]:
    """A season of boots told the time by a tablet."""

    def fill(db: object) -> set[int]:
        made = set()
        for day in range(n):
            boot_no = boots.register(db, f"day-{day}")  # type: ignore[arg-type]
            for number in range(each):
                told = Anchor(
                    boot_no=boot_no, mono_ms=1_000 + number, wall_ms=START_MS + day * DAY_MS + number,
                    err_ms=60_000, source="tablet",
                )  # fmt: skip
                boots.add_anchor(db, told)  # type: ignore[arg-type]
            made.add(boot_no)
        return made

    return hub.store.write_now(fill)


def there(db: Db, source: str = "tablet") -> list[int]:
    rows = db.execute("SELECT boot_no FROM hub_anchor WHERE source = %s ORDER BY 1", (source,)).fetchall()
    return [int(str(row[0])) for row in rows]


def untold(hub: HubOn) -> int:
    return len(hub.ask(lambda it: boots.verified_anchors(it, 10_000)))


def pushes(hub: HubOn) -> int:
    return hub.line.asked.count("/v1/sync/push")


def test_anchors_of_sixty_boots_all_arrive_over_the_network_page_by_page(start: Start, db: Db) -> None:
    hub = start("ours")
    hub.sync()
    before, made = pushes(hub), many_boots(hub, each=3)
    hub.sync()
    assert set(there(db)) == made
    assert len(there(db)) == 3 * BOOTS
    assert pushes(hub) - before == 2, "a hundred a push"
    assert untold(hub) == 0
    hub.sync()
    assert pushes(hub) - before == 2, "told once"


def test_anchors_of_sixty_boots_all_arrive_on_a_stick_and_count_as_told_once_it_is_answered(
    start: Start, db: Db, carrier: Carrier
) -> None:
    hub = start("ours")
    hub.sync()
    made = many_boots(hub)
    carrier.accept(carrier.write(hub))
    assert set(there(db)) == made
    assert untold(hub) == BOOTS, "nothing counts as told because it was written"
    late = Anchor(boot_no=min(made), mono_ms=5, wall_ms=START_MS, err_ms=9, source="cloud")
    hub.store.write_now(lambda it: boots.learn(it, late))
    carrier.take_back(hub, carrier.answer(hub))
    assert hub.ask(boots.verified_anchors) == [late], "learnt after the bundle was written"


def test_a_bundle_whose_answer_never_comes_is_written_again_with_all_of_them(
    start: Start, db: Db, carrier: Carrier
) -> None:
    hub = start("ours")
    hub.sync()
    made = many_boots(hub)
    carrier.write(hub).unlink()
    again = carrier.write(hub)
    carrier.accept(again)
    carrier.accept(again)
    assert (set(there(db)), len(there(db))) == (made, BOOTS)


def test_an_anchor_learnt_late_of_an_old_boot_goes_too(start: Start, db: Db) -> None:
    hub = start("ours")
    made = many_boots(hub)
    hub.sync()
    late = Anchor(boot_no=min(made), mono_ms=9_000, wall_ms=START_MS + 9_000, err_ms=9, source="ntp")
    hub.store.write_now(lambda it: boots.learn(it, late))
    hub.sync()
    assert there(db, "ntp") == [min(made)]


@pytest.mark.parametrize("loss", ["a backup put back", "a log begun anew"])
def test_where_the_clouds_memory_may_be_gone_all_are_told_again(start: Start, db: Db, loss: str) -> None:
    hub = start("ours")
    hub.athlete("Ann")
    made = many_boots(hub)
    hub.sync()
    db.execute("DELETE FROM hub_anchor")
    if loss == "a backup put back":
        db.execute("UPDATE club_clock SET feed_epoch = feed_epoch + 1")
    else:
        asyncio.run(hub.outbox.fork(hub.epoch + 1))
    hub.sync()
    hub.sync()
    assert (set(there(db)), untold(hub)) == (made, 0)


# --- and moves nothing for a hair


def anchor(boot_no: int, mono_ms: int, by_ms: int = 0, err_ms: int = 20, source: str = "cloud") -> Anchor:
    return Anchor(
        boot_no=boot_no, mono_ms=mono_ms, wall_ms=START_MS + mono_ms + by_ms, err_ms=err_ms, source=source
    )


def tell(hub: Sender, *told: Anchor) -> None:
    answer = hub.push(anchors=list(told))
    assert answer.status_code == 200, answer.text


def stale(db: Db) -> list[str]:
    return [str(row[0]) for row in db.execute("SELECT session_id FROM session_stale").fetchall()]


def test_an_anchor_an_hour_makes_the_cloud_compute_nothing_anew_and_one_a_minute_off_does(
    hub: Sender, db: Db
) -> None:
    session_id, stream_id, athlete_id = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
    rows: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("session", session_id, {"title": "Run", "sport": "training", "started_at_ms": START_MS,
         "utc_offset_s": 0, "ended_at_ms": None, "boot_no": 1, "mono0_ms": 0, "mono1_ms": None,
         "source": "gatt"}),
        ("stream", stream_id, {"strap_id": "S1", "boot_no": 2, "channel": "hr"}),
        ("stream_assignment", "00000000-0000-4000-8000-000000000004", {"stream_id": stream_id,
         "athlete_id": athlete_id, "session_id": session_id, "from_ms": 0, "to_ms": None}),
    )  # fmt: skip
    ops = [msgspec.structs.replace(hub.op(tbl, pk), fields=fields) for tbl, pk, fields in rows]
    told = hub.push(*ops, anchors=[anchor(1, 0), anchor(2, 0, 9)]).json()
    assert [it["status"] for it in told["results"]] == ["ok"] * 3, told
    assert stale(db) == [session_id]
    db.execute("DELETE FROM session_stale")
    for hour in range(1, 40):
        tell(hub, anchor(2, hour * HOUR_MS, -144 * hour))
    assert stale(db) == []
    tell(hub, anchor(2, 1, 60_000, err_ms=1))
    assert stale(db) == [], "one alone against forty is not believed, however sure it is of itself"
    for number in range(2, 46):
        tell(hub, anchor(2, number, 60_000, err_ms=1))
    assert stale(db) == [session_id]


def test_the_cloud_too_keeps_one_a_day_of_what_is_days_old(hub: Sender, db: Db) -> None:
    for day in range(6):
        told = [anchor(3, (24 * day + hour) * HOUR_MS, -144 * (24 * day + hour)) for hour in range(24)]
        tell(hub, *told)
    rows = db.execute("SELECT mono_ms FROM hub_anchor WHERE boot_no = 3 ORDER BY 1").fetchall()
    days = [int(str(row[0])) // DAY_MS for row in rows]
    assert [days.count(day) for day in range(6)] == [2, 1, 1, 24, 24, 24]


def test_the_views_edges_decide_whether_samples_moved() -> None:
    def view(*told: tuple[int, int]) -> list[AnchorRow]:
        rows = [AnchorRow(1, mono_ms, START_MS + mono_ms + by_ms, 20, "cloud") for mono_ms, by_ms in told]
        return TrueTime(rows).telling(1)

    alone = view((0, 0))
    assert not has_moved(alone, view((0, 0), (HOUR_MS, -144)))
    assert has_moved(alone, view((0, 0), (DAY_MS, -3_456)))
    assert has_moved([], alone)
    assert not has_moved([], [])
