"""The hub's settings, read once from the environment and frozen.

Every variable stands in the README's table; a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal import get_localzone_name

from hub.errors import SettingInvalid

BACKENDS = ("bluez", "virtual")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Where the hub keeps its data, listens, finds its radio and its files.

    `relays` are written "name=host, name=host:port/key"; `cloud_port` is for the demo's cloud; `zone` is the
    club's, for files that give no offset; `usb` are folders under which sticks are mounted.
    """

    data: Path = Path("touchline-data")
    host: str = "127.0.0.1"
    port: int = 8000
    backend: str = "bluez"
    adapters: tuple[str, ...] = ()
    relays: str = ""
    virtual_port: int = 9700
    cloud_port: int = 8100
    slots_per_adapter: int | None = None
    zone: ZoneInfo = field(default_factory=lambda: _zone(""))
    watched: tuple[Path, ...] | None = None
    usb: tuple[Path, ...] = ()
    originals_mib: int = 4096
    log_level: str = "info"

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data / "hub" / "hub.db"

    @property
    def control_path(self) -> Path:
        """The note that tells commands how to reach a running hub."""
        return self.data / "hub" / "control.json"

    @property
    def watched_folders(self) -> tuple[Path, ...]:
        """Folders whose files import by themselves; `imports` in the data folder unless set."""
        return (self.data / "imports",) if self.watched is None else self.watched

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
            relays=env.get("TOUCHLINE_RELAYS", "").strip(),
            virtual_port=_number(env, "TOUCHLINE_VIRTUAL_PORT", usual.virtual_port),
            cloud_port=_number(env, "TOUCHLINE_CLOUD_PORT", usual.cloud_port),
            slots_per_adapter=_number(env, "TOUCHLINE_SLOTS", 0) if slots else None,
            zone=_zone(env.get("TOUCHLINE_TIME_ZONE", "")),
            watched=_watched(env.get("TOUCHLINE_WATCH", "")),
            usb=_folders(env.get("TOUCHLINE_USB", "")),
            originals_mib=_number(env, "TOUCHLINE_ORIGINALS_MIB", usual.originals_mib, most=1 << 20),
            log_level=log_level,
        )


def _number(env: Mapping[str, str], name: str, default: int, most: int = 65535) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= most:
        raise SettingInvalid(f"{name}={text!r}.", hint=f"It takes a whole number from 1 to {most}.")
    return int(text)


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(part) for part in text.split(os.pathsep) if part.strip())


def _watched(text: str) -> tuple[Path, ...] | None:
    """The folders named, none for the word `none`, the usual one for nothing said."""
    if not text.strip():
        return None
    return () if text.strip() == "none" else _folders(text)


def _zone(name: str) -> ZoneInfo:
    """The zone named, else the machine's own."""
    try:
        return ZoneInfo(name or get_localzone_name())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingInvalid(
            f"TOUCHLINE_TIME_ZONE={name!r}.", hint="It takes a name such as Europe/Berlin."
        ) from error
