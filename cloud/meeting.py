"""Edits that met: two people changed one field, neither knowing of the other's; the value that lost is kept.

What an author had read of the feed, which the edit carries, decides it and not the clock. It merges nothing:
it looks at what merging did, and leaves a record in the feed that both sides show.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud import last_words
from cloud.merge import Proposal, merge, stamp
from cloud.store import feed
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import RecordRow, RivalRow, RowKey
from sync.two_edits import TABLE, WATCHED, Side, TwoEdits, to_fields

NAMESPACE = uuid.UUID("2b8d7f0a-4f0d-5d0e-9c52-7d1f1a7c9e40")
SURE = 1


@dataclass(frozen=True, slots=True)
class Made:
    """An accepted edit with its stamp; `after_seq` None where an older hub did not say what it had read.

    Of such an edit nothing is claimed.
    """

    op_id: str
    tbl: str
    pk: str
    fields: Mapping[str, Any]
    stamp_ms: int
    hub_id: str | None
    by: str
    after_ms: int
    after_seq: int | None
    quality: int = SURE

    def had_seen(self, rival: RivalRow) -> bool:
        """Whether its author knew of an entry of the feed; what one hub does, it knows."""
        if rival.hub_id is not None and rival.hub_id == self.hub_id:
            return True
        return self.after_seq is None or (rival.seq <= self.after_seq and rival.stamp_ms <= self.after_ms)


async def note(
    db: Connection, club_id: str, made: Sequence[Made], before: Mapping[feed.Key, RecordRow],
    after: Mapping[feed.Key, RecordRow], now_ms: int,
) -> list[feed.Entry]:  # fmt: skip
    """Records of the edits among `made` that met others; what to append to the feed, behind the edits."""
    asked = _may_have_met(made, before)
    if not asked:
        return []
    keys = sorted({(it.tbl, it.pk) for it, _ in asked})
    params: dict[str, Any] = {"tbls": [tbl for tbl, _ in keys], "pks": [pk for _, pk in keys]}
    params |= {"after_seq": min(it.after_seq or 0 for it, _ in asked)}
    params |= {"after_ms": min(it.after_ms for it, _ in asked)}
    params |= {"club_id": club_id, "hub_id": asked[0][0].hub_id}  # a batch is one hub's
    rows = await last_words.rivals(db, params)
    met: dict[str, tuple[TwoEdits, str]] = {}
    for it, field in asked:
        rivals = [row for row in rows if (row.tbl, row.pk) == (it.tbl, it.pk) and field in row.fields]
        for one in _meetings(it, field, rivals, after[it.tbl, it.pk]):
            met[one.two_edits_id] = one, it.op_id
    met = await _without_erased(db, club_id, met)
    return await _kept(db, club_id, met, now_ms) if met else []


async def _without_erased(
    db: Connection, club_id: str, met: dict[str, tuple[TwoEdits, str]]
) -> dict[str, tuple[TwoEdits, str]]:
    """Those that name nobody who was erased: who wore a strap once may be gone for good."""
    named = {
        key: {side.value for side in (one.stands, one.other) if isinstance(side.value, str)}
        for key, (one, _) in met.items()
        if one.field == "athlete_id"
    }
    if not named:
        return met
    ids = sorted(set[str]().union(*named.values()))
    rows = await fetch_all(db, "erased_among", RowKey, {"club_id": club_id, "ids": ids, "pks": []})
    erased = {row.pk for row in rows}
    return {key: it for key, it in met.items() if not named.get(key, set()) & erased}


def _may_have_met(made: Iterable[Made], before: Mapping[feed.Key, RecordRow]) -> list[tuple[Made, str]]:
    """Each field people type that had a value already, with the last edit of it in this batch."""
    last: dict[tuple[str, str, str], Made] = {}
    for it in made:
        stamps = before[it.tbl, it.pk].stamps
        for field in it.fields.keys() & WATCHED.get(it.tbl, frozenset()):
            if field in stamps and it.after_seq is not None:
                last[it.tbl, it.pk, field] = it
    return [(it, field) for (_, _, field), it in sorted(last.items(), key=lambda pair: pair[0])]


def _meetings(it: Made, field: str, rows: Sequence[RivalRow], record: RecordRow) -> list[TwoEdits]:
    """The edit against every other one of the field it did not know: one record for each value that lost."""
    unknown = [row for row in rows if not it.had_seen(row)]
    last_words = [
        row for row in unknown if not any(_knew(later, row) for later in unknown if later.seq > row.seq)
    ]
    mine = Side(it.fields[field], it.by, it.hub_id, it.stamp_ms, it.quality == SURE)
    if record.stamps[field] == it.stamp_ms:
        lost = [(row.op_id, _side(row, field)) for row in last_words]
        stands = mine
    else:
        of_stamp = [row for row in unknown if row.stamp_ms == record.stamps[field]]
        winner = of_stamp[-1] if of_stamp else None  # of two with one stamp the later commit stands
        stands = (
            _side(winner, field) if winner is not None
            else Side(record.doc[field], "", None, record.stamps[field], True)
        )  # fmt: skip
        lost = [(it.op_id, mine)] if last_words else []
    athlete_id = it.pk if it.tbl == "athlete" else record.doc.get("athlete_id")
    about = athlete_id if it.tbl in ("athlete", "profile_change") else None
    return [
        TwoEdits(str(uuid.uuid5(NAMESPACE, f"{op_id} {field}")), it.tbl, it.pk, field, about, stands, other)
        for op_id, other in lost
        if other.value != stands.value
    ]


def _knew(later: RivalRow, row: RivalRow) -> bool:
    """Whether a later entry's author had seen an earlier one, so that it stands for both."""
    if later.hub_id is None or later.hub_id == row.hub_id:  # who edits online sees what stands
        return True
    return later.after_seq is not None and row.seq <= later.after_seq


def _side(row: RivalRow, field: str) -> Side:
    return Side(row.fields[field], row.actor or "", row.hub_id, row.stamp_ms, row.quality == SURE)


async def _kept(
    db: Connection, club_id: str, met: Mapping[str, tuple[TwoEdits, str]], now_ms: int
) -> list[feed.Entry]:
    keys = [(TABLE, two_edits_id) for two_edits_id in sorted(met)]
    records = await feed.lock_records(db, club_id, keys)
    entries: list[feed.Entry] = []
    for key in keys:
        it, op_id = met[key[1]]
        fields, record = to_fields(it), records[key]
        newest = max(record.stamps.values(), default=0)
        stamp_ms = stamp(Proposal(now_ms, newest), server_ms=now_ms, hub_max_stamp=0, record=record)
        records[key] = merge(record, fields, stamp_ms)
        entry_id = str(uuid.uuid5(NAMESPACE, f"{op_id} met {json.dumps(key)}"))
        entries.append(feed.Entry(entry_id, "set", *key, fields, stamp_ms))
    await feed.write_records(db, club_id, records.values())
    return entries
