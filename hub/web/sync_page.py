"""Sync: whether everything is in the cloud and why not, kind by kind, and what people may do about it.

It says "synced" only where nothing waits or is still to come, nothing was refused and the cloud was reached;
it sends nothing itself.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.errors import ActionRefused, HubError
from hub.store import boots, dead_letters, ledger, sync_findings
from hub.store.ledger import Ledger
from hub.store.sync_findings import Club, Finding
from hub.syncing.clock_words import clock_dispute
from hub.syncing.desk import Comparing
from hub.syncing.words import BEHIND_MS, bytes_words, reasons, span_words, sure_words
from hub.web import sync_view
from hub.web.auth import admin_only, user_of
from hub.web.letters import kind_words
from hub.web.parts import SyncView, parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, count_text, page
from hub.web.sync_view import SyncBooks
from hub.web.tiles import age_text

CAPS = ((None, "As fast as it goes"), (64, "64 kbit/s"), (256, "256 kbit/s"), (1000, "1 Mbit/s"))


@dataclass(frozen=True, slots=True)
class Pill:
    """The cloud's state in a few words; `tone` is ok, busy, warn or off."""

    tone: str
    text: str


def pill(view: SyncView, books: Ledger, now_ms: int, finding: Finding | None = None) -> Pill:
    """What the header says of the cloud."""
    waiting = books.ops_pending + books.segments_pending
    if not view.is_enrolled:
        return Pill("off", "Cloud: not enrolled")
    if books.is_shut_out:
        return Pill("warn", "Cloud: shut out")
    if refused := books.ops_dead + books.segments_refused:
        return Pill("warn", f"Cloud: {count_text(refused)} refused")
    if view.state == "copied":
        return Pill("warn", "Cloud: card copied")
    if view.state == "failed":
        return Pill("warn", "Cloud: sync failed")
    queued = f", {count_text(waiting)} waiting" if waiting else ""
    if view.state == "paused":
        return Pill("off", f"Cloud: paused{queued}")
    if view.state == "waiting":
        return Pill("off", f"Cloud: other network{queued}")
    if books.last_contact_ms is None:
        return Pill("warn", f"Cloud: never reached{queued}")
    if view.state == "busy" and now_ms - books.last_contact_ms <= BEHIND_MS:
        return Pill("busy", f"Cloud: asked to wait{queued}")
    if view.state == "offline" or now_ms - books.last_contact_ms > BEHIND_MS:
        behind = age_text(max(0, now_ms - books.last_contact_ms) / 1000)
        return Pill("warn", f"Cloud: {behind} behind{queued}")
    if waiting:
        return Pill("busy", f"Cloud: {count_text(waiting)} waiting")
    if (coming := _coming(view, books)) is not None:
        return Pill("busy", f"Cloud: {coming}")
    if view.state == "syncing":
        return Pill("busy", "Cloud: syncing")
    if books.not_shown:
        return Pill("warn", f"Cloud: {count_text(books.not_shown)} not shown")
    if finding is not None and finding.differences_n:
        return Pill("warn", f"Cloud: {count_text(finding.differences_n)} differ")
    if books.recording_min:
        return Pill("ok", f"Cloud: all but {books.recording_min} min")
    return Pill("ok", "Cloud: synced")


def _coming(view: SyncView, books: Ledger) -> str | None:
    """What was changed online and is not here, in two or three words; None where all of it is."""
    if books.snapshot_taken is not None:
        return "taking all anew"
    if books.to_come is None:
        return "syncing" if view.state == "syncing" else "to be asked"
    if not books.to_come:
        return None
    of = f" of {count_text(books.to_come_of)}" if books.to_come_of > books.to_come else ""
    return f"{count_text(books.to_come)}{of} to come"


async def _context(request: AnyRequest) -> dict[str, Any]:
    parts = parts_of(request)
    mono_ms, now_ms = parts.now_mono_ms(), parts.now_wall_ms()
    books, dispute = await parts.database.read(
        lambda db: (
            sync_view.gather(db, parts.desk.counts, boots.newest(db), mono_ms),
            clock_dispute(db, boots.newest(db)),
        )
    )
    view = parts.sync_view()
    return {
        "books": books.ledger, "all": books, "sync": view, "now_ms": now_ms,
        "pill": pill(view, books.ledger, now_ms, books.finding),
        "contact": ago_text(books.ledger.last_contact_ms, now_ms),
        "reasons": reasons(books.ledger, view, books.refused, books.finding, now_ms),
        "why_not_now": _why_not_now(view, books.ledger),
        "comparing": _comparing(parts.desk.comparing, books.ledger.last_contact_ms),
        "clock_is_verified": parts.clock_is_verified(), "clock_is": sure_words(parts.clock_err_ms()),
        "dispute": dispute,
        "ago": partial(ago_text, now_ms=now_ms),
        "bytes": bytes_words, "span": span_words, "kind": kind_words, "caps": _caps(view),
    }  # fmt: skip


def _why_not_now(view: SyncView, books: Ledger) -> str:
    """Why nothing would come of "Sync now", in a few words; "" where something may."""
    if books.is_shut_out:
        return "This hub is shut out."
    return {
        "copied": "Another machine goes by this hub's name.",
        "paused": "The sync is paused.",
        "waiting": "It waits for its network.",
    }.get(view.state, "")


def _comparing(it: Comparing | None, last_contact_ms: int | None) -> Comparing | None:
    """How far a comparison is; one that failed for want of a way is past once the cloud was reached."""
    return None if it is None or it.is_past(last_contact_ms) else it


def _own_club(books: SyncBooks) -> Club | None:
    """The club as it is known, None where that was before this hub had the name it bears now."""
    club, own = books.club, books.ledger.hub_id
    return club if club is not None and any(it.hub_id == own for it in club.hubs) else None


def _caps(view: SyncView) -> list[tuple[int | None, str]]:
    """The speeds to choose from, with the one that is set."""
    known = {kbit_s for kbit_s, _ in CAPS}
    more = [] if view.cap_kbit_s in known else [(view.cap_kbit_s, f"{view.cap_kbit_s} kbit/s")]
    return [*CAPS, *more]


@get("/sync", include_in_schema=False)
async def sync_page(request: AnyRequest) -> Template:
    """The whole page; who else is in the club is asked for beside it."""
    parts, context = parts_of(request), await _context(request)
    if parts.sync_view().is_enrolled:
        parts.desk.look_round_soon(_own_club(context["all"]), context["now_ms"])
    return page(request, "sync.html", fault=None, form={"cloud_url": "", "claim_code": ""}, **context)


@get("/sync/status", include_in_schema=False)
async def sync_status(request: AnyRequest) -> Template:
    """What changes by itself, asked again every few seconds."""
    context = await _context(request)
    if context["sync"].state == "idle" and context["sync"].is_enrolled:
        parts_of(request).desk.look_round_soon(_own_club(context["all"]), context["now_ms"])
    return page(request, "_sync.html", **context)


@get("/sync/pill", include_in_schema=False)
async def sync_pill(request: AnyRequest) -> Template:
    """The header's word about the cloud."""
    parts = parts_of(request)
    books, finding = await parts.database.read(
        lambda db: (ledger.sync_ledger(db), sync_findings.last_finding(db))
    )
    return page(request, "_pill.html", pill=pill(parts.sync_view(), books, parts.now_wall_ms(), finding))


@post("/sync/now", status_code=200, include_in_schema=False)
async def sync_now(request: AnyRequest) -> Template:
    """Ask the relay to try at once; the answer is what the books say then."""
    await parts_of(request).actions.sync_now()
    return page(request, "_sync.html", **await _context(request))


@post("/sync/compare", status_code=200, include_in_schema=False)
async def compare(request: AnyRequest) -> Template:
    """Begin to compare both sides; the page tells how far it is."""
    parts_of(request).desk.compare_soon()
    return page(request, "_sync.html", **await _context(request))


@get("/sync/proof", include_in_schema=False)
async def proof_page(request: AnyRequest) -> Template:
    """The last comparison day by day, and what differed."""
    parts = parts_of(request)
    found, now_ms = await parts.database.read(sync_findings.last_finding), parts.now_wall_ms()
    ago = partial(ago_text, now_ms=now_ms)
    return page(request, "sync_proof.html", found=found, kind=kind_words, ago=ago)


@post("/sync/pause", include_in_schema=False)
async def pause(request: AnyRequest, data: Form) -> Redirect:
    """Hold the sync, or let it go on."""
    await parts_of(request).actions.pause_sync(data.get("is_paused") == "yes")
    return Redirect("/sync#limits", status_code=SEE_OTHER)


@post("/sync/limits", include_in_schema=False)
async def limits(request: AnyRequest, data: Form) -> Response[Any]:
    """How fast, and over which network only."""
    speed = data.get("cap_kbit_s", "").strip()
    if speed and not (speed.isascii() and speed.isdigit()):
        return await _with_fault(request, "Give the speed as a whole number of kbit/s.")
    try:
        only = data.get("only_network", "").strip()
        await parts_of(request).actions.limit_sync(int(speed[:9]) if speed else None, only or None)
    except HubError as error:
        return await _with_fault(request, f"{error} {error.hint}".strip())
    return Redirect("/sync#limits", status_code=SEE_OTHER)


async def _with_fault(request: AnyRequest, fault: str, form: dict[str, str] | None = None) -> Template:
    context = await _context(request)
    form = form or {"cloud_url": "", "claim_code": ""}
    return page(request, "sync.html", status=422, fault=fault, form=form, **context)


@post("/sync/letters/{op_id:str}", status_code=200, include_in_schema=False)
async def settle_letter(request: AnyRequest, op_id: FromPath[str], data: Form) -> Template:
    """Send a refused edit once more, put it away, or take it out again."""
    user, desk = user_of(request), parts_of(request).desk
    by, choice = user.name if user else "", data.get("choice")
    if choice == "retry":
        await desk.retry(op_id, by)
    elif choice == "back":
        await desk.take_out(op_id, by)
    else:
        await desk.drop(op_id, by)
    return page(request, "_sync.html", **await _context(request))


@post("/sync/letters/erased", status_code=200, include_in_schema=False)
async def drop_erased(request: AnyRequest) -> Template:
    """Put away every refused edit about somebody whose data was erased."""
    user = user_of(request)
    await parts_of(request).desk.drop_erased(user.name if user else "")
    return page(request, "_sync.html", **await _context(request))


@post("/sync/recordings/{stretch_id:str}", status_code=200, include_in_schema=False)
async def settle_recording(request: AnyRequest, stretch_id: FromPath[str], data: Form) -> Template:
    """Send a refused recording once more ("all": every one), keep it here only, or take that back."""
    parts, choice = parts_of(request), data.get("choice")
    if choice == "retry":
        await parts.desk.resend(None if stretch_id == "all" else stretch_id)
        with suppress(HubError):  # paused, or out of reach: it goes when there is a way
            await parts.actions.sync_now()
    elif choice in ("keep", "back"):
        await parts.desk.keep_here(stretch_id, is_kept=choice == "keep")
    else:
        raise ActionRefused("Nothing was chosen.", hint="Try it again, put it away, or take it back.")
    return page(request, "_sync.html", **await _context(request))


@get("/sync/letters.json", include_in_schema=False)
async def letters_file(request: AnyRequest) -> Response[bytes]:
    """Every refused edit nobody has decided about, as a file."""
    found = await parts_of(request).database.read(dead_letters.waiting)
    content = json.dumps([asdict(it) for it in found], ensure_ascii=False, indent=1).encode()
    headers = {"Content-Disposition": 'attachment; filename="refused-edits.json"'}
    return Response(content, media_type="application/json", headers=headers)


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
            fault = _said(error)
    if fault is None:
        return Redirect("/sync", status_code=SEE_OTHER)
    return await _with_fault(request, fault, form)


@post("/sync/rejoin", guards=[admin_only], include_in_schema=False)
async def rejoin(request: AnyRequest, data: Form) -> Response[Any]:
    """Join the club again with a new claim code, after the hub was shut out."""
    form = {"cloud_url": "", "claim_code": data.get("claim_code", "").strip()}
    if not form["claim_code"]:
        return await _with_fault(request, "Give the claim code your cloud page shows.", form)
    try:
        await parts_of(request).actions.rejoin(form["claim_code"])
    except HubError as error:
        return await _with_fault(request, _said(error), form)
    return Redirect("/sync", status_code=SEE_OTHER)


def _said(error: HubError) -> str:
    """A refusal as a form says it: what is wrong, and what to do next."""
    words = error.detail if isinstance(error, ActionRefused) and error.detail else str(error)
    return f"{words[:1].upper()}{words[1:]} {error.hint}".strip()


HANDLERS = [
    *(sync_page, sync_status, sync_pill, sync_now, compare, proof_page, pause, limits),
    *(settle_letter, drop_erased, settle_recording, letters_file, enrol, rejoin),
]
