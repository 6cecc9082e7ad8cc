"""A hub that boots in 1970 still finds its cloud, by the key it knows; a stranger is never told anything."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from sync.client import CloudClient
from sync.client_tls import Known, trusting_transport
from sync.errors import NotTheCloud
from sync.keys import new_key as new_seed
from sync.trust import Certificate, Judgement, Time, judge, with_pin
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


async def asked(authority: Authority, shown: Shown, at: Time, *pins: str) -> tuple[str, Server, list[str]]:
    """What a request came to (empty: answered), the server it was made to, and the pins noted."""
    noted: list[str] = []
    known = Known(lambda: at, lambda: pins, noted.append)
    async with server(shown) as place:
        transport = trusting_transport(known, authority.file)
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                await http.post(f"{place.url}/v1/sync/hello", content=b"secret")
            except httpx.ConnectError as error:
                return str(error), place, noted
    return "", place, noted


def ask(authority: Authority, shown: Shown, at: Time, *pins: str) -> tuple[str, Server, list[str]]:
    return asyncio.run(asked(authority, shown, at, *pins))


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


def test_to_the_millisecond_a_certificate_counts_from_its_first_to_its_last() -> None:
    certificate = Certificate("key", 1_000, 2_000)
    for now_ms, is_trusted in ((999, False), (1_000, True), (2_000, True), (2_001, False)):
        assert judge(certificate, Time(now_ms, True, 0), ()).is_trusted is is_trusted
    assert judge(certificate, Time(0, False, 2_000), ("key",)) == Judgement(True)
    assert not judge(certificate, Time(0, False, 2_001), ("key",)).is_trusted
