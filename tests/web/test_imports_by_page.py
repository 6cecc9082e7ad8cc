"""Files sent to the pages as a browser sends them, really read, and what the pages then say and do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.domain import Role
from hub.imports.inbox import inbox
from hub.store import imports, sessions
from hub.store.imports import ImportRecord
from tests.imports.own_files import fit_run, tcx_run
from tests.web.conftest import Client, add_user, sign_in
from tests.web.import_hub import importing_client, soon
from tests.web.small_hub import SmallHub

HTMX = {"hx-request": "true"}


@pytest.fixture
def pages(hub: SmallHub, tmp_path: Path) -> Iterator[Client]:
    """A staff member at a hub that imports."""
    add_user(hub, "helper", Role.STAFF)
    with importing_client(hub, tmp_path) as client:
        sign_in(client, "helper")
        yield client


def send(client: Client, name: str, content: bytes) -> dict[str, str]:
    answer = client.post("/import/files", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    return {"id": answer.json()["id"], "name": name}


def start(client: Client, files: list[dict[str, str]], athlete_id: str = "") -> str:
    answer = client.post("/import/start", json={"files": files, "athlete_id": athlete_id}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-batch="([0-9a-f-]+)"', answer.text)
    assert found
    return found.group(1)


def finished(client: Client, batch_id: str) -> str:
    """The batch's fragment once it is finished."""

    def question() -> str | None:
        text = client.get(f"/import/batches/{batch_id}", headers=HTMX).text
        return text if "data-finished" in text else None

    return soon(question)


def bring(client: Client, name: str, content: bytes, athlete_id: str = "") -> str:
    return finished(client, start(client, [send(client, name, content)], athlete_id))


def records(hub: SmallHub) -> list[ImportRecord]:
    return hub.database.read_now(imports.recent)


def test_files_are_sent_read_and_listed_with_what_became_of_them(hub: SmallHub, pages: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    files = [
        send(pages, "season/run.fit", fit_run(120)),
        send(pages, "photo.fit", b"\x89PNG\r\n\x1a\n" + bytes(99)),
    ]
    text = finished(pages, start(pages, files, anna))
    assert "1 imported, 1 not read" in text
    assert "season/run.fit" in text
    assert "Anna Albrecht, running" in text
    page = pages.get("/import").text
    assert page.count('<details class="earlier">') == 2
    assert "not read</span>" in page
    assert len(hub.database.read_now(sessions.recent)) == 1


def test_the_stream_tells_each_change_of_a_row_and_then_ends(hub: SmallHub, pages: Client) -> None:
    asyncio.run(hub.add_squad(1))
    batch = start(pages, [send(pages, "a.fit", fit_run(60)), send(pages, "b.tcx", tcx_run(60))])
    frames = []
    with pages.stream("GET", f"/import/batches/{batch}/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                frames.append(json.loads(line[6:]))
    assert (frames[-1]["done"], frames[-1]["files"], frames[-1]["finished"]) == (2, 2, True)
    assert set(frames[0]["rows"]) == {"0", "1"}
    shown: dict[str, str] = {}
    for frame in frames:
        shown |= frame["rows"]
    page = finished(pages, batch)
    for row in shown.values():
        assert row.strip() in page  # what was patched is what the page shows


def test_a_plain_form_without_scripts_takes_several_files(hub: SmallHub, pages: Client) -> None:
    several = [("file", ("a.fit", fit_run(60))), ("file", ("b.fit", b"no fit"))]
    answer = pages.post("/import", data={"athlete_id": ""}, files=several)
    assert answer.status_code == 303
    assert "1 imported, 1 not read" in finished(pages, answer.headers["location"].rpartition("/")[2])
    none = pages.post("/import", files={"file": ("", b"")})
    assert none.status_code == 422
    assert "choose one or more files" in none.text


def test_an_upload_above_the_limit_or_of_an_unknown_id_is_refused(pages: Client) -> None:
    huge = {"content-length": str((2 << 30) + 1)}
    assert pages.post("/import/files?name=x", content=b"x", headers=huge).status_code == 413
    missing = [{"id": "00000000-0000-4000-8000-000000000000", "name": "gone.fit"}]
    answer = pages.post("/import/start", json={"files": missing}, headers=HTMX)
    assert answer.status_code == 422
    assert "gone.fit did not arrive." in answer.text
    outside = [{"id": "../hub.db", "name": "x"}]
    assert pages.post("/import/start", json={"files": outside}).status_code == 400
    assert pages.post("/import/start", json={"files": []}).status_code == 422


def test_an_unwanted_upload_is_thrown_away(hub: SmallHub, pages: Client) -> None:
    sent = send(pages, "a.fit", fit_run(60))
    place = hub.parts.imports.setting.incoming / sent["id"]
    assert place.read_bytes() == fit_run(60)
    assert pages.post(f"/import/files/{sent['id']}/forget").status_code == 204
    assert not place.exists()


def test_undo_takes_an_import_back_and_says_so(hub: SmallHub, pages: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    bring(pages, "run.fit", fit_run(120), anna)
    (record,) = records(hub)
    detail = pages.get(f"/import/{record.import_id}", headers=HTMX).text
    assert "Undo this import" in detail
    assert "Anna Albrecht" in detail
    undone = pages.post(f"/import/{record.import_id}/undo", headers=HTMX).text
    assert "1 session taken back." in undone
    assert "Undo this import" not in undone
    assert hub.database.read_now(sessions.recent) == []
    assert ">undone</span>" in pages.get("/import").text
    again = pages.post(f"/import/{record.import_id}/undo", headers=HTMX)
    assert again.status_code == 422
    assert "was undone before" in again.text


def test_a_file_that_could_not_be_read_is_retried_and_all_may_be_cancelled(pages: Client) -> None:
    batch = start(pages, [send(pages, "bad.fit", b"bad")])
    assert "Retry" in finished(pages, batch)
    answer = pages.post(f"/import/batches/{batch}/retry", data={"number": "0"}, headers=HTMX)
    assert answer.status_code == 204
    finished(pages, batch)
    many = start(pages, [send(pages, f"{n}.fit", fit_run(600, 90 + n)) for n in range(4)])
    assert pages.post(f"/import/batches/{many}/cancel", data={}).status_code == 303
    assert "cancelled" in finished(pages, many)
    gone = pages.post("/import/batches/00000000-0000-4000-8000-000000000000/cancel", data={})
    assert gone.status_code == 404


def test_what_the_watched_folder_brings_is_a_batch_too(hub: SmallHub, pages: Client) -> None:
    (folder,) = hub.parts.imports.setting.watched
    soon(folder.is_dir)
    (folder / "night.fit").write_bytes(fit_run(60))
    (batch,) = soon(lambda: pages.get("/import/batches").json(), 30)
    assert "night.fit" in finished(pages, batch)


def test_rows_held_back_are_shown_with_their_reason(hub: SmallHub, pages: Client) -> None:
    rows = "\n".join(f"2026-03-01T10:00:{s:02d},{'x' if s == 7 else 120 + s}" for s in range(30))
    bring(pages, "held.csv", f"time,heart rate\n{rows}\n".encode())
    (record,) = records(hub)
    assert record.status == "imported", record
    detail = pages.get(f"/import/{record.import_id}", headers=HTMX).text
    assert "1 row was held back" in detail
    assert "line 9" in detail


def test_a_person_nobody_knows_waits_and_is_given_to_an_athlete(hub: SmallHub, pages: Client) -> None:
    asyncio.run(hub.add_squad(2))
    assert "Nobody waits" in pages.get("/inbox").text
    assert pages.get("/inbox/count").text.strip() == ""
    bring(pages, "table.csv", named_table("Ana Albrecht"))
    page = pages.get("/inbox").text
    assert "Ana Albrecht" in page
    assert ">1</span>" in pages.get("/inbox/count").text
    assert "1 person waits in the inbox." in pages.get("/import").text
    (waiting,) = hub.database.read_now(inbox)
    (anna,) = [it.athlete_id for it in waiting.suggestions]
    assert f'value="{anna}">Anna Albrecht' in page
    refused = pages.post("/inbox/assign", data={"key": waiting.key}, headers=HTMX)
    assert refused.status_code == 422
    form = {"key": waiting.key, "athlete_id": anna, "remember": "yes"}
    answer = pages.post("/inbox/assign", data=form, headers=HTMX)
    assert "1 recording went to Anna Albrecht." in answer.text
    assert "Nobody waits" in answer.text
    bring(pages, "next.csv", named_table("Ana Albrecht", day="02"))
    assert hub.database.read_now(inbox) == []  # it was remembered


def test_a_new_athlete_is_made_of_somebody_in_the_inbox(hub: SmallHub, pages: Client) -> None:
    bring(pages, "table.csv", named_table("Zoë Quick"))
    (waiting,) = hub.database.read_now(inbox)
    assert 'value="Zoë Quick"' in pages.get("/inbox").text
    form = {"key": waiting.key, "new": "yes", "name": "Zoë Quick", "remember": "yes"}
    assert "went to Zoë Quick." in pages.post("/inbox/assign", data=form, headers=HTMX).text
    assert "Zoë Quick" in pages.get("/athletes").text


def named_table(name: str, day: str = "01") -> bytes:
    rows = "\n".join(
        f"2026-03-{day}T10:{m:02d}:{s:02d},{120 + m},{name}" for m in range(3) for s in range(0, 60, 2)
    )
    return f"time,heart rate,athlete\n{rows}\n".encode()


UNKNOWN = b"When;Puls bei Arbeit;Lala\n" + b"".join(
    b"01.03.2026 10:%02d:%02d;%d;7,5\n" % (n // 30, n % 30 * 2, 120 + n % 40) for n in range(90)
)


def test_an_unknown_table_is_named_previewed_and_then_read(hub: SmallHub, pages: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    batch = start(pages, [send(pages, "odd.csv", UNKNOWN)], anna)
    text = finished(pages, batch)
    address = f"/import/batches/{batch}/files/0/table"
    assert address in text
    page = pages.get(address).text
    assert "Puls bei Arbeit" in page
    form = {"kind": "samples", "meaning-0": "time", "meaning-1": "", "meaning-2": "", "date_order": "dmy"}
    poor = pages.post(address, data=form | {"save": "yes"}, headers=HTMX)
    assert poor.status_code == 422
    assert "disabled" in poor.text
    form |= {"meaning-1": "heart_rate", "meaning-2": "speed"}
    unitless = pages.post(address, data=form, headers=HTMX).text
    assert "unit?" in unitless
    form["unit-2"] = "km/h"
    preview = pages.post(address, data=form, headers=HTMX).text
    assert "<td>2026-03-01 10:00:00</td><td>120</td>" in preview
    assert "<th>speed (m/s)</th>" in preview
    assert "2.08" in preview  # 7.5 km/h in m/s
    saved = pages.post(address, data=form | {"save": "yes"})
    assert saved.headers["location"] == f"/import/batches/{batch}"
    assert "1 imported" in finished(pages, batch)
    other = UNKNOWN.replace(b"01.03.", b"09.03.")
    assert "1 imported" in bring(pages, "odd2.csv", other, anna)  # the mapping was kept


def test_a_start_that_only_one_file_has_is_never_kept_for_the_others(pages: Client) -> None:
    rows = "".join(f"{second};{120 + second % 40};8,5;x\n" for second in range(200))
    table = f"elapsed s;heart rate;speed (km/h);note\n{rows}".encode()
    batch = start(pages, [send(pages, "drill.csv", table)])
    finished(pages, batch)
    address = f"/import/batches/{batch}/files/0/table"
    assert "Name the file by its start" in pages.get(address).text
    form = {"kind": "samples", "meaning-0": "elapsed", "unit-0": "s", "meaning-1": "heart_rate"}
    assert pages.post(address, data=form | {"save": "yes"}).status_code == 422
    assert "1 imported" in bring(pages, "2026-03-05 18-30-00.csv", table)


def test_pages_of_imports_need_a_signed_in_person_and_our_own_pages(pages: Client) -> None:
    foreign = {"origin": "https://elsewhere.example"}
    assert pages.post("/import/files?name=x", content=b"x", headers=foreign).status_code == 403
    pages.post("/sign-out")
    for address in ("/import", "/inbox", "/import/batches"):
        assert pages.get(address).status_code == 303
    assert pages.post("/import/files?name=x", content=b"x").status_code == 303
