"""What every page carries: the user, the place in the menu, and words for times and counts.

It decides nothing about any one page.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import jinja2
from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from litestar.status_codes import HTTP_200_OK

from hub.analytics.catalogue import metric
from hub.domain import Role
from hub.web.auth import Connection, user_of
from hub.web.local_times import DASH, local_time
from hub.web.parts import parts_of

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
AnyRequest = Request[Any, Any, Any]
SEE_OTHER: Final = 303
HERE = Path(__file__).parent
STATIC = HERE / "static"
PLACES = (
    ("/", "Board"),
    ("/sessions", "Sessions"),
    ("/athletes", "Athletes"),
    ("/straps", "Straps"),
    ("/import", "Import"),
    ("/inbox", "Inbox"),
    ("/insights", "Insights"),
    ("/sync", "Sync"),
)


@cache
def static(name: str) -> str:
    """The address of a static file, changed whenever its content changes."""
    stamp = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={stamp}"


def date_text(at_ms: int, utc_offset_s: int = 0) -> str:
    """Sat 21 Nov 2026, 10:06, in the zone the record names; a dash for a time no calendar has."""
    at = local_time(at_ms, utc_offset_s)
    return DASH if at is None else at.strftime("%a %-d %b %Y, %H:%M")


def ago_text(then_ms: int | None, now_ms: int) -> str:
    """How long ago, in words a person would say."""
    if then_ms is None:
        return "never"
    age_s = max(0, now_ms - then_ms) // 1000
    if age_s < 10:
        return "just now"
    for limit_s, unit_s, word in ((120, 1, "seconds"), (7200, 60, "minutes"), (172_800, 3600, "hours")):
        if age_s < limit_s:
            return f"{age_s // unit_s} {word} ago"
    return f"{age_s // 86_400} days ago"


def minutes_text(seconds: float) -> str:
    """Minutes and seconds as m:ss."""
    total = round(seconds)
    return f"{total // 60}:{total % 60:02d}"


def rounded(value: float | None, unit: str = "") -> str:
    """A number without decimals, or a dash when there is none."""
    return "–" if value is None else f"{value:.0f}{unit}"


def count_text(count: int) -> str:
    """Thousands apart by a thin space."""
    return f"{count:,}".replace(",", "\u202f")


def environment() -> jinja2.Environment:
    """Templates that fail on a missing value and escape everything."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=static, places=PLACES, metric=metric)
    made.filters.update(date=date_text, minutes=minutes_text, rounded=rounded, counted=count_text)
    return made


def page(connection: Connection, template: str, /, *, status: int = HTTP_200_OK, **context: Any) -> Template:
    """A page or fragment with the shell's own values."""
    user = user_of(connection)
    shell = {
        "user": user,
        "is_admin": user is not None and user.role is Role.ADMIN,
        "path": connection.url.path,
        "version": parts_of(connection).version,
    }
    return Template(template_name=template, context=shell | context, status_code=status)


def is_fragment(connection: Connection) -> bool:
    """Whether htmx asked, and so wants a part of a page."""
    return connection.headers.get("hx-request") == "true"
