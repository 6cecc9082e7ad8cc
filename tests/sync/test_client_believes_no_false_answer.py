"""Every answer that is not the cloud's own becomes a typed error, and no connection is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import msgspec
import pytest

from sync import wire
from sync.client import CloudClient, enrol
from sync.errors import CloudRefused, CloudUnreachable, NotTheCloud, OutOfStep, SignInNeeded, SyncError
from sync.keys import new_key, public_key_b64, sign_nonce, verify_nonce
from tests.sync.far_end import Bytes, Line, SmallCloud, json_response, page
from tests.sync.near_end import SEED, client_on

HELLO = wire.HelloRequest(
    proto=[1], epoch=1, head_seq=0, feed_epoch=0, cursor=0, boot_no=1, boot_id="b", mono_ms=0, wall_ms=0
)


def small_cloud() -> SmallCloud:
    return SmallCloud(public_key_b64(SEED))


class Answers(Line):
    """Sign-in works; everything else is answered with one fixed response."""

    def __init__(self, make: Callable[[], httpx.Response]) -> None:
        super().__init__(small_cloud())
        self.make = make

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path in ("/v1/sync/challenge", "/v1/sync/session"):
            return await super().handle_async_request(request)
        return self.make()


def problem(status: int, err: str, err_class: str, last_seq: int | None = None) -> httpx.Response:
    return json_response(wire.Problem(err=err, err_class=err_class, last_seq=last_seq), status)  # type: ignore[arg-type]


def raw(content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers={"content-type": "application/json", **named}, stream=Bytes(content))


async def hello(line: Line) -> wire.HelloResponse:
    async with client_on(line) as client:
        return await client.hello(HELLO)


@pytest.mark.parametrize(
    ("make", "expected", "is_temporary"),
    [
        (lambda: page(200), NotTheCloud, True),
        (lambda: page(404), NotTheCloud, True),
        (lambda: page(502), CloudUnreachable, True),
        (lambda: page(413), CloudRefused, False),
        (lambda: httpx.Response(302, headers={"location": "/"}, stream=Bytes(b"")), NotTheCloud, True),
        (lambda: httpx.Response(204, stream=Bytes(b"")), NotTheCloud, True),
        (lambda: raw(b'{"proto": 1'), NotTheCloud, True),
        (lambda: raw(b'{"proto": "one"}'), NotTheCloud, True),
        (lambda: raw(b"\xff\xfe"), NotTheCloud, True),
        (lambda: raw(b'{"a":' * 100_000), NotTheCloud, True),
        (lambda: raw(b"not gzip", content_encoding="gzip"), NotTheCloud, True),
        (lambda: raw(b" " * (17 << 20)), NotTheCloud, True),
        (lambda: raw(b"{}", content_digest="sha-256=:AAAA:"), CloudUnreachable, True),
        (lambda: problem(503, "busy", "transient"), CloudUnreachable, True),
        (lambda: problem(400, "unknown_field", "permanent"), CloudRefused, False),
        (lambda: problem(409, "gap", "session", 7), OutOfStep, False),
        (lambda: problem(401, "no_session", "session"), SignInNeeded, False),
    ],
)
def test_an_answer_that_is_none_becomes_a_typed_error(
    make: Callable[[], httpx.Response], expected: type[SyncError], is_temporary: bool
) -> None:
    with pytest.raises(expected) as caught:
        asyncio.run(hello(Answers(make)))

    assert type(caught.value) is expected
    assert caught.value.is_temporary is is_temporary
    assert caught.value.hint


def test_out_of_step_tells_where_the_cloud_is() -> None:
    with pytest.raises(OutOfStep) as caught:
        asyncio.run(hello(Answers(lambda: problem(409, "epoch", "session", 41))))

    assert (caught.value.kind, caught.value.last_seq) == ("epoch", 41)


def test_a_session_the_cloud_forgot_is_opened_anew_once_and_unnoticed() -> None:
    cloud = small_cloud()

    async def story() -> None:
        async with client_on(Line(cloud)) as client:
            await client.open_session()
            cloud.tokens.clear()
            await client.hello(HELLO)

    asyncio.run(story())
    assert cloud.sessions == 2


def test_a_hub_the_cloud_does_not_know_must_enrol() -> None:
    cloud = small_cloud()
    cloud.hub_id = "another"
    with pytest.raises(SignInNeeded):
        asyncio.run(hello(Line(cloud)))


def test_enrolling_hands_over_the_public_key_and_a_wrong_code_is_refused() -> None:
    cloud = SmallCloud("")
    answer = asyncio.run(enrol("https://cloud.test", SEED, "CLAIM-ME", transport=Line(cloud)))
    assert (answer.hub_id, cloud.pubkey) == ("hub-1", public_key_b64(SEED))

    with pytest.raises(CloudRefused, match="wrong_code"):
        asyncio.run(enrol("https://cloud.test", SEED, "GUESS", transport=Line(cloud)))


def test_large_requests_travel_as_gzip_with_the_digest_of_what_travels() -> None:
    cloud = small_cloud()
    client_bytes = 0

    async def story() -> None:
        nonlocal client_bytes
        op = wire.Op(
            seq=9,
            op_id="x",
            tbl="t",
            pk="p",
            fields={"a": "b" * 50_000},
            after_ms=0,
            boot_no=1,
            mono_ms=0,
            chain="",
        )
        async with client_on(Line(cloud)) as client:
            with pytest.raises(OutOfStep):
                await client.push(wire.PushRequest(epoch=1, ops=[op]))
            client_bytes = client.bytes_sent

    asyncio.run(story())
    assert client_bytes < 2000


@pytest.mark.parametrize("address", ["", "cloud.test", "ftp://cloud.test", "https://", "http://[::1"])
def test_an_address_that_is_none_is_refused_with_a_hint(address: str) -> None:
    with pytest.raises(CloudRefused) as caught:
        CloudClient(address, "hub-1", SEED)
    assert "https://" in caught.value.hint


def test_a_signature_counts_only_for_its_key_and_its_nonce() -> None:
    seed = new_key()
    signature = sign_nonce(seed, "nonce-1")

    assert verify_nonce(public_key_b64(seed), "nonce-1", signature)
    assert not verify_nonce(public_key_b64(seed), "nonce-2", signature)
    assert not verify_nonce(public_key_b64(new_key()), "nonce-1", signature)
    assert not verify_nonce("no key", "nonce-1", signature)
    assert not verify_nonce(public_key_b64(seed), "nonce-1", "ÿ")
    assert not verify_nonce(public_key_b64(seed), "nöpe", signature)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _against(talk: Talk) -> list[bytes]:
    """Ask a real socket for a sign-in; what the far side still reads after the client has closed."""
    rest: list[bytes] = []
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
            rest.append((await reader.read())[-1:])
        finally:
            writer.close()
            is_over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        client = CloudClient(f"http://127.0.0.1:{port}", "hub-1", SEED)
        try:
            with pytest.raises(CloudUnreachable):
                await client.open_session()
        finally:
            await client.close()
        await asyncio.wait_for(is_over.wait(), 5)
    return rest


async def _stops_in_the_middle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
    await writer.drain()
    writer.write_eof()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write_eof()


async def _talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("talk", [_stops_in_the_middle, _hangs_up, _talks_nonsense])
def test_a_real_connection_that_breaks_is_told_and_given_back(talk: Talk) -> None:
    assert len(asyncio.run(_against(talk))) == 1


def test_a_port_where_nobody_listens_is_told() -> None:
    async def story() -> None:
        async with CloudClient("http://127.0.0.1:9", "hub-1", SEED) as client:
            await client.open_session()

    with pytest.raises(CloudUnreachable):
        asyncio.run(story())


def test_messages_survive_the_wire_and_ignore_what_they_do_not_know() -> None:
    data = b'{"nonce": "n", "server_ms": 5, "newer": {"x": []}}'
    assert msgspec.json.decode(data, type=wire.ChallengeResponse).server_ms == 5
