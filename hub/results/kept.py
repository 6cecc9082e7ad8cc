"""Results of ended sessions: computed once, kept with what they came from, and read while that still holds.

A kept result counts only where the very same was heard and the same parameters and formulas hold; nothing
here decides when to recompute.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from sqlite3 import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.analytics.catalogue import METRICS
from hub.analytics.effective import parameters_doc, parameters_of
from hub.analytics.errors import HistogramDamaged
from hub.analytics.flags import Flag
from hub.analytics.histogram import LAYOUT, HeartHistogram, heart_histogram, pack, unpack
from hub.analytics.metric import Family
from hub.analytics.parameters import Parameters
from hub.analytics.result import Result
from hub.analytics.session_results import results_from_histogram
from hub.analytics.sustained import sustained_bpm
from hub.domain import Session
from hub.results.profiles import all_parameters, day_of
from hub.store import boots, session_results, straps
from hub.store.session_results import KeptResult, NewResult
from hub.store.worn import HeartRates, heart_rates

VERSIONS = json.dumps(
    {"layout": LAYOUT, **{it.metric_id: it.version for it in METRICS if it.family is Family.HEART_RATE}},
    sort_keys=True,
)
"""The formulas' versions: a result of others is recomputed."""

_FLAGS = {it.value: it for it in Flag}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One athlete's results in one session; `kept` is the stored row they were read from, if they were."""

    athlete_id: str
    parameters: Parameters
    results: tuple[Result, ...]
    histogram: HeartHistogram
    heard_key: bytes
    inputs_key: bytes
    sustained_bpm: int | None
    kept: KeptResult | None = None

    @property
    def has_time(self) -> bool:
        """Whether any time was credited."""
        return self.histogram.covered_s > 0


def end_of(session: Session, heard_ms: NDArray[np.int64], now_mono_ms: int | None) -> int:
    """The session's end on its own boot's clock; a session ended in a later boot ends by wall time.

    `heard_ms` are the rising times (n,) of somebody's samples in it.
    """
    if session.mono1_ms is not None:
        return session.mono1_ms
    last = int(heard_ms[-1]) + 1 if len(heard_ms) else session.mono0_ms
    if session.ended_at_ms is not None:
        return max(session.mono0_ms + session.ended_at_ms - session.started_at_ms, last)
    return last if now_mono_ms is None else max(now_mono_ms, last)


def outcomes(
    db: Connection, session: Session, now_mono_ms: int | None = None, athlete_ids: set[str] | None = None
) -> list[Outcome]:
    """Results of everyone who wore anything in a session, or of those asked for, in no order.

    What is kept is read where it still holds; of the rest the kept histogram serves where the same was
    heard. A live session is always computed, up to `now_mono_ms` of its own boot.
    """
    day, known = day_of(session), all_parameters(db, day_of(session))
    kept = {} if session.is_live else session_results.current(db, session.session_id)
    found: list[Outcome] = []
    missing: dict[str, bytes] = {}
    for athlete_id, heard_key in heard_keys(db, session).items():
        if athlete_id not in known or (athlete_ids is not None and athlete_id not in athlete_ids):
            continue
        row = kept.get(athlete_id)
        made = _from_kept(row, known[athlete_id], heard_key, day) if row is not None else None
        if made is None:
            missing[athlete_id] = heard_key
        else:
            found.append(made)
    worn = heart_rates(db, session, set(missing)) if missing else {}
    for athlete_id, heard in worn.items():
        found.append(
            _computed(session, athlete_id, known[athlete_id], heard, missing[athlete_id], now_mono_ms)
        )
    return found


def _from_kept(row: KeptResult, parameters: Parameters, heard_key: bytes, day: date) -> Outcome | None:
    new = row.new
    if new.heard_key != heard_key:
        return None
    try:
        histogram = unpack(new.histogram)
    except HistogramDamaged:
        return None
    key = inputs_key(heard_key, parameters)
    is_same = new.inputs_key == key
    results = results_of(new.results) if is_same else results_from_histogram(histogram, parameters, day)
    return Outcome(
        new.athlete_id, parameters, results, histogram, heard_key, key, new.sustained_bpm,
        row if is_same else None,
    )  # fmt: skip


def _computed(
    session: Session,
    athlete_id: str,
    parameters: Parameters,
    heard: HeartRates,
    heard_key: bytes,
    now_mono_ms: int | None,
) -> Outcome:
    to_ms = end_of(session, heard.mono_ms, now_mono_ms)
    histogram = heart_histogram(heard.mono_ms, heard.bpm, session.mono0_ms, to_ms)
    return Outcome(
        athlete_id=athlete_id,
        parameters=parameters,
        results=results_from_histogram(histogram, parameters, day_of(session)),
        histogram=histogram,
        heard_key=heard_key,
        inputs_key=inputs_key(heard_key, parameters),
        sustained_bpm=sustained_bpm(heard.mono_ms, heard.bpm),
    )


# --- what a result hangs on


def heard_keys(db: Connection, session: Session) -> dict[str, bytes]:
    """By athlete a digest of what a histogram hangs on: the session, who wore what, and the segments."""
    shifts: dict[int, int] = {}
    span = [session.boot_no, session.mono0_ms, session.mono1_ms, session.started_at_ms, session.ended_at_ms,
            session.utc_offset_s]  # fmt: skip
    keys: dict[str, bytes] = {}
    rows = session_results.heard(db, session.session_id, straps.CHANNEL)
    for athlete_id, worn in groupby(rows, key=lambda row: row[0]):
        digest = hashlib.sha256(json.dumps(span).encode())
        for _, stream_id, from_ms, to_ms, boot_no, seg_id in worn:
            if boot_no not in shifts:
                shifts[boot_no] = boots.shift_ms(db, boot_no, session.boot_no, session.mono0_ms)
            digest.update(json.dumps([stream_id, from_ms, to_ms, shifts[boot_no], seg_id.hex()]).encode())
        keys[athlete_id] = digest.digest()
    return keys


def inputs_key(heard_key: bytes, parameters: Parameters) -> bytes:
    """A digest of all that a result hangs on."""
    text = json.dumps(parameters_doc(parameters), sort_keys=True) + VERSIONS
    return hashlib.sha256(heard_key + text.encode()).digest()


# --- as text


def new_result(session_id: str, outcome: Outcome, at_ms: int, why: str) -> NewResult:
    """An outcome as it is kept."""
    return NewResult(
        session_id=session_id,
        athlete_id=outcome.athlete_id,
        computed_at_ms=at_ms,
        why=why,
        versions=VERSIONS,
        parameters=json.dumps(parameters_doc(outcome.parameters), sort_keys=True),
        results=json.dumps([_doc(it) for it in outcome.results]),
        histogram=pack(outcome.histogram),
        sustained_bpm=outcome.sustained_bpm,
        heard_key=outcome.heard_key,
        inputs_key=outcome.inputs_key,
    )


def _doc(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if value not in ((), None)}


def results_of(text: str) -> tuple[Result, ...]:
    """The results that were kept as text, exactly."""
    return tuple(_result(doc) for doc in json.loads(text))


def _result(doc: dict[str, Any]) -> Result:
    band = doc.get("band")
    return Result(
        metric_id=doc["metric_id"],
        value=doc.get("value"),
        unit=doc["unit"],
        version=doc["version"],
        parameters=tuple((name, value) for name, value in doc.get("parameters", ())),
        coverage=doc.get("coverage"),
        n=doc.get("n", 0),
        flags=tuple(_FLAGS[it] for it in doc.get("flags", ()) if it in _FLAGS),
        estimated=tuple(doc.get("estimated", ())),
        band=None if band is None else (band[0], band[1]),
    )


def kept_parameters(row: KeptResult) -> Parameters:
    """The parameters a kept result was made with."""
    return parameters_of(json.loads(row.new.parameters))
