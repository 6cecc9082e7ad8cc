"""What an archive hides is counted before it is read, and its names lead nowhere."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable
from hub.imports.archive import Limits, gunzipped, opened
from tests.imports.own_files import fit_run, gpx_run, hostile, zipped

SMALL = Limits(entries=5, total_bytes=100_000, health_bytes=400_000, ratio_from_bytes=50_000)


def names(data: bytes, limits: Limits | None = None) -> list[str]:
    with opened(Source.of_bytes("a.zip", data), limits or Limits()) as inside:
        return [member.path for member in inside.members]


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ExportUnreadable) as refused:
        names(data, limits)
    assert refused.value.hint
    return refused.value.detail


def test_members_are_read_as_often_as_asked_and_know_their_siblings() -> None:
    data = zipped({"x/s.csv": b"one", "x/s.hrv.csv": b"two", "y/s.csv": b"three"})
    with opened(Source.of_bytes("a.zip", data)) as inside:
        beats = next(member.source for member in inside.members if member.path == "x/s.hrv.csv")
        with beats.open() as once, beats.open() as again:
            assert (once.read(1), again.read(), once.read()) == (b"t", b"two", b"wo")
        beside = beats.sibling("s.csv")
        assert beside is not None
        assert beside.read(10) == b"one"
        assert beats.sibling("other.csv") is None


def test_litter_is_passed_over_and_counted() -> None:
    data = zipped({"__MACOSX/._a.fit": b"x", "b/.DS_Store": b"x", "b/._c.fit": b"x", "b/c.fit": b"x"})
    with opened(Source.of_bytes("a.zip", data)) as inside:
        assert ([it.path for it in inside.members], inside.n_litter) == (["b/c.fit"], 3)


def test_names_that_point_outside_are_left_out() -> None:
    paths = ("../a.fit", "/etc/a.fit", "C:\\a.fit", "..\\a.fit", "x/../../a.fit", "good..fit")
    with opened(Source.of_bytes("a.zip", zipped({path: b"x" for path in paths}))) as inside:
        assert ([it.path for it in inside.members], inside.n_unsafe) == (["good..fit"], 5)


def test_two_files_of_one_name_are_both_kept() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.fit", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.fit", b"22")
    with opened(Source.of_bytes("a.zip", packed.getvalue())) as inside:
        assert sorted(member.source.read(9) for member in inside.members) == [b"1", b"22"]


def test_an_unlabelled_utf8_name_is_read_as_utf8_and_accents_are_joined() -> None:
    data = zipped({"sueno.csv": b"x"})
    assert names(data.replace(b"sueno.csv", "sueñ.csv".encode())) == ["sueñ.csv"]
    assert names(zipped({"suen\u0303o.csv": b"x"})) == ["sue\u00f1o.csv"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({f"{i}.txt": b"" for i in range(6)}, "it holds more than 5 files."),
        ({"a.csv": bytes(range(256)) * 400}, "it unpacks to more than 0 MiB."),
        ({"a.fit": bytes(60_000)}, "it unpacks to more than 200 times its size, as no export does."),
    ],
)
def test_what_is_beyond_the_limits_is_refused_unread(files: dict[str, bytes], sentence: str) -> None:
    assert refusal(zipped(files), SMALL) == sentence


def test_an_apple_export_may_be_larger_than_others() -> None:
    health = b'<?xml version="1.0"?><HealthData>' + bytes(range(256)) * 800
    limits = Limits(total_bytes=100_000, health_bytes=400_000)
    assert names(zipped({"e/export.xml": health}), limits) == ["e/export.xml"]
    assert "more than" in refusal(zipped({"e/export.xml": health * 2}), limits)


def test_an_endless_table_of_contents_is_refused_from_its_length_alone() -> None:
    assert refusal(hostile()["long_contents.zip"]) == "it holds more than 20000 files."


def test_a_damaged_locked_or_oddly_packed_archive_says_so() -> None:
    assert "end is missing" in refusal(hostile()["cut.zip"])
    data = bytearray(zipped({"a.fit": fit_run()}))
    at = data.rfind(b"PK\x01\x02")
    locked, odd, torn = bytearray(data), bytearray(data), bytearray(data)
    locked[at + 8] |= 1
    assert refusal(bytes(locked)) == "it is locked with a password."
    odd[at + 10] = odd[8] = 99
    torn[60:90] = bytes(30)
    for broken, sentence in ((odd, "packed in a way"), (torn, "damaged archive")):
        with (
            opened(Source.of_bytes("a.zip", bytes(broken))) as inside,
            pytest.raises(ExportUnreadable, match=sentence),
        ):
            inside.members[0].source.read(1 << 20)


def test_a_size_that_lies_ends_in_a_sentence_and_no_flood() -> None:
    with (
        opened(Source.of_bytes("a.zip", hostile()["lying.zip"])) as inside,
        pytest.raises(ExportUnreadable, match="damaged archive"),
    ):
        inside.members[0].source.read(1 << 20)


def test_an_inner_archive_stays_shut_unless_a_deeper_limit_is_asked_for() -> None:
    inner = zipped({"DI/a.fit": fit_run(), "../b.fit": b"x"})
    innermost = zipped({"z.zip": zipped({"c.fit": b"x"})})
    data = zipped({"one.zip": inner, "two.zip": innermost, "plain.gpx": gpx_run()})
    with opened(Source.of_bytes("a.zip", data)) as inside:
        assert ([it.path for it in inside.members], inside.n_nested) == (["plain.gpx"], 2)
    with opened(Source.of_bytes("a.zip", data), Limits(depth=2)) as inside:
        assert [it.path for it in inside.members] == ["plain.gpx", "one.zip!DI/a.fit"]
        assert inside.members[1].source.read(1 << 20) == fit_run()


def test_a_gzip_is_measured_by_reading_and_bounded() -> None:
    source = gunzipped(Source.of_bytes("a.fit.gz", gzip.compress(fit_run())))
    assert (source.name, source.size_bytes, source.read(1 << 20)) == ("a.fit", len(fit_run()), fit_run())
    for data, sentence in (
        (hostile()["bomb.fit.gz"], "200 times its size"),
        (hostile()["twice.gz"], "packed twice over"),
        (hostile()["cut.gz"], "damaged archive"),
        (b"\x1f\x8b" + bytes(40), "damaged archive|not known here"),
    ):
        with pytest.raises(ExportUnreadable, match=sentence):
            gunzipped(Source.of_bytes("a.gz", data)).read(1 << 20)


def test_a_gzip_beyond_the_total_is_refused() -> None:
    with pytest.raises(ExportUnreadable, match="unpacks to more than"):
        gunzipped(Source.of_bytes("a.gz", gzip.compress(bytes(range(256)) * 1000)), SMALL)
