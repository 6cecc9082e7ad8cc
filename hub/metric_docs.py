"""The metric catalogue as text: a table, one metric in full, and the page in the documentation.

It is pure and prints nothing by itself; run as a module it writes docs/metrics.md anew.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hub.analytics.catalogue import METRICS, metric
from hub.analytics.metric import Family, Metric

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
WIDTH = 100
HEAD = """\
# Metrics

Every number Touchline shows, with its formula and where that comes from (author and year).
A value always carries its formula's version, the parameters used, its coverage and its reservations.
In downloads a metric's column has the name given here; a percentage whose column does not say so is a
share of 0 to 1 there.

This page is written by `python -m hub.metric_docs`; `touchline-hub metrics` prints the same.
"""


def metrics_text(ids: Sequence[str] = ()) -> str:
    """The whole catalogue as a table, or the metrics of these ids in full. Raises UnknownMetric."""
    if ids:
        return "\n\n".join(_in_full(metric(metric_id)) for metric_id in ids)
    columns = [("ID", "NAME", "UNIT", "V", "NEEDS")]
    columns += [(it.metric_id, it.name, it.unit_text, it.version, ", ".join(it.needs)) for it in METRICS]
    widths = [max(len(row[column]) for row in columns) for column in range(4)]
    rows = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in columns
    ]
    lines, family = [rows[0]], None
    for it, row in zip(METRICS, rows[1:], strict=True):
        if it.family is not family:
            family = it.family
            lines += ["", family.upper()]
        lines.append(row)
    return "\n".join(lines)


def metrics_json(ids: Sequence[str] = ()) -> str:
    """The same as JSON, a list of objects. Raises UnknownMetric."""
    chosen = [metric(metric_id) for metric_id in ids] if ids else list(METRICS)
    rows = [{**asdict(it), "column": it.column} for it in chosen]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def page() -> str:
    """docs/metrics.md as it should be."""
    parts = [HEAD]
    for family in Family:
        parts.append(f"## {family.capitalize()}\n")
        parts += [_section(it) for it in METRICS if it.family is family]
    return "\n".join(parts)


def _facts(it: Metric) -> list[tuple[str, str]]:
    named = [
        ("Formula", it.formula),
        ("Parameters", "; ".join(each.text for each in it.parameters)),
        ("Needs", "; ".join(it.needs)),
        ("Limits", "; ".join(it.limits)),
        ("Source", it.source),
    ]
    return [(name, text) for name, text in named if text]


def _in_full(it: Metric) -> str:
    lines = [f"{it.name} [{it.unit_text}]", textwrap.fill(it.meaning, WIDTH), ""]
    known_as = f"{it.metric_id}, formula version {it.version}, column {it.column} in downloads"
    facts = [*_facts(it), ("Id", known_as)]
    for name, text in facts:
        lines.append(
            textwrap.fill(
                text, WIDTH, initial_indent=f"{name:<12}", subsequent_indent=" " * 12, break_long_words=False
            )
        )
    return "\n".join(lines)


def _section(it: Metric) -> str:
    lines = [
        f"### {it.name}",
        "",
        f"`{it.metric_id}` · {it.unit_text} · version {it.version} · column `{it.column}`",
        "",
        it.meaning,
        "",
    ]
    for name, text in _facts(it):
        shown = f"`{text}`" if name == "Formula" else text
        lines.append(f"- {name}: {shown}")
    code = ", ".join(f"`hub.analytics.{each}`" for each in it.computed_by)
    lines += [f"- Computed by: {code}", ""]
    return "\n".join(lines)


def main() -> int:
    """Write the page; the exit status."""
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE.name} describes {len(METRICS)} metrics.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
