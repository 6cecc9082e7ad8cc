"""A path becomes sealed sessions: heart rates at their own times, beats with the sample they end in."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from hub.devices.exports.found import FoundSession, Person, RrSeries, Setting, Track
from hub.imports.read import read_path
from hub.imports.readfile import ReadFile, ReadSession
from hub.imports.sealing import cut, heart_samples, read_session
from sync.motion import joined, unseal_motion
from sync.segments import Samples, unseal
from tests.imports.own_files import (
    START,
    fit_run,
    gpx_run,
    hostile,
    polar_rr,
    polar_session,
    whoop_sleeps,
    zipped,
)  # fmt: skip

SETTING = Setting(timezone(timedelta(hours=1)))
START_MS = int(START.timestamp() * 1000)


def read(path: Path, data: bytes) -> list[ReadFile]:
    path.write_bytes(data)
    return read_path(path, SETTING)


def samples_of(session: ReadSession) -> list[Samples]:
    return [
        unseal(segment) for stream in session.streams if stream.channel == "hr" for segment in stream.segments
    ]


def track(at_s: list[float], bpm: list[float]) -> Track:
    return Track(np.array([round(1000 * s) for s in at_s], np.int64), {"bpm": np.array(bpm, np.float64)})


def beats(at_s: list[float], rr_ms: list[float], flagged: tuple[int, ...] = ()) -> RrSeries:
    marks = np.array([i in flagged for i in range(len(rr_ms))], np.bool_)
    return RrSeries(np.array([round(1000 * s) for s in at_s], np.int64), np.array(rr_ms), marks)


def found(of: Track, rr: RrSeries) -> FoundSession:
    return FoundSession(Person(), "running", "Run", 0, 60.0, track=of, rr=rr)


def test_a_fit_file_is_sealed_second_by_second(tmp_path: Path) -> None:
    (file,) = read(tmp_path / "run.fit", fit_run(700))
    assert (file.error, file.name, file.format) == (None, "run.fit", "FIT")
    assert (file.sha256, file.size_bytes) == (hashlib.sha256(fit_run(700)).hexdigest(), len(fit_run(700)))
    (session,) = file.sessions
    assert (session.heart.n, session.heart.max, session.heart.mean) == (700, 169, 134.5)
    parts = samples_of(session)
    assert [len(part) for part in parts] == [300, 300, 100]
    assert np.concatenate([part.mono_ms for part in parts]).tolist() == [
        START_MS + 1000 * i for i in range(700)
    ]
    assert np.concatenate([part.bpm for part in parts]).tolist() == [100 + i // 10 for i in range(700)]
    assert len(session.about.track.at_ms) == len(session.about.rr.rr_ms) == 0


def test_the_same_bytes_give_the_same_streams_under_any_name_and_packing(tmp_path: Path) -> None:
    plain = read(tmp_path / "a.fit", fit_run())
    packed = read(tmp_path / "b.fit.gz", gzip.compress(fit_run()))
    inside = read(tmp_path / "c.zip", zipped({"x/d.fit": fit_run()}))
    other = read(tmp_path / "e.fit", fit_run(first_bpm=101))
    assert plain[0].sessions[0].streams == packed[0].sessions[0].streams == inside[0].sessions[0].streams
    assert plain[0].sha256 == packed[0].sha256 == inside[0].sha256
    assert other[0].sessions[0].streams[0].stream_id != plain[0].sessions[0].streams[0].stream_id
    assert [file[0].name for file in (plain, packed, inside)] == ["a.fit", "b.fit.gz", "c.zip!x/d.fit"]


def test_positions_are_sealed_beside_heart_rates(tmp_path: Path) -> None:
    (file,) = read(tmp_path / "a.gpx", gpx_run(400))
    (session,) = file.sessions
    assert [stream.channel for stream in session.streams] == ["hr", "motion"]
    whole = joined([unseal_motion(segment) for segment in session.streams[1].segments])
    columns = whole.columns()
    assert len(whole) == 400
    assert columns["latitude_deg"][1] == pytest.approx(60.00001)
    assert columns["longitude_deg"][0] == 25.0


def test_an_interval_belongs_to_the_first_sample_at_or_after_its_end() -> None:
    at_s, rr_ms = [0.5, 1.0, 1.4, 2.0, 2.1, 3.9], [500.0, 500.0, 400.0, 600.0, 100.0, 1800.0]
    samples = heart_samples(track([0, 1, 2, 3, 4], [100, 101, 0, 103, 104]), beats(at_s, rr_ms, (4,)))
    assert samples.mono_ms.tolist() == [0, 1000, 3000, 4000]
    assert samples.bpm.tolist() == [100, 101, 103, 104]
    assert samples.rr_count.tolist() == [0, 2, 3, 1]
    assert samples.rr_1024.tolist() == [round(1.024 * it) for it in rr_ms]


def test_beats_without_a_heart_rate_make_one_sample_a_second_from_sound_intervals() -> None:
    rr = beats([0.4, 0.9, 1.5, 2.2, 2.4], [500, 500, 600, 700, 200], flagged=(4,))
    samples = heart_samples(Track(np.zeros(0, np.int64)), rr)
    assert samples.mono_ms.tolist() == [900, 1500, 2400]
    assert samples.bpm.tolist() == [120, 100, round(60_000 / 700)]
    assert samples.rr_count.tolist() == [2, 1, 2]
    only_flagged = heart_samples(Track(np.zeros(0, np.int64)), beats([0.5], [9000.0], flagged=(0,)))
    assert (only_flagged.bpm.tolist(), only_flagged.rr_count.tolist()) == ([0], [1])


def test_beats_far_from_any_heart_rate_are_kept_with_samples_of_their_own() -> None:
    samples = heart_samples(track([0, 60], [100, 110]), beats([1.0, 30.0, 59.0, 61.0], [1000.0] * 4))
    assert samples.mono_ms.tolist() == [0, 1000, 30_000, 60_000, 61_000]
    assert samples.bpm.tolist() == [100, 60, 60, 110, 60]
    assert samples.rr_count.tolist() == [0, 1, 1, 1, 1]


def test_intervals_move_by_at_most_half_a_millisecond_and_none_is_lost() -> None:
    rng = np.random.default_rng(7)
    rr_ms = rng.uniform(250, 2000, 5000).round(1)
    ends = np.cumsum(rr_ms) / 1000
    session = read_session(
        found(track(list(range(0, 6000, 4)), [120.0] * 1500), beats(list(ends), list(rr_ms))), 0, "x"
    )
    kept = np.concatenate([part.rr_1024 for part in samples_of(session)]) / 1.024
    assert session.rr_n == len(kept) == 5000
    assert np.abs(kept - rr_ms).max() <= 0.5


def test_more_intervals_than_a_sample_holds_move_on_to_the_next() -> None:
    samples = heart_samples(track([4, 5, 6], [100, 100, 100]), beats([3.9] * 600, [1.0] * 600))
    assert samples.rr_count.tolist() == [255, 255, 90]


def test_impossible_rates_and_pauses_become_what_a_segment_can_hold() -> None:
    wild = heart_samples(track([0, 1, 2, 3], [-5, 1e9, float("nan"), 0.2]), beats([3], [1e9]))
    assert (wild.bpm.tolist(), wild.rr_1024.tolist()) == ([0], [65_535])


def test_segments_are_cut_by_time_and_by_weight() -> None:
    n = 150_000
    crowded = track([i / 1000 for i in range(n)], [100.0] * n)
    parts = cut(heart_samples(crowded, beats([], [])))
    assert sum(len(part) for part in parts) == n
    assert max(len(part) for part in parts) <= 60_000
    sparse = cut(heart_samples(track([0, 299.999, 300, 900], [90.0] * 4), beats([], [])))
    assert [part.mono_ms.tolist() for part in sparse] == [[0, 299_999], [300_000], [900_000]]


def test_an_archive_gives_one_result_for_each_export_and_tells_the_rest_once(tmp_path: Path) -> None:
    files = {
        "data/sleeps.csv": whoop_sleeps(), "data/run.fit.gz": gzip.compress(fit_run()),
        "README.txt": b"Thank you for asking for your data.\n", "logo.png": b"\x89PNG\r\n\x1a\n",
        "../evil.fit": fit_run(), "inner.zip": zipped({"a.fit": fit_run()}),
    }  # fmt: skip
    reads = read(tmp_path / "export.zip", zipped(files))
    assert [file.name for file in reads] == ["export.zip!data/sleeps.csv", "export.zip!data/run.fit.gz"]
    assert [file.error for file in reads] == [None, None]
    assert reads[0].warnings[0] == (
        "left out: 2 unknown files (README.txt, logo.png); 1 archive inside the archive; "
        "1 file with a name that points outside it."
    )
    assert not any("left out" in warning for warning in reads[1].warnings)
    assert not (tmp_path.parent / "evil.fit").exists()


def test_one_damaged_file_in_an_archive_fails_alone(tmp_path: Path) -> None:
    files = {"good.fit": fit_run(), "cut.fit": fit_run()[:20], "torn.fit.gz": hostile()["cut.gz"]}
    reads = {file.name: file for file in read(tmp_path / "e.zip", zipped(files))}
    assert reads["e.zip!good.fit"].error is None
    assert reads["e.zip!torn.fit.gz"].error == "it is a damaged archive."
    assert reads["e.zip!cut.fit"].error
    assert all(file.hint for file in reads.values() if file.error)


def test_an_archive_without_any_export_is_one_refusal(tmp_path: Path) -> None:
    (file,) = read(tmp_path / "x.zip", hostile()["readme.zip"])
    assert file.error == "nothing in it can be read: 2 unknown files (README.txt, a.png)."
    assert (file.name, file.sessions, bool(file.hint)) == ("x.zip", (), True)
    (empty,) = read(tmp_path / "y.zip", hostile()["empty.zip"])
    assert empty.error == "it holds no files."


def test_a_polar_rr_file_takes_its_start_from_the_session_beside_it(tmp_path: Path) -> None:
    packed = zipped({"p/7.hrv.csv": polar_rr(), "p/7.csv": polar_session()})
    started = {file.name: file.sessions[0].about.started_at_ms for file in read(tmp_path / "p.zip", packed)}
    assert started == {"p.zip!p/7.hrv.csv": START_MS, "p.zip!p/7.csv": START_MS}
    (tmp_path / "7.csv").write_bytes(polar_session())
    (beside,) = read(tmp_path / "7.hrv.csv", polar_rr())
    assert beside.sessions[0].about.started_at_ms == START_MS
    assert beside.sessions[0].rr_n == 90
    (alone,) = read(tmp_path / "8.hrv.csv", polar_rr())
    assert alone.error


def test_the_name_to_show_need_not_be_the_paths(tmp_path: Path) -> None:
    path = tmp_path / "upload-123"
    path.write_bytes(zipped({"a.fit": fit_run()}))
    assert [it.name for it in read_path(path, SETTING, "Anna's season.zip")] == ["Anna's season.zip!a.fit"]


def test_a_file_that_is_gone_is_a_refusal_too(tmp_path: Path) -> None:
    (file,) = read_path(tmp_path / "gone.fit", SETTING)
    assert file.error == "it is not there any more."


def test_a_local_time_is_taken_in_the_settings_zone(tmp_path: Path) -> None:
    (file,) = read(tmp_path / "7.csv", polar_session())
    assert datetime.fromtimestamp(file.sessions[0].about.started_at_ms / 1000, UTC) == START
