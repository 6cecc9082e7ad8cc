"""What a greeting means is worked out by a pure function: in step, to be sent again, or another log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync import wire
from sync.chain import CHAIN_0
from sync.outbox import Standing
from sync.reconcile import Findings, Fork, Rewind, compare

A, B = "aa" * 32, "bb" * 32


def hub(*, epoch: int = 1, head: int = 5, acked: int = 5, cursor: int = 7, feed_epoch: int = 1) -> Standing:
    return Standing(epoch, head, acked, cursor, feed_epoch, 1, "boot")


def cloud(
    *, epoch: int = 1, last_seq: int = 5, chain: str = A, head: int = 9, feed_epoch: int = 1
) -> wire.HelloResponse:
    return wire.HelloResponse(
        proto=1,
        server_ms=0,
        last_seq=last_seq,
        last_chain=chain,
        epoch=epoch,
        feed_epoch=feed_epoch,
        head=head,
    )


def test_the_same_log_is_in_step_and_what_was_not_heard_of_is_no_fork() -> None:
    assert compare(hub(), cloud(), A).is_in_step
    assert compare(hub(acked=3), cloud(), A).is_in_step  # an answer was lost
    assert compare(hub(), cloud(), None).is_in_step  # its own chain there is forgotten


def test_another_log_is_begun_anew_under_an_epoch_above_both() -> None:
    for there, chain in ((cloud(last_seq=6), None), (cloud(epoch=4), A), (cloud(chain=B), A)):
        remedy = compare(hub(epoch=2 if there.epoch == 1 else 1), there, chain).log
        assert isinstance(remedy, Fork)
        assert remedy.epoch > max(there.epoch, 1)
        assert remedy.why


def test_an_empty_log_in_the_cloud_is_compared_with_the_beginning_of_ours() -> None:
    assert compare(hub(acked=0), cloud(last_seq=0, chain="00" * 32), CHAIN_0).is_in_step
    assert compare(hub(), cloud(last_seq=0, chain=B), CHAIN_0) == Findings(Rewind(0), False)


def test_a_cloud_that_lost_the_end_gets_it_again() -> None:
    assert compare(hub(), cloud(last_seq=3), A).log == Rewind(3)


def test_a_feed_is_new_when_it_says_so_or_ends_before_the_cursor() -> None:
    assert compare(hub(), cloud(feed_epoch=2), A).is_feed_new
    assert compare(hub(), cloud(head=6), A).is_feed_new
    assert not compare(hub(feed_epoch=0, cursor=0), cloud(feed_epoch=2), A).is_feed_new


SMALL = st.integers(0, 4)


@given(SMALL, SMALL, SMALL, SMALL, SMALL, st.sampled_from([A, B]), st.sampled_from([A, B, None]))
def test_an_epoch_never_goes_down_and_a_rewind_never_goes_up(
    ours: int, theirs: int, head: int, acked: int, last_seq: int, chain: str, known: str | None
) -> None:
    acked = min(acked, head)
    remedy = compare(
        hub(epoch=ours, head=head, acked=acked), cloud(epoch=theirs, last_seq=last_seq, chain=chain), known
    ).log
    if isinstance(remedy, Fork):
        assert remedy.epoch > ours
        assert remedy.epoch > theirs
    elif isinstance(remedy, Rewind):
        assert remedy.last_seq == last_seq < acked
    else:
        assert theirs <= ours
        assert acked <= last_seq <= head
