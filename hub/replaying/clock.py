"""The hub's clock while a recording is played: the recording's own milliseconds, on a boot of their own.

It asks neither the system's clock nor network time; a replay happens when the recording did.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.clock import SYSTEM_ERR_MS, Clock
from hub.devices.replay import ReplayClock
from sync.wire import Anchor


@dataclass(frozen=True, slots=True)
class Tempo:
    """How a hub's time passes when it is not now: at `first_ms` of the recording it was `wall_ms`."""

    replay: ReplayClock
    boot_id: str
    first_ms: int
    wall_ms: int


class ReplayedClock(Clock):
    """Reads a ReplayClock wherever a hub would read the machine's."""

    def __init__(self, boot_no: int, tempo: Tempo) -> None:
        self._tempo = tempo
        super().__init__(boot_no)

    def system_anchor(self) -> Anchor:
        """When the recording was made, which nothing can make surer."""
        tempo = self._tempo
        return Anchor(
            boot_no=self.boot_no,
            mono_ms=tempo.first_ms,
            wall_ms=tempo.wall_ms,
            err_ms=SYSTEM_ERR_MS,
            source="system",
        )

    def mono_ms(self) -> int:
        """The recording's time."""
        return self._tempo.replay.now_ms()

    def wall_ms(self) -> int:
        """Epoch ms as it was then."""
        return self._tempo.wall_ms + self.mono_ms() - self._tempo.first_ms
