"""Names and units of metrics stand in the catalogue alone; pages, downloads and insights read them there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hub.analytics.catalogue import METRICS, columns, metric
from hub.web import external_view, session_page

ROOT = Path(__file__).parents[1]
NAMES = re.compile(r"Banister|Edwards|Lucia|iTRIMP|RMSSD|alpha1\b|\bAU\b|Acute:chronic|\bTRIMP\b")
COLUMNS = {
    "banister_au": "banister_trimp", "edwards_au": "edwards_trimp", "mean_bpm": "mean_bpm",
    "max_bpm": "max_bpm",
    "distance_m": "distance", "high_speed_m": "high_speed_distance", "sprint_m": "sprint_distance",
    "top_speed_m_s": "top_speed",
}  # fmt: skip
WITH_UNIT = {it.column for it in METRICS if it.column != it.metric_id}
NAMED = WITH_UNIT | {it.metric_id for it in METRICS} | {it.column for it in METRICS}
ONE_ZONE = re.compile(r"z(\d+|\{\})_s")
ASKED = {"metric", "columns"}
DOWNLOAD = re.compile(r"text/csv|csv\.(writer|DictWriter)|\bCSV_[A-Z]+ =")
DOWNLOADS = [
    path
    for folder in ("hub", "cloud")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if DOWNLOAD.search(path.read_text())
]
ANSWERS = [
    *(
        path
        for folder in ("hub/web", "hub/commands", "cloud/web", "cloud/insights")
        for path in sorted((ROOT / folder).glob("*.py"))
    ),
    *(
        ROOT / name
        for name in ("hub/app.py", "hub/cli.py", "hub/metric_docs.py", "cloud/api.py", "cloud/cli.py")
    ),
]


def shown_text(path: Path) -> str:
    """What a template shows by itself: no expressions, no comments, no attributes but the spoken ones."""
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", path.read_text(), flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', text)
    return " ".join([re.sub(r"<[^>]*>", " ", text), *spoken])


def string_constants(path: Path) -> str:
    """Every string a module holds, its docstrings apart."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs)
    return "\n".join(node.value for node in constants if isinstance(node.value, str))


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ROOT / "hub/web/templates").glob("*.html")),
        *sorted((ROOT / "cloud/web/templates").glob("*.html")),
        *sorted((ROOT / "hub/web").glob("*.py")),
        *sorted((ROOT / "cloud").rglob("*.py")),
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_page_and_no_insight_words_a_metric_itself(path: Path) -> None:
    text = shown_text(path) if path.suffix == ".html" else string_constants(path)
    assert NAMES.findall(text) == []


def test_the_check_sees_a_word_where_there_is_one(tmp_path: Path) -> None:
    page, module = tmp_path / "a.html", tmp_path / "a.py"
    page.write_text('<p aria-label="load in AU">{{ Banister }}</p>')
    module.write_text('"""Edwards."""\nunit = f"{1} AU"\n')
    assert NAMES.findall(shown_text(page)) == ["AU"]
    assert NAMES.findall(string_constants(module)) == ["AU"]


def worded_columns(path: Path, words: set[str]) -> list[str]:
    """Columns of metrics that a module's strings spell out; what is asked of the catalogue is none."""
    tree = ast.parse(path.read_text())
    asked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKED
        for argument in node.args
        for inner in ast.walk(argument)
    }
    found = []
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(it.value) if isinstance(it, ast.Constant) else "{}" for it in node.values)
        if isinstance(text, str) and id(node) not in asked and (text in words or ONE_ZONE.fullmatch(text)):
            found.append(text)
    return found


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_export_and_no_answer_words_a_column_with_its_unit_itself(path: Path) -> None:
    assert worded_columns(path, WITH_UNIT) == []


@pytest.mark.parametrize("path", DOWNLOADS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_download_words_any_metrics_column_itself(path: Path) -> None:
    assert worded_columns(path, NAMED) == []


def test_the_check_of_columns_sees_downloads_and_what_they_spell_out(tmp_path: Path) -> None:
    assert {path.name for path in DOWNLOADS} >= {"session_page.py", "external_view.py"}
    module = tmp_path / "a.py"
    module.write_text(
        'HEAD = ("name", "edwards_au", *columns("lucia_trimp", f"time_in_zone_{1}"), "sprints")\n'
        'zones = [f"z{zone}_s" for zone in range(6)]\nprint(metric("hrr60").column)\n'
    )
    assert worded_columns(module, NAMED) == ["edwards_au", "sprints", "z{}_s"]
    assert worded_columns(module, WITH_UNIT) == ["edwards_au", "z{}_s"]


def test_every_metric_has_a_column_of_its_own() -> None:
    assert len({it.column for it in METRICS}) == len(METRICS)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", it.column) for it in METRICS)
    assert columns("itrimp", "time_in_zone_3", "coverage") == ("itrimp_au", "z3_s", "coverage")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_the_download_carries_the_catalogues_unit(column: str) -> None:
    assert column in (*session_page.CSV_HEAD, *external_view.CSV_HEAD)
    assert column == metric(COLUMNS[column]).column
    assert column.endswith("_" + metric(COLUMNS[column]).unit.lower().replace("/", "_"))
