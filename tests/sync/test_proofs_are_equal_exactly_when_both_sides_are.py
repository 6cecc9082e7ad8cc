"""Digests by day and squad: any difference shows, and nothing else does."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.proof import Held, Record, bucket_digest, buckets, differences, digest_of

DAY_MS = 86_400_000
SESSION = {"started_at_ms": 10 * DAY_MS + 82_800_000, "utc_offset_s": 7200, "title": "Late"}
DOCS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
        max_leaves=4,
    ),
    min_size=1,
)
RECORDS = st.dictionaries(
    st.tuples(st.sampled_from(["athlete", "daily_value", "lineup"]), st.sampled_from("123")), DOCS, max_size=6
)


def digests(records: list[Record], segments: list[tuple[bytes, str]] | None = None) -> dict[Any, str]:
    return {key: bucket_digest(held) for key, held in buckets(records, segments or []).items()}


@given(RECORDS, st.randoms())
def test_the_order_of_records_and_fields_does_not_matter(
    found: dict[tuple[str, str], dict[str, Any]], rng: Any
) -> None:
    here = [Record(tbl, pk, doc) for (tbl, pk), doc in found.items()]
    there = [Record(it.tbl, it.pk, dict(reversed(list(it.doc.items())))) for it in here]
    rng.shuffle(there)
    assert digests(here) == digests(there)


@given(RECORDS.filter(bool), DOCS, st.data())
def test_any_changed_record_shows_and_is_named(
    found: dict[tuple[str, str], dict[str, Any]], doc: dict[str, Any], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(found)))
    here = [Record(tbl, pk, it) for (tbl, pk), it in found.items()]
    there = [Record(tbl, pk, doc if (tbl, pk) == key else it) for (tbl, pk), it in found.items()]
    is_same = digest_of(found[key]) == digest_of(doc)
    assert (digests(here) == digests(there)) == is_same
    mine, theirs = ([held for bucket in buckets(it, []).values() for held in bucket] for it in (here, there))
    unlike = differences(mine, theirs)[2]
    assert [(it.tbl, it.pk) for it in unlike] == ([] if is_same else [key])


def test_a_session_and_all_of_it_lie_on_its_local_day() -> None:
    records = [
        Record("session", "s", SESSION),
        Record("stream_assignment", "w", {"session_id": "s", "stream_id": "t"}),
        Record("source", "f", {"session_id": "s"}),
        Record("daily_value", "d", {"date": "1970-01-03"}),
        Record("athlete", "a", {"name": "Ann"}),
        Record("athlete", "b", {}),
    ]
    found = buckets(records, [(b"\x01" * 32, "t"), (b"\x02" * 32, "nobody's")])
    assert {key: [it.tbl for it in held] for key, held in found.items()} == {
        ("", ""): ["athlete", "segment"],
        ("1970-01-03", ""): ["daily_value"],
        ("1970-01-12", ""): ["segment", "session", "source", "stream_assignment"],
    }


def test_each_squad_has_its_own_bucket() -> None:
    records = [Record("session", name, SESSION | {"squad_id": name}) for name in ("u18", "first")]
    assert list(buckets(records, [])) == [("1970-01-12", "first"), ("1970-01-12", "u18")]


def test_a_number_is_the_same_however_json_wrote_it() -> None:
    assert digest_of({"x": 1.0, "y": -0.0}) == digest_of({"y": 0, "x": 1})
    assert digest_of({"x": 1.5}) != digest_of({"x": 1})
    assert digest_of({"x": True}) != digest_of({"x": "true"})


def test_differences_say_on_which_side_what_is() -> None:
    here = [Held("a", "1", "x"), Held("a", "2", "y")]
    there = [Held("a", "2", "z"), Held("a", "3", "w")]
    assert differences(here, there) == ([here[0]], [there[1]], [here[1]])
