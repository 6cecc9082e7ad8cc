"""Damages a file's bytes at random: flips, cuts, doubled and lost stretches, always the same for one seed.

A reader may answer with what it found or with a refusal that says what to do; anything else is its mistake.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from hub.devices.exports.found import Found, Setting
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

LIKELY = b'\0\n\r",;:.-/0159eEZ\xff\xc3'


def damaged(data: bytes, times: int, seed: int) -> Iterator[bytes]:
    """So many damaged copies."""
    chance = random.Random(seed)
    for _ in range(times):
        copy = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            byte = chance.choice(LIKELY) if chance.random() < 0.6 else chance.randrange(256)
            copy[chance.randrange(len(copy))] = byte
        at, n = chance.randrange(len(copy)), chance.randint(1, 60)
        match chance.randrange(4):
            case 0:
                del copy[at:]
            case 1:
                del copy[at : at + n]
            case 2:
                copy[at:at] = copy[at : at + n]
            case _:
                pass
        yield bytes(copy)


def count_readable(
    read: Callable[[Source, Setting], Found], data: bytes, times: int, setting: Setting
) -> tuple[int, int]:
    """How many damaged copies were read, and how many refused with both a sentence and a hint."""
    n_read = n_refused = 0
    for copy in damaged(data, times, seed=4):
        try:
            found = read(Source.of_bytes("damaged.csv", copy), setting)
        except ExportUnreadable as error:
            n_refused += bool(error.detail and error.hint)
        else:
            n_read += bool(found.sessions or found.daily)
    return n_read, n_refused
