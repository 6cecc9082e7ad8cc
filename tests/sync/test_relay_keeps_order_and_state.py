"""Records go before samples, failures are told once, and nothing ends the relay but its owner."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import httpx
import msgspec
import pytest

from sync import wire
from sync.chain import CHAIN_0
from sync.client import CloudClient
from sync.errors import CloudRefused, CloudUnreachable, OutOfStep, ShutOut, SignInNeeded
from sync.keys import public_key_b64
from sync.lanes import OpsLane
from sync.relay import Relay, RelayReport
from sync.segments import Segment, unframe
from tests.sync.far_end import SERVER_MS, Line, Refusal, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, Ticks, client_on, relay_on


def ends() -> tuple[MemoryOutbox, SmallCloud, Line]:
    outbox, cloud = MemoryOutbox(), SmallCloud(public_key_b64(SEED))
    return outbox, cloud, Line(cloud)


async def one_round(outbox: MemoryOutbox, line: Line) -> RelayReport:
    relay = relay_on(outbox, line)
    try:
        return await relay.run_once()
    finally:
        await relay.close()


def test_a_round_sends_everything_and_says_how_much() -> None:
    outbox, _, line = ends()
    outbox.edit(name="Ada")
    outbox.edit(poison=True)
    outbox.close_segment()

    report = asyncio.run(one_round(outbox, line))

    assert (report.ops_sent, report.ops_dead, report.feed_applied, report.segments_stored) == (2, 1, 2, 1)
    assert report.bytes_sent > 500
    assert report.words == "2 edits sent, 2 received, 1 recording sent"
    assert outbox.dead == {2}
    assert outbox.contacts[0][0] == SERVER_MS
    assert line.is_closed


def test_edits_made_while_samples_travel_do_not_wait_for_them() -> None:
    outbox, cloud, line = ends()
    for _ in range(120):
        outbox.close_segment(n=300)

    class Busy(MemoryOutbox):
        async def record_stored(self, ids: Sequence[bytes]) -> None:
            await super().record_stored(ids)
            if len(self.stored) < len(self.kept):
                self.edit(name="substitution")

    busy = Busy()
    busy.kept = outbox.kept
    report = asyncio.run(one_round(busy, line))

    lanes = [path for path in cloud.requests if path in ("/v1/seg", "/v1/sync/push")]
    assert report.segments_stored == 120
    assert lanes == ["/v1/seg", *["/v1/sync/push", "/v1/seg"] * (len(lanes) // 2)]
    assert len(lanes) > 5


def test_the_feed_is_read_even_when_there_is_nothing_to_send() -> None:
    outbox, cloud, line = ends()
    insight = wire.Op(
        seq=1,
        op_id="i",
        tbl="insight",
        pk="p",
        fields={"headline": "h"},
        after_ms=0,
        boot_no=0,
        mono_ms=0,
        chain="",
    )
    for _ in range(50):
        cloud.say("set", insight)

    report = asyncio.run(one_round(outbox, line))

    assert report.feed_applied == 50
    assert outbox.feed == cloud.feed


def test_a_hole_in_the_feed_is_an_alarm_and_not_a_skip() -> None:
    outbox, cloud, line = ends()
    outbox.edit(name="Ada")
    asyncio.run(one_round(outbox, line))
    outbox.edit(name="Eva")
    outbox.edit(name="Mia")
    original = cloud._push

    def lossy(request: wire.PushRequest) -> wire.PushResponse:
        response = original(request)
        cloud.feed[1:2] = []
        return response

    cloud._push = lossy  # type: ignore[method-assign]
    with pytest.raises(OutOfStep, match="hole after 1"):
        asyncio.run(one_round(outbox, line))
    assert len(outbox.feed) == 1


def test_batches_grow_from_8_kib_on_a_good_line_and_shrink_on_a_bad_one() -> None:
    outbox, cloud, line = ends()
    for _ in range(300):
        outbox.close_segment(n=300)
    sizes: list[int] = []
    original = cloud._store

    def measured(body: bytes) -> wire.SegmentResponse:
        sizes.append(len(body))
        return original(body)

    cloud._store = measured  # type: ignore[method-assign]
    asyncio.run(one_round(outbox, line))

    assert sizes[0] <= 8192 < sizes[1] < sizes[2] < sizes[3] <= 65536
    assert len(sizes) < 12


def test_a_batch_the_cloud_finds_too_large_is_halved_until_it_passes() -> None:
    outbox, cloud, line = ends()
    cloud.largest_body = 3000
    for number in range(200):
        outbox.edit(name=f"{Random(number).random()}" * 3)
        outbox.close_segment(n=100)

    asyncio.run(one_round(outbox, line))

    assert cloud.log == outbox.log
    assert outbox.stored == outbox.kept.keys()


def test_a_segment_refused_for_good_is_noted_and_does_not_block_the_others() -> None:
    outbox, cloud, line = ends()
    bad, *good = [outbox.close_segment() for _ in range(20)]
    cloud.refuse_segments[bad] = "erased"

    report = asyncio.run(one_round(outbox, line))

    assert (report.segments_stored, report.segments_refused) == (19, 1)
    assert outbox.stored == set(good)
    assert outbox.notes == [("segment", f"{bad.hex()[:12]} refused by the cloud: erased")]


def test_segments_the_cloud_already_has_are_not_sent_again() -> None:
    outbox, cloud, line = ends()
    for _ in range(10):
        outbox.close_segment()
    asyncio.run(one_round(outbox, line))
    outbox.stored.clear()
    cloud.requests.clear()

    report = asyncio.run(one_round(outbox, line))

    assert report.segments_known == 10
    assert "/v1/seg" not in cloud.requests


def count_arrivals(cloud: SmallCloud) -> Counter[bytes]:
    arrivals: Counter[bytes] = Counter()
    original = cloud._store

    def counted(body: bytes) -> wire.SegmentResponse:
        arrivals.update(segment.seg_id for segment in unframe(body))
        return original(body)

    cloud._store = counted  # type: ignore[method-assign]
    return arrivals


def test_after_a_lost_answer_it_asks_instead_of_sending_the_samples_twice() -> None:
    outbox, cloud, line = ends()
    arrivals = count_arrivals(cloud)

    async def story() -> None:
        relay = relay_on(outbox, line)
        await relay.run_once()
        for _ in range(100):
            outbox.close_segment()
        line.faults = iter(["none", "none", "none", "answer is lost"])
        with pytest.raises(CloudUnreachable):
            await relay.run_once()
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert outbox.stored == outbox.kept.keys()
    assert set(arrivals.values()) == {1}


def test_a_backlog_part_of_which_arrived_before_a_restart_is_sent_only_in_part() -> None:
    outbox, cloud, line = ends()
    ids = [outbox.close_segment() for _ in range(300)]
    outbox.stored = set(ids[:125])
    asyncio.run(one_round(outbox, line))
    outbox.stored.clear()
    arrivals = count_arrivals(cloud)

    report = asyncio.run(one_round(outbox, line))

    assert (report.segments_stored, report.segments_known) == (125, 175)
    assert arrivals == Counter(ids[:125])


def test_anchors_travel_once_even_without_operations() -> None:
    outbox, cloud, line = ends()
    outbox.facts = [wire.Anchor(boot_no=1, mono_ms=5, wall_ms=SERVER_MS, err_ms=9, source="ntp")]

    async def story() -> None:
        relay = relay_on(outbox, line)
        await relay.run_once()
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert cloud.anchors == outbox.facts
    assert cloud.requests.count("/v1/sync/push") == 1


def test_anchors_go_page_by_page_and_count_as_told_only_after_the_answer() -> None:
    outbox, cloud, line = ends()
    outbox.facts = [
        wire.Anchor(boot_no=boot_no, mono_ms=5, wall_ms=SERVER_MS, err_ms=9, source="ntp")
        for boot_no in range(1, 6)
    ]
    epoch, outbox.epoch = outbox.epoch, 7  # as sent under a log the cloud has not heard of
    with pytest.raises(OutOfStep):
        asyncio.run(_pushed(outbox, line))
    assert outbox.told == []
    outbox.epoch = epoch
    asyncio.run(_pushed(outbox, line))
    assert outbox.told == cloud.anchors == outbox.facts
    assert cloud.requests.count("/v1/sync/push") == 1 + 3


async def _pushed(outbox: MemoryOutbox, line: Line) -> None:
    async with client_on(line) as client:
        await client.open_session()
        await OpsLane(outbox, Ticks()).drain(client, outbox.epoch)


def test_a_cloud_restored_from_a_backup_gets_the_lost_operations_again() -> None:
    outbox, cloud, line = ends()
    for number in range(6):
        outbox.edit(name=f"{number}")
    outbox.feed = []
    asyncio.run(one_round(outbox, line))
    del cloud.log[3:]

    asyncio.run(one_round(outbox, line))
    assert cloud.log == outbox.log

    del cloud.log[3:]
    outbox.keeps_from = 5
    asyncio.run(one_round(outbox, line))
    assert outbox.epoch == cloud.epoch == 2  # the log could not be taken up, so it was begun anew
    assert cloud.log == outbox.log


def test_a_cloud_restored_between_greeting_and_push_gets_them_again_too() -> None:
    outbox, cloud, line = ends()
    for number in range(6):
        outbox.edit(name=f"{number}")
    asyncio.run(one_round(outbox, line))
    outbox.edit(name="after")
    original, losses = cloud._push, iter([3])

    def restored(request: wire.PushRequest) -> wire.PushResponse:
        for kept in losses:
            del cloud.log[kept:]
        return original(request)

    cloud._push = restored  # type: ignore[method-assign]
    asyncio.run(one_round(outbox, line))

    assert cloud.log == outbox.log
    assert outbox.acked_seq == 7


def _hub_is_an_old_copy(outbox: MemoryOutbox, cloud: SmallCloud) -> None:
    del outbox.log[1:]
    outbox.acked_seq = 1


def _cloud_has_another_log(outbox: MemoryOutbox, cloud: SmallCloud) -> None:
    outbox.edit(name="new")
    cloud.log[-1] = msgspec.structs.replace(cloud.log[-1], chain="11" * 32)


def _cloud_knows_a_later_epoch(outbox: MemoryOutbox, cloud: SmallCloud) -> None:
    cloud.epoch = 2


@pytest.mark.parametrize(
    ("accident", "epoch"),
    [(_hub_is_an_old_copy, 2), (_cloud_has_another_log, 2), (_cloud_knows_a_later_epoch, 3)],
)
def test_a_restored_card_begins_its_log_anew_and_sends_all_it_has(
    accident: Callable[[MemoryOutbox, SmallCloud], None], epoch: int
) -> None:
    outbox, cloud, line = ends()
    outbox.edit(name="a")
    outbox.edit(name="b")
    asyncio.run(one_round(outbox, line))
    accident(outbox, cloud)
    outbox.edit(name="of this life")

    asyncio.run(one_round(outbox, line))

    assert outbox.epoch == cloud.epoch == epoch
    assert cloud.log == outbox.log
    assert outbox.acked_seq == len(outbox.log)
    assert sum(op.fields.get("name") == "of this life" for op in cloud.feed) == 1
    assert sum(op.fields.get("name") == "a" for op in cloud.feed) == 1
    assert any("log begun anew" in outcome for _, outcome in outbox.notes)


def test_an_epoch_that_changes_between_greeting_and_push_is_met_in_the_same_round() -> None:
    outbox, cloud, line = ends()
    outbox.edit(name="a")
    original = cloud._push
    steps = iter([5])

    def taken_over(request: wire.PushRequest) -> wire.PushResponse:
        cloud.epoch = next(steps, cloud.epoch)
        return original(request)

    cloud._push = taken_over  # type: ignore[method-assign]
    asyncio.run(one_round(outbox, line))
    assert outbox.epoch == cloud.epoch == 6
    assert cloud.log == outbox.log


def _lost_its_end(cloud: SmallCloud) -> None:
    del cloud.feed[4:]


def _begun_anew(cloud: SmallCloud) -> None:
    cloud.feed_epoch = 7


def _compacted(cloud: SmallCloud) -> None:
    cloud.horizon = 9


@pytest.mark.parametrize("accident", [_lost_its_end, _begun_anew, _compacted])
def test_a_feed_that_no_longer_reaches_back_is_made_up_for_by_a_snapshot(
    accident: Callable[[SmallCloud], None],
) -> None:
    outbox, cloud, line = ends()
    for number in range(8):
        outbox.edit(name=f"{number}")
    asyncio.run(one_round(outbox, line))
    seg_id = outbox.close_segment()
    asyncio.run(one_round(outbox, line))
    for number in range(8, 11):
        cloud.say("set", msgspec.structs.replace(outbox.log[0], op_id=str(number), pk=f"office {number}"))
    accident(cloud)
    if accident is not _compacted:
        cloud.segments.clear()

    asyncio.run(one_round(outbox, line))
    asyncio.run(one_round(outbox, line))

    wanted = {(op.tbl, op.pk): op.fields for op in cloud.feed}
    assert outbox.records == wanted
    assert outbox.cursor == len(cloud.feed)
    assert outbox.feed_epoch == cloud.feed_epoch
    assert set(cloud.segments) == {seg_id}


def test_a_snapshot_cut_off_goes_on_from_where_it_was() -> None:
    outbox, cloud, line = ends()
    for number in range(11):
        cloud.say("set", _office_op(number))
    cloud.horizon = 5
    plan = ["none"] * 6 + ["never arrives"]  # challenge, session, hello, pull, two pages; the third is lost
    line.faults = iter(plan)
    with pytest.raises(CloudUnreachable):
        asyncio.run(one_round(outbox, line))
    assert len(outbox.pages) == 2
    assert outbox.records == {}
    line.faults = None
    cloud.requests.clear()
    asyncio.run(one_round(outbox, line))
    assert cloud.requests.count("/v1/sync/snapshot") == 2
    assert len(outbox.records) == 11


def test_a_cloud_too_old_for_snapshots_stops_the_round_with_an_alarm() -> None:
    outbox, cloud, line = ends()
    outbox.edit(name="a")
    asyncio.run(one_round(outbox, line))
    cloud.feed.clear()
    cloud.is_old = True
    with pytest.raises(OutOfStep) as caught:
        asyncio.run(one_round(outbox, line))
    assert caught.value.kind == "feed_reset"


def _office_op(number: int) -> wire.Op:
    return wire.Op(
        seq=1, op_id=f"op {number}", tbl="athlete", pk=f"{number:02}", fields={"name": f"N{number}"},
        after_ms=0, boot_no=0, mono_ms=0, chain=CHAIN_0,
    )  # fmt: skip


def test_an_operation_the_cloud_fails_on_is_found_and_put_aside_and_the_rest_goes_on() -> None:
    outbox, cloud, line = ends()
    for number in range(20):
        outbox.edit(name=f"{number}")
    outbox.edit(crash=True)
    for number in range(20):
        outbox.edit(name=f"after {number}")
    cloud.fails_on = {"crash"}
    relay = relay_on(outbox, line)

    async def rounds() -> None:
        for _ in range(4):
            with pytest.raises(CloudUnreachable):
                await relay.run_once()
        assert outbox.suspects == {}
        for _ in range(8):
            with suppress(CloudUnreachable):
                await relay.run_once()
        await relay.close()

    asyncio.run(rounds())

    assert list(outbox.suspects) == [21]
    assert len(cloud.log) == 41
    assert outbox.acked_seq == 41
    assert outbox.dead == {21}
    assert "crash" not in {name for op in cloud.feed for name in op.fields}
    assert any(what == "suspect" for what, _ in outbox.notes)


def test_an_outage_makes_no_operation_suspect() -> None:
    outbox, _, line = ends()
    outbox.edit(name="a")
    line.faults = iter(["none"] * 3 + ["gateway", "busy"] * 30)
    relay = relay_on(outbox, line)

    async def rounds() -> None:
        for _ in range(12):
            with pytest.raises(CloudUnreachable):
                await relay.run_once()
        await relay.close()

    asyncio.run(rounds())
    assert outbox.suspects == {}


def test_a_key_the_cloud_does_not_know_fails_with_a_hint() -> None:
    outbox, cloud, line = ends()
    cloud.pubkey = public_key_b64(bytes(32))
    relay = relay_on(outbox, line)

    with pytest.raises(SignInNeeded):
        asyncio.run(relay.run_once())

    assert relay.status.state == "failed"
    assert "Enrol the hub again" in relay.status.hint


def test_being_shut_out_is_told_apart_from_every_other_failure() -> None:
    outbox, cloud, line = ends()
    relay, said = relay_on(outbox, line), []
    greet = cloud._hello

    def revoked(request: wire.HelloRequest) -> wire.HelloResponse:
        raise Refusal(403, "revoked", "session")

    async def story() -> None:
        line.faults = iter(["never arrives"])
        for answer in (greet, revoked, greet):
            cloud._hello = answer  # type: ignore[method-assign]
            with suppress(CloudUnreachable, ShutOut):
                await relay.run_once()
            said.append((relay.status.is_shut_out, relay.status.last_error))
        await relay.close()

    assert relay.status.is_shut_out is None
    asyncio.run(story())
    (first, _), second, third = said
    assert first is None
    assert second == (True, "This hub was shut out of its club.")
    assert third == (False, None)


def test_failures_are_logged_once_and_recovery_too(caplog: pytest.LogCaptureFixture) -> None:
    outbox, _, line = ends()
    line.faults = iter(["never arrives"] * 3)
    relay = relay_on(outbox, line)

    async def story() -> None:
        for _ in range(3):
            with pytest.raises(CloudUnreachable):
                await relay.run_once()
        assert relay.status.state == "offline"
        assert relay.status.last_error == "The cloud did not answer: no route to host"
        await relay.run_once()
        await relay.close()

    with caplog.at_level(logging.INFO, "sync"):
        asyncio.run(story())

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert [what for what, _ in outbox.notes] == ["sync", "sync"]
    assert (relay.status.state, relay.status.last_error, relay.status.detail) == ("idle", None, "up to date")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came true")


def test_running_it_sends_again_after_every_period_and_reads_the_feed() -> None:
    outbox, cloud, line = ends()

    async def story() -> None:
        relay = relay_on(outbox, line)
        task = asyncio.create_task(relay.run(asyncio.Event()))
        await until(lambda: len(outbox.contacts) > 2)
        outbox.edit(name="later")
        await until(lambda: outbox.acked_seq == 1 and len(outbox.feed) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert cloud.sessions == 1
    assert line.is_closed


def test_after_a_failure_it_waits_as_long_as_asked_and_a_wake_ends_the_wait() -> None:
    outbox, _, line = ends()
    line.faults = iter(["busy"])

    async def story() -> None:
        relay, wake = relay_on(outbox, line, period_s=60), asyncio.Event()
        task = asyncio.create_task(relay.run(wake))
        await until(lambda: relay.status.next_try_s is not None)
        assert relay.status.state == "offline"
        assert 39 < (relay.status.next_try_s or 0) <= 40
        wake.set()
        await until(lambda: relay.status.state == "idle")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_a_fault_of_the_hub_itself_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryOutbox):
        is_broken = True

        async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
            if self.is_broken:
                raise RuntimeError("disk full")
            return await super().segments(ids)

    _, _, line = ends()
    outbox = Broken()
    outbox.close_segment()

    async def story() -> None:
        relay, wake = relay_on(outbox, line), asyncio.Event()
        task = asyncio.create_task(relay.run(wake))
        await until(lambda: relay.status.state == "failed" and relay.status.next_try_s is not None)
        assert relay.status.last_error == "disk full"
        outbox.is_broken = False
        wake.set()
        await until(lambda: len(outbox.stored) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert "disk full" in caplog.text


def test_an_address_that_is_none_fails_without_ending_it() -> None:
    outbox = MemoryOutbox()

    def open_client() -> CloudClient:
        return CloudClient("cloud.test", "hub-1", SEED)

    relay = Relay(outbox, open_client, Ticks(), lambda: 0, Random(1))
    with pytest.raises(CloudRefused, match="no address"):
        asyncio.run(relay.run_once())
    assert relay.status.hint.startswith("Write the cloud's address")


def test_two_rounds_at_once_take_turns() -> None:
    outbox, cloud, line = ends()
    for number in range(30):
        outbox.edit(name=f"{number}" * 200)

    async def story() -> None:
        relay = relay_on(outbox, line)
        await asyncio.gather(relay.run_once(), relay.run_once())
        await relay.close()

    asyncio.run(story())
    assert cloud.log == outbox.log


def test_every_connection_is_handed_back_after_failures() -> None:
    outbox, cloud, _ = ends()
    lines: list[Line] = []
    faults = itertools.chain(["broken off", "portal", "none", "none", "shortened"], itertools.repeat("none"))

    def open_client() -> CloudClient:
        lines.append(Line(cloud, faults))
        return client_on(lines[-1])

    async def story() -> None:
        relay = Relay(outbox, open_client, Ticks(), lambda: 0, Random(1))
        for _ in range(4):
            await asyncio.gather(relay.run_once(), return_exceptions=True)
        await relay.close()

    asyncio.run(story())
    assert len(lines) == 2  # after three failures in a row it dialled anew
    assert all(line.is_closed for line in lines)
    assert isinstance(lines[0], httpx.AsyncBaseTransport)
