"""A hub that cannot join says in plain words what to do next, whatever was typed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hub.errors import ActionRefused, HubError, NotFound
from hub.store.database import Database
from hub.syncing import enrolment
from hub.syncing.enrolment import enrol
from sync.errors import CloudRefused, CloudUnreachable, SyncError


def refusal(folder: Path, url: str, code: str = "ABCD-EFGH") -> ActionRefused:
    """What joining at this address says."""
    database = Database.open(folder / "hub.db")
    try:
        with pytest.raises(ActionRefused) as told:
            asyncio.run(enrol(database, folder / "hub.key", url, code, "1"))
    finally:
        database.close()
    return told.value


@pytest.mark.parametrize(
    "url",
    ["https://x:99999", "http://127.0.0.1:0", "https://x:-1", "https://x:abc", "https://a..b", "https://.", "http://",
     "https://exa mple", "https://[::1", "https://xn--a", "https://x\x00y", f"https://{'a' * 80}.test", "http://:80",
     "https://\u200b", "http://a%zz"],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anybody_is_asked(tmp_path: Path, url: str) -> None:
    told = refusal(tmp_path, url)
    assert "is no address of a cloud." in str(told)
    assert "https://cloud.example.org" in told.hint


def test_an_address_where_nothing_answers_does_not_promise_to_try_again(tmp_path: Path) -> None:
    told = refusal(tmp_path, "http://127.0.0.1:1")
    assert "Nothing answers at http://127.0.0.1:1" in str(told)
    assert "join again: it does not try again by itself" in told.hint


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            CloudRefused("claim_code: This claim code is unknown.", status=403, err="claim_code"),
            "this claim code",
        ),
        (CloudUnreachable("busy: wait", status=503, err="busy"), "busy or being mended"),
    ],
)
def test_a_cloud_that_says_no_is_not_quoted_in_its_own_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: SyncError, words: str
) -> None:
    async def ask(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(enrolment, "ask_cloud", ask)
    told = refusal(tmp_path, "https://cloud.test")
    assert words in str(told)
    for jargon in ("claim_code", "touchline-cloud", "Sending it again", "503"):
        assert jargon not in f"{told} {told.hint}"


def test_a_refusal_that_is_passed_on_begins_once() -> None:
    first = ActionRefused("the ground is closed.")
    again = ActionRefused(str(first), hint="Come back tomorrow.")
    assert str(again) == str(first) == "This cannot be done now: the ground is closed."
    assert again.detail == "the ground is closed."
    assert str(NotFound(str(NotFound("strap 7")))) == "There is no such record: strap 7"
    assert str(HubError("it fell")) == "Something failed on the hub. it fell"
