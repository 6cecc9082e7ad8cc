"""Set-up, sign-in, roles and refusals, asked over HTTP with a real store."""

from __future__ import annotations

import re

import pytest

from hub.domain import Role
from hub.store import accounts
from hub.web.auth import Attempts, digest, password_fault
from hub.web.sign_in_page import same_code
from tests.web.conftest import ORIGIN, PASSWORD, Client, add_user, sign_in
from tests.web.small_hub import SETUP_CODE, SmallHub

SET_UP = {"code": SETUP_CODE, "name": "coach", "password": PASSWORD, "repeated": PASSWORD}


def test_a_new_hub_leads_to_set_up_and_the_code_makes_one_admin(hub: SmallHub, client: Client) -> None:
    assert client.get("/sign-in").headers["location"] == "/set-up"
    answer = client.post("/set-up", data=SET_UP)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/users").status_code == 200
    assert [user.role for user in hub.database.read_now(accounts.users)] == [Role.ADMIN]
    assert client.get("/set-up").headers["location"] == "/sign-in"


def test_set_up_works_once(hub: SmallHub, client: Client) -> None:
    client.post("/set-up", data=SET_UP)
    answer = client.post("/set-up", data=SET_UP | {"name": "intruder"})
    assert answer.status_code == 422
    assert hub.database.read_now(accounts.user_count) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": "WRONG"}, "not the set-up code"),
        ({"name": " "}, "Give a name"),
        ({"password": "short", "repeated": "short"}, "at least 12 characters; this one has 5"),
        ({"repeated": PASSWORD + "x"}, "not the same"),
    ],
)
def test_set_up_says_what_is_wrong(hub: SmallHub, client: Client, change: dict[str, str], said: str) -> None:
    answer = client.post("/set-up", data=SET_UP | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert hub.database.read_now(accounts.user_count) == 0


def test_the_code_may_be_typed_without_hyphens_and_in_small_letters() -> None:
    assert same_code("K7QM-2XPA", " k7qm 2xpa")
    assert not same_code("K7QM-2XPA", "K7QM")
    assert not same_code(None, "")


def test_no_composition_rules_stand_against_a_long_password() -> None:
    assert password_fault("aaaaaaaaaaaa", "aaaaaaaaaaaa") is None


@pytest.mark.parametrize("address", ["/", "/board", "/sessions", "/athletes", "/straps", "/sync", "/users"])
def test_pages_lead_to_sign_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_fragment_and_a_program_are_told_that_sign_in_is_missing(client: Client) -> None:
    fragment = client.get("/board", headers={"hx-request": "true"})
    assert (fragment.status_code, fragment.headers["hx-redirect"]) == (401, "/sign-in")
    assert client.get("/board/stream", headers={"accept": "text/event-stream"}).status_code == 401
    assert client.get("/schema/openapi.json", headers={"accept": "application/json"}).status_code == 401


def test_a_token_chosen_by_the_client_is_never_honoured(hub: SmallHub, client: Client) -> None:
    add_user(hub, "coach", Role.ADMIN)
    client.cookies.set("touchline", "chosen-by-attacker", domain="testserver.local")
    sign_in(client, "coach")
    tokens = {cookie.value for cookie in client.cookies.jar if cookie.value != "chosen-by-attacker"}
    assert len(tokens) == 1
    found = hub.database.read_now(
        lambda db: accounts.signed_in(db, digest("chosen-by-attacker"), hub.wall_ms)
    )
    assert found is None


def test_every_sign_in_gives_a_new_token_and_ends_the_old_one(hub: SmallHub, admin: Client) -> None:
    first = admin.cookies["touchline"]
    sign_in(admin, "coach")
    assert admin.cookies["touchline"] != first
    assert hub.database.read_now(lambda db: accounts.signed_in(db, digest(first), hub.wall_ms)) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(hub: SmallHub, client: Client) -> None:
    add_user(hub, "coach", Role.ADMIN)
    plain = client.post("/sign-in", data={"name": "coach", "password": PASSWORD}).headers["set-cookie"]
    assert re.search(r"HttpOnly", plain)
    assert "samesite=strict" in plain.lower()
    assert "secure" not in plain.lower()
    secure = client.post(
        "https://testserver.local/sign-in",
        data={"name": "coach", "password": PASSWORD},
        headers={"origin": "https://testserver.local"},
    ).headers["set-cookie"]
    assert secure.startswith("__Host-touchline=")
    assert "secure" in secure.lower()


def test_a_sign_in_ends_after_twelve_hours(hub: SmallHub, admin: Client) -> None:
    hub.pass_time(12 * 3600 - 1)
    assert admin.get("/sessions").status_code == 200
    hub.pass_time(2)
    assert admin.get("/sessions").status_code == 303


def test_sign_out_ends_the_token_in_the_store(hub: SmallHub, admin: Client) -> None:
    token = admin.cookies["touchline"]
    assert admin.post("/sign-out").headers["location"] == "/sign-in"
    assert hub.database.read_now(lambda db: accounts.signed_in(db, digest(token), hub.wall_ms)) is None
    assert admin.get("/").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://testserver.local"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": ""},
    ],
)
def test_changes_sent_by_other_sites_are_refused(
    hub: SmallHub, admin: Client, headers: dict[str, str]
) -> None:
    answer = admin.post("/session/start", data={"title": "T"}, headers=headers)
    assert answer.status_code == 403
    assert hub.recorder.session is None


def test_a_change_without_any_origin_is_refused(hub: SmallHub, admin: Client) -> None:
    del admin.headers["origin"]
    assert admin.post("/session/start", data={"title": "T"}).status_code == 403
    assert admin.post("/session/start", data={}, headers={"sec-fetch-site": "same-origin"}).status_code == 303


def test_staff_run_sessions_but_users_enrolment_and_api_are_for_admins(hub: SmallHub, staff: Client) -> None:
    assert staff.post("/session/start", data={"title": "T"}).status_code == 303
    refused = [
        staff.get("/users"),
        staff.post("/users", data={"name": "x"}),
        staff.post("/sync/enrol", data={"cloud_url": "https://c", "claim_code": "CLAIM-1"}),
        staff.get("/schema"),
        staff.get("/schema/openapi.json"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert hub.enrolled == []
    assert "/users" not in staff.get("/sessions").text


def test_an_admin_adds_staff_who_can_sign_in(hub: SmallHub, admin: Client) -> None:
    form = {"name": "helper", "role": "staff", "password": PASSWORD, "repeated": PASSWORD}
    assert admin.post("/users", data=form).status_code == 303
    again = admin.post("/users", data=form)
    assert again.status_code == 422
    assert "already" in again.text
    sign_in(admin, "helper")
    assert admin.get("/users").status_code == 403


def test_six_wrong_passwords_in_a_row_have_to_wait_and_time_heals(hub: SmallHub, client: Client) -> None:
    add_user(hub, "coach", Role.ADMIN)
    wrong = {"name": "Coach", "password": "not the right one"}
    assert [client.post("/sign-in", data=wrong).status_code for _ in range(6)] == [422] * 5 + [429]
    right = {"name": "coach", "password": PASSWORD}
    assert client.post("/sign-in", data=right).status_code == 429
    hub.pass_time(21)
    assert client.post("/sign-in", data=right).status_code == 303


def test_attempts_are_counted_for_each_name_and_stay_bounded() -> None:
    attempts = Attempts(size=2, refill_s=10, names=3)
    assert [attempts.wait_s("a", 0) for _ in range(3)] == [0, 0, 10]
    assert attempts.wait_s("b", 0) == 0
    assert attempts.wait_s("a", 5_000) == 5
    assert attempts.wait_s("a", 10_000) == 0
    for name in "cdefg":
        attempts.wait_s(name, 0)
    assert attempts.wait_s("a", 0) == 0
