"""Small export files of our own making, and archives round them, sound and hostile; it reads nothing."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from tests.devices.exports.fit_writer import RUNNING, fit_file, seconds

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

RR_NAME = "2026-03-01 10-00-00.txt"  # such texts tell their start in the name only


def fit_run(n_seconds: int = 60, first_bpm: int = 100, start: datetime = START) -> bytes:
    """A run with a heart rate a second, rising by 1 bpm every ten, for 800 s at a time."""
    at = seconds(start)
    rows = [("record", (at + i, first_bpm + i // 10 % 80)) for i in range(n_seconds)]
    end = at + n_seconds - 1
    return fit_file([
        ("file_id", (4, 1, 1)),
        *rows,
        ("session", (end, at, RUNNING, (n_seconds - 1) * 1000)),
        ("activity", (end, end + 3600)),
    ])  # fmt: skip


def gpx_run(n_seconds: int = 60, first_bpm: int = 100) -> bytes:
    """A walk straight north with heart rates."""
    points = "".join(
        f'<trkpt lat="{60 + i / 1e5:.5f}" lon="25.0"><ele>10</ele><time>{_utc(i)}</time><extensions>'
        f"<x:TrackPointExtension><x:hr>{first_bpm + i // 10}</x:hr></x:TrackPointExtension>"
        "</extensions></trkpt>"
        for i in range(n_seconds)
    )
    return (
        '<?xml version="1.0"?><gpx version="1.1" creator="own" xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:x="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"><trk><type>running</type><trkseg>'
        f"{points}</trkseg></trk></gpx>"
    ).encode()


def tcx_run(n_seconds: int = 60, first_bpm: int = 100) -> bytes:
    """One lap of one activity."""
    points = "".join(
        f"<Trackpoint><Time>{_utc(i)}</Time><HeartRateBpm><Value>{first_bpm + i // 10}</Value></HeartRateBpm>"
        "</Trackpoint>"
        for i in range(n_seconds)
    )
    return (
        '<?xml version="1.0"?><TrainingCenterDatabase '
        'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>'
        f'<Activity Sport="Running"><Id>{_utc(0)}</Id><Lap StartTime="{_utc(0)}">'
        f"<TotalTimeSeconds>{n_seconds - 1}</TotalTimeSeconds><DistanceMeters>100</DistanceMeters>"
        f"<Calories>9</Calories><Track>{points}</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def apple_export() -> bytes:
    """Heart rates of one workout."""
    records = "".join(
        f'<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="count/min" '
        f'startDate="{_apple(i)}" endDate="{_apple(i)}" value="{100 + i}"/>'
        for i in range(0, 60, 5)
    )
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n]>\n'
        f'<HealthData locale="en_GB">{records}'
        '<Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="1" durationUnit="min" '
        f'sourceName="Watch" startDate="{_apple(0)}" endDate="{_apple(60)}"/></HealthData>'
    ).encode()


def whoop_sleeps() -> bytes:
    """Two nights."""
    head = "Cycle start time,Cycle end time,Cycle timezone,Sleep onset,Wake onset,Sleep performance %,Nap"
    return (
        f"{head}\n2026-03-02 23:00:00,2026-03-03 22:30:00,UTC+01:00,2026-03-02 23:00:00,"
        "2026-03-03 06:30:00,88,false\n2026-03-01 22:45:00,2026-03-02 23:00:00,UTC+01:00,"
        "2026-03-01 22:45:00,2026-03-02 06:15:00,91,false\n"
    ).encode()


def polar_session() -> bytes:
    """A Flow session as CSV: a summary and its samples."""
    head = "Name,Sport,Date,Start time,Duration,Total distance (km),Average heart rate (bpm),Calories,"
    rows = "".join(f",00:00:{i:02d},{100 + i // 10},,\n" for i in range(60))
    return (
        f"{head}\nAnna,RUNNING,01.03.2026,10:00:00,00:01:00,0.2,103,9,\n"
        f"Sample rate,Time,HR (bpm),Speed (km/h),\n1,00:00:00,100,,\n{rows}"
    ).encode()


def polar_rr(n: int = 90) -> bytes:
    """The RR intervals of such a session."""
    return ("duration,offline\n" + "".join(f"{640 + i % 20},false\n" for i in range(n))).encode()


def rr_lines(n: int = 90) -> bytes:
    """One interval in ms a line."""
    return "".join(f"{800 + i % 40}\r\n" for i in range(n)).encode()


def hrm_file() -> bytes:
    """An old Polar file: parameters and one heart rate every five seconds."""
    rates = "\r\n".join(str(100 + i) for i in range(12))
    return (
        "[Params]\r\nVersion=106\r\nMonitor=13\r\nSMode=000000000\r\nDate=20260301\r\nStartTime=10:00:00.0\r\n"
        f"Length=00:01:00.0\r\nInterval=5\r\n\r\n[HRData]\r\n{rates}\r\n"
    ).encode()


def statsports_session() -> bytes:
    """Two players of one training."""
    head = "Session Date,Session Title,Player Name,HML Time,High Speed Running (Absolute),Sprints,Total Time"
    return (
        f"{head},Total Distance\n01/03/2026,Training,Anna Ek,0:03:10,310,5,1:02:00,5400\n"
        "01/03/2026,Training,Bea Lund,0:02:40,250,3,1:02:00,5100\n"
    ).encode()


def generic_diary() -> bytes:
    """A club's own table."""
    return b"date;duration_min;avg_hr\n13.03.2026;46,5;121\n14.03.2026;47,5;122\n15.03.2026;40,0;119\n"


ALL = {
    "run.fit": fit_run, "run.gpx": gpx_run, "run.tcx": tcx_run, "export.xml": apple_export,
    "sleeps.csv": whoop_sleeps, "session.csv": polar_session, RR_NAME: rr_lines, "old.hrm": hrm_file,
    "sonra.csv": statsports_session, "diary.csv": generic_diary,
}  # fmt: skip


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files; names go in as they are."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return packed.getvalue()


@cache
def hostile() -> dict[str, bytes]:
    """One of each kind that people or their attackers have made."""
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY l0 "ha">{entities}]><gpx><name>&l9;</name></gpx>'
    lying = bytearray(zipped({"a.fit": fit_run()}))
    at = lying.rfind(b"PK\x01\x02")
    struct.pack_into("<I", lying, at + 24, 40)  # the contents promise 40 bytes
    long_contents = bytearray(zipped({"a.fit": fit_run()}))
    struct.pack_into("<I", long_contents, long_contents.rfind(b"PK\x05\x06") + 12, 1 << 30)
    deep = b"<gpx>" + b"<a>" * 200_000
    return {
        "bomb.zip": zipped({f"{i}.gpx": bytes(4 << 20) for i in range(20)}),
        "bomb.fit.gz": gzip.compress(bytes(80 << 20), 1, mtime=0),
        "twice.gz": gzip.compress(gzip.compress(fit_run(), mtime=0), mtime=0),
        "cut.gz": gzip.compress(fit_run(), mtime=0)[:-30],
        "slip.zip": zipped({"../../evil.fit": fit_run(), "/abs.fit": fit_run(), "C:\\evil.fit": fit_run()}),
        "many.zip": zipped({f"{i}.txt": b"" for i in range(20_001)}, zipfile.ZIP_STORED),
        "nested.zip": zipped({"inner.zip": zipped({"a.fit": fit_run()})}),
        "lying.zip": bytes(lying),
        "long_contents.zip": bytes(long_contents),
        "cut.zip": zipped({"a.fit": fit_run(600)})[:-60],
        "empty.zip": zipped({}),
        "readme.zip": zipped({"README.txt": b"Nothing here.\n", "a.png": b"\x89PNG\r\n\x1a\n"}),
        "program.gpx": b"MZ\x90\x00" + bytes(500),
        "picture.fit": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "nothing.fit": b"",
        "page.csv": b"<!DOCTYPE html><html><body>Please sign in</body></html>",
        "laughs.gpx": laughs.encode(),
        "outside.gpx": b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><name>&x;</name></gpx>',
        "deep.gpx": deep,
        "long_text.gpx": b"<gpx><name>" + b"a" * (30 << 20) + b"</name></gpx>",
        "quote.csv": b'a,b\n1,"never closed\n' + b"2,3\n" * 50_000,
        "one_line.csv": b"1," * (8 << 20),
        "cut.fit": fit_run()[:25],
        "zeros.fit": bytes(4 << 20),
    }


def _utc(second: int) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _apple(second: int) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S +0000")
