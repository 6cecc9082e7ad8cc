"""A bundle gives back what went in, in its order, to its reader alone; whatever was done to it is found."""

from __future__ import annotations

import base64
import io
import uuid
import zlib
from itertools import pairwise
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import bundle, bundle_keys
from sync.bundle import Chunk, Head, Sealer, SignedHead, chunks, new_head, read_head
from sync.bundle_keys import CloudKey, cloud_key_b64, one_time_key, public_of, receiving_key
from sync.errors import BundleDamaged

HUB, CLOUD, OTHER = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
CONTENTS = [("M", b'{"a": 1}'), ("O", b"edits " * 200), ("S", bytes(range(256)) * 9), ("E", b"{}")]


def written(contents: list[tuple[str, bytes]] = CONTENTS, bundle_id: str = str(uuid.UUID(int=7))) -> bytes:
    head, key = headed(bundle_id)
    sealer = Sealer(key, head.signed)
    sealed = [sealer.seal(kind, content) for kind, content in contents]  # type: ignore[arg-type]
    return head.signed + head.signature + b"".join(sealed)


def headed(bundle_id: str = str(uuid.UUID(int=7))) -> tuple[SignedHead, bytes]:
    cloud = CloudKey.from_wire(cloud_key_b64(CLOUD))
    assert cloud is not None
    once = one_time_key(HUB, bundle_id.encode())
    head = Head(
        writer="hub", bundle_id=bundle_id, club_id="club", hub_id="hub", made_ms=5,
        once=base64.b64encode(public_of(once)).decode(), to=bundle_keys.fingerprint(cloud.exchange),
    )  # fmt: skip
    signed = new_head(head, HUB)
    return signed, bundle_keys.chunk_key(once, cloud.exchange, signed.signed)


def opened(data: bytes, seed: bytes = CLOUD) -> list[Chunk]:
    file = io.BytesIO(data)
    head = read_head(file)
    if not head.is_by(bundle_keys.signing_public(HUB)):
        raise BundleDamaged("not signed")
    return list(chunks(file, head, head.key_for(receiving_key(seed))))


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """The head and each chunk's bytes."""
    found = opened(data)
    start = read_head(io.BytesIO(data)).size_bytes
    starts = [start, *(it.end for it in found)]
    return data[:start], [data[a:b] for a, b in pairwise(starts)]


@given(st.lists(st.tuples(st.sampled_from("MOSFPI"), st.binary(max_size=4000)), max_size=8))
@settings(max_examples=60)
def test_what_went_in_comes_out_in_its_order(contents: list[tuple[str, bytes]]) -> None:
    contents = [*contents, ("E", b"")]
    assert [(it.kind, it.content) for it in opened(written(contents))] == contents


def test_a_bundle_cut_at_any_byte_is_told_from_a_whole_one() -> None:
    data = written()
    for size in range(len(data)):
        with pytest.raises(BundleDamaged):
            opened(data[:size])


def test_one_flipped_bit_at_any_byte_is_found() -> None:
    data = written()
    for at in range(len(data)):
        hurt = bytearray(data)
        hurt[at] ^= 1 << Random(at).randrange(8)
        with pytest.raises(BundleDamaged):
            opened(bytes(hurt))


def test_chunks_left_out_repeated_or_exchanged_are_found() -> None:
    head, parts = pieces(written())
    assert len(opened(head + b"".join(parts))) == 4
    for order in ([0, 2, 3], [0, 1, 1, 2, 3], [0, 2, 1, 3], [1, 0, 2, 3], [3], [0, 1, 2, 3, 3]):
        with pytest.raises(BundleDamaged):
            opened(head + b"".join(parts[number] for number in order))


def test_a_chunk_of_another_bundle_fits_nowhere() -> None:
    head, parts = pieces(written())
    _, others = pieces(written(bundle_id=str(uuid.UUID(int=8))))
    for number in range(len(parts)):
        mixed = [*parts[:number], others[number], *parts[number + 1 :]]
        with pytest.raises(BundleDamaged):
            opened(head + b"".join(mixed))


def test_a_chunk_written_twice_in_one_place_goes_on_from_one_of_the_two_only() -> None:
    """As after an interrupted writing that was gone on with: the torn end cannot be put back."""
    head, key = headed()
    sealer = Sealer(key, head.signed)
    start = head.signed + head.signature + sealer.seal("M", b"{}")
    first = chunks(io.BytesIO(start), head, key)
    place = next(first)
    once, twice = (Sealer(key, head.signed, place) for _ in range(2))
    old, new = once.seal("O", b"old"), twice.seal("O", b"new")
    end = twice.seal("E", b"")
    assert [it.content for it in opened(start + new + end)] == [b"{}", b"new", b""]
    with pytest.raises(BundleDamaged):
        opened(start + old + end)


def test_nobody_but_its_reader_can_open_it() -> None:
    with pytest.raises(BundleDamaged, match="another key"):
        opened(written(), OTHER)
    head, _ = headed()
    forged = bundle_keys.chunk_key(receiving_key(OTHER), public_of(receiving_key(HUB)), head.signed)
    with pytest.raises(BundleDamaged, match="changed"):
        list(chunks(io.BytesIO(written()), head, forged))


def test_a_head_signed_by_somebody_else_is_not_the_hubs() -> None:
    head = read_head(io.BytesIO(written()))
    forged = new_head(head.head, OTHER)
    assert head.is_by(None, bundle_keys.signing_public(HUB))
    assert not forged.is_by(bundle_keys.signing_public(HUB))


def test_a_chunk_that_swells_is_stopped_at_eight_mebibytes() -> None:
    head, key = headed()
    bomb = zlib.compress(bytes(64 << 20), 9)
    sealer = Sealer(key, head.signed)
    cipher = ChaCha20Poly1305(key)
    place = bundle._PLACE.pack(sealer._head_sha256, 0, ord("O"), bytes(16))
    sealed = cipher.encrypt(bytes(12), bomb, place)
    data = head.signed + head.signature + bundle._CHUNK.pack(len(sealed), ord("O"), bytes(12)) + sealed
    with pytest.raises(BundleDamaged, match="inflates"):
        opened(data)
    with pytest.raises(ValueError, match="too many"):
        sealer.seal("O", bytes(9 << 20))


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_any_bytes_are_answered_with_a_sentence(data: bytes) -> None:
    for start in (b"", bundle.MAGIC, written()[:-200]):
        with pytest.raises(BundleDamaged):
            opened(start + data)


def test_a_key_that_agrees_on_nothing_is_refused() -> None:
    head, _ = headed()
    weak = base64.b64encode(bytes(32)).decode()
    bad = Head(**{**{name: getattr(head.head, name) for name in Head.__struct_fields__}, "once": weak})
    with pytest.raises(BundleDamaged, match="no key"):
        new_head(bad, HUB).key_for(receiving_key(CLOUD))
    assert CloudKey.from_wire("short") is None
