"""Names and units of metrics stand in the catalogue alone; pages, downloads and insights read them there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hub.analytics.catalogue import metric
from hub.web import external_view, session_page

ROOT = Path(__file__).parents[1]
NAMES = re.compile(r"Banister|Edwards|Lucia|iTRIMP|RMSSD|alpha1\b|\bAU\b|Acute:chronic|\bTRIMP\b")
COLUMNS = {
    "banister_au": "banister_trimp", "edwards_au": "edwards_trimp", "mean_bpm": "mean_bpm",
    "max_bpm": "max_bpm",
    "distance_m": "distance", "high_speed_m": "high_speed_distance", "sprint_m": "sprint_distance",
    "top_speed_m_s": "top_speed",
}  # fmt: skip


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


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_the_download_carries_the_catalogues_unit(column: str) -> None:
    assert column in (*session_page.CSV_HEAD, *external_view.CSV_HEAD)
    assert column.endswith("_" + metric(COLUMNS[column]).unit.lower().replace("/", "_"))
