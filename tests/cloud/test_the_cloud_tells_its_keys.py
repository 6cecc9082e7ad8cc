"""The cloud reads its keys from files that may change, tells hubs, and shows the code that names one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Litestar
from litestar.testing import TestClient

from cloud.app import create_cloud
from cloud.cli import main
from cloud.config import CloudSettings
from cloud.errors import SettingInvalid
from cloud.own_keys import OwnKeys
from sync.claim import key_mark, parted
from tests.cloud.conftest import PASSWORD
from tests.cloud.sender import Sender
from tests.sync.tls_ground import Authority, new_key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_keys_come_from_certificates_public_keys_and_pins_each_once(
    authority: Authority, tmp_path: Path
) -> None:
    key = new_key()
    shown, other = authority.certificate(-1, 90, key=key), authority.certificate(-1, 90)
    public = tmp_path / "same.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    chain = tmp_path / "fullchain.pem"
    chain.write_bytes(shown.file.read_bytes() + authority.file.read_bytes())
    keys = OwnKeys([str(chain), str(public), f"sha256/{other.certificate.pin}"])
    assert keys.pins() == [shown.certificate.pin, other.certificate.pin]
    assert keys.in_use == shown.certificate.pin
    assert (OwnKeys().pins(), OwnKeys().in_use) == ([], "")


def test_a_file_that_is_replaced_counts_at_once_and_one_being_replaced_stays_what_it_was(
    authority: Authority, tmp_path: Path
) -> None:
    before, after = authority.certificate(-1, 90), authority.certificate(-1, 90)
    file = tmp_path / "cloud.pem"
    file.write_bytes(before.file.read_bytes())
    keys = OwnKeys([str(file)])
    for text, at_s, pin in ((b"half a", 1, before), (after.file.read_bytes(), 2, after)):
        file.write_bytes(text)
        os.utime(file, (at_s, at_s))
        assert keys.in_use == pin.certificate.pin
    file.unlink()
    assert keys.pins() == [after.certificate.pin]


@pytest.mark.parametrize("listed", ["sha256/short", "missing.pem", "key"])
def test_what_names_no_key_is_said_at_the_start(authority: Authority, listed: str) -> None:
    private = str(authority.certificate(-1, 90).key_file)
    with pytest.raises(SettingInvalid, match="TOUCHLINE_CLOUD_KEYS"):
        OwnKeys([private if listed == "key" else listed])
    with pytest.raises(SettingInvalid, match="more than 3"):
        OwnKeys([f"sha256/{'A' * 43}="] * 4)


def test_settings_are_read_with_commas() -> None:
    env = {"TOUCHLINE_CLOUD_KEYS": " /etc/a.pem, sha256/x= ,"}
    assert CloudSettings.from_env(env).keys == ("/etc/a.pem", "sha256/x=")


def test_hubs_are_told_when_they_join_and_whenever_they_sign_in(
    authority: Authority, claim: Callable[[str], str], url: str, tmp_path: Path
) -> None:
    shown = authority.certificate(-1, 90)
    settings = CloudSettings(data_dir=tmp_path, database_url=url, keys=(str(shown.file),))
    with TestClient(create_cloud(settings), base_url="https://cloud.test") as client:
        hub = Sender(client)
        joined, signed_in = hub.enrol(claim("Rovers")), hub.sign_in()
    assert joined.json()["spki_pins"] == signed_in.json()["spki_pins"] == [shown.certificate.pin]


def test_a_cloud_that_was_told_none_tells_none(
    client: TestClient[Litestar], claim: Callable[[str], str]
) -> None:
    hub = Sender(client)
    assert (hub.enrol(claim("Rovers")).json()["spki_pins"], hub.sign_in().json()["spki_pins"]) == ([], [])


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_page_shows_the_longer_code_where_hubs_will_see_the_key(
    authority: Authority, claim: Callable[[str], str], url: str, tmp_path: Path, scheme: str
) -> None:
    shown = authority.certificate(-1, 90)
    settings = CloudSettings(data_dir=tmp_path, database_url=url, keys=(str(shown.file),))
    claim("Rovers")
    with TestClient(create_cloud(settings), base_url=f"{scheme}://cloud.test") as client:
        origin = {"origin": f"{scheme}://cloud.test"}
        form = {"email": "rovers@example.org", "password": PASSWORD}
        client.post("/sign-in", data=form, headers=origin)
        page = client.post("/hubs/code", headers=origin).text
        short = re.search(r'class="code"[^>]*>([\w-]+)<', page)
        longer = re.search(r'class="long-code">([\w-]+)<', page)
        assert short is not None
        if scheme == "http":
            assert longer is None
            return
        assert longer is not None
        secret, mark = parted(longer.group(1))
        assert (secret, mark) == (parted(short.group(1))[0], key_mark(shown.certificate.pin))
        assert Sender(client).enrol(longer.group(1)).status_code == 200, "an older hub sends all of it"


def test_the_command_prints_both(
    authority: Authority, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shown = authority.certificate(-1, 90)
    for name, value in (("DATABASE_URL", url), ("TOUCHLINE_DATA", str(tmp_path))):
        monkeypatch.setenv(name, value)
    assert main(["enrol", "--club", "FC", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["claim_code_with_key"] is None
    monkeypatch.setenv("TOUCHLINE_CLOUD_KEYS", str(shown.file))
    assert main(["enrol", "--club", "FC", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert parted(printed["claim_code_with_key"]) == (printed["claim_code"], key_mark(shown.certificate.pin))
    assert main(["enrol", "--club", "FC"]) == 0
    assert re.search(r"^or: +\w{4}-\w{4}-\w{4}-\w{4} ", capsys.readouterr().out, re.MULTILINE)
