"""The hub's settings, read once from the environment and frozen.

Every variable stands in the README's table; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.errors import SettingInvalid

BACKENDS = ("bluez", "virtual")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Where the hub keeps its data, listens, and finds its radio; `cloud_port` is for the demo's cloud."""

    data: Path = Path("touchline-data")
    host: str = "127.0.0.1"
    port: int = 8000
    backend: str = "bluez"
    adapters: tuple[str, ...] = ()
    virtual_port: int = 9700
    cloud_port: int = 8100
    slots_per_adapter: int | None = None
    log_level: str = "info"

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data / "hub" / "hub.db"

    @property
    def control_path(self) -> Path:
        """The note that tells commands how to reach a running hub."""
        return self.data / "hub" / "control.json"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> HubSettings:
        """Settings from TOUCHLINE_* variables; raises SettingInvalid naming the variable."""
        usual = cls()
        backend = env.get("TOUCHLINE_BACKEND") or usual.backend
        if backend not in BACKENDS:
            raise SettingInvalid(
                f"TOUCHLINE_BACKEND={backend!r}.", hint="Use bluez for real radios or virtual for the demo's."
            )
        log_level = (env.get("TOUCHLINE_LOG") or usual.log_level).lower()
        if log_level not in LOG_LEVELS:
            raise SettingInvalid(f"TOUCHLINE_LOG={log_level!r}.", hint=f"Use {', '.join(LOG_LEVELS)}.")
        adapters = tuple(a.strip() for a in env.get("TOUCHLINE_ADAPTERS", "").split(",") if a.strip())
        slots = env.get("TOUCHLINE_SLOTS", "")
        return cls(
            data=Path(env.get("TOUCHLINE_DATA") or usual.data),
            host=env.get("TOUCHLINE_HOST") or usual.host,
            port=_number(env, "TOUCHLINE_PORT", usual.port),
            backend=backend,
            adapters=adapters,
            virtual_port=_number(env, "TOUCHLINE_VIRTUAL_PORT", usual.virtual_port),
            cloud_port=_number(env, "TOUCHLINE_CLOUD_PORT", usual.cloud_port),
            slots_per_adapter=_number(env, "TOUCHLINE_SLOTS", 0) if slots else None,
            log_level=log_level,
        )


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingInvalid(f"{name}={text!r}.", hint="It takes a whole number from 1 to 65535.")
    return int(text)
