"""A session's recordings: which there are, which one feeds what, and the ways to choose otherwise.

It draws spans and words; what feeds what is worked out by the imports.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.analytics.catalogue import metric
from hub.domain import Athlete
from hub.errors import ActionRefused
from hub.imports import shown
from hub.imports.arrange import Arranged
from hub.imports.feed import Repair
from hub.imports.shown import AthleteRecordings, Recording, SessionRecordings
from hub.store import athletes, sessions
from hub.store.sources import SourceRow
from hub.web.import_words import format_text, hours_text, minutes_count, sentence
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, count_text, date_text, is_fragment, page

BANISTER, EDWARDS = metric("banister_trimp"), metric("edwards_trimp")
Channel = Literal["hr", "motion"]
Answer = Template | Response[Any]
CHANNELS = ("hr", "motion")
MOST_STATED = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a bar, in per cent of the picture's width."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class RecordingView:
    """One recording in words and as a bar. `source` None is what the straps said here."""

    source: SourceRow | None
    name: str
    about: str
    span_text: str
    bar: Piece
    hearts: tuple[Piece, ...]
    motions: tuple[Piece, ...]
    roles: tuple[str, ...]
    stated: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AthleteView:
    """An athlete's recordings with a picture, and what the files' filling changed in words."""

    athlete: Athlete
    recordings: tuple[RecordingView, ...]
    has_choice_hr: bool
    has_choice_motion: bool
    filled: str
    compared: tuple[tuple[str, str, str], ...]


def pieces(spans: Iterable[tuple[int, int]], within: tuple[int, int]) -> tuple[Piece, ...]:
    """Spans in epoch ms as shares of a picture that is `within` wide."""
    start, length = within[0], max(within[1] - within[0], 1)
    found = []
    for from_ms, to_ms in spans:
        left, right = (
            100 * (min(max(at, start), start + length) - start) / length for at in (from_ms, to_ms)
        )
        found.append(Piece(f"{left:.2f}", f"{max(right - left, 0.3):.2f}"))
    return tuple(found)


def spans_length_s(spans: Iterable[tuple[int, int]]) -> float:
    """How long spans are together."""
    return sum(to_ms - from_ms for from_ms, to_ms in spans) / 1000


def recording_view(it: Recording, within: tuple[int, int], offset_s: int) -> RecordingView:
    """One recording in words."""
    source = it.source
    roles = [f"heart rate for {minutes_count(spans_length_s(it.hearts))}"] if it.hearts else []
    roles += [f"motion for {minutes_count(spans_length_s(it.motions))}"] if it.motions else []
    clock = [date_text(at_ms, offset_s).rpartition(" ")[2] for at_ms in it.span]
    length = minutes_count((it.span[1] - it.span[0]) / 1000)
    return RecordingView(
        source=source,
        name="Straps recorded here" if source is None else source.device or source.provider or source.format,
        about="" if source is None else _about(source),
        span_text=f"{clock[0]} to {clock[1]}, {length}",
        bar=pieces([it.span], within)[0],
        hearts=pieces(it.hearts, within),
        motions=pieces(it.motions, within),
        roles=tuple(roles),
        stated=() if source is None else _stated(source),
    )


def _about(it: SourceRow) -> str:
    parts = [format_text(it.format)]
    parts += [f"{count_text(it.hr_n)} heart rates"] if it.hr_n else ["no heart rates"]
    parts += [f"{count_text(it.records)} records"] if it.records else []
    parts += [f"{count_text(it.rr_n)} RR intervals"] if it.rr_n else []
    parts += [f"moved by {hours_text(it.shifted_s)}"] if it.shifted_s else []
    return ", ".join(filter(None, parts))


def _stated(it: SourceRow) -> tuple[tuple[str, str], ...]:
    """What the file itself says of the session."""
    found = [("timer", minutes_count(it.timer_s))] if it.timer_s is not None else []
    found += [("distance", f"{it.distance_m / 1000:.2f} km")] if it.distance_m is not None else []
    found += [("energy", f"{it.energy_kcal:.0f} kcal")] if it.energy_kcal is not None else []
    found += [("mean heart rate", f"{it.hr_mean:.0f} bpm")] if it.hr_mean is not None else []
    found += [("maximum heart rate", f"{it.hr_max} bpm")] if it.hr_max is not None else []
    found += [("laps", str(len(it.laps)))] if it.laps else []
    known = {name for name, _ in found}
    for stated in it.stated:
        name = str(stated["name"]).replace("_", " ")
        if name not in known:
            found.append((f"{name} as stated", f"{stated['value']:g} {stated['unit']}".strip()))
    return tuple(found[:MOST_STATED])


def athlete_view(it: AthleteRecordings, offset_s: int) -> AthleteView:
    """An athlete's part in words."""
    within = min(r.span[0] for r in it.recordings), max(r.span[1] for r in it.recordings)
    files = [r.source for r in it.recordings if r.source is not None]
    n_hearts = sum(f.hr_stream_id is not None for f in files) + (len(files) < len(it.recordings))
    return AthleteView(
        athlete=it.athlete,
        recordings=tuple(recording_view(r, within, offset_s) for r in it.recordings),
        has_choice_hr=n_hearts > 1,
        has_choice_motion=sum(f.motion_stream_id is not None for f in files) > 1,
        filled=minutes_count(it.filled_s) if it.without is not None else "",
        compared=_compared(it),
    )


def _compared(it: AthleteRecordings) -> tuple[tuple[str, str, str], ...]:
    if it.without is None or it.now is None:
        return ()
    before, now = it.without, it.now
    return (
        ("coverage", f"{before.coverage * 100:.0f}%", f"{now.coverage * 100:.0f}%"),
        ("edwards_trimp", EDWARDS.text(before.edwards_au), EDWARDS.text(now.edwards_au)),
        ("banister_trimp", BANISTER.text(before.banister_au), BANISTER.text(now.banister_au)),
    )


def repairs_text(repairs: Iterable[Repair], names: dict[str, str]) -> str:
    """What a choice changed in sessions recorded here, as sentences."""
    said = []
    for it in repairs:
        if it.before is None or it.after is None:
            continue
        coverage = f"coverage {it.before.coverage * 100:.0f}% to {it.after.coverage * 100:.0f}%"
        load = (
            f"{EDWARDS.heading} {EDWARDS.text(it.before.edwards_au)} to {EDWARDS.text(it.after.edwards_au)}"
        )
        said.append(f"{names.get(it.athlete_id, 'Athlete')}: {coverage}, {load}.")
    return " ".join(said)


async def _shown(request: AnyRequest, session_id: UUID, done: str = "") -> Template:
    def question(db: sqlite3.Connection) -> tuple[SessionRecordings, list[Athlete]]:
        return shown.session_recordings(db, str(session_id)), athletes.all_athletes(db)

    found, people = await parts_of(request).database.read(question)
    offset_s = found.session.utc_offset_s
    name = "_sources.html" if is_fragment(request) else "sources.html"
    return page(
        request, name, session=found.session, views=[athlete_view(it, offset_s) for it in found.athletes],
        unknown=found.unknown, asked=found.questions, athletes=people, done=done, hours=hours_text,
    )  # fmt: skip


async def _changed(request: AnyRequest, session_id: UUID, arranged: Arranged | None) -> Answer:
    """The recordings anew, with what the change did; a session may be gone with its last recording."""

    def question(db: sqlite3.Connection) -> tuple[bool, dict[str, str]]:
        kept = sessions.kept(db, str(session_id))
        names = {it.athlete_id: it.name for it in athletes.all_athletes(db, include_inactive=True)}
        return kept is not None and not kept.is_removed, names

    is_there, names = await parts_of(request).database.read(question)
    done = repairs_text(arranged.repairs, names) if arranged is not None else ""
    if not is_there:
        if is_fragment(request):
            return Response(None, headers={"HX-Redirect": "/sessions"})
        return Redirect("/sessions", status_code=SEE_OTHER)
    return await _shown(request, session_id, done or sentence("done"))


@get("/sessions/{session_id:uuid}/sources", include_in_schema=False)
async def sources_page(request: AnyRequest, session_id: FromPath[UUID]) -> Template:
    """The recordings of a session."""
    return await _shown(request, session_id)


def _channel(data: dict[str, str]) -> Channel:
    channel = data.get("channel", "hr")
    if channel not in CHANNELS:
        raise ActionRefused("There is no such choice.", hint="Open the session again.")
    return cast(Channel, channel)


@post("/sessions/{session_id:uuid}/sources/choose", status_code=200, include_in_schema=False)
async def choose(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Answer:
    """Let one recording feed first; without one the ranking decides again."""
    desk, channel, source_id = parts_of(request).imports, _channel(data), data.get("source_id", "")
    if source_id:
        arranged = await desk.choose(source_id, channel)
    else:
        arranged = await desk.choose_nothing(str(session_id), data.get("athlete_id", ""), channel)
    return await _changed(request, session_id, arranged)


@post("/sessions/{session_id:uuid}/sources/fill", status_code=200, include_in_schema=False)
async def fill(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Answer:
    """Let a file fill what a better recording did not hear, or not."""
    desk = parts_of(request).imports
    arranged = await desk.let_fill(data.get("source_id", ""), data.get("may_fill") == "yes")
    return await _changed(request, session_id, arranged)


@post("/sessions/{session_id:uuid}/sources/give", status_code=200, include_in_schema=False)
async def give(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Answer:
    """Give a recording to another athlete, or back to the inbox."""
    desk = parts_of(request).imports
    await desk.give(data.get("source_id", ""), data.get("athlete_id") or None)
    return await _changed(request, session_id, None)


HANDLERS = [sources_page, choose, fill, give]
