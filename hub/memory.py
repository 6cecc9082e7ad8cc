"""What the process has freed goes back to the system: a hub runs for weeks beside others on a small machine.

It frees nothing itself and measures nothing; where the C library is another than glibc it does nothing.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _ARENA_MAX = -1, -8
_KEPT_BYTES = 128 << 10
"""Free bytes kept at hand at the end of the pool: glibc's own first value, which would grow to 64 MB."""


def give_back_what_is_freed() -> bool:
    """Have all threads share one pool of memory and keep its end short; whether the C library took it.

    By itself glibc gives threads pools of their own, up to eight a core, and what is free in one no other
    may use. To be called before the first thread begins. As Python runs one at a time, nobody waits long.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_ARENA_MAX, 1)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
