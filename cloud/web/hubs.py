"""The club's hubs: what each has in the cloud and what it says still waits, and letting hubs in and out.

Claim codes are made on a page of their own. What a hub found when it compared is the hub's own word.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import clock_words, erasure, hubs, proof
from cloud.clock import now_ms
from cloud.compaction import SILENT_MS
from cloud.counted import counted
from cloud.erasure import Confirmed
from cloud.store.database import Connection, fetch_all, fetch_value
from cloud.store.rows import HubIdentity, HubStatus, KindRow
from cloud.web.shell import (
    PageMissing,
    PageRequest,
    check_origin,
    coach_of,
    page,
    parts_of,
)
from cloud.web.words import ago, bytes_words

KIND_WORDS = {
    "athlete": "Athletes", "profile_change": "Values from a date", "session": "Sessions", "strap": "Straps",
    "stream": "Streams", "stream_assignment": "Who wore which strap", "source": "Imports",
    "daily_value": "Values of days", "refused_edit": "Decisions about refused edits",
    "segment 1": "Heart-rate recordings", "segment 2": "Positions and speed",
}  # fmt: skip
REFUSED_WORDS = {
    "invalid": "a value cannot be right", "erased": "about an athlete whose data was erased",
    "unknown_table": "of a newer version", "read_only_table": "only the cloud may write it",
    "suspect": "the cloud failed on it again and again", "not_yours": "about another hub's refused edit",
    "reserved": "it sets what is not for an edit to set", "too_large": "it is too large",
}  # fmt: skip
GRACE_MS = 3600 * 1000


class Confirmation(Struct, frozen=True):
    """What the second step of shutting a hub out sends."""

    is_sure: str = ""


@dataclass(frozen=True, slots=True)
class KindLine:
    """One kind of thing a hub has in the cloud; `size` is empty for records."""

    name: str
    n: int
    size: str


@dataclass(frozen=True, slots=True)
class HubView:
    """One hub in words; `tone` is ok, warn or off; an inactive hub is waited for no longer."""

    row: HubStatus
    name: str
    seen: str
    tone: str
    state: str
    kinds: list[KindLine]
    refused: list[tuple[str, int]]
    compared: str
    is_inactive: bool


@dataclass(frozen=True, slots=True)
class ErasureView:
    """An erasure and where it was carried out."""

    when: str
    done: list[str]
    waiting: list[str]
    shut_out: list[str]


def _view(row: HubStatus, kinds: list[KindRow], refused: list[KindRow], at_ms: int) -> HubView:
    tone, state = _state(row, at_ms)
    return HubView(
        row, name_of(row.hub_id, row.model), ago(row.seen_ms, at_ms), tone, state,
        [KindLine(KIND_WORDS.get(it.kind, it.kind.replace("_", " ").capitalize()), it.n,
                  bytes_words(it.bytes) if it.bytes else "") for it in kinds],
        [(REFUSED_WORDS.get(it.kind, it.kind), it.n) for it in refused],
        _compared(row, at_ms), row.revoked_ms is None and at_ms - row.seen_ms > SILENT_MS,
    )  # fmt: skip


def name_of(hub_id: str, model: str) -> str:
    """What a hub is called on pages."""
    word = "Hub" if model in ("", "touchline") else model
    return f"{word} {hub_id[:8]}"


def _state(row: HubStatus, at_ms: int) -> tuple[str, str]:
    """What to say first of a hub; "in step" only where nothing speaks against it."""
    if row.revoked_ms is not None:
        return "off", f"Shut out {ago(row.revoked_ms, at_ms)}"
    if row.cloned_ms is not None:
        return "warn", "Two machines run with copies of its card"
    if row.ops_dead:
        return "warn", f"{row.ops_dead} edit{'' if row.ops_dead == 1 else 's'} refused"
    if at_ms - row.seen_ms > GRACE_MS:
        return "warn", f"Not heard for {ago(row.seen_ms, at_ms).removesuffix(' ago')}"
    for n, one, many, what in (
        (row.ops_waiting, "edit", "edits", "not here yet"),
        (row.segments_waiting, "recording", "recordings", "not here yet"),
        (row.entries_behind, "entry", "entries", "not fetched yet"),
    ):
        if n:
            return "warn", f"{n} {one if n == 1 else many} {what}"
    if row.verified_differences:
        return "warn", f"{row.verified_differences} differed when it was compared"
    return "ok", "In step"


def _compared(row: HubStatus, at_ms: int) -> str:
    if row.verified_ms is None:
        if row.revoked_ms is not None:
            return "It was never compared."
        return "It was never compared. Press “Compare now” on the hub's sync page."
    records, recordings = row.verified_records or 0, row.verified_segments or 0
    held = f"{counted(records, 'record')} and {counted(recordings, 'recording')}"
    when = ago(row.verified_ms, at_ms)
    if row.verified_differences:
        return f"{when}: {row.verified_differences} of {held} differed."
    if row.verified_waiting:
        return f"{when}: the same as far as it was sent ({held}); {row.verified_waiting} still waited."
    return f"{when}: exactly the same on both sides, {held}."


async def _hubs(db: Connection, club_id: str, at_ms: int) -> list[HubView]:
    key = {"club_id": club_id}
    kinds: dict[str, list[KindRow]] = defaultdict(list)
    refused: dict[str, list[KindRow]] = defaultdict(list)
    for it in await fetch_all(db, "hub_kinds", KindRow, key):
        kinds[it.hub_id].append(it)
    for it in await fetch_all(db, "hub_letter_kinds", KindRow, key):
        refused[it.hub_id].append(it)
    rows = await fetch_all(db, "hub_statuses", HubStatus, key)
    found = [_view(row, kinds[row.hub_id], refused[row.hub_id], at_ms) for row in rows]
    return sorted(found, key=lambda it: it.row.revoked_ms is not None)


def _erasure(one: Confirmed, at_ms: int) -> ErasureView:
    done = [name_of(it.hub_id, it.model) for it in one.hubs if it.is_done]
    waiting = [name_of(it.hub_id, it.model) for it in one.hubs if not it.is_done and not it.is_shut_out]
    shut_out = [name_of(it.hub_id, it.model) for it in one.hubs if not it.is_done and it.is_shut_out]
    return ErasureView(ago(one.erased.erased_ms, at_ms), done, waiting, shut_out)


@get("/hubs", include_in_schema=False)
async def hubs_page(request: PageRequest) -> Response[str]:
    coach, at_ms = await coach_of(request), now_ms()
    async with parts_of(request).database.transaction() as db:
        found = await _hubs(db, coach.club_id, at_ms)
        clocks = await clock_words.of_hubs(db, coach.club_id)
        erased = [_erasure(it, at_ms) for it in await erasure.receipts(db, coach.club_id)]
        met_open = int(await fetch_value(db, "met_count_open", {"club_id": coach.club_id}))
    shown: dict[str, Any] = {"hubs": found, "erasures": erased[::-1], "met_open": met_open, "clocks": clocks}
    return page("hubs.html", coach=coach, here="hubs", **shown)


@get("/hubs/{hub_id:str}/revoke", include_in_schema=False)
async def revoke_page(request: PageRequest, hub_id: FromPath[str]) -> Response[str]:
    """The second step: what shutting out means."""
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        found = await _hubs(db, coach.club_id, now_ms())
    one = next((it for it in found if it.row.hub_id == hub_id), None)
    if one is None:
        raise PageMissing("hub")
    return page("hub_revoke.html", coach=coach, here="hubs", hub=one)


@post("/hubs/{hub_id:str}/revoke", include_in_schema=False, status_code=303)
async def revoke(request: PageRequest, hub_id: FromPath[str], data: URLEncodedBody[Confirmation]) -> Redirect:
    check_origin(request)
    coach = await coach_of(request)
    if data.is_sure == "yes":
        async with parts_of(request).database.transaction() as db:
            await hubs.revoke(db, coach.club_id, hub_id.replace("\0", ""), now_ms())
    return Redirect("/hubs", status_code=303)


@get("/hubs/{hub_id:str}/proof", include_in_schema=False)
async def proof_page(request: PageRequest, hub_id: FromPath[str]) -> Response[str]:
    """The cloud's own digests, to be held beside those the hub shows of itself."""
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await fetch_all(db, "hub_statuses", HubStatus, {"club_id": coach.club_id})
        one = next((it for it in rows if it.hub_id == hub_id), None)
        if one is None:
            raise PageMissing("hub")
        found = await proof.digest(db, HubIdentity(coach.club_id, hub_id))
    days = sorted(found.buckets, key=lambda it: (it.day, it.squad), reverse=True)
    name = name_of(one.hub_id, one.model)
    return page("hub_proof.html", coach=coach, here="hubs", hub_name=name, days=days)


HANDLERS = [proof_page, hubs_page, revoke_page, revoke]
