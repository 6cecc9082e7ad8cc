"""Who may sign in, and what became of imported files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.domain import Role
from hub.errors import ActionRefused
from hub.store import accounts, imports, meta
from hub.store.database import Database


def test_the_first_user_retires_the_setup_code(store: Database) -> None:
    store.write_now(lambda db: meta.put(db, accounts.SETUP_CODE, "ABCD-EFGH"))
    assert store.read_now(accounts.setup_code) == "ABCD-EFGH"
    ada = store.write_now(lambda db: accounts.create_user(db, " Ada ", "hash", Role.ADMIN, 1))
    assert store.read_now(accounts.setup_code) is None
    assert store.read_now(accounts.users) == [ada]
    assert store.read_now(lambda db: accounts.credentials(db, "ADA ")) == (ada, "hash")
    assert store.read_now(lambda db: accounts.credentials(db, "bea")) is None


def test_a_name_is_taken_whatever_its_case(store: Database) -> None:
    store.write_now(lambda db: accounts.create_user(db, "Ada", "hash", Role.STAFF, 1))
    with pytest.raises(ActionRefused, match="called ada") as refused:
        store.write_now(lambda db: accounts.create_user(db, "ada", "other", Role.ADMIN, 2))
    assert refused.value.hint
    assert store.read_now(accounts.user_count) == 1


def test_a_sign_in_ends_when_it_expires_or_is_closed(store: Database) -> None:
    ada = store.write_now(lambda db: accounts.create_user(db, "Ada", "hash", Role.STAFF, 1))
    for token in (b"one", b"two"):
        store.write_now(lambda db, t=token: accounts.open_sign_in(db, t, ada.user_id, 0, 1_000))  # type: ignore[misc]
    assert store.read_now(lambda db: accounts.signed_in(db, b"one", 999)) == ada
    assert store.read_now(lambda db: accounts.signed_in(db, b"one", 1_000)) is None
    store.write_now(lambda db: accounts.close_sign_in(db, b"one"))
    assert store.read_now(lambda db: accounts.signed_in(db, b"one", 10)) is None
    store.write_now(lambda db: accounts.open_sign_in(db, b"three", ada.user_id, 1_000, 2_000))
    left = store.read_now(lambda db: db.execute("SELECT token_sha256 FROM sign_in").fetchall())
    assert left == [(b"three",)]


def test_only_a_successful_import_makes_a_file_known(store: Database) -> None:
    failed = imports.ImportRecord("i1", "run.fit", "FIT", "failed", "damaged", None, 1, "ff")
    taken = replace(failed, import_id="i2", status="imported", session_id="s1", at_ms=2)
    store.write_now(lambda db: imports.add(db, failed))
    assert store.read_now(lambda db: imports.already_imported(db, "ff")) is None
    store.write_now(lambda db: imports.add(db, taken))
    assert store.read_now(lambda db: imports.already_imported(db, "ff")) == taken
    assert store.read_now(imports.recent) == [taken, failed]
