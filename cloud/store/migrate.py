"""Plain SQL migrations, numbered, applied once under an advisory lock and remembered by checksum.

There is no way back: a mistake is mended by the next migration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from cloud.errors import MigrationChanged
from cloud.store.database import Connection, connect, execute, fetch_all, fetch_value

LOCK_KEY = 0x746F7563686C  # any number, as long as everybody takes the same
MIGRATIONS = "cloud.store.migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name is its identity, its checksum proves that it never changes."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hex digest of the SQL text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration this database already has."""

    name: str
    sha256: str


def all_migrations() -> list[Migration]:
    """Every migration that ships with this version, in order."""
    found = [file for file in files(MIGRATIONS).iterdir() if file.name.endswith(".sql")]
    return [Migration(f.name, f.read_text(encoding="utf-8")) for f in sorted(found, key=lambda f: f.name)]


async def migrate(
    url: str, *, is_dry_run: bool = False, migrations: list[Migration] | None = None
) -> list[str]:
    """Apply what is missing, one transaction each; the names of what is missing. Raises MigrationChanged."""
    db = await connect(url)
    try:
        await execute(db, "migration_lock", {"key": LOCK_KEY})
        if not is_dry_run:
            await execute(db, "migration_table", {})
        pending = await _pending(db, all_migrations() if migrations is None else migrations)
        if not is_dry_run:
            for migration in pending:
                async with db.transaction():
                    await db.execute(migration.sql.encode())
                    await execute(db, "migration_add", {"name": migration.name, "sha256": migration.sha256})
        return [migration.name for migration in pending]
    finally:
        await db.close()  # the advisory lock goes with the connection


async def _pending(db: Connection, migrations: list[Migration]) -> list[Migration]:
    is_new = await fetch_value(db, "migration_table_is_missing", {})
    rows = [] if is_new else await fetch_all(db, "migration_list", Applied, {})
    applied = {row.name: row.sha256 for row in rows}
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationChanged(migration.name)
    return [migration for migration in migrations if migration.name not in applied]
