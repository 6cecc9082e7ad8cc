"""A journal row gives back exactly what was packed into it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.store import journal
from hub.store.database import Database
from hub.store.journal import Sample, pack, unpack

SAMPLES = st.lists(
    st.builds(
        Sample,
        st.integers(0, 2**32 - 1),
        st.integers(2**33, 2**33 + 600_000),
        st.integers(0, 65_535),
        st.integers(0, 2),
        st.lists(st.integers(0, 65_535), max_size=9).map(tuple),
    ),
    max_size=120,
)


@given(SAMPLES)
def test_pack_then_unpack_is_identity(samples: list[Sample]) -> None:
    row_ms = max((sample.mono_ms for sample in samples), default=0)
    assert unpack(pack(samples, row_ms), row_ms) == samples


def test_a_strap_with_two_intervals_costs_16_bytes_a_second() -> None:
    assert len(pack([Sample(1, 5, 120, 2, (500, 512))], 5)) == 16


def test_rows_come_back_in_order_until_they_are_forgotten(store: Database) -> None:
    first = [Sample(1, 1_000, 120, 2, (500,)), Sample(2, 990, 0, 1, ())]
    second = [Sample(1, 2_000, 121, 2, ())]
    ids = [
        store.write_now(lambda db: journal.append(db, 1, first)),
        store.write_now(lambda db: journal.append(db, 1, second)),
    ]
    assert store.read_now(journal.open_samples) == [(ids[0], 1, first), (ids[1], 1, second)]
    store.write_now(lambda db: journal.forget_through(db, ids[0]))
    assert store.read_now(journal.open_samples) == [(ids[1], 1, second)]
