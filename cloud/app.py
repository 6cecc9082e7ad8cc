"""The composition root: the one file that knows every part of the cloud and puts them together.

It holds no rule and no page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.types import Scope

from cloud.api import api_router
from cloud.bundle_desk import BundleDesk
from cloud.callers import ApiParts
from cloud.config import CloudSettings
from cloud.errors import CloudError
from cloud.limits import TryLimit
from cloud.loads import LoadWorker
from cloud.own_keys import OwnKeys
from cloud.schedule import CloudSchedule
from cloud.store.database import Database, database_url, fetch_value
from cloud.web.pages import SECURITY_HEADERS, WebParts, on_unknown_path, web_routers
from cloud.web.schema_page import VendoredSwagger

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service can do its work."""

    status: str
    version: str
    database: str


def own_version() -> str:
    """The installed version, or "0" when run from a bare tree."""
    try:
        return version("touchline")
    except PackageNotFoundError:
        return "0"


@get("/healthz", summary="Whether the service and its database answer")
async def healthz(state: State) -> Response[Health]:
    is_up = False
    with suppress(Exception):
        async with asyncio.timeout(3), state.database.transaction() as db:
            is_up = await fetch_value(db, "alive", {}) == 1
    health = Health("ok" if is_up else "failing", own_version(), "ok" if is_up else "unreachable")
    return Response(health, status_code=200 if is_up else 503)


async def log_failure(error: Exception, scope: Scope) -> None:
    """What nobody expected goes to the log with its trace; refusals are answers, not failures."""
    if not isinstance(error, (CloudError, HTTPException)):
        log.error("%s failed", scope["path"], exc_info=error)


def create_cloud(settings: CloudSettings) -> Litestar:
    """The application on a migrated database; without an address it starts the embedded server.

    Raises SettingInvalid for keys that cannot be read.
    """
    keys = OwnKeys(settings.keys)

    @asynccontextmanager
    async def parts(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            server = database_url(settings)
            url = await asyncio.to_thread(server.__enter__)
            stack.callback(server.__exit__, None, None, None)
            database = Database(url)
            stack.push_async_callback(database.close)
            worker = LoadWorker(database)
            schedule = CloudSchedule(database)
            worker.on_settled = schedule.refresh_insights_soon
            app.state.database = database
            app.state.api = ApiParts(database, worker.wake, TryLimit(20, 600), keys.pins)
            app.state.bundles = bundles = BundleDesk(database, settings.bundles_dir, worker.wake)
            bundles.open()
            app.state.web = WebParts(database, TryLimit(8, 600), TryLimit(60, 600), keys)
            await stack.enter_async_context(worker.running())
            stack.enter_context(schedule.running())
            stack.push_async_callback(bundles.close)
            yield

    return Litestar(
        [healthz, api_router(), *web_routers()],
        lifespan=[parts],
        response_headers=SECURITY_HEADERS,
        exception_handlers={NotFoundException: on_unknown_path},
        after_exception=[log_failure],
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Touchline cloud", version=own_version(), path="/schema", render_plugins=[VendoredSwagger()]
        ),
        debug=False,
    )
