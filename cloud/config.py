"""The cloud's settings, read once from the environment and frozen.

It opens nothing and checks only what can be known without touching disk or network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloud.errors import SettingInvalid

PORT = 8100


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Where the data lives and where to listen; `database_url` None means the embedded Postgres.

    `keys` lists what `cloud.own_keys` reads: the keys of the certificate shown to hubs, the one in use first.
    """

    data_dir: Path = Path("touchline-data")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    keys: tuple[str, ...] = ()

    @property
    def postgres_dir(self) -> Path:
        """The embedded server's data directory."""
        return self.data_dir / "cloud" / "postgres"

    @property
    def bundles_dir(self) -> Path:
        """Where uploaded bundles wait until they are taken."""
        return self.data_dir / "cloud" / "bundles"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> CloudSettings:
        """Settings from TOUCHLINE_DATA, DATABASE_URL, TOUCHLINE_CLOUD_HOST, _PORT and _KEYS."""
        url = env.get("DATABASE_URL", "").strip() or None
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            raise SettingInvalid(
                "DATABASE_URL is not a Postgres address.", hint="Write postgresql://user:password@host/name."
            )
        return cls(
            data_dir=Path(env.get("TOUCHLINE_DATA", "").strip() or "touchline-data"),
            database_url=url,
            host=env.get("TOUCHLINE_CLOUD_HOST", "").strip() or "127.0.0.1",
            port=parse_port(env.get("TOUCHLINE_CLOUD_PORT", "").strip() or str(PORT)),
            keys=tuple(it.strip() for it in env.get("TOUCHLINE_CLOUD_KEYS", "").split(",") if it.strip()),
        )


def parse_port(text: str) -> int:
    """A TCP port from text; raises SettingInvalid."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingInvalid(f"{text!r} is not a port.", hint="Use a number from 0 to 65535.")
    return int(text)
