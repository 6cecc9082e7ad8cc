"""The upload page: for coaches of the hub's club, within bounds, with a plain result and an answer."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import bundle_desk
from cloud.bundle_take import Result
from cloud.store.database import Database
from sync.bundle import read_head
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn

Client = TestClient[Litestar]
OWN = {"Origin": "http://cloud.test"}


@pytest.fixture
def bundle(start: Callable[..., HubOn], url: str, tmp_path: Path) -> Path:
    hub = start("card")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return Carrier(url, tmp_path / "stick").write(hub)


def upload(client: Client, data: bytes, **headers: str) -> Any:
    return client.post("/bundles/file?name=a.tlb", content=data, headers=OWN | headers)


def settled(client: Client) -> str:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        text = client.get("/bundles/jobs").text
        if "data-busy" not in text:
            return text
        time.sleep(0.05)
    raise AssertionError("it takes and takes")


def test_an_upload_is_taken_listed_and_answered(
    client: Client, sign_in: Callable[..., None], bundle: Path, tmp_path: Path, db: Any
) -> None:
    sign_in()
    assert "No bundle yet" in client.get("/bundles").text
    assert upload(client, bundle.read_bytes()).json()["id"]
    text = settled(client)
    assert "New here: 5 edits and 2 recordings." in text
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (2,)
    assert not any((tmp_path / "cloud" / "bundles").iterdir()), "uploads are not kept"

    (hub_id,) = db.execute("SELECT hub_id FROM hub").fetchone()
    answer = client.get(f"/bundles/answers/{hub_id}")
    assert f'filename="touchline-{hub_id[:8]}-' in answer.headers["content-disposition"]
    kept = tmp_path / "answer.tlb"
    kept.write_bytes(answer.content)
    with kept.open("rb") as file:
        assert read_head(file).head.writer == "cloud"
    assert not any((tmp_path / "cloud" / "bundles").iterdir())
    upload(client, bundle.read_bytes())
    assert "Everything in it was here already." in settled(client)


def test_the_form_without_a_script_does_the_same(
    client: Client, sign_in: Callable[..., None], bundle: Path
) -> None:
    sign_in()
    files = {"file": ("a.tlb", bundle.read_bytes())}
    assert client.post("/bundles", files=files, headers=OWN).headers["location"] == "/bundles"
    assert "New here: 5 edits" in settled(client)
    assert client.post("/bundles", files={"file": ("", b"")}, headers=OWN).status_code in (303, 400)


def test_another_clubs_coach_can_neither_bring_nor_fetch(
    client: Client, sign_in: Callable[..., None], claim: Callable[[str], str], bundle: Path, db: Any
) -> None:
    claim("City")
    sign_in("City")
    upload(client, bundle.read_bytes())
    text = settled(client)
    assert "It is another club&#39;s." in text
    assert "Save the answer" not in text
    (hub_id,) = db.execute("SELECT hub_id FROM hub").fetchone()
    for name in (hub_id, "nobody", "%00", "..%2f..%2fx"):
        assert client.get(f"/bundles/answers/{name}").status_code == 404
    assert db.execute("SELECT count(*) FROM change_log").fetchone() == (0,)


def test_a_long_bundle_holds_up_its_own_club_alone_and_two_clubs_go_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going: list[str] = []
    ends: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def take(database: object, path: Path, club_id: str, progress: object) -> Result:
        going.append(name := name_in(path))
        await ends[name].wait()
        return Result("refused", "It was to be slow.")

    def name_in(path: Path) -> str:
        return path.read_text()

    async def body(name: str) -> AsyncIterator[bytes]:
        yield name.encode()

    async def going_are(*names: str) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        assert going == list(names)

    async def day() -> None:
        desk = bundle_desk.BundleDesk(Database(""), tmp_path / "bundles", lambda: None)
        for name in ("a1", "a2", "b1", "c1"):
            await desk.receive(name[0], name, 0, body(name))
        await going_are("a1", "b1")
        ends["b1"].set()
        await going_are("a1", "b1", "c1")
        ends["a1"].set()
        await going_are("a1", "b1", "c1", "a2")
        await desk.close()

    monkeypatch.setattr(bundle_desk, "take", take)
    run(day())


def test_only_signed_in_people_on_this_page_can_upload(
    client: Client, sign_in: Callable[..., None], bundle: Path, tmp_path: Path
) -> None:
    for path in ("/bundles", "/bundles/jobs", "/bundles/answers/x"):
        assert client.get(path).headers["location"] == "/sign-in"
    assert upload(client, bundle.read_bytes()).headers["location"] == "/sign-in"
    sign_in()
    assert upload(client, bundle.read_bytes(), Origin="http://elsewhere.test").status_code == 403
    assert "No bundle yet" in client.get("/bundles").text
    assert not (tmp_path / "cloud" / "bundles").exists()


def test_too_much_and_too_many_are_refused_before_they_fill_the_disk(
    client: Client, sign_in: Callable[..., None], claim: Callable[[str], str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    claim("Rovers")
    sign_in()
    monkeypatch.setattr(bundle_desk, "MOST_BYTES", 1000)
    assert "larger than 2 GB" in upload(client, bytes(2000)).json()["fault"]
    monkeypatch.setattr(bundle_desk, "MOST_BYTES", 1 << 30)
    monkeypatch.setattr(bundle_desk, "MOST_OPEN", 0)
    assert "Too many bundles" in upload(client, bytes(10)).json()["fault"]
    monkeypatch.setattr(bundle_desk, "MOST_OPEN", 20)
    monkeypatch.setattr(bundle_desk, "ROOM_LEFT_BYTES", 1 << 60)
    assert "disk is full" in upload(client, bytes(10)).json()["fault"]
    assert list((tmp_path / "cloud" / "bundles").iterdir()) == []


def test_a_name_is_shown_as_text_and_never_a_path(
    client: Client, sign_in: Callable[..., None], claim: Callable[[str], str]
) -> None:
    claim("Rovers")
    sign_in()
    client.post("/bundles/file", params={"name": "../../<b>x\r\n"}, content=b"what", headers=OWN)
    text = settled(client)
    assert "&lt;b&gt;x" in text
    assert "it is no bundle of Touchline" in text
