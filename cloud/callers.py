"""Who asks: the hub behind a request, and its club's turn to be worked on.

It takes nothing in and answers nothing; how many may have their turn at once is the business of turns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from litestar import Request
from litestar.datastructures import State

from cloud import hubs
from cloud.accounts import sha256
from cloud.clock import now_ms
from cloud.content import ARRIVED
from cloud.errors import SessionRequired
from cloud.limits import TryLimit
from cloud.store.database import Connection, Database
from cloud.store.rows import HubIdentity
from cloud.turns import KnownClubs, Turns, never

HubRequest = Request[None, None, State]
Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Handler = Callable[Given, Awaitable[Answer]]
"""It is given its `request` by name, as the framework does."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the handlers need; `on_arrival` is told that ops or segments were committed.

    `own_pins` are the keys the cloud's certificate has and will have. `greetings` are turns that nobody is
    refused: who greets waits for other greetings of the club at most.
    """

    database: Database
    on_arrival: Callable[[], None]
    enrol_tries: TryLimit
    own_pins: Callable[[], list[str]] = list
    turns: Turns = field(default_factory=Turns)
    greetings: Turns = field(default_factory=lambda: Turns(waiting=None, longest_wait_s=None))
    known_clubs: KnownClubs = field(default_factory=KnownClubs)


def parts_of(request: HubRequest) -> ApiParts:
    """The parts the composition root left in the app's state."""
    parts: ApiParts = request.app.state.api
    return parts


def token_of(request: HubRequest) -> str:
    """The session's token as it was sent, "" for none."""
    return request.headers.get("authorization", "").partition(" ")[2].strip()


async def authenticate(db: Connection, request: HubRequest) -> HubIdentity:
    """The hub that sent this request. Raises SessionRequired."""
    return await hubs.hub_of_token(db, request.headers.get("authorization", ""), now_ms())


def in_turn(handler: Handler[Given, Answer]) -> Handler[Given, Answer]:
    """Run the handler when it is its club's turn; its answer leaves when the place is free again.

    The handler finds out for itself who asks. Raises SessionRequired, and ClubBusy where too many wait.
    """
    return _waiting(handler, lambda parts: parts.turns)


def in_greeting_turn(handler: Handler[Given, Answer]) -> Handler[Given, Answer]:
    """As `in_turn`, but it always gets through. Raises SessionRequired."""
    return _waiting(handler, lambda parts: parts.greetings)


def _waiting(
    handler: Handler[Given, Answer], turns_of: Callable[[ApiParts], Turns]
) -> Handler[Given, Answer]:
    @wraps(handler)
    async def waits(*given: Given.args, **named: Given.kwargs) -> Answer:
        request = cast(HubRequest, named["request"])
        parts = parts_of(request)
        club_id = await _club_of(request)
        try:
            async with turns_of(parts).turn(club_id, lambda: _hung_up(request)):
                return await handler(*given, **named)
        except SessionRequired:
            parts.known_clubs.forget(sha256(token_of(request)))
            raise

    return waits


async def _club_of(request: HubRequest) -> str:
    """The club whose turn it must be; the database is asked once a token, however many requests bring it."""
    parts, token = parts_of(request), sha256(token_of(request))
    club_id = parts.known_clubs.get(token)
    if club_id is not None:
        return club_id
    async with parts.greetings.turn(f"token {token.hex()}"):
        club_id = parts.known_clubs.get(token)
        if club_id is None:
            async with parts.database.transaction() as db:
                club_id = (await authenticate(db, request)).club_id
            parts.known_clubs.keep(token, club_id)
    return club_id


async def _hung_up(request: HubRequest) -> None:
    """Ends when the hub has hung up; never for samples: what arrived of them is kept, whoever waits."""
    if request.headers.get("content-type", "") in ARRIVED:
        await never()
    while (await request.receive())["type"] != "http.disconnect":
        pass
