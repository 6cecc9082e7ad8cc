"""A store may hold times and days that no calendar has, from before they were refused: pages show a dash."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from hub.devices.exports.found import DailyValue, Person
from hub.imports.readfile import ReadFile
from hub.imports.storable import storable
from hub.results.profiles import local_day
from hub.store import meta, records
from sync.wire import FeedOp
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub

AT_MS = 1_795_255_200_000
ANN, SESSION, STREAM = (str(uuid4()) for _ in range(3))
ATHLETE = ("athlete", ANN, {"name": "Ann", "sex": "F", "hr_max_bpm": 190, "is_active": True})
Told = tuple[str, str, dict[str, Any]]


def hear(hub: SmallHub, *told: Told) -> None:
    """As the feed brought it when the cloud still took it."""

    def change(db: Connection) -> None:
        cursor = meta.number(db, "cursor")
        ops = [
            FeedOp(
                seq=cursor + n, op_id=str(uuid4()), kind="set", tbl=tbl, pk=pk, fields=fields,
                stamp_ms=AT_MS + n, hub_id="another",
            )
            for n, (tbl, pk, fields) in enumerate(told, 1)
        ]  # fmt: skip
        records.apply_feed(db, ops, AT_MS)
        meta.put(db, "cursor", cursor + len(ops))

    hub.database.write_now(change)


def broken(client: Client, *paths: str) -> dict[str, int]:
    """Pages that do not answer."""
    answers = {path: client.get(path).status_code for path in paths}
    return {path: code for path, code in answers.items() if code != 200}


def test_a_session_beyond_the_calendar_is_shown_with_a_dash(hub: SmallHub, admin: Client) -> None:
    session = {
        "title": "Odd", "sport": "training", "started_at_ms": 253_402_300_799_000, "utc_offset_s": 64_800,
        "ended_at_ms": 253_402_300_799_000 + 600_000, "boot_no": 7, "mono0_ms": 0, "mono1_ms": 600_000,
        "source": "gatt",
    }  # fmt: skip
    worn = {"stream_id": STREAM, "athlete_id": ANN, "session_id": SESSION, "from_ms": 0, "to_ms": 600_000}
    hear(hub, ATHLETE, ("session", SESSION, session), ("stream_assignment", str(uuid4()), worn))
    parts = ("", "/load.csv", "/heart", "/minutes", "/sources", "/wearing")
    assert broken(admin, "/sessions", *(f"/sessions/{SESSION}{it}" for it in parts)) == {}
    assert "– · training" in admin.get(f"/sessions/{SESSION}").text


def test_a_change_made_at_no_time_is_shown_with_a_dash(hub: SmallHub, admin: Client) -> None:
    for made_at_ms in (2**53, -(2**53)):
        change = {
            "athlete_id": ANN, "valid_from": "2026-11-01", "how": "measured", "made_at_ms": made_at_ms,
            "made_by": "x", "note": "n", "is_removed": False, "hr_max_bpm": 200, "clears": [],
        }  # fmt: skip
        hear(hub, ATHLETE, ("profile_change", str(uuid4()), change))
    assert admin.get(f"/athletes/{ANN}/limits").text.count("– UTC") == 2


def test_values_of_no_day_spoil_no_days(hub: SmallHub, admin: Client) -> None:
    within = f"{local_day(hub.wall_ms):%Y-%m}-00"
    for day in ("2026-99-99", within, "0000-00-00", "0000-01-01"):
        hear(hub, ATHLETE, value_of(day))
        assert broken(admin, f"/athletes/{ANN}/days", f"/athletes/{ANN}/days.json") == {}, day


def value_of(day: str) -> Told:
    value = {
        "person_name": "Ann", "name": "resting_heart_rate", "unit": "bpm", "source": "x", "import_id": "i",
        "athlete_id": ANN, "date": day, "value": 50, "updated_at_ms": 2**53, "is_removed": False,
    }  # fmt: skip
    return "daily_value", str(uuid4()), value


def test_insights_of_an_odd_form_are_shown_as_far_as_they_go(hub: SmallHub, admin: Client) -> None:
    for facts in ("no list", [["one"], 5, ["Week", "9 Mar"]]):
        told = {"week_start": "nonsense", "headline": "Calm", "body": "b", "facts": facts, "written_by": "r"}
        hear(hub, ("insight", str(uuid4()), told))
    page = admin.get("/insights").text
    assert (page.count("Calm"), page.count("9 Mar")) == (2, 1)


def test_an_import_proposes_no_day_and_no_time_that_the_cloud_refuses() -> None:
    def told(day: str) -> DailyValue:
        return DailyValue(Person("Ann"), day, "resting_heart_rate", 50.0, "bpm", updated_at_ms=2**60)

    made = storable(ReadFile("a.csv", "0" * 64, 1, "csv", daily=(told("2026-99-99"), told("2005-03-01"))))
    assert [it.date for it in made.daily] == ["2005-03-01"]
    assert len(made.held) == 1
    assert made.daily[0].updated_at_ms == 7_258_118_399_999
