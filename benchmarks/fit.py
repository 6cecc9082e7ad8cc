"""How fast FIT files are read against fitdecode in the same run: MB/s, records/s and the ratio; prints only.

Both give scaled values of every record; ours also merges, splits and dates. It reads a made file of four
hours, and real files beside the project where there are any. Memory is not measured here.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import fitdecode

from hub.devices.exports.fit_activity import read_activity
from tests.exports.fit_writer import Body

SAMPLES = Path(__file__).parents[1].parent / "shared" / "samples" / "fit"
REAL = ("sample.fit", "garmin-edge-500-activity.fit", "activity-large-fenxi2-multisport.fit", "large.fit")
T0, MADE_S, REPEATS = 1_100_000_000, 4 * 3600, 5


def made() -> bytes:
    """Four hours at one record a second: place, height, heart rate, cadence, distance, speed, power."""
    fields = [(253, 4, 0x86), (0, 4, 0x85), (1, 4, 0x85), (78, 4, 0x86), (3, 1, 2), (4, 1, 2)]
    body = Body().define(0, 20, [*fields, (5, 4, 0x86), (73, 4, 0x86), (7, 2, 0x84)])
    for s in range(MADE_S):
        place = (600_000_000 + 90 * s, 100_000_000 - 70 * s, 3_000 + s % 500)
        effort = (120 + s % 60, 85 + s % 10, 310 * s, 3_100 + s % 90, 200 + s % 120)
        body.add(0, "<IiiIBBIIH", T0 + s, *place, *effort)
    return body.file()


def fitdecode_records(data: bytes) -> int:
    """Every record's values by fitdecode, without its checks."""
    n = 0
    with fitdecode.FitReader(
        io.BytesIO(data),
        check_crc=fitdecode.CrcCheck.DISABLED,
        error_handling=fitdecode.ErrorHandling.IGNORE,
    ) as reader:
        for frame in reader:
            if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "record":
                n += 1
    return n


def fastest_s(work: Callable[[bytes], object], data: bytes, repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        work(data)
        spent.append(time.process_time() - began)
    return min(spent)


def main() -> None:
    files = {"made, 4 h": made()}
    files |= {name: (SAMPLES / name).read_bytes() for name in REAL if (SAMPLES / name).exists()}
    print(f"{'file':38} {'MB':>5} {'records':>8} {'MB/s':>7} {'records/s':>10} {'fitdecode MB/s':>15} ratio")
    for name, data in files.items():
        n = read_activity(data).n_records
        own_s, other_s = fastest_s(read_activity, data, REPEATS), fastest_s(fitdecode_records, data, 1)
        size = len(data) / 1e6
        print(
            f"{name:38} {size:5.2f} {n:8} {size / own_s:7.1f} {n / own_s:10.0f}"
            f" {size / other_s:15.2f} {other_s / own_s:5.1f}"
        )


if __name__ == "__main__":
    main()
