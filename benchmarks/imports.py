"""How fast and in how much memory FIT files are read, against fitdecode and fitparse in one run; prints only.

All give the scaled numbers of every record by name; ours also merges, splits and dates them. Each reading is
a process of its own for the memory; a made file of four hours is read, and real ones where there are any.
Bars: at least 25 times fitdecode, and no more memory for its objects. The whole process's peak stands beside
it; ours has 32 MB of time zones' borders in it where a place alone tells the local time.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.devices.exports.fit import read_fit
from hub.devices.exports.found import Setting
from hub.devices.exports.source import Source
from tests.devices.exports.fit_writer import Body

SAMPLES = Path(__file__).parents[1].parent / "shared" / "samples" / "fit"
LARGEST = 3
T0, MADE_S, REPEATS = 1_100_000_000, 4 * 3600, 5
BAR_TIMES = 25
Rows = dict[str, list[float | None]]


def made(seconds: int) -> bytes:
    """A ride at one record a second: place, height, heart rate, cadence, distance, speed, power."""
    fields = [(253, 4, 0x86), (0, 4, 0x85), (1, 4, 0x85), (78, 4, 0x86), (3, 1, 2), (4, 1, 2)]
    body = Body().define(0, 20, [*fields, (5, 4, 0x86), (73, 4, 0x86), (7, 2, 0x84)])
    for s in range(seconds):
        place = (600_000_000 + 90 * s, 100_000_000 - 70 * s, 3_000 + s % 500)
        effort = (120 + s % 60, 85 + s % 10, 310 * s, 3_100 + s % 90, 200 + s % 120)
        body.add(0, "<IiiIBBIIH", T0 + s, *place, *effort)
    return body.file()


def by_us(data: bytes) -> int:
    """Our reading, whole: columns, sessions, laps, local time."""
    found = read_fit(Source.of_bytes("made.fit", data), Setting(ZoneInfo("Europe/Berlin")))
    return sum(session.n_records for session in found.sessions)


def by_fitdecode(data: bytes) -> int:
    """Every record's scaled numbers as columns, by fitdecode without its checks."""
    import fitdecode

    columns: Rows = {}
    n = 0
    with fitdecode.FitReader(
        io.BytesIO(data),
        check_crc=fitdecode.CrcCheck.DISABLED,
        error_handling=fitdecode.ErrorHandling.IGNORE,
    ) as reader:
        for frame in reader:
            if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "record":
                n += 1
                for field in frame.fields:
                    columns.setdefault(field.name, []).append(field.value)
    return n


def by_fitparse(data: bytes) -> int:
    """The same by fitparse."""
    import fitparse

    columns: Rows = {}
    n = 0
    for message in fitparse.FitFile(io.BytesIO(data), check_crc=False).get_messages("record"):
        n += 1
        for field in message:
            columns.setdefault(field.name, []).append(field.value)
    return n


READERS: dict[str, Callable[[bytes], int]] = {
    "ours": by_us,
    "fitdecode": by_fitdecode,
    "fitparse": by_fitparse,
}


def measured(reader: str, path: str) -> tuple[float, int]:
    """Seconds of CPU (the fastest of some) and the records read, in this process."""
    data = Path(path).read_bytes()
    spent, n = [], 0
    for _ in range(REPEATS if reader == "ours" else 1):
        began = time.process_time()
        n = READERS[reader](data)
        spent.append(time.process_time() - began)
    return min(spent), n


def traced_mb(reader: str, path: str) -> float:
    """The most memory Python's and numpy's objects took at once, beyond what was loaded before."""
    READERS[reader](made(9))  # imports and tables are not the file's
    data = Path(path).read_bytes()
    tracemalloc.start()
    READERS[reader](data)
    return tracemalloc.get_traced_memory()[1] / 1e6


def child(reader: str, path: str) -> None:
    """One reader on one file: seconds, records, peak MB of the process, then of its objects."""
    spent_s, n = measured(reader, path)
    status = Path("/proc/self/status").read_text()  # ru_maxrss would begin with the parent's
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(spent_s, n, peak_mb, traced_mb(reader, path))


def asked(reader: str, path: Path) -> tuple[float, int, float, float] | None:
    command = [sys.executable, "-m", "benchmarks.imports", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    spent_s, n, peak_mb, objects_mb = done.stdout.split()
    return float(spent_s), int(n), float(peak_mb), float(objects_mb)


def fit_files(folder: Path) -> list[Path]:
    """A made file in the folder, and the largest real ones beside the project."""
    path = folder / "made, 4 h.fit"
    path.write_bytes(made(MADE_S))
    real = sorted(SAMPLES.glob("*.fit"), key=lambda one: one.stat().st_size)[-LARGEST:]
    if not real:
        print(f"no real files in {SAMPLES}: only the made one is read")
    return [path, *real]


def fit() -> None:
    """Print the FIT table."""
    print(
        f"{'file':36} {'reader':10} {'records':>8} {'records/s':>10} {'peak MB':>8} {'objects MB':>10} ours"
    )
    with tempfile.TemporaryDirectory() as folder:
        for path in fit_files(Path(folder)):
            own = asked("ours", path)
            assert own is not None
            for reader in READERS:
                got = own if reader == "ours" else asked(reader, path)
                if got is None:
                    print(f"{path.name:36} {reader:10} cannot read it")
                    continue
                spent_s, n, peak_mb, objects_mb = got
                line = (
                    f"{path.name:36} {reader:10} {n:8} {n / spent_s:10.0f} {peak_mb:8.1f} {objects_mb:10.1f}"
                )
                if reader != "ours":
                    line += f"  {spent_s / own[0]:.1f} times as fast"
                if reader == "fitdecode":
                    is_met = spent_s / own[0] >= BAR_TIMES and own[3] <= objects_mb
                    line += f", {own[3] / objects_mb:.0%} of its memory: bar {'met' if is_met else 'MISSED'}"
                print(line)


def main() -> None:
    if len(sys.argv) == 3:
        child(sys.argv[1], sys.argv[2])
    else:
        fit()


if __name__ == "__main__":
    main()
