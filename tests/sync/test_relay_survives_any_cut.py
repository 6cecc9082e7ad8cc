"""Whatever the network does, once it heals everything is on the far side exactly once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import SyncError
from sync.keys import public_key_b64
from sync.segments import unseal
from tests.sync.far_end import FAULTS, Line, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, relay_on

FAULT = st.sampled_from([*FAULTS, "none", "none", "none", "answer is lost"])


def is_in_step(outbox: MemoryOutbox, cloud: SmallCloud) -> None:
    assert cloud.log == outbox.log
    assert [op.op_id for op in cloud.feed] == [op.op_id for op in outbox.log]
    assert outbox.feed == cloud.feed
    assert outbox.acked_seq == len(outbox.log)
    assert outbox.stored == outbox.kept.keys() == cloud.segments.keys()
    for seg_id, samples in cloud.segments.items():
        assert samples == unseal(outbox.kept[seg_id])


@settings(max_examples=150)
@given(
    faults=st.lists(FAULT, max_size=40),
    work=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=6),
)
def test_lost_doubled_late_and_false_answers_cost_nothing(
    faults: list[str], work: list[tuple[int, int]]
) -> None:
    outbox, cloud = MemoryOutbox(), SmallCloud(public_key_b64(SEED))
    line = Line(cloud, iter(faults))
    asyncio.run(_work_and_heal(outbox, line, work))
    is_in_step(outbox, cloud)


async def _work_and_heal(outbox: MemoryOutbox, line: Line, work: list[tuple[int, int]]) -> None:
    relay = relay_on(outbox, line)
    for edits, segments in work:
        for number in range(edits):
            outbox.edit(name=f"Athlete {number}", note="x" * 300)
        for _ in range(segments):
            outbox.close_segment()
        try:
            await relay.run_once()
        except SyncError:
            await relay.close()
            relay = relay_on(outbox, line)  # the process died with it
    line.faults = None
    while line.late:
        line.cloud.answer(*line.late.pop())
    await relay.run_once()
    await relay.close()


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("none", "late ones arrive")])
@pytest.mark.parametrize("request_number", range(7))
def test_each_fault_at_each_request_is_overcome_by_the_next_round(fault: str, request_number: int) -> None:
    outbox, cloud = MemoryOutbox(), SmallCloud(public_key_b64(SEED))
    for number in range(3):
        outbox.edit(name=f"Athlete {number}", note="x" * 500)
        outbox.close_segment()
    line = Line(cloud, itertools.chain(["none"] * request_number, [fault]))

    async def story() -> None:
        relay = relay_on(outbox, line)
        with contextlib.suppress(SyncError):
            await relay.run_once()
        assert next(line.faults, None) is None  # type: ignore[arg-type]
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    is_in_step(outbox, cloud)


def test_a_thousand_edits_and_segments_pass_a_line_that_fails_every_sixth_time() -> None:
    outbox, cloud = MemoryOutbox(), SmallCloud(public_key_b64(SEED))
    for number in range(1000):
        outbox.edit(name=f"Athlete {number}")
        outbox.close_segment(n=5)
    line = Line(cloud, itertools.cycle(["none", "none", "none", "none", "none", "answer is lost"]))

    async def story() -> int:
        relay = relay_on(outbox, line)
        for rounds in range(1, 100):
            try:
                await relay.run_once()
            except SyncError:
                continue
            await relay.close()
            return rounds
        raise AssertionError("never drained")

    rounds = asyncio.run(story())
    is_in_step(outbox, cloud)
    assert 1 < rounds < 30
