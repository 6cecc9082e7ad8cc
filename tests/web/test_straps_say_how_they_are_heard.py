"""The straps pages and the radio check over HTTP: true words, wishes kept, and no endless lists."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.domain import Contact, Flaw, MotionReading, ReceiverStatus, StrapStatus, Via
from hub.store import strap_wishes
from hub.store.strap_wishes import StrapWish
from hub.web.radio_parts import RadioParts
from hub.web.straps_view import MOST_STRANGERS, signal, strap_row
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub, strap

HTMX = {"hx-request": "true"}
RECEIVERS = (
    ReceiverStatus("hci0", "adapter", 7, 5, "passive"),
    ReceiverStatus("north", "relay", 3, 0, "active"),
    ReceiverStatus("west", "relay", 0, 0, "not scanning", "A relay is not reached: nobody answers there."),
)


class RadioHub(SmallHub):
    """A small hub whose radio answers what a test sets."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pods: dict[str, MotionReading] = {}
        self.wearers: dict[str, str] = {}
        radio = RadioParts(
            receivers=lambda: RECEIVERS,
            foreign=lambda: 12_345,
            keep_wish=self.keep_wish,
            pods=lambda: self.pods,
            pod_wearers=lambda: dict(self.wearers),
            assign_pod=self.assign_pod,
        )
        self.parts = replace(self.parts, radio=radio)

    async def keep_wish(self, wanted: StrapWish) -> None:
        """In the store, as the hub does."""
        await self.database.write(lambda db: strap_wishes.keep(db, wanted, self.wall_ms))

    async def assign_pod(self, pod_id: str, athlete_id: str | None) -> None:
        """Remembered here."""
        self.wearers.pop(pod_id, None)
        if athlete_id is not None:
            self.wearers[pod_id] = athlete_id


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RadioHub]:
    """A hub nobody has set up."""
    made = RadioHub(tmp_path)
    yield made
    made.close()


def hear(hub: SmallHub, strap_id: str, **changed: object) -> None:
    hub.hear(strap_id, 120)
    hub.heard[strap_id] = replace(hub.heard[strap_id], receivers=(("hci0", -60),), **changed)  # type: ignore[arg-type]


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_each_strap_says_its_way_receiver_signal_battery_loss_and_reconnects(
    hub: SmallHub, admin: Client
) -> None:
    asyncio.run(hub.add_squad(3))
    hear(hub, strap(1), packet_loss=0.02, reconnects=4)
    hear(hub, strap(2), is_connected=False, via=Via.BROADCAST, adapter="north", receiver_kind="relay",
         rssi_dbm=-79, battery_percent=None)  # fmt: skip
    hub.heard.pop(strap(3))
    said = text_of(admin.get("/straps").text)
    assert "2 of 3 live" in said
    assert "1 connected · 1 broadcasting · 1 through relays" in said
    assert "1 Anna Albrecht Polar H10 A0000001 live connected hci0 \u221260 dBm Battery 80 % Lost 2 %" in said
    assert "2 Ben Hartmann Polar H10 A0000002 live broadcast north \u221279 dBm Battery – Lost –" in said
    assert "Reconnects 4" in said
    assert "3 Carla Ott Polar H10 A0000003 ▲ not heard" in said


def test_receivers_say_their_links_and_their_trouble(hub: SmallHub, admin: Client) -> None:
    said = text_of(admin.get("/straps").text)
    assert "hci0 listening Adapter · nearest to 0 5 of 7 links" in said
    assert "north listening Relay · nearest to 0 0 of 3 links" in said
    assert "west does not work" in said
    assert "nobody answers there" in said
    assert "No straps heard" in said
    assert "12 345 advertisements of other devices" in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"is_held": True}, "▲ held by a watch or telephone"),
        ({"contact": Contact.NO}, "▲ no contact"),
        ({"is_battery_low": True}, "▲ battery low"),
        ({"packet_loss": 0.5}, "▲ losing packets"),
        ({"trouble": "another device uses this strap's address"}, "▲ another device uses"),
        ({"last_reading_mono_ms": 1}, "▲ silent for"),
        ({"last_reading_mono_ms": None}, "no value yet"),
        ({}, "live"),
    ],
)
def test_a_row_says_the_one_thing_most_worth_knowing(changed: dict[str, object], words: str) -> None:
    status = StrapStatus("S", "S", "A", Via.GATT, True, "hci0", -60, 80, last_reading_mono_ms=99_000)
    row = strap_row("S", "S", replace(status, **changed), "", 100_000)  # type: ignore[arg-type]
    assert row.status.startswith(words)


@pytest.mark.parametrize(("dbm", "bars"), [(-50, 4), (-70, 3), (-80, 2), (-88, 1), (-95, 0), (None, 0)])
def test_bars_stand_for_decibels(dbm: int | None, bars: int) -> None:
    assert signal(dbm).bars == bars


def test_a_thousand_strangers_do_not_grow_the_pages_or_the_drawer(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    alone = [len(admin.get(path).text) for path in ("/straps", "/straps/drawer", "/radio-check")]
    for number in range(1_000):
        hear(hub, f"F{number:07}", rssi_dbm=-60 - number % 40, is_connected=False, via=Via.BROADCAST)
    page = admin.get("/straps").text
    assert page.count('href="/straps/one?strap=F') == MOST_STRANGERS
    assert "988 more are farther away" in page
    crowded = [len(admin.get(path).text) for path in ("/straps", "/straps/drawer", "/radio-check")]
    assert max(after - before for before, after in zip(alone, crowded, strict=True)) < 40_000
    assert "F0000000" in page  # the nearest are the ones shown
    assert "F0000039" not in page


def test_a_stranger_chosen_in_the_drawer_is_listed_however_far_away(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    for number in range(60):
        hear(hub, f"F{number:07}", rssi_dbm=-40 - number)
    drawer = admin.get("/straps/drawer", params={"strap": "F0000059"}, headers=HTMX).text
    assert "Who wears Polar H10 F0000059?" in drawer
    assert "36 more are farther away" in drawer


def test_a_strap_is_pinned_seen_pinned_and_given_back_to_the_hub(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    hear(hub, strap(1), maker="Polar", model="H10", flaws=((Flaw.GAP, 3),))
    page = admin.get("/straps/one", params={"strap": strap(1)}).text
    assert "Polar H10" in text_of(page)
    assert "So far: gaps 3×." in text_of(page)
    assert "Undo: let the hub choose everything" not in page

    def choose(**form: str) -> StrapWish:
        answer = admin.post("/straps/one/wish", data={"strap_id": strap(1), **form}, headers=HTMX)
        assert answer.status_code == 200
        return hub.database.read_now(lambda db: strap_wishes.wish(db, strap(1)))

    assert choose(way="broadcast") == StrapWish(strap(1), "broadcast")
    assert choose(receiver="north") == StrapWish(strap(1), "broadcast", "north")
    assert choose(wants_rr="yes") == StrapWish(strap(1), "broadcast", "north", wants_rr=True)
    assert choose(receiver="nowhere", way="telepathy") == StrapWish(
        strap(1), "broadcast", None, wants_rr=True
    )
    assert "Undo" in admin.get("/straps/one/live", params={"strap": strap(1)}).text
    assert choose(nothing="yes").is_nothing


def test_one_straps_page_gives_it_away_and_an_unknown_strap_is_explained(
    hub: SmallHub, admin: Client
) -> None:
    anna, ben = asyncio.run(hub.add_squad(2))
    hear(hub, "addr:C0:00:00:00:00:01")
    data = {"strap_id": "addr:C0:00:00:00:00:01", "athlete_id": anna}
    answer = admin.post("/straps/one/give", data=data, headers=HTMX)
    assert re.search(r'aria-pressed="true"[^>]*>1 Anna', answer.text)
    assert ben in answer.text
    missing = admin.get("/straps/one", params={"strap": "gone"})
    assert missing.status_code == 404
    assert "no longer heard" in missing.text


def test_a_pod_is_no_strap_it_shows_speed_and_goes_to_an_athlete_beside_their_strap(
    hub: RadioHub, admin: Client
) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    hear(hub, strap(1))
    hear(hub, "POD1", is_pod=True)
    hub.pods["POD1"] = MotionReading("POD1", hub.mono_ms, 3_250, 172)
    assert "POD1" not in admin.get("/straps/drawer", headers=HTMX).text
    assert "3.2 m/s · 172 steps/min" in admin.get("/straps").text
    admin.post("/straps/one/give", data={"strap_id": "POD1", "athlete_id": anna}, headers=HTMX)
    assert hub.wearers == {"POD1": anna}
    said = text_of(admin.get("/straps").text)
    assert said.count("1 Anna Albrecht") == 2
    one = admin.get("/straps/one", params={"strap": "POD1"}).text
    assert "Always connect" not in one
    assert "3.2 m/s" in one


def test_the_radio_check_names_what_is_missing_and_one_tap_puts_it_right(
    hub: SmallHub, admin: Client
) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    hub.pass_time(60)
    hub.heard.pop(strap(1))
    hear(hub, "NEW1")
    page = admin.get("/radio-check").text
    assert "0 of 1 are ready" in page
    assert "Anna Albrecht wears Polar H10 NEW1" in page
    answer = admin.get("/radio-check.json", headers={"accept": "application/json"}).json()
    assert (answer["ready"], answer["athletes"], answer["is_clear"]) == (0, 1, False)
    assert {(it["weight"], it["kind"]) for it in answer["findings"]} >= {
        ("bad", "missing"),
        ("bad", "adapter"),
    }
    admin.post("/radio-check/give", data={"strap_id": "NEW1", "athlete_id": anna}, headers=HTMX)
    after = admin.get("/radio-check.json", headers={"accept": "application/json"}).json()
    assert after["ready"] == 1


def test_the_board_leads_to_the_radio_check_before_a_session(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(1))
    assert 'href="/radio-check"' in admin.get("/").text


@pytest.mark.parametrize("path", ["/straps/live", "/straps/one", "/radio-check", "/radio-check/live"])
def test_nobody_sees_the_radio_without_signing_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 303
