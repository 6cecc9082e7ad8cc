"""The people a replay shows: the hub's own where their straps are in the recording, else made up.

It reads the hub's database and never writes to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from sqlite3 import Connection

from hub.devices.virtual.squad import serial_of
from hub.domain import Athlete, Strap
from hub.seed import squad
from hub.store import athletes, straps
from hub.store.database import Database
from hub.store.records import Moment, propose

MOST_ATHLETES = 200
People = list[tuple[Athlete, list[Strap]]]


def people_of_hub(path: Path, heard: Iterable[str]) -> People:
    """Everyone of the hub's squad, with the straps kept as theirs; nobody where none of those was heard."""
    if not path.exists():
        return []
    database = Database.open(path, read_only=True)
    try:
        everyone = database.read_now(athletes.all_athletes)
        owned = [strap for strap in database.read_now(straps.all_straps) if strap.athlete_id is not None]
    finally:
        database.close()
    if not {strap.strap_id for strap in owned} & set(heard):
        return []
    return [(one, [strap for strap in owned if strap.athlete_id == one.athlete_id]) for one in everyone]


def people_made_up(heard: dict[str, str]) -> People:
    """The virtual squad's athletes whose straps were heard, with the bodies those straps were on."""
    return [
        (one, [Strap(strap_id, heard[strap_id], "", one.athlete_id)])
        for one in squad(MOST_ATHLETES)
        if (strap_id := serial_of(one.shirt_number or 0)) in heard
    ]


def strangers(heard: dict[str, str], moment: Moment) -> People:
    """One nameless athlete a strap, without limits: rates are shown, loads would be guesses."""
    found = []
    for number, (strap_id, name) in enumerate(heard.items(), 1):
        one = Athlete(moment.new_id(), f"Athlete {number}", shirt_number=number)
        found.append((one, [Strap(strap_id, name, "", one.athlete_id)]))
    return found


def store_people(db: Connection, moment: Moment, people: People) -> None:
    """The people and their straps as records of the replay's own database."""
    for one, owned in people:
        fields = {name: value for name, value in asdict(one).items() if name != "athlete_id"}
        propose(db, moment, "athlete", one.athlete_id, fields)
        for strap in owned:
            row = {"name": strap.name, "address": strap.address, "athlete_id": one.athlete_id}
            propose(db, moment, "strap", strap.strap_id, row)
