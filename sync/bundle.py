"""A bundle: what would go over the network as one file, signed by its writer, sealed for its reader.

It knows the frame and no meaning: chunks come out in the order they went in, or not at all. Any cut, flipped
byte, swapped, repeated or foreign chunk raises BundleDamaged with the offset. Little-endian:

    8     b"TLBUNDL1"
    2     length of the head, at most 2048
    ...   the head, JSON; it names ids and keys, nobody and nothing else
    64    Ed25519 signature of its writer over "touchline-bundle:" and all of the above
    then chunks, each
    4     length of the sealed bytes, at most 2 MiB
    1     kind, one letter; the last chunk's is E, and nothing follows it
    12    nonce, random
    ...   ChaCha20-Poly1305 (RFC 8439) of the content, whose last 16 bytes are the tag

Sealed along with a chunk, though not written: sha256 of the head, the chunk's number, its kind and the tag of
the chunk before it. So a chunk has one place, in one bundle. The key is agreed between a one-time key named
in the head and the reader's; nobody but the writer and the reader can make a chunk.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sync import bundle_keys
from sync.errors import BundleDamaged

MAGIC = b"TLBUNDL1"
ENDING = ".tlb"
MAX_HEAD_BYTES = 2048
MAX_SEALED_BYTES = 2 << 20
MAX_INFLATED_BYTES = 8 << 20
CHUNK_BYTES = 256 << 10
"""What a chunk's content is aimed at; one large record or segment may exceed it."""

Kind = Literal["M", "O", "S", "F", "P", "I", "E"]
"""Manifest, operations, segments, feed entries, a page of a snapshot, ids of segments, end."""
_PLAIN = frozenset({"S", "I"})  # compressed already, or random
_KINDS = {ord(kind): kind for kind in "MOSFPIE"}
_CHUNK = struct.Struct("<IB12s")
_PLACE = struct.Struct("<32sQB16s")
_SIGNATURE_BYTES = 64
_TAG_BYTES = 16


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote it for whom; `once` is the one-time X25519 key, `to` the fingerprint of the reader's."""

    writer: Literal["hub", "cloud"]
    bundle_id: str
    club_id: str
    hub_id: str
    made_ms: int
    once: str
    to: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it stands in a file; who signed it is not checked yet."""

    head: Head
    signed: bytes
    signature: bytes

    @property
    def size_bytes(self) -> int:
        """Where the first chunk begins."""
        return len(self.signed) + len(self.signature)

    def is_by(self, *public_keys: bytes | None) -> bool:
        """Whether one of these Ed25519 keys signed it."""
        return any(
            key is not None and bundle_keys.is_signed(key, self.signed, self.signature) for key in public_keys
        )

    def key_for(self, reader: X25519PrivateKey) -> bytes:
        """The chunks' key, for whom it was sealed. Raises BundleDamaged where it is not for this key."""
        if self.head.to != bundle_keys.fingerprint(bundle_keys.public_of(reader)):
            raise BundleDamaged("it was sealed for another key")
        try:
            return bundle_keys.chunk_key(reader, base64.b64decode(self.head.once, validate=True), self.signed)
        except (binascii.Error, ValueError) as error:
            raise BundleDamaged("its one-time key is no key") from error


@dataclass(frozen=True, slots=True)
class Chunk:
    """An opened chunk; `end` is the offset behind it, `tag` what the next one hangs on."""

    number: int
    kind: str
    content: bytes
    end: int
    tag: bytes


class Sealer:
    """Seals chunks one after the other under one head, from the beginning or behind a chunk already there."""

    def __init__(self, key: bytes, signed: bytes, behind: Chunk | None = None) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._head_sha256 = hashlib.sha256(signed).digest()
        self._number = 0 if behind is None else behind.number + 1
        self._tag = bytes(_TAG_BYTES) if behind is None else behind.tag

    def seal(self, kind: Kind, content: bytes) -> bytes:
        """The bytes of the next chunk. Raises ValueError for a content that no reader would take."""
        packed = content if kind in _PLAIN else zlib.compress(content, 6)
        if len(packed) + _TAG_BYTES > MAX_SEALED_BYTES or len(content) > MAX_INFLATED_BYTES:
            raise ValueError(f"{len(content)} bytes are too many for a chunk")
        nonce = os.urandom(12)
        place = _PLACE.pack(self._head_sha256, self._number, ord(kind), self._tag)
        sealed = self._cipher.encrypt(nonce, packed, place)
        self._number += 1
        self._tag = sealed[-_TAG_BYTES:]
        return _CHUNK.pack(len(sealed), ord(kind), nonce) + sealed


def new_head(head: Head, signing_seed: bytes) -> SignedHead:
    """A signed head, to be written first."""
    content = msgspec.json.encode(head)
    signed = MAGIC + struct.pack("<H", len(content)) + content
    return SignedHead(head, signed, bundle_keys.sign_head(signing_seed, signed))


def read_head(file: BinaryIO) -> SignedHead:
    """The head at the file's beginning. Raises BundleDamaged."""
    start = file.read(len(MAGIC) + 2)
    if len(start) < len(MAGIC) + 2 or not start.startswith(MAGIC):
        raise BundleDamaged("it is no bundle of Touchline")
    (length,) = struct.unpack("<H", start[-2:])
    content = file.read(length) if length <= MAX_HEAD_BYTES else b""
    signature = file.read(_SIGNATURE_BYTES)
    if len(content) != length or len(signature) != _SIGNATURE_BYTES:
        raise BundleDamaged("its head is cut off or too long", offset=len(start))
    try:
        head = msgspec.json.decode(content, type=Head)
        UUID(head.bundle_id)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BundleDamaged("its head is not understood", offset=len(start)) from error
    if abs(head.made_ms) > 1 << 53:
        raise BundleDamaged("its head is not understood", offset=len(start))
    return SignedHead(head, start + content, signature)


def chunks(file: BinaryIO, head: SignedHead, key: bytes) -> Iterator[Chunk]:
    """Every chunk up to and with the last one, from where the head ends. Raises BundleDamaged.

    Holds one chunk at a time, at most 8 MiB of it. Chunks given before an error are sound.
    """
    cipher = ChaCha20Poly1305(key)
    head_sha256 = hashlib.sha256(head.signed).digest()
    at, number, tag = head.size_bytes, 0, bytes(_TAG_BYTES)
    file.seek(at)
    while True:
        start = file.read(_CHUNK.size)
        if len(start) < _CHUNK.size:
            raise BundleDamaged("it is cut off", offset=at)
        size, letter, nonce = _CHUNK.unpack(start)
        if not _TAG_BYTES <= size <= MAX_SEALED_BYTES or letter not in _KINDS:
            raise BundleDamaged("a chunk is not what it should be", offset=at)
        sealed = file.read(size)
        if len(sealed) < size:
            raise BundleDamaged("it is cut off", offset=at)
        try:
            packed = cipher.decrypt(nonce, sealed, _PLACE.pack(head_sha256, number, letter, tag))
        except InvalidTag as error:
            raise BundleDamaged("a chunk was changed or is not in its place", offset=at) from error
        kind = _KINDS[letter]
        content = packed if kind in _PLAIN else _inflated(packed, at)
        at, tag = at + _CHUNK.size + size, sealed[-_TAG_BYTES:]
        if kind == "E" and file.read(1):
            raise BundleDamaged("something follows its end", offset=at)
        yield Chunk(number, kind, content, at, tag)
        if kind == "E":
            return
        number += 1


def _inflated(packed: bytes, at: int) -> bytes:
    """At most 8 MiB out of zlib bytes that end where they should."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise BundleDamaged("a chunk is garbled", offset=at) from error
    if len(content) > MAX_INFLATED_BYTES or not stream.eof or stream.unused_data:
        raise BundleDamaged("a chunk inflates to more than a chunk may hold", offset=at)
    return content
