"""Equal logs have equal chains; any change of order or member breaks one."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from sync import wire
from sync.chain import CHAIN_0, next_chain, verify

IDS = [str(uuid.UUID(int=number)) for number in (5, 6, 7)]


def log(ids: list[str]) -> list[wire.Op]:
    chain, ops = CHAIN_0, []
    for seq, op_id in enumerate(ids, 1):
        chain = next_chain(chain, op_id)
        ops.append(
            wire.Op(
                seq=seq,
                op_id=op_id,
                tbl="athlete",
                pk=op_id,
                fields={},
                after_ms=0,
                boot_no=1,
                mono_ms=0,
                chain=chain,
            )
        )
    return ops


def test_a_link_is_the_hash_of_the_link_before_and_the_operation() -> None:
    expected = hashlib.sha256(bytes(32) + uuid.UUID(IDS[0]).bytes).hexdigest()
    assert next_chain(CHAIN_0, IDS[0]) == expected


def test_a_log_as_written_is_verified_from_any_point() -> None:
    ops = log(IDS)
    assert verify(CHAIN_0, ops)
    assert verify(ops[0].chain, ops[1:])
    assert verify(CHAIN_0, [])


def test_a_log_with_two_operations_swapped_or_one_missing_is_not() -> None:
    ops = log(IDS)
    assert not verify(CHAIN_0, [ops[1], ops[0], ops[2]])
    assert not verify(CHAIN_0, [ops[0], ops[2]])
    assert not verify(ops[0].chain, ops)


def test_malformed_links_are_no_chain() -> None:
    assert not verify("ab", log(IDS))
    assert not verify("no hex", log(IDS))
    with pytest.raises(ValueError, match="32 bytes"):
        next_chain("ab", IDS[0])
