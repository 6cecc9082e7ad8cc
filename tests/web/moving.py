"""Motion for the page tests: an imported stream for somebody in a session, and places on a turned pitch."""

from __future__ import annotations

import math
from sqlite3 import Connection
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from hub.domain import Session
from hub.store import segments
from hub.store.records import propose
from sync.motion import Motion, seal_motion
from tests.web.small_hub import SmallHub

Floats = NDArray[np.float64]
A_METRE_DEG = 1 / 111_195.08
CORNER = (59.9, 10.75)
TURN_DEG = 25.0


def give_motion(
    hub: SmallHub, session: Session, athlete_id: str, columns: dict[str, Floats], rate_hz: int = 10
) -> None:
    """Rows at even steps from the session's start, as an import would leave them."""
    n = len(next(iter(columns.values())))
    times = session.mono0_ms + np.arange(n, dtype=np.int64) * (1000 // rate_hz)
    stream_id = str(uuid4())
    sealed = [
        seal_motion(stream_id, session.boot_no, piece) for piece in Motion.of_columns(times, columns).pieces()
    ]
    stream = {"strap_id": f"file:{stream_id}", "boot_no": session.boot_no, "channel": "motion"}
    worn = {"stream_id": stream_id, "athlete_id": athlete_id, "session_id": session.session_id,
            "from_ms": sealed[0].mono0_ms, "to_ms": sealed[-1].mono1_ms + 1}  # fmt: skip

    def change(db: Connection) -> None:
        propose(db, hub.moment(), "stream", stream_id, stream)
        propose(db, hub.moment(), "stream_assignment", str(uuid4()), worn)
        for segment in sealed:
            segments.add(db, segment)

    hub.database.write_now(change)


def on_pitch(metres: Floats) -> dict[str, Floats]:
    """(n, 2) metres along and across a pitch that begins at `CORNER`, its long side 25 degrees off east."""
    turn = math.radians(TURN_DEG)
    east = metres[:, 0] * math.cos(turn) - metres[:, 1] * math.sin(turn)
    north = metres[:, 0] * math.sin(turn) + metres[:, 1] * math.cos(turn)
    across = A_METRE_DEG / math.cos(math.radians(CORNER[0]))
    return {"latitude_deg": CORNER[0] + north * A_METRE_DEG, "longitude_deg": CORNER[1] + east * across}


def corners(length_m: float = 105.0, width_m: float = 68.0) -> list[tuple[float, float]]:
    """The pitch's corners in degrees, round it."""
    shape = np.array([(0, 0), (length_m, 0), (length_m, width_m), (0, width_m)], float)
    found = on_pitch(shape)
    return list(zip(found["latitude_deg"].tolist(), found["longitude_deg"].tolist(), strict=True))


def runs(seconds: int, seed: int, middle: tuple[float, float] = (52.5, 34.0)) -> dict[str, Floats]:
    """Somebody running about the pitch at 10 Hz round a favourite place: positions with Doppler speeds."""
    rng = np.random.default_rng(seed)
    goals = np.clip(rng.normal(middle, (24, 15), (seconds // 6 + 2, 2)), 0.5, (104.5, 67.5))
    at = np.arange(seconds * 10) / 60
    eased = np.floor(at) + (1 - np.cos(np.pi * (at % 1))) / 2
    places = np.stack([np.interp(eased, np.arange(len(goals)), goals[:, axis]) for axis in (0, 1)], axis=1)
    speed = np.append(np.linalg.norm(np.diff(places, axis=0), axis=1) * 10, 0.0)
    return {**on_pitch(places), "speed_mps": np.minimum(speed, 9.4)}


def tell_days(
    hub: SmallHub, athlete_id: str, name: str, values: dict[str, float], source: str = "Ring"
) -> None:
    """Daily values by ISO date, as an import leaves them."""
    unit = "ms" if name == "hrv_rmssd" else "bpm"

    def change(db: Connection) -> None:
        for day, value in values.items():
            fields = {"athlete_id": athlete_id, "person_name": "", "date": day, "name": name, "value": value,
                      "unit": unit, "source": source, "import_id": "import-1", "updated_at_ms": 0,
                      "is_removed": False}  # fmt: skip
            propose(db, hub.moment(), "daily_value", str(uuid4()), fields)

    hub.database.write_now(change)
