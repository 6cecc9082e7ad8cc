"""People who sign in on the hub and their open sign-ins; tokens are kept only as digests."""

from __future__ import annotations

from sqlite3 import Connection, IntegrityError
from uuid import uuid4

from hub.domain import Role, User
from hub.errors import ActionRefused
from hub.store import meta

SETUP_CODE = "setup_code"


def user_count(db: Connection) -> int:
    """How many people may sign in; 0 on a hub that was never set up."""
    return int(db.execute("SELECT count(*) FROM user").fetchone()[0])


def create_user(db: Connection, name: str, password_hash: str, role: Role, at_ms: int) -> User:
    """Add somebody; raises ActionRefused when the name is taken. The first one retires the set-up code."""
    user = User(str(uuid4()), name.strip(), role)
    try:
        db.execute(
            "INSERT INTO user VALUES (?, ?, ?, ?, ?)", (user.user_id, user.name, password_hash, role, at_ms)
        )
    except IntegrityError as error:
        raise ActionRefused(
            f"somebody called {user.name} is already here", hint="Choose another name."
        ) from error
    meta.put(db, SETUP_CODE, None)
    return user


def credentials(db: Connection, name: str) -> tuple[User, str] | None:
    """A person and their password hash, by name whatever its case."""
    row = db.execute(
        "SELECT user_id, name, role, password_hash FROM user WHERE name = ?", (name.strip(),)
    ).fetchone()
    return None if row is None else (User(row[0], row[1], Role(row[2])), str(row[3]))


def users(db: Connection) -> list[User]:
    """Everybody who may sign in, by name."""
    return [
        User(row[0], row[1], Role(row[2]))
        for row in db.execute("SELECT user_id, name, role FROM user ORDER BY name")
    ]


def open_sign_in(db: Connection, token_sha256: bytes, user_id: str, at_ms: int, expires_ms: int) -> None:
    """Remember a new sign-in and forget expired ones."""
    forget_expired(db, at_ms)
    db.execute("INSERT INTO sign_in VALUES (?, ?, ?, ?)", (token_sha256, user_id, at_ms, expires_ms))


def signed_in(db: Connection, token_sha256: bytes, now_ms: int) -> User | None:
    """Who holds this token, unless it has expired."""
    row = db.execute(
        "SELECT user.user_id, user.name, user.role FROM sign_in JOIN user USING (user_id)"
        " WHERE token_sha256 = ? AND expires_ms > ?",
        (token_sha256, now_ms),
    ).fetchone()
    return None if row is None else User(row[0], row[1], Role(row[2]))


def close_sign_in(db: Connection, token_sha256: bytes) -> None:
    """Sign out."""
    db.execute("DELETE FROM sign_in WHERE token_sha256 = ?", (token_sha256,))


def setup_code(db: Connection) -> str | None:
    """The code the first-run page asks for; None once somebody was added."""
    return meta.value(db, SETUP_CODE)


def forget_expired(db: Connection, now_ms: int) -> None:
    """Drop sign-ins that are over."""
    db.execute("DELETE FROM sign_in WHERE expires_ms <= ?", (now_ms,))


def ensure_setup_code(db: Connection, new_code: str) -> str | None:
    """The first-run code, `new_code` where there was none; None once somebody may sign in."""
    if user_count(db) > 0:
        return None
    code = setup_code(db)
    if code is None:
        code = new_code
        meta.put(db, SETUP_CODE, code)
    return code
