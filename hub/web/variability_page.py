"""Heart-rate variability while a session runs: RMSSD and alpha1 of everyone's last two minutes, in words.

It is a fragment of the session's page and never part of a tile; it computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from litestar import get
from litestar.response import Template

from hub.analytics.dfa import Alpha1
from hub.analytics.flags import Flag
from hub.board import LiveState
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, page
from hub.web.tiles import NOTHING


@dataclass(frozen=True, slots=True)
class VariabilityView:
    """One athlete's row in words."""

    number: str
    name: str
    rmssd: str
    alpha1: str
    notes: str


def _notes(alpha1: Alpha1 | None) -> str:
    """Why there is no value, and how many of the raw beats were flagged."""
    if alpha1 is None:
        return "no beats heard just now"
    said = [str(flag) for flag in alpha1.flags if flag is not Flag.EXPERIMENTAL]
    if alpha1.artefact_percent is not None:
        said.append(f"{alpha1.artefact_percent:.1f} % of beats corrected")
    return "; ".join(said)


def variability_view(state: LiveState) -> VariabilityView:
    """Words for one athlete; the alpha1 of a moment ago stands until the next, at most 5 s."""
    alpha1 = state.alpha1
    return VariabilityView(
        number="" if state.athlete.shirt_number is None else str(state.athlete.shirt_number),
        name=state.athlete.name,
        rmssd=NOTHING if state.rmssd_ms is None else f"{state.rmssd_ms:.1f}",
        alpha1=NOTHING if alpha1 is None or alpha1.alpha1 is None else f"{alpha1.alpha1:.2f}",
        notes=_notes(alpha1),
    )


@get("/board/variability", include_in_schema=False)
async def live_variability(request: AnyRequest) -> Template:
    """The table of everyone who wears a strap, fetched anew every 5 s by the page that shows it."""
    parts = parts_of(request)
    shot = parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms())
    worn = [state for state in shot.athletes if state.strap_id is not None]
    conventions = {state.alpha1.convention for state in worn if state.alpha1 is not None}
    return page(
        request,
        "_variability.html",
        rows=[variability_view(state) for state in worn],
        convention=next(iter(conventions), ""),
        is_running=shot.session is not None,
    )


HANDLERS = [live_variability]
