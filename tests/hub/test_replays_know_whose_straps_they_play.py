"""Who is shown in a replay: the hub's own people, the made-up squad, or nobody known."""

from __future__ import annotations

from pathlib import Path

from hub.devices.recorded_straps import straps_of
from hub.devices.recording import HEART_RATE, RecordingWriter
from hub.devices.virtual.generate import Script, generate
from hub.replaying.squad import people_made_up, people_of_hub, store_people, strangers
from hub.store import athletes, straps
from hub.store.database import Database
from hub.store.records import propose
from tests.store.small_store import PERSON, counted_ids, moment

HEARD = {"A0000002": "Polar H10 A0000002", "00:11": "TICKR"}


def test_straps_are_known_by_name_serial_or_address_and_pods_are_none(tmp_path: Path) -> None:
    heart, serial, speed = (f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("2a37", "2a25", "2a53"))
    writer = RecordingWriter(tmp_path / "file", ("hci0",), 0)
    for address, name in (
        ("C0:01", "Polar H10 A0000009"),
        ("C0:02", "TICKR 1"),
        ("C0:03", None),
        ("C0:04", "Pod"),
    ):
        writer.add([1, "s", "hci0", address, name, -60, HEART_RATE, None])
    writer.add([2, "r", "C0:02", serial, b"WF 1234".hex()])
    for address in ("C0:01", "C0:02", "C0:03"):
        writer.add([3, "n", address, heart, "0648"])
    writer.add([3, "n", "C0:04", speed, "000003b4"])
    writer.close()
    assert straps_of(tmp_path / "file") == {
        "A0000009": "Polar H10 A0000009", "WF 1234": "TICKR 1", "addr:C0:03": "addr:C0:03",
    }  # fmt: skip


def test_the_hubs_people_are_shown_only_where_their_straps_were_heard(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    assert people_of_hub(path, HEARD) == []
    database = Database.open(path)
    now = moment(counted_ids(), boot_no=0)
    database.write_now(lambda db: propose(db, now, "athlete", "a1", PERSON))
    strap = {"name": "TICKR", "address": "", "athlete_id": "a1"}
    database.write_now(lambda db: propose(db, now, "strap", "00:11", strap))
    database.close()
    ((one, owned),) = people_of_hub(path, HEARD)
    assert (one.athlete_id, [strap.strap_id for strap in owned]) == ("a1", ["00:11"])
    assert people_of_hub(path, {"other": ""}) == []


def test_the_virtual_squad_keeps_its_bodies_and_strangers_get_no_limits(tmp_path: Path) -> None:
    generate(tmp_path / "made", Script(athletes=3, minutes=0.2, foreign=2))
    heard = straps_of(tmp_path / "made")
    made = people_made_up(heard)
    assert len(heard) == 5
    assert [one.shirt_number for one, _straps in made] == [1, 2, 3]
    assert all(one.hr_max_bpm for one, _straps in made)
    unknown = strangers(HEARD, moment(counted_ids(), boot_no=0))
    assert [one.hr_max_bpm for one, _straps in unknown] == [None, None]
    database = Database.open(tmp_path / "replay.db")
    database.write_now(lambda db: store_people(db, moment(counted_ids(), boot_no=0), [*made, *unknown]))
    try:
        assert len(database.read_now(athletes.all_athletes)) == 5
        assert {strap.strap_id for strap in database.read_now(straps.all_straps)} >= set(HEARD)
    finally:
        database.close()
