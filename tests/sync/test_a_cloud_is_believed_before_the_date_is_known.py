"""A hub that boots in 1970 still finds its cloud, by the key it knows; a stranger is never told anything."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from sync.claim import ALPHABET, key_mark, parted
from sync.claim import shown as shown_code
from sync.client import CloudClient
from sync.client_tls import Known, trusting_transport
from sync.errors import NotTheCloud
from sync.keys import new_key as new_seed
from sync.trust import Certificate, Judgement, Time, judge, with_announced, with_pin
from tests.sync.tls_ground import Authority, Server, Shown, new_key, server

DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
LOST = Time(now_ms=0, is_known=False, least_ms=NOW_MS - 400 * DAY_MS)
"""What a hub without a battery believes right after its boot."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def day(days: float) -> Time:
    """A date the hub is sure of, so many days from the system's."""
    return Time(NOW_MS + round(days * DAY_MS), True, LOST.least_ms)


async def asked(
    authority: Authority, shown: Shown, at: Time, *pins: str, mark: str = ""
) -> tuple[str, Server, list[str]]:
    """What a request came to (empty: answered), the server it was made to, and the pins noted."""
    noted: list[str] = []
    known = Known(lambda: at, lambda: pins, noted.append, mark=mark)
    async with server(shown) as place:
        transport = trusting_transport(known, authority.file)
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                await http.post(f"{place.url}/v1/sync/hello", content=b"secret")
            except httpx.ConnectError as error:
                return str(error), place, noted
    return "", place, noted


def ask(
    authority: Authority, shown: Shown, at: Time, *pins: str, mark: str = ""
) -> tuple[str, Server, list[str]]:
    return asyncio.run(asked(authority, shown, at, *pins, mark=mark))


@pytest.mark.parametrize("at", [LOST, day(0)])
def test_a_certificate_in_order_is_believed_and_its_key_noted(authority: Authority, at: Time) -> None:
    shown = authority.certificate(-10, 80)
    assert ask(authority, shown, at, "an older key")[::2] == ("", [shown.certificate.pin])


@pytest.mark.parametrize(("from_days", "to_days"), [(10, 100), (-100, -10)])
def test_without_the_date_the_key_known_decides_and_is_not_learnt(
    authority: Authority, from_days: int, to_days: int
) -> None:
    shown = authority.certificate(from_days, to_days)
    why, place, noted = ask(authority, shown, LOST, "another", shown.certificate.pin)
    assert (why, place.requests, noted) == ("", 1, [])


@pytest.mark.parametrize(("pins", "words"), [(("another",), "another one"), ((), "nor the cloud's key")])
def test_without_the_date_a_strange_key_is_told_nothing(
    authority: Authority, pins: tuple[str, ...], words: str
) -> None:
    why, place, _ = ask(authority, authority.certificate(10, 100), LOST, *pins)
    assert words in why
    assert place.requests == 0


def test_a_date_that_is_known_lets_a_new_key_in_and_the_systems_clock_is_not_asked(
    authority: Authority,
) -> None:
    why, place, _ = ask(authority, authority.certificate(10, 100), day(20), "another")
    assert (why, place.requests) == ("", 1)


@pytest.mark.parametrize("days", [0.0, 200.0])
def test_a_date_that_is_known_refuses_even_the_key_that_is(authority: Authority, days: float) -> None:
    shown = authority.certificate(10, 100)
    why, place, _ = ask(authority, shown, day(days), shown.certificate.pin)
    assert "and today is" in why
    assert place.requests == 0


def test_a_certificate_that_ended_before_the_release_is_refused_whatever_its_key(
    authority: Authority,
) -> None:
    shown = authority.certificate(-900, -500)
    why, place, _ = ask(authority, shown, LOST, shown.certificate.pin)
    assert "ended on" in why
    assert place.requests == 0


@pytest.mark.parametrize("at", [day(200), Time(NOW_MS, False, day(200).now_ms)])
def test_a_system_clock_that_stands_in_the_past_does_not_bring_back_what_has_ended(
    authority: Authority, at: Time
) -> None:
    shown = authority.certificate(-10, 100)
    why, place, noted = ask(authority, shown, at, shown.certificate.pin)
    assert "certificate" in why
    assert (place.requests, noted) == (0, [])


@pytest.mark.parametrize("from_days", [-10, 10])
def test_another_hosts_certificate_is_refused_whatever_its_key(authority: Authority, from_days: int) -> None:
    shown = authority.certificate(from_days, 100, host="portal.example")
    why, place, _ = ask(authority, shown, LOST, shown.certificate.pin)
    assert "CERTIFICATE_VERIFY_FAILED" in why
    assert place.requests == 0


@pytest.mark.parametrize("from_days", [-10, 10])
def test_a_stranger_who_signs_for_the_same_key_and_host_is_refused(
    authority: Authority, tmp_path: Path, from_days: int
) -> None:
    shown = Authority(tmp_path, "A stranger").certificate(from_days, 100)
    why, place, _ = ask(authority, shown, LOST, shown.certificate.pin)
    assert "CERTIFICATE_VERIFY_FAILED" in why
    assert place.requests == 0


def test_at_a_first_contact_the_mark_in_the_claim_code_decides_and_the_key_is_noted(
    authority: Authority,
) -> None:
    shown = authority.certificate(10, 100)
    why, place, noted = ask(authority, shown, LOST, mark=key_mark(shown.certificate.pin))
    assert (why, place.requests, noted) == ("", 1, [shown.certificate.pin])


@pytest.mark.parametrize(("from_days", "to_days"), [(10, 100), (-900, -500)])
def test_a_mark_of_another_key_or_of_one_that_ended_before_the_release_is_told_nothing(
    authority: Authority, from_days: int, to_days: int
) -> None:
    shown, other = authority.certificate(from_days, to_days), authority.certificate(10, 100)
    marked = other if to_days > 0 else shown
    why, place, noted = ask(authority, shown, LOST, mark=key_mark(marked.certificate.pin))
    assert ("names another key" if to_days > 0 else "ended on") in why
    assert (place.requests, noted) == (0, [])


@pytest.mark.parametrize("kind", ["another host", "a stranger"])
def test_a_mark_saves_nobody_whose_name_or_chain_is_wrong(
    authority: Authority, tmp_path: Path, kind: str
) -> None:
    key = new_key()
    if kind == "another host":
        shown = authority.certificate(10, 100, host="portal.example", key=key)
    else:
        shown = Authority(tmp_path, "A stranger").certificate(10, 100, key=key)
    why, place, _ = ask(authority, shown, LOST, mark=key_mark(shown.certificate.pin))
    assert "CERTIFICATE_VERIFY_FAILED" in why
    assert place.requests == 0


def test_a_key_is_noted_by_a_hub_that_knows_the_date_whatever_its_system_clock_says(
    authority: Authority,
) -> None:
    shown = authority.certificate(10, 100)
    assert ask(authority, shown, day(20))[2] == [shown.certificate.pin]


def test_once_judged_by_key_it_goes_on_so_without_asking_openssl_each_time(authority: Authority) -> None:
    shown = authority.certificate(10, 100)

    async def twice() -> int:
        async with server(shown) as place:
            transport = trusting_transport(
                Known(lambda: LOST, lambda: (shown.certificate.pin,)), authority.file
            )
            async with httpx.AsyncClient(transport=transport) as http:
                for _ in range(2):
                    assert (await http.get(place.url)).status_code == 200
            return place.requests

    assert asyncio.run(twice()) == 2


@pytest.mark.parametrize(("from_days", "at"), [(-10, day(0)), (10, LOST)])
def test_three_requests_travel_at_once_and_their_connections_stand_between_two_rounds(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, from_days: int, at: Time
) -> None:
    shown, passed_s = authority.certificate(from_days, 100), 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed_s)
    monkeypatch.setattr("httpcore._async.http11.time", clock)

    async def story() -> tuple[int, int]:
        nonlocal passed_s
        async with server(shown, at_once=3) as place:
            transport = trusting_transport(
                Known(lambda: at, lambda: (shown.certificate.pin,)), authority.file
            )
            async with httpx.AsyncClient(transport=transport) as http:
                for _ in range(2):
                    await asyncio.gather(*(http.get(place.url) for _ in range(3)))
                    passed_s += 30  # rounds are five seconds apart, and one may be missed
            return place.requests, place.connections

    assert asyncio.run(story()) == (6, 3)


def test_once_the_date_is_known_a_connection_made_on_a_remembered_key_is_made_again(
    authority: Authority,
) -> None:
    shown, dates, noted = authority.certificate(10, 100), [LOST], list[str]()
    known = Known(lambda: dates[-1], lambda: (shown.certificate.pin,), noted.append)

    async def story() -> list[int]:
        counts = []
        async with server(shown, at_once=1) as place:
            transport = trusting_transport(known, authority.file)
            async with httpx.AsyncClient(transport=transport) as http:
                for at in (LOST, LOST, day(20), day(20)):
                    dates.append(at)
                    assert (await http.get(place.url)).status_code == 200
                    counts.append(place.connections)
        return counts

    assert asyncio.run(story()) == [1, 1, 2, 2]
    assert noted == [shown.certificate.pin]


def test_what_a_date_learnt_on_a_remembered_key_does_not_allow_is_not_gone_on_with(
    authority: Authority,
) -> None:
    shown, dates = authority.certificate(10, 100), [LOST]
    known = Known(lambda: dates[-1], lambda: (shown.certificate.pin,))

    async def story() -> int:
        async with server(shown, at_once=1) as place:
            transport = trusting_transport(known, authority.file)
            async with httpx.AsyncClient(transport=transport) as http:
                await http.get(place.url)
                dates.append(day(200))
                with pytest.raises(httpx.ConnectError, match="and today is"):
                    await http.get(place.url)
            return place.requests

    assert asyncio.run(story()) == 1


def test_the_hubs_client_says_why(authority: Authority) -> None:
    async def story() -> None:
        async with server(authority.certificate(10, 100)) as place:
            transport = trusting_transport(Known(lambda: LOST, lambda: ("another",)), authority.file)
            async with CloudClient(place.url, "hub", new_seed(), transport) as client:
                await client.open_session()

    with pytest.raises(NotTheCloud, match="does not know the date"):
        asyncio.run(story())


def test_a_renewed_certificate_with_the_same_key_needs_no_new_pin(authority: Authority) -> None:
    key = new_key()
    before, after = authority.certificate(-80, -10, key=key), authority.certificate(-10, 80, key=key)
    assert before.certificate.pin == after.certificate.pin


def test_the_newest_keys_are_kept() -> None:
    pins: tuple[str, ...] = ()
    for seen in ("a", "b", "a", "c", "d"):
        pins = with_pin(pins, seen)
    assert pins == ("d", "c", "a")


def a_pin(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def test_keys_the_cloud_names_follow_the_one_seen_and_replace_those_it_no_longer_names() -> None:
    a, b, c, d = map(a_pin, "abcd")
    assert with_announced((a, b), [a, c]) == (a, c)
    assert with_announced((a,), [c, "no pin", c, a, d, b]) == (a, c, d)
    assert with_announced((a, b), []) == with_announced((a, b), ["no pin"]) == (a, b)
    assert with_announced((), [b]) == (b,)


def test_a_mark_is_eight_letters_nobody_mistakes_and_differs_from_key_to_key() -> None:
    marks = {key_mark(base64.b64encode(bytes([it]) * 32).decode()) for it in range(256)}
    assert len(marks) == 256
    assert all(len(it) == 8 and set(it) <= set(ALPHABET) for it in marks)


def test_a_claim_code_is_read_however_it_was_typed_with_a_mark_or_without() -> None:
    pin = a_pin("k")
    assert shown_code("ABCDEFGH") == "ABCD-EFGH"
    assert parted(f" {shown_code('ABCDEFGH', pin).lower().replace('-', ' ')} ") == ("ABCDEFGH", key_mark(pin))
    assert parted("abcd-efgh") == ("ABCDEFGH", "")
    with pytest.raises(ValueError, match="15 characters"):
        parted(shown_code("ABCDEFGH", pin)[:-1])


def test_to_the_millisecond_a_certificate_counts_from_its_first_to_its_last() -> None:
    certificate = Certificate("key", 1_000, 2_000)
    for now_ms, is_trusted in ((999, False), (1_000, True), (2_000, True), (2_001, False)):
        assert judge(certificate, Time(now_ms, True, 0), ()).is_trusted is is_trusted
    assert judge(certificate, Time(0, False, 2_000), ("key",)) == Judgement(True)
    assert not judge(certificate, Time(0, False, 2_001), ("key",)).is_trusted
