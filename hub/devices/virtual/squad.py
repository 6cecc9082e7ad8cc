"""Which body and which pod belong to number n of the virtual squad, so that history fits the live straps."""

from __future__ import annotations

from random import Random

from hub.devices.virtual.training import Heart

SEED = 1


def chance_of(number: int, seed: int = SEED) -> Random:
    """The randomness that makes number n what it is."""
    return Random(seed * 10_000 + number)


def heart_of(number: int, *, day: Random | None = None) -> Heart:
    """The heart of number n; with `day`, the same body on another day."""
    heart = Heart(chance_of(number))
    if day is not None:
        heart.live_on(day)
    return heart


def serial_of(number: int) -> str:
    """The eight hexadecimal digits printed on pod n."""
    return f"{0xA0000000 + number:08X}"
