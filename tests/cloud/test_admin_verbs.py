"""The admin's verbs on the command line: erase with a second question, receipts, shut out, restored."""

from __future__ import annotations

import io
from collections.abc import Callable

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import cli
from sync import wire
from sync.errors import SignInNeeded
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.test_pages import text

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


@pytest.fixture
def admin(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def go(*words: str, typed: str = "") -> int:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        monkeypatch.setattr("signal.signal", lambda number, handler: None)
        return cli.main(words)

    return go


def test_erasing_asks_for_the_name_and_then_tells_which_hubs_have_done_it(
    start: Start, db: Db, admin: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    assert admin("erase", "--club", "Rovers", "Ann", typed="Bea") == 1
    assert len(docs(db, "athlete")) == 1
    assert admin("erase", "--club", "rovers", "Ann", typed="Ann") == 0
    assert docs(db, "athlete") == {}
    capsys.readouterr()
    assert admin("erase", "--club", "Rovers", "--receipts") == 0
    assert "not yet" in capsys.readouterr().out
    hub.sync()
    hub.sync()
    assert admin("erase", "--club", "Rovers", "--receipts") == 0
    said = capsys.readouterr().out
    assert "everywhere" in said
    assert f"hub {hub.hub_id}: done" in said


def test_an_erasure_is_nowhere_called_done_everywhere_while_a_hub_shut_out_never_confirmed_it(
    client: TestClient[Litestar], start: Start, admin: Callable[..., int], sign_in: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ours, sold, lost = start("ours"), start("sold", "boot-b"), start("lost", "boot-c")
    ours.athlete("Ann")
    for hub in (ours, sold, lost):
        hub.sync()
    assert admin("erase", "--club", "Rovers", "Ann", "--yes") == 0
    for hub in (ours, sold, ours, sold):
        hub.sync()
    for hub in (sold, lost):
        assert admin("revoke", "--club", "Rovers", hub.hub_id) == 0
    capsys.readouterr()
    assert admin("erase", "--club", "Rovers", "--receipts") == 0
    said = capsys.readouterr().out
    assert "everywhere" not in said
    assert "(not on hubs that were shut out)" in said
    for hub in (ours, sold):
        assert f"hub {hub.hub_id}: done" in said
    assert f"hub {lost.hub_id}: shut out, never confirmed" in said
    assert len(lost.names()) == 1, "it still holds what was erased"
    sign_in()
    page = text(client.get("/hubs").text)
    done, not_yet = (f"Hub {it.hub_id[:8]}" for it in (sold, lost))
    table = page[page.index("Erasures") :]
    assert done in table[: table.index(not_yet)]
    assert f"{not_yet} (shut out, never confirmed)" in table
    (receipt,) = told(ours).erasures
    assert sorted(receipt.done) == sorted((ours.hub_id, sold.hub_id))
    assert receipt.waiting == [lost.hub_id], "the hubs' own pages count it too"


def told(hub: HubOn) -> wire.ClubResponse:
    """What the cloud tells a hub of its club."""

    async def ask() -> wire.ClubResponse:
        async with hub.dial() as cloud:
            return await cloud.club()

    return run(ask())


def test_two_of_one_name_are_told_apart_by_their_ids(
    start: Start, db: Db, admin: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    hub = start("card")
    first, second = hub.athlete("Ann"), hub.athlete("Ann", 8)
    hub.sync()
    assert admin("erase", "--club", "Rovers", "Ann", "--yes") == 1
    said = capsys.readouterr().err
    assert first in said
    assert second in said
    assert admin("erase", "--club", "Rovers", second, "--yes") == 0
    assert set(docs(db, "athlete")) == {first}


@pytest.mark.parametrize(
    "words",
    [
        ("erase", "--club", "Nobody", "Ann"),
        ("erase", "--club", "Rovers"),
        ("revoke", "--club", "Rovers", "x"),
    ],
)
def test_what_is_not_there_is_said_with_a_hint(
    start: Start, admin: Callable[..., int], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    start("card")
    assert admin(*words) == 1
    assert "There is no such thing" in capsys.readouterr().err


def test_a_hub_is_shut_out_and_a_restored_database_is_told(
    start: Start, db: Db, admin: Callable[..., int]
) -> None:
    hub, other = start("card"), start("other", "boot-b")
    for one in (hub, other):
        one.athlete(one.card.name)
        one.sync()
    assert admin("restored") == 0
    hub.sync()
    assert hub.rows("SELECT v FROM meta WHERE k = 'feed_epoch'") != [("1",)]
    assert hub.names() == ["card", "other"]
    assert admin("revoke", "--club", "Rovers", hub.hub_id) == 0
    with pytest.raises(SignInNeeded):
        hub.sync()
    other.sync()
