"""What all pages share: the templates, the signed-in coach, and the refusal of anything from another origin.

No page lives here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import ResponseHeader, State
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from cloud import accounts
from cloud.clock import now_ms
from cloud.errors import CloudError
from cloud.limits import TryLimit
from cloud.own_keys import OwnKeys
from cloud.store.database import Database
from cloud.store.rows import Coach
from cloud.web.words import FILTERS
from hub.analytics.catalogue import metric

PageRequest = Request[None, None, State]

HERE = Path(__file__).parent
COOKIE = "touchline_cloud"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    ResponseHeader(name="Content-Security-Policy", value=CSP),
    ResponseHeader(name="X-Content-Type-Options", value="nosniff"),
    ResponseHeader(name="Referrer-Policy", value="same-origin"),
    ResponseHeader(name="Cross-Origin-Opener-Policy", value="same-origin"),
)


@dataclass(frozen=True, slots=True)
class WebParts:
    """What the pages need; the limits count failed sign-ins by account and by caller."""

    database: Database
    by_account: TryLimit
    by_caller: TryLimit
    own_keys: OwnKeys


class NotSignedIn(CloudError):
    """Sign in first."""


class PageMissing(CloudError):
    """There is no such page."""


class OriginDiffers(CloudError):
    """This form was not sent from this site."""


def environment() -> Environment:
    """Jinja with our filters; an undefined name is an error, never an empty string."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(FILTERS)
    env.globals["metric"] = metric
    return env


ENVIRONMENT = environment()


def parts_of(request: PageRequest) -> WebParts:
    """The parts the composition root left in the app's state."""
    parts: WebParts = request.app.state.web
    return parts


def on_arrival(request: PageRequest) -> None:
    """Let the loads be computed anew for what was just edited."""
    request.app.state.api.on_arrival()


def page(name: str, *, status: int = 200, **context: Any) -> Response[str]:
    """A rendered template that no cache keeps."""
    html = ENVIRONMENT.get_template(name).render(**context)
    return Response(
        html, status_code=status, media_type=MediaType.HTML, headers={"Cache-Control": "no-store"}
    )


def cookie_name(request: PageRequest) -> str:
    """Over TLS the cookie is bound to this host by its name."""
    return f"__Host-{COOKIE}" if is_secure(request) else COOKIE


def is_secure(request: PageRequest) -> bool:
    """Whether the browser talks TLS, be it to us or to the proxy before us."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


async def coach_of(request: PageRequest) -> Coach:
    """The coach whose browser this is. Raises NotSignedIn."""
    token = request.cookies.get(cookie_name(request), "")
    coach = None
    if token:
        async with parts_of(request).database.transaction() as db:
            coach = await accounts.signed_in(db, token, now_ms())
    if coach is None:
        raise NotSignedIn()
    return coach


def check_origin(request: PageRequest) -> None:
    """Unsafe methods must come from our own pages. Raises OriginDiffers."""
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc != request.headers.get("host", ""):
        raise OriginDiffers()


def on_not_signed_in(_: PageRequest, __: NotSignedIn) -> Redirect:
    """To the sign-in page."""
    return Redirect("/sign-in", status_code=303)


def on_page_missing(_: PageRequest, error: PageMissing) -> Response[str]:
    """Also the answer for another club's records: they do not exist here."""
    return page(
        "problem.html", status=404, title="Not found", words=f"There is no such {error.detail or 'page'}."
    )


def on_origin_differs(_: PageRequest, error: OriginDiffers) -> Response[str]:
    """A form from elsewhere does nothing."""
    return page("problem.html", status=403, title="Not done", words=str(error))


def on_cloud_problem(_: PageRequest, error: CloudError) -> Response[str]:
    """The database is away, most likely; else it says itself what to do."""
    if 400 <= error.status < 500:
        words = f"{error} {error.hint}".strip()
        return page("problem.html", status=error.status, title="Not done", words=words)
    return page("problem.html", status=error.status, title="Not now", words=f"{error} Try again in a minute.")


def on_unknown_path(_: PageRequest, __: NotFoundException) -> Response[str]:
    """An address that never was."""
    return page("problem.html", status=404, title="Not found", words="There is no such page.")
