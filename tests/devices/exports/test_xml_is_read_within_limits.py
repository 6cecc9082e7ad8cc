"""XML in any encoding is read, and hostile or damaged XML costs one sentence and little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from hub.errors import ExportUnreadable
from tests.devices.exports.damage import count_readable
from tests.devices.exports.xml_files import (
    HERE,
    READERS,
    SAMPLES,
    activity,
    apple,
    column,
    gpx,
    lap,
    only,
    point,
    read,
    record,
    segment,
    tcx,
    trackpoint,
    workout,
)

NAME = "<name>Läufe – Žižkov</name>"
TIMES = [f"2026-05-01T09:42:{s:02d}Z" for s in range(0, 60, 5)]
GPX = gpx(NAME + segment(*(point(at, f"<hr>{120 + n}</hr>") for n, at in enumerate(TIMES))))
TCX = tcx(activity(lap(TIMES[0], "".join(trackpoint(at, 120) for at in TIMES)), unit="7"))
APPLE = apple(
    *(record("HeartRate", 120 + s, f"2026-05-01 18:00:{s:02d}") for s in range(0, 60, 5)),
    record("HeartRateVariabilitySDNN", 40, "2026-05-01 07:00:00", unit="ms"),
    record("StepCount", 400, "2026-05-01 08:00:00", "2026-05-01 08:10:00", unit="count"),
    workout("2026-05-01 18:00:00", "2026-05-01 18:01:00"),
)
BODY = GPX.partition("?>\n")[2]


@pytest.mark.parametrize(
    "data",
    [
        GPX.encode(),
        GPX.encode("utf-8-sig"),
        BODY.encode("utf-8-sig"),
        b" \r\n\t" + GPX.encode(),
        GPX.encode("utf-16"),
        GPX.encode("utf-16-le"),
        GPX.encode("utf-16-be"),
        BODY.encode("utf-16"),
        GPX.replace("UTF-8", "UTF-16").encode(),
        GPX.replace("UTF-8", "ISO-8859-2").encode("iso-8859-2", "xmlcharrefreplace"),
        GPX.replace("UTF-8", "x-unheard-of").encode(),
        ("<!-- made\nby hand -->\n<?a b?>\n<!DOCTYPE gpx>" + BODY).encode(),
        GPX.encode().replace("Läufe".encode(), "Läufe".encode("cp1252")),
    ],
)
def test_blanks_marks_and_wrong_declarations_change_nothing(data: bytes) -> None:
    session = only(read(data, ".gpx"))
    assert session.title == "Läufe – Žižkov"
    assert column(session, "bpm") == list(range(120, 132))


BILLION = '<!DOCTYPE gpx [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><gpx>&b;</gpx>'
HOSTILE = {
    "entities": BILLION,
    "a file named by an entity": '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/hostname">]><gpx>&x;</gpx>',
    "a parameter entity": '<!DOCTYPE gpx [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]><gpx/>',
    "entities behind a false end": '<!DOCTYPE gpx [<!-- ]> --><!ENTITY a "b">]><gpx>&a;</gpx>',
    "two document types": "<!DOCTYPE gpx><!DOCTYPE gpx [" + "<!ENTITY a 'b'>" + "]><gpx>&a;</gpx>",
    "a document type without an end": "<!DOCTYPE gpx [" + " " * 3_000_000,
    "only blanks": " " * 3_000_000,
    "only NULs": "\0" * 3_000_000,
    "a declaration without an end": "<?xml " + "x" * 3_000_000,
    "deep nesting": "<gpx>" + "<a>" * 100_000 + "</a>" * 100_000 + "</gpx>",
    "deep nesting in a point": "<gpx><trk><trkseg><trkpt>" + "<a>" * 100_000,
    "a long text": "<gpx><trk><name>" + "x" * 3_000_000 + "</name></trk></gpx>",
    "a long text in a point": "<gpx><trk><trkseg><trkpt><time>" + "x" * 3_000_000 + "</time></trkpt>",
    "a long attribute": '<gpx creator="' + "x" * 3_000_000 + '"/>',
    "a long comment": "<gpx><!--" + "x" * 3_000_000 + "--></gpx>",
    "a long name": "<gpx><" + "x" * 3_000_000 + "/></gpx>",
    "many kinds of elements": "<gpx>" + "".join(f"<e{n}/>" for n in range(20_000)) + "</gpx>",
    "many kinds in a point": "<gpx><trk><trkseg><trkpt>" + "".join(f"<e{n}/>" for n in range(20_000)),
    "many empty points": "<gpx><trk><trkseg>" + "<trkpt/>" * 200_000 + "</trkseg></trk></gpx>",
    "a program": "MZ\x01\x02",
    "nothing": "",
    "another root": "<svg></svg>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_costs_one_sentence_and_little_memory(name: str) -> None:
    data = HOSTILE[name].encode()
    tracemalloc.start()
    try:
        with pytest.raises(ExportUnreadable) as refusal:
            read(data, ".gpx")
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()
    assert refusal.value.detail.endswith(".")
    assert refusal.value.hint


def test_text_behind_the_end_of_the_root_takes_nothing_away() -> None:
    found = read(GPX + "<gpx/> and more", ".gpx")
    assert len(only(found).track.at_ms) == len(TIMES)
    assert found.damage is None


def test_a_line_of_damage_is_counted_from_the_files_start() -> None:
    lines = ("\n\n<!-- one\ntwo -->\n" + GPX).splitlines()
    at = next(n for n, line in enumerate(lines) if TIMES[5] in line)
    lines[at] = lines[at].replace("</hr>", "</rh>")
    found = read("\n".join(lines), ".gpx")
    assert found.damage is not None
    assert f"line {at + 1};" in found.damage


@pytest.mark.parametrize(("kind", "text"), [(".tcx", TCX), (".gpx", GPX), (".xml", APPLE)])
def test_damaged_files_are_read_in_part_or_refused_with_a_hint(kind: str, text: str) -> None:
    n_read, n_refused = count_readable(READERS[kind], text.encode(), 300, HERE)
    assert n_read + n_refused == 300
    assert n_read > 100
    assert n_refused > 5


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
def test_every_shared_hostile_file_is_refused_but_the_cut_one() -> None:
    told: dict[str, str] = {}
    folder = SAMPLES / "synthetic" / "hostile"
    for path in sorted([*folder.glob("*.gpx"), *folder.glob("*.tcx"), *folder.glob("*.xml")]):
        try:
            told[path.name] = str(len(read(path.read_bytes(), path.suffix).sessions))
        except ExportUnreadable as error:
            told[path.name] = error.detail
    assert told.pop("truncated.tcx") == "1"
    assert len(told) == 6
    assert all(text.endswith(".") for text in told.values())


# records, heart rates, positions, span in s; sessions where there are several tracks
EXPECTED = {
    "tcx/test.tcx": (384, 383, 383, 1992.0),
    "tcx/no_hr.tcx": (384, 0, 383, 1992.0),
    "tcx/sup_activity_1.tcx": (111, 111, 111, 1112.0),
    "tcx/cross-country-skiing_activity_1.tcx": (486, 486, 486, 2401.0),
    "tcx/mapmyride_biking.tcx": (3112, 0, 3105, 3110.6766),
    "tcx/polar_200000.tcx": (2302, 2302, 0, 2937.313),
    "tcx/strava_200000.tcx": (2301, 2301, 0, 2931.141),
    "tcx/activity_5039744860.tcx": (100, 100, 100, 126.0),
    "gpx/activity_5039744860.gpx": (96, 96, 96, 126.0),
    "gpx/cerknicko-jezero.gpx": (296, 0, 296, 7190.0),
    "gpx/gpx1.1_with_all_fields.gpx": (1, 0, 1, 0.0),
    "gpx/gpx1.0_with_all_fields.gpx": (1, 0, 1, 0.0),
    "gpx/track-with-empty-segment.gpx": (9, 0, 9, 76.0),
    "gpx/track-with-less-sec-time.gpx": (2, 0, 2, 0.994),
    "gpx/track_with_speed.gpx": (3, 0, 3, 13.0),
}
HEARTS = "heart_rate_records"
SAME_TIME = {"tcx/activity_5039744860.tcx": 4}  # points that repeat the one before a lap's end


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize("name", EXPECTED)
def test_shared_files_hold_what_their_catalogue_says(name: str) -> None:
    sessions = read((SAMPLES / name).read_bytes(), Path(name).suffix).sessions
    n_records, n_heart, n_places, span_s = EXPECTED[name]
    assert sum(one.n_records for one in sessions) == n_records
    assert sum(one.value for session in sessions for one in session.stated if one.name == HEARTS) == n_heart
    twice = SAME_TIME.get(name, 0)
    for wanted, n in (("bpm", n_heart), ("latitude_deg", n_places)):
        there = sum(value is not None for one in sessions for value in column(one, wanted))
        assert there == max(0, n - twice)
    last = max(one.ended_at_ms for one in sessions)
    assert (last - sessions[0].started_at_ms) / 1000 == pytest.approx(span_s, abs=2)
