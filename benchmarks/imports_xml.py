"""How fast TCX, GPX and Apple exports are read: points/s against gpxpy in the same run, MB/s and memory.

It reads a made effort of 5,000 points in both formats, the largest real files beside the project where there
are any, and a made Apple export of 300 MB in a process of its own. It prints only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gpxpy

from hub.devices.exports.apple import read_apple
from hub.devices.exports.found import Found, Setting
from hub.devices.exports.gpx import read_gpx
from hub.devices.exports.source import Source
from hub.devices.exports.tcx import read_tcx

SAMPLES = Path(__file__).parents[1].parent / "shared" / "samples"
REAL = (
    "gpx/cerknicko-jezero.gpx",
    "gpx/activity_5039744860.gpx",
    "tcx/mapmyride_biking.tcx",
    "tcx/polar_200000.tcx",
)
T0 = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
N_POINTS, REPEATS, APPLE_MB = 5_000, 5, 300
HERE = Setting(UTC)
TPX = "http://www.garmin.com/xmlschemas/TrackPointExtension/v1"


def made_gpx(n: int = N_POINTS) -> bytes:
    """An hour and a half at one point a second, as Garmin's site writes it."""
    points = "".join(
        f'<trkpt lat="{47 + i * 2e-5:.7f}" lon="{8 + i * 1e-5:.7f}">\n <ele>{400 + i % 50}.2</ele>\n'
        f" <time>{T0 + timedelta(seconds=i):%Y-%m-%dT%H:%M:%S}.000Z</time>\n <extensions>\n"
        f"  <ns3:TrackPointExtension>\n   <ns3:atemp>18.0</ns3:atemp>\n   <ns3:hr>{120 + i % 60}</ns3:hr>\n"
        f"   <ns3:cad>{80 + i % 9}</ns3:cad>\n  </ns3:TrackPointExtension>\n </extensions>\n</trkpt>\n"
        for i in range(n)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx creator="Garmin Connect" version="1.1" '
        f'xmlns:ns3="{TPX}" xmlns="http://www.topografix.com/GPX/1/1"><trk><type>running</type>'
        f"<trkseg>\n{points}</trkseg></trk></gpx>"
    ).encode()


def made_tcx(n: int = N_POINTS) -> bytes:
    """The same effort as TCX."""
    points = "".join(
        f"<Trackpoint>\n <Time>{T0 + timedelta(seconds=i):%Y-%m-%dT%H:%M:%S}.000Z</Time>\n <Position>\n"
        f"  <LatitudeDegrees>{47 + i * 2e-5:.7f}</LatitudeDegrees>\n"
        f"  <LongitudeDegrees>{8 + i * 1e-5:.7f}</LongitudeDegrees>\n </Position>\n"
        f" <AltitudeMeters>{400 + i % 50}.2</AltitudeMeters>\n"
        f" <DistanceMeters>{2.4 * i:.1f}</DistanceMeters>\n"
        f" <HeartRateBpm>\n  <Value>{120 + i % 60}</Value>\n </HeartRateBpm>\n <Extensions>\n  <ns3:TPX>\n"
        f"   <ns3:Speed>2.4</ns3:Speed>\n   <ns3:RunCadence>{80 + i % 9}</ns3:RunCadence>\n  </ns3:TPX>\n"
        " </Extensions>\n</Trackpoint>\n"
        for i in range(n)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<TrainingCenterDatabase '
        'xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Activities>'
        '<Activity Sport="Running"><Id>2026-05-01T09:00:00Z</Id><Lap StartTime="2026-05-01T09:00:00Z">'
        f"<TotalTimeSeconds>{n}</TotalTimeSeconds><Track>\n{points}</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def write_apple(path: Path, size_mb: int) -> None:
    """Days of heart rates every 30 s, steps and energy of two sources, nights and a run a day."""
    device = "&lt;&lt;HKDevice: 0x1&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch&gt;"
    start, n_bytes, day = datetime(2018, 1, 1, tzinfo=UTC), 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_GB">\n')
        while n_bytes < size_mb * 1_000_000:
            text = "".join(_apple_day(start + timedelta(days=day), device))
            n_bytes += len(text)
            day += 1
            file.write(text)
        file.write("</HealthData>\n")


def _apple_day(midnight: datetime, device: str) -> list[str]:
    def record(kind: str, unit: str, source: str, start_s: int, lasted_s: int, value: object) -> str:
        start, end = (midnight + timedelta(seconds=s) for s in (start_s, start_s + lasted_s))
        return (
            f' <Record type="HK{kind}" sourceName="{source}" sourceVersion="11.0" device="{device}" '
            f'unit="{unit}" '
            f'creationDate="{end:%Y-%m-%d %H:%M:%S} +0200" startDate="{start:%Y-%m-%d %H:%M:%S} +0200" '
            f'endDate="{end:%Y-%m-%d %H:%M:%S} +0200" value="{value}">\n'
            '  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="1"/>\n </Record>\n'
        )

    watch, phone = "Anna’s Apple\u00a0Watch", "Anna’s iPhone"
    heart, steps = "QuantityTypeIdentifierHeartRate", "QuantityTypeIdentifierStepCount"
    rows = [record(heart, "count/min", watch, s, 0, 55 + s % 97) for s in range(0, 86_400, 60)]
    rows += [record(heart, "count/min", watch, 61_201 + s, 0, 120 + s % 61) for s in range(0, 2400, 5)]
    for source in (watch, phone):
        rows += [record(steps, "count", source, s, 600, 40 + s % 7) for s in range(25_200, 79_200, 600)]
    energy = "QuantityTypeIdentifierActiveEnergyBurned"
    rows += [record(energy, "kcal", watch, s, 60, 1.5) for s in range(25_200, 79_200, 60)]
    asleep = "HKCategoryValueSleepAnalysisAsleepCore"
    rows.append(record("CategoryTypeIdentifierSleepAnalysis", "", watch, 3_600, 21_600, asleep))
    rows.append(
        ' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="40" durationUnit="min" '
        f'sourceName="{watch}" startDate="{midnight + timedelta(seconds=61_200):%Y-%m-%d %H:%M:%S} +0200" '
        f'endDate="{midnight + timedelta(seconds=63_600):%Y-%m-%d %H:%M:%S} +0200"/>\n'
    )
    return rows


def fastest_s(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def read(name: str, data: bytes) -> Found:
    """As the import reads it, by the name's ending only here."""
    return (read_tcx if name.endswith(".tcx") else read_gpx)(Source.of_bytes(name, data), HERE)


def peak_mb() -> float:
    """The most memory this process has held; ru_maxrss would count its parent's, too."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def read_apple_here(path: Path) -> None:
    """In a process of its own: MB/s, and memory above what the imports alone take."""
    before_mb, began = peak_mb(), time.process_time()
    found = read_apple(Source.of_path(path), HERE)
    spent_s, size_mb = time.process_time() - began, path.stat().st_size / 1e6
    rows = sum(session.n_records for session in found.sessions)
    print(f"{'Apple, made':38} {size_mb:.0f} MB in {spent_s:.1f} s: {size_mb / spent_s:.1f} MB/s")
    print(f"  {len(found.sessions)} sessions, {rows} heart rates in them, {len(found.daily)} daily values")
    print(f"  peak {peak_mb():.0f} MB, {peak_mb() - before_mb:.0f} MB of it ours (bar: under 64)")


def main() -> None:
    if sys.argv[1:2] == ["--apple"]:
        read_apple_here(Path(sys.argv[2]))
        return
    files = {"made.gpx": made_gpx(), "made.tcx": made_tcx()}
    files |= {name: (SAMPLES / name).read_bytes() for name in REAL if (SAMPLES / name).exists()}
    made = files["made.gpx"].decode()
    other_s = fastest_s(lambda: gpxpy.parse(made))
    print(f"gpxpy, made.gpx: {N_POINTS / other_s:.0f} points/s")
    print(f"{'file':38} {'MB':>5} {'points':>7} {'points/s':>9} {'ratio to gpxpy':>15}")
    for name, data in files.items():
        n = sum(session.n_records for session in read(name, data).sessions)
        own_s = fastest_s(lambda name=name, data=data: read(name, data))  # type: ignore[misc]
        if name.endswith(".gpx"):  # the same file by both; TCX against gpxpy's pace on the same effort
            text = data.decode("utf-8-sig")
            ratio = fastest_s(lambda text=text: gpxpy.parse(text)) / own_s  # type: ignore[misc]
        else:
            ratio = (n / own_s) / (N_POINTS / other_s)
        print(f"{name:38} {len(data) / 1e6:5.2f} {n:7} {n / own_s:9.0f} {ratio:15.1f}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xml"
        write_apple(path, APPLE_MB)
        subprocess.run([sys.executable, "-m", "benchmarks.imports_xml", "--apple", str(path)], check=True)


if __name__ == "__main__":
    main()
