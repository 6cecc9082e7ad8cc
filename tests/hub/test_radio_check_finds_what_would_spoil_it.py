"""The radio check as a table: each thing that spoils a session is found, named, and offered a way out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hub.devices.coexistence import adapters_beside_wifi
from hub.domain import Athlete, Contact, ReceiverStatus, Strap, StrapStatus, Via
from hub.radio_check import Kind, Scene, Weight, radio_check, radio_warning

NOW_MS = 100_000
ANNA, BEN = Athlete("a1", "Anna", 1), Athlete("a2", "Ben", 2)
STRAPS = (Strap("S1", "Polar S1", "C0:01", "a1"), Strap("S2", "Polar S2", "C0:02", "a2"))
HCI0 = ReceiverStatus("hci0", "adapter", 7, 2, "passive")


def heard(strap_id: str) -> StrapStatus:
    return StrapStatus(
        strap_id, f"Polar {strap_id}", "C0", Via.GATT, True, "hci0", -60, 80, contact=Contact.YES,
        last_reading_mono_ms=NOW_MS - 500, packet_loss=0.0, receivers=(("hci0", -60),),
    )  # fmt: skip


FINE = Scene(
    people=(ANNA, BEN), straps=STRAPS, heard=(heard("S1"), heard("S2")), receivers=(HCI0,),
    now_mono_ms=NOW_MS, last_worn={"S1": "a1", "S2": "a2"},
)  # fmt: skip


def found(scene: Scene) -> list[tuple[Kind, Weight, str | None]]:
    return [(it.kind, it.weight, it.athlete_id) for it in radio_check(scene).findings]


def with_anna(**changed: object) -> Scene:
    return replace(FINE, heard=(replace(heard("S1"), **changed), heard("S2")))  # type: ignore[arg-type]


def test_where_all_is_well_nothing_is_found() -> None:
    check = radio_check(FINE)
    assert (check.ready, check.athletes, check.is_clear, check.findings) == (2, 2, True, ())


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (replace(FINE, heard=(heard("S2"),)), (Kind.MISSING, Weight.BAD)),
        (with_anna(is_connected=False, receivers=()), (Kind.MISSING, Weight.BAD)),
        (with_anna(last_reading_mono_ms=None), (Kind.MISSING, Weight.BAD)),
        (with_anna(contact=Contact.NO), (Kind.OFF_SKIN, Weight.BAD)),
        (with_anna(receivers=(("hci0", -95), ("west", -88))), (Kind.WEAK, Weight.WARN)),
        (with_anna(packet_loss=0.4), (Kind.LOSS, Weight.WARN)),
        (with_anna(is_battery_low=True), (Kind.BATTERY, Weight.WARN)),
        (with_anna(is_held=True), (Kind.HELD, Weight.WARN)),
        (with_anna(is_ignored=True), (Kind.FOREIGN, Weight.BAD)),
        (replace(FINE, straps=STRAPS[1:]), (Kind.UNASSIGNED, Weight.WARN)),
    ],
)
def test_what_is_wrong_with_one_strap_costs_its_athlete_and_nobody_else(
    scene: Scene, expected: tuple[Kind, Weight]
) -> None:
    assert [(kind, weight) for kind, weight, who in found(scene) if who == "a1"] == [expected]
    assert [who for _kind, _weight, who in found(scene) if who == "a2"] == []
    assert radio_check(scene).ready == 1


def squad_of(count: int, **changed: object) -> Scene:
    """So many who each wear a strap that needs a connection, where one adapter holds seven."""
    people = [Athlete(f"a{it}", f"Athlete {it}", it) for it in range(1, count + 1)]
    worn = [Strap(f"S{it}", f"Polar S{it}", f"C0:{it:02}", f"a{it}") for it in range(1, count + 1)]
    linked = [replace(heard(it.strap_id), needs_link=True) for it in worn]
    scene = replace(FINE, people=people, straps=worn, heard=linked, last_worn={})
    return replace(scene, **changed)  # type: ignore[arg-type]


def test_too_few_connections_for_the_squad_are_counted_and_a_way_out_is_named() -> None:
    wanting = frozenset({"S1", "S2"})
    check = radio_check(squad_of(10, wanting=wanting))
    (finding,) = check.findings
    assert (finding.kind, finding.weight) == (Kind.SLOTS, Weight.WARN)
    assert finding.words == "10 straps need a connection and the receivers hold 7: 3 too few."
    assert "another adapter" in finding.hint
    assert "broadcast do so (2 are" in finding.hint
    assert not check.is_clear
    assert "broadcast" not in radio_check(squad_of(10)).findings[0].hint, "none of them can"


def test_connections_are_counted_over_all_receivers_that_work() -> None:
    second = replace(HCI0, name="hci1", slots=3)
    assert found(squad_of(10, receivers=(HCI0, second))) == []
    broken = replace(second, trouble="It hangs.")
    assert (Kind.SLOTS, Weight.WARN, None) in found(squad_of(10, receivers=(HCI0, broken)))


def test_where_nobody_has_said_how_many_an_adapter_holds_the_usual_number_is_a_note() -> None:
    unknown = replace(HCI0, slots=None)
    (note,) = radio_check(squad_of(10, receivers=(unknown,))).findings
    assert (note.weight, "about 7: 3 too few" in note.words) == (Weight.NOTE, True)
    assert "TOUCHLINE_SLOTS" in note.hint
    assert found(squad_of(10, receivers=(replace(unknown, used=10),))) == [], "it is seen to hold them"
    assert found(squad_of(10, receivers=(replace(unknown, kind="replay"),))) == []


def test_a_strap_not_heard_yet_needs_the_connection_that_somebody_wants_for_it() -> None:
    scene = replace(squad_of(8), heard=())
    slots = [it for it in radio_check(scene).findings if it.kind is Kind.SLOTS]
    assert slots == []
    wanting = frozenset(it.strap_id for it in scene.straps)
    kinds = [kind for kind, _, _ in found(replace(scene, wanting=wanting))]
    assert kinds.count(Kind.SLOTS) == 1
    ignored = replace(scene, wanting=wanting, ignored=frozenset({"S8"}))
    assert Kind.SLOTS not in [kind for kind, _, _ in found(ignored)]


def test_a_linked_strap_is_not_judged_by_how_loud_it_was_before() -> None:
    assert found(with_anna(rssi_dbm=-95, receivers=())) == []


def test_a_strap_held_by_a_watch_that_gives_nothing_is_bad() -> None:
    kinds = found(with_anna(is_held=True, last_reading_mono_ms=NOW_MS - 60_000))
    assert (Kind.HELD, Weight.BAD, "a1") in kinds


def test_a_missing_strap_is_offered_the_nearest_one_that_nobody_wears_and_each_only_once() -> None:
    loose = [replace(heard(f"X{n}"), rssi_dbm=-60 - n) for n in (3, 1, 2)]
    check = radio_check(replace(FINE, heard=tuple(loose)))
    offers = [it.offer for it in check.findings if it.kind is Kind.MISSING]
    assert [(it.strap_id, it.athlete_id) for it in offers if it] == [("X1", "a1"), ("X2", "a2")]


def test_an_athlete_without_a_strap_gets_last_times_strap_offered_first() -> None:
    near = (replace(heard("X1"), rssi_dbm=-40), heard("S1"), heard("S2"))
    bare = (replace(STRAPS[0], athlete_id=None), STRAPS[1])
    check = radio_check(replace(FINE, straps=bare, heard=near))
    offer = next(it.offer for it in check.findings if it.kind is Kind.UNASSIGNED)
    assert offer is not None
    assert (offer.strap_id, offer.athlete_id) == ("S1", "a1")


def test_two_who_have_each_others_straps_are_told_once_with_a_way_back() -> None:
    crossed = replace(FINE, last_worn={"S1": "a2", "S2": "a1"})
    swaps = [it for it in radio_check(crossed).findings if it.kind is Kind.SWAPPED]
    assert [(it.weight, it.words) for it in swaps] == [
        (Weight.WARN, "Ben and Anna have each other's straps of the last session.")
    ]
    assert swaps[0].offer is not None
    assert (swaps[0].offer.strap_id, swaps[0].offer.athlete_id) == ("S1", "a2")
    handed_on = replace(FINE, straps=STRAPS[:1], people=(ANNA, BEN), last_worn={"S1": "a2"})
    (one,) = (it for it in radio_check(handed_on).findings if it.kind is Kind.SWAPPED)
    assert (one.weight, one.words) == (Weight.NOTE, "Anna has Polar S1, which Ben wore last.")


def test_a_thousand_strangers_are_one_line_and_ignored_ones_none() -> None:
    crowd = tuple(heard(f"X{n:04}") for n in range(1_000))
    check = radio_check(replace(FINE, heard=(*FINE.heard, *crowd)))
    (line,) = check.findings
    assert (line.kind, check.is_clear) == (Kind.FOREIGN, True)
    assert line.words.endswith("and 997 more.")
    everyone = frozenset(it.strap_id for it in crowd)
    assert radio_check(replace(FINE, heard=(*FINE.heard, *crowd), ignored=everyone)).findings == ()


def test_receivers_in_trouble_come_first() -> None:
    west = ReceiverStatus("west", "relay", 0, 0, "not scanning", "A relay is not reached: nobody answers.")
    check = radio_check(replace(with_anna(receivers=(("hci0", -90),)), receivers=(HCI0, west)))
    assert check.findings[0].words == "Relay west does not work."
    assert check.findings[0].hint == west.trouble
    assert found(replace(FINE, receivers=()))[0][0] is Kind.ADAPTER


def test_loss_in_spite_of_a_good_signal_points_to_interference() -> None:
    lossy = tuple(replace(it, packet_loss=0.3) for it in FINE.heard)
    assert (Kind.WIFI, Weight.WARN, None) in found(replace(FINE, heard=lossy))
    far = tuple(replace(it, packet_loss=0.3, rssi_dbm=-84) for it in FINE.heard)
    assert Kind.WIFI not in [kind for kind, _weight, _who in found(replace(FINE, heard=far))]
    assert found(replace(FINE, sharing=frozenset({"hci0"}))) == [(Kind.WIFI, Weight.NOTE, None)]


def test_an_active_scan_that_starves_broadcasts_is_said() -> None:
    starved = replace(heard("S1"), via=Via.BROADCAST, is_connected=False, packet_loss=0.9)
    scene = replace(FINE, heard=(starved, heard("S2")), receivers=(replace(HCI0, mode="active"),))
    assert Kind.ADAPTER in [kind for kind, _weight, _who in found(scene)]


def test_one_broken_receiver_among_others_is_not_called_the_radio() -> None:
    broken = replace(HCI0, name="west", trouble="Nobody answers.")
    assert radio_warning([HCI0]) == ""
    assert radio_warning([]) == ""
    assert radio_warning([broken]) == "The radio does not work. Nobody answers."
    assert radio_warning([HCI0, broken]).startswith("west does not hear, the others do.")


def test_only_a_built_in_adapter_shares_the_antenna_of_built_in_wifi(tmp_path: Path) -> None:
    bluetooth, networks = tmp_path / "bluetooth", tmp_path / "net"
    for place, device in (
        (bluetooth / "hci0", "platform/serial0"),
        (bluetooth / "hci1", "pci0/usb1/1-1"),
        (networks / "wlan0", "platform/mmc1"),
    ):
        (tmp_path / "devices" / device).mkdir(parents=True, exist_ok=True)
        place.mkdir(parents=True)
        (place / "device").symlink_to(tmp_path / "devices" / device)
    (networks / "wlan0" / "phy80211").mkdir()
    (networks / "wlan0" / "operstate").write_text("up\n")
    assert adapters_beside_wifi(bluetooth, networks) == {"hci0"}
    (networks / "wlan0" / "operstate").write_text("down\n")
    assert adapters_beside_wifi(bluetooth, networks) == frozenset()
    assert adapters_beside_wifi(tmp_path / "none", tmp_path / "none") == frozenset()
