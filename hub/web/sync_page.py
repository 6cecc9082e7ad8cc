"""Sync: whether the hub belongs to a club, what waits for the cloud, and when it was last reached.

It says "Synced" only when nothing waits and the last contact is known; it sends nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from hub.errors import HubError
from hub.store import ledger
from hub.store.ledger import Ledger
from hub.web.auth import admin_only
from hub.web.parts import SyncView, parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, count_text, page
from hub.web.tiles import age_text

BEHIND_MS = 3600 * 1000


@dataclass(frozen=True, slots=True)
class Pill:
    """The cloud's state in a few words; `tone` is ok, busy, warn or off."""

    tone: str
    text: str


def pill(view: SyncView, books: Ledger, now_ms: int) -> Pill:
    """What the header says of the cloud."""
    waiting = books.ops_pending + books.segments_pending
    if not view.is_enrolled:
        return Pill("off", "Cloud: not enrolled")
    if books.ops_dead:
        return Pill("warn", f"Cloud: {count_text(books.ops_dead)} refused")
    if view.state == "failed":
        return Pill("warn", "Cloud: sync failed")
    queued = f", {count_text(waiting)} waiting" if waiting else ""
    if books.last_contact_ms is None:
        return Pill("warn", f"Cloud: never reached{queued}")
    if view.state == "offline" or now_ms - books.last_contact_ms > BEHIND_MS:
        behind = age_text(max(0, now_ms - books.last_contact_ms) / 1000)
        return Pill("warn", f"Cloud: {behind} behind{queued}")
    if waiting:
        return Pill("busy", f"Cloud: {count_text(waiting)} waiting")
    return Pill("ok", "Cloud: synced")


async def _context(request: AnyRequest) -> dict[str, Any]:
    parts = parts_of(request)
    books = await parts.database.read(ledger.sync_ledger)
    view, now_ms = parts.sync_view(), parts.now_wall_ms()
    return {
        "books": books,
        "sync": view,
        "pill": pill(view, books, now_ms),
        "contact": ago_text(books.last_contact_ms, now_ms),
        "clock_is_verified": parts.clock_is_verified(),
    }


@get("/sync", include_in_schema=False)
async def sync_page(request: AnyRequest) -> Template:
    """Counts, last contact, enrolment."""
    form = {"cloud_url": "", "claim_code": ""}
    return page(request, "sync.html", fault=None, form=form, **await _context(request))


@get("/sync/status", include_in_schema=False)
async def sync_status(request: AnyRequest) -> Template:
    """The counts alone, asked again every few seconds."""
    return page(request, "_sync.html", **await _context(request))


@get("/sync/pill", include_in_schema=False)
async def sync_pill(request: AnyRequest) -> Template:
    """The header's word about the cloud."""
    return page(request, "_pill.html", **await _context(request))


@post("/sync/now", status_code=200, include_in_schema=False)
async def sync_now(request: AnyRequest) -> Template:
    """Ask the relay to try at once; the answer is what the books say then."""
    await parts_of(request).actions.sync_now()
    return page(request, "_sync.html", **await _context(request))


@post("/sync/enrol", guards=[admin_only], include_in_schema=False)
async def enrol(request: AnyRequest, data: Form) -> Response[Any]:
    """Join a club with the claim code its cloud shows."""
    form = {key: data.get(key, "").strip() for key in ("cloud_url", "claim_code")}
    fault = None
    if not form["cloud_url"].startswith(("http://", "https://")):
        fault = "The cloud's address starts with https://"
    elif not form["claim_code"]:
        fault = "Give the claim code your cloud page shows."
    else:
        try:
            await parts_of(request).actions.enrol(form["cloud_url"], form["claim_code"])
        except HubError as error:
            fault = f"{error} {error.hint}".strip()
    if fault is None:
        return Redirect("/sync", status_code=SEE_OTHER)
    return page(request, "sync.html", status=422, fault=fault, form=form, **await _context(request))


HANDLERS = [sync_page, sync_status, sync_pill, sync_now, enrol]
