"""A hub says "synced" only once it has all that the cloud named, over cuts, snapshots and sticks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from cloud.clock import now_ms
from cloud.greeting import begin_all_feeds_anew
from hub.commands.sync import AT_REST
from hub.store import journal
from hub.store.ledger import Ledger
from hub.syncing.words import is_synced, reasons
from hub.web.parts import SyncView
from hub.web.sync_page import pill
from sync.errors import CloudUnreachable
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import in_cloud
from tests.cloud.pitchside import START_MS, HubOn

Start = Callable[..., HubOn]
MANY = 120


@dataclass(frozen=True, slots=True)
class Said:
    """What a hub says of itself at one moment."""

    books: Ledger
    is_synced: bool
    pill: str
    words: str


def said(hub: HubOn, view: Any = None) -> Said:
    """By the relay's own state, or by another view such as that of a hub at rest."""
    status, books = hub.relay.status, hub.books
    if view is None:
        view = SyncView(True, status.state, status.detail, status.last_error, status.next_try_s)
    why = reasons(books, view, {}, None, START_MS)
    shown = SyncView(True, view.state, "", None, None)
    synced = is_synced(books, view, {}, None, START_MS)
    return Said(books, synced, pill(shown, books, START_MS).text, " ".join(it.why for it in why))


def fill(hub: HubOn, count: int = MANY) -> None:
    for number in range(count):
        hub.athlete(f"A{number:03}", number)
    hub.sync()


def watch_requests(line: Any, look: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """`look` is called with every request's path just before it goes out."""
    real = type(line)._asked

    def asked(self: Any, request: Any, body: bytes) -> Any:
        look(request.url.path)
        return real(self, request, body)

    monkeypatch.setattr(type(line), "_asked", asked)


@contextmanager
def cut_at(line: Any, path: str, number: int) -> Iterator[None]:
    """The link breaks at the request of that number on that path."""
    asked = line._asked

    def cut(request: httpx.Request, body: bytes) -> httpx.Response:
        if sum(it.endswith(path) for it in line.asked) - before >= number:
            raise httpx.ConnectError("no route to host")
        return cast(httpx.Response, asked(request, body))

    before = sum(it.endswith(path) for it in line.asked)
    line._asked = cut
    try:
        with pytest.raises(CloudUnreachable):
            yield
    finally:
        line._asked = asked


def test_all_through_a_first_download_it_is_not_said_and_progress_is(
    start: Start, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(start("a"))
    hub, seen = start("b"), list[Said]()
    watch_requests(line, lambda path: seen.append(said(hub)) if path.endswith("/pull") else None, monkeypatch)
    hub.sync()
    assert len(seen) > 2
    for it in seen:
        assert not it.is_synced
        assert it.pill != "Cloud: synced"
    assert f"{MANY} changes from online are still to come" in seen[0].words
    left = seen[1].books.to_come
    assert left is not None
    assert 0 < left < MANY
    assert f"{left} of {MANY} changes from online are still to come" in seen[1].words
    assert seen[1].pill == f"Cloud: {left} of {MANY} to come"
    assert [it.books.to_come for it in seen] == sorted((it.books.to_come or 0 for it in seen), reverse=True)
    assert said(hub).is_synced
    assert said(hub).pill == "Cloud: synced"


def test_a_restart_half_way_does_not_make_it_synced(start: Start, line: Any) -> None:
    fill(start("a"))
    hub = start("b")
    with cut_at(line, "/pull", 2):
        hub.sync()
    hub.stop()
    again = start("b", "boot-two")
    at_rest = said(again, AT_REST)
    left = at_rest.books.to_come
    assert left is not None
    assert 0 < left < MANY
    assert not at_rest.is_synced
    assert f"{left} of {MANY} changes from online are still to come" in at_rest.words
    again.sync()
    assert said(again, AT_REST).is_synced
    assert len(again.names()) == MANY


def test_a_snapshot_half_way_is_told_and_survives_a_restart(start: Start, line: Any, url: str) -> None:
    fill(start("a"))
    hub = start("b")
    hub.sync()
    assert said(hub).is_synced
    in_cloud(url, lambda db: begin_all_feeds_anew(db, now_ms()))
    with cut_at(line, "/snapshot", 2):
        hub.sync()
    hub.stop()
    again = start("b", "boot-two")
    at_rest = said(again, AT_REST)
    assert at_rest.books.snapshot_taken
    assert f"{at_rest.books.snapshot_taken} records came so far" in at_rest.words
    assert not at_rest.is_synced
    assert at_rest.pill == "Cloud: taking all anew"
    again.sync()
    assert said(again, AT_REST).is_synced


def test_a_feed_that_began_anew_is_not_synced_before_a_page_of_it_came(
    start: Start, line: Any, url: str
) -> None:
    hub = start("b")
    fill(hub, 2)
    assert said(hub).is_synced
    in_cloud(url, lambda db: begin_all_feeds_anew(db, now_ms()))
    with cut_at(line, "/pull", 1):
        hub.sync()
    at_rest = said(hub, AT_REST)
    assert at_rest.books.to_come is None
    assert not at_rest.is_synced
    assert at_rest.pill == "Cloud: to be asked"


def test_the_cloud_says_in_step_only_of_a_hub_that_reads_its_feed_to_the_end(
    start: Start, line: Any, url: str, db: Any
) -> None:
    hub = start("b")
    fill(hub, 3)
    hub.sync()
    behind = "SELECT clock.seq - hub.pull_cursor FROM hub JOIN club_clock clock USING (club_id)"
    assert db.execute(behind).fetchone() == (0,)
    in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))
    with cut_at(line, "/pull", 1):
        hub.sync()
    assert db.execute(behind).fetchone() == (3,)
    for _ in range(2):
        hub.sync()
    assert db.execute(behind).fetchone() == (0,)


def test_an_old_answer_on_a_stick_makes_nothing_synced_that_is_not(
    start: Start, line: Any, url: str, tmp_path: Path
) -> None:
    carrier = Carrier(url, tmp_path / "stick")
    hub = start("b")
    hub.athlete("Ann")
    carrier.accept(carrier.write(hub))
    answer = carrier.answer(hub)
    fill(start("a"), 3)
    with cut_at(line, "/pull", 1):
        hub.sync()
    assert hub.books.to_come == 4
    carrier.take_back(hub, answer)
    assert hub.books.to_come == 3, "the answer held one"
    assert not is_synced(replace(hub.books, ops_pending=0), AT_REST, {}, None, START_MS)
    hub.sync()
    assert said(hub).is_synced


def test_what_is_being_recorded_is_not_synced_before_it_is_sealed(start: Start) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    assert said(hub).is_synced
    for at_s in range(1, 200):
        sample = journal.Sample(1, 1000 * at_s, 140, 2, (700,))
        row = hub.store.write_now(partial(journal.append, boot_no=hub.boot_no, samples=[sample]))
    at_rest = said(hub, AT_REST)
    assert not at_rest.is_synced
    assert at_rest.pill == "Cloud: all but 4 min"
    assert "The last 4 minutes recorded here are not in the cloud yet." in at_rest.words
    assert hub.verify().words.endswith("The last 4 minutes recorded here are not sent yet.")
    hub.store.write_now(partial(journal.forget_through, row_id=row))
    assert said(hub).is_synced
