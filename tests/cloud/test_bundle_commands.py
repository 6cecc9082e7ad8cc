"""The verbs at both ends of the stick, beside a running hub and without one; sticks that are plugged in."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from sqlite3 import Connection
from uuid import uuid4

import pytest

from cloud import cli as cloud_cli
from cloud.config import CloudSettings
from cloud.errors import NoFolder
from hub import cli
from hub.commands.bundle import verbs
from hub.config import HubSettings
from hub.control import ControlDoor
from hub.errors import ActionRefused
from hub.store import segments
from hub.syncing.bundle_desk import BundleDesk, DeskSetting
from sync.segments import Segment
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]


@pytest.fixture
def hub(tmp_path: Path, start: Start) -> HubOn:
    """A hub with a training, where the commands expect it."""
    (tmp_path / "data").mkdir()
    hub = start("data/hub")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return hub


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    path = tmp_path / "media" / "BLUE"
    path.mkdir(parents=True)
    return path


def desk_of(hub: HubOn, media: Path) -> BundleDesk:
    def now() -> tuple[int, int]:
        moment = hub.moment()
        return moment.mono_ms, moment.wall_ms

    setting = DeskSetting(hub.card / "bundles", (media,), hub.key_path, lambda it: it.parent == media)
    return BundleDesk(hub.store, hub.outbox, now, hub.moment, setting, nullcontext)


@pytest.fixture
def hub_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run a verb of the hub; its status and all it said."""
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path / "data"))

    def go(*arguments: str) -> tuple[int, str]:
        status = cli.main(list(arguments))
        said = capsys.readouterr()
        return status, (said.out + said.err).strip()

    return go


@pytest.fixture
def cloud_says(url: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a verb of the cloud on the test's database."""

    def go(*arguments: str) -> tuple[int, str]:
        given = cloud_cli.parser().parse_args(arguments)
        status = given.verb(given, CloudSettings(database_url=url))
        return status, capsys.readouterr().out.strip()

    return go


Says = Callable[..., tuple[int, str]]


def test_a_stick_goes_there_and_back_by_commands_alone(
    hub: HubOn, stick: Path, hub_says: Says, cloud_says: Says, start: Start
) -> None:
    hub.stop()
    status, words = hub_says("bundle", "--to", str(stick))
    assert (status, words.endswith("read back and checked.")) == (0, True)
    assert "5 edits and 2 recordings" in words

    bundle = next(stick.iterdir())
    bad = stick / "notes.txt"
    bad.write_text("milk, bread")
    status, words = cloud_says("accept", str(bundle), str(bad), "--answer", str(stick))
    assert status == 1, "one of them was refused"
    assert "notes.txt: not taken. This bundle cannot be read: it is no bundle" in words
    assert f"{bundle.name}: taken. New here: 5 edits and 2 recordings." in words
    again = cloud_says("accept", str(bundle))
    assert again == (0, f"{bundle.name}: already there. Everything in it was here already.")

    answer = next(stick.glob("*-answer.tlb"))
    assert hub_says("bundle", "--take", str(answer)) == (
        0, "The cloud's answer was taken: 5 edits confirmed, 2 recordings confirmed, 5 entries received.",
    )  # fmt: skip
    back = start("data/hub")
    assert back.books.pending == 0
    assert back.verify().is_equal


def test_commands_say_what_is_wrong(
    hub: HubOn, stick: Path, hub_says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.stop()
    status, words = hub_says("bundle", "--to", str(stick / "none"))
    assert status == 1
    assert "is no folder" in words
    assert "hint: Plug the stick in" in words
    monkeypatch.setenv("TOUCHLINE_DATA", str(tmp_path / "empty"))
    assert "There is no hub in" in hub_says("bundle", "--to", str(stick))[1]
    assert not (tmp_path / "empty").exists()


def test_accepting_what_is_not_there_says_so_and_takes_the_rest(
    hub: HubOn, stick: Path, hub_says: Says, cloud_says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.stop()
    hub_says("bundle", "--to", str(stick))
    bundle, lost = next(stick.iterdir()), stick / "lost.tlb"
    status, words = cloud_says("accept", str(lost), str(stick), str(bundle))
    assert status == 1
    assert (
        f"{lost}: not taken. There is no such file.\n  Look into {stick}: bundles there end in .tlb." in words
    )
    assert f"{stick}: not taken. It is a folder.\n  Name the bundles in it: {stick}/*.tlb" in words
    assert f"{bundle.name}: taken." in words
    words = cloud_says("accept", str(stick / "gone" / "x.tlb"))[1]
    assert f"There is no folder {stick / 'gone'} either: is the stick plugged in and mounted?" in words

    with pytest.raises(NoFolder) as caught:
        cloud_says("accept", str(bundle), "--answer", str(stick / "gone"))
    assert str(stick / "gone") in str(caught.value)
    assert "disk" not in caught.value.hint
    assert "taken" not in capsys.readouterr().out


@pytest.mark.parametrize(("top", "verb"), [(cli.main, "bundle"), (cloud_cli.main, "accept")])
def test_the_verbs_explain_themselves_with_examples(
    top: Callable[[list[str]], int], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        top([verb, "--help"])
    assert ended.value.code == 0
    assert f"{verb} --to /media/usb" in (said := capsys.readouterr().out) or "--answer /media/usb" in said


@pytest.fixture
def running(hub: HubOn, stick: Path, tmp_path: Path) -> Iterator[BundleDesk]:
    """The hub's door and desk at work on a loop of their own."""
    desk = desk_of(hub, stick.parent)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    door = ControlDoor(HubSettings(data=tmp_path / "data").control_path, verbs(desk))
    asyncio.run_coroutine_threadsafe(door.open(), loop).result(5)
    yield desk
    asyncio.run_coroutine_threadsafe(door.close(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_beside_a_running_hub_the_command_asks_it_and_follows(
    running: BundleDesk, hub: HubOn, stick: Path, url: str, hub_says: Says
) -> None:
    status, words = hub_says("bundle", "--to", str(stick))
    assert (status, words.endswith("read back and checked.")) == (0, True)
    status, words = hub_says("bundle", "--to", str(stick / "none"))
    assert (status, "is no folder" in words) == (1, True)
    carrier = Carrier(url, stick)
    carrier.accept(next(stick.iterdir()))
    answer = carrier.answer(hub)
    status, words = hub_says("bundle", "--take", str(answer))
    assert (status, "5 edits confirmed" in words) == (0, True)
    answer.write_bytes(answer.read_bytes()[:-3])
    status, words = hub_says("bundle", "--take", str(answer))
    assert (status, "it is cut off" in words) == (1, True)
    assert running.view.fault == words.removeprefix("error: ").partition("\n")[0]


def test_an_answer_on_a_stick_that_is_plugged_in_is_taken_by_itself_and_once(
    hub: HubOn, stick: Path, url: str, start: Start
) -> None:
    desk, carrier = desk_of(hub, stick.parent), Carrier(url, stick)
    (stick / "holiday.tlb").write_bytes(b"no bundle at all")
    other = start("other")
    other.athlete("Bea")
    carrier.accept(carrier.write(other))
    carrier.answer(other)
    carrier.accept(carrier.write(hub))
    assert asyncio.run(desk.look()) == 0, "nothing here is for this hub yet"
    carrier.answer(hub)

    async def look_twice() -> tuple[int, int]:
        return await desk.look(), await desk.look()

    assert asyncio.run(look_twice()) == (1, 0)
    assert hub.books.pending == 0
    assert sorted(hub.names()) == ["Ann", "Bea"]
    assert [it.name for it in desk.sticks()] == ["BLUE"]


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(200_000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


def test_a_stopped_writing_goes_on_and_only_one_runs_at_a_time(hub: HubOn, stick: Path) -> None:
    desk = desk_of(hub, stick.parent)

    def noise(db: Connection) -> None:
        for at in range(60):
            segments.add(
                db, Segment(os.urandom(32), str(uuid4()), 1, at, at + 1, 1, 1, os.urandom(250_000))
            )  # fmt: skip

    hub.store.write_now(noise)

    async def story() -> str:
        desk.start_writing(stick)
        await until(lambda: desk.view.done_bytes > 0)
        with pytest.raises(ActionRefused, match="being written"):
            desk.start_writing(stick)
        desk.stop_writing()
        await until(lambda: desk.view.step != "writing")
        assert desk.view.words.startswith("Stopped.")
        assert [it.is_begun for it in desk.sticks()] == [True]
        await desk.write(stick)
        return desk.view.words

    assert "read back and checked" in asyncio.run(story())
    assert [it.suffix for it in stick.iterdir()] == [".tlb"]
