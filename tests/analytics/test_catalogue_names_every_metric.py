"""The catalogue against the formulas: nothing is computed that it does not name, and nothing named is not."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

import hub.analytics
from hub.analytics.catalogue import METRICS, metric
from hub.analytics.errors import UnknownMetric
from hub.analytics.metric import Family
from hub.analytics.result import Result
from hub.analytics.session_results import session_results
from hub.analytics.trimp import FORMULA_VERSION
from hub.metric_docs import PAGE, metrics_json, metrics_text, page
from tests.analytics.series import FULLY_TESTED, ON

RESULT_FIELDS = {"n", "coverage", "flags"}


def result_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions that give a number of a person, or something that holds one with how it was got."""
    for found in pkgutil.iter_modules(hub.analytics.__path__):
        module = importlib.import_module(f"hub.analytics.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and gives_a_result(get_type_hints(function)["return"]):
                yield f"{found.name}.{name}", function


def gives_a_result(returned: Any) -> bool:
    kinds = [returned, *(kind for kind in get_args(returned) if kind is not Ellipsis)]
    return any(
        kind is float
        or (dataclasses.is_dataclass(kind) and RESULT_FIELDS & {f.name for f in dataclasses.fields(kind)})
        for kind in kinds
    )


# They give a number on the way to another one, or change one's shape; a person's metric is none of them.
STEPS = {
    "credit.credited_time",
    "external_results.external_results",
    "histogram.merged",
    "histogram.unpack",
    "prompts.lasting_sign",
    "trimp.banister_table",
}
FUNCTIONS = dict(result_functions())
NAMED = {name for it in METRICS for name in it.computed_by}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_that_gives_a_number_stands_in_the_catalogue(name: str) -> None:
    assert name in NAMED | STEPS, f"name hub.analytics.{name} in a metric's computed_by"


def test_what_the_catalogue_names_exists() -> None:
    for name in NAMED:
        module, function = name.split(".")
        assert callable(getattr(importlib.import_module(f"hub.analytics.{module}"), function)), name


def test_ids_and_names_are_given_once() -> None:
    assert len({it.metric_id for it in METRICS}) == len(METRICS)
    assert len({it.name for it in METRICS}) == len(METRICS)


def test_an_id_can_stand_in_a_web_address_as_it_is() -> None:
    assert all(it.metric_id.isascii() and it.metric_id.isidentifier() for it in METRICS)
    assert all(it.metric_id == it.metric_id.lower() for it in METRICS)


@pytest.mark.parametrize("it", METRICS, ids=[it.metric_id for it in METRICS])
def test_nothing_a_reader_needs_is_left_out(it: Any) -> None:
    assert all((it.name, it.unit, it.formula, it.version, it.source, it.needs, it.computed_by))
    assert it.meaning.endswith(".")
    assert it.meaning.count(". ") == 0, "one sentence"
    assert all(each.name and each.unit for each in it.parameters)


@pytest.mark.parametrize("it", METRICS, ids=[it.metric_id for it in METRICS])
def test_no_metric_promises_what_cannot_be_known(it: Any) -> None:
    said = f"{it.name} {it.meaning}".lower()
    assert not [word for word in ("sweet spot", "safe", "risk", "overtrain", "danger") if word in said]


def test_every_family_has_metrics_and_they_stand_together() -> None:
    in_order = [it.family for it in METRICS]
    assert list(dict.fromkeys(in_order)) == list(Family)
    assert in_order == sorted(in_order, key=list(Family).index)


def test_the_loads_share_the_formula_version_that_stored_loads_carry() -> None:
    assert metric("banister_trimp").version == metric("edwards_trimp").version == FORMULA_VERSION


def test_one_zone_is_named_by_its_number() -> None:
    assert metric("time_in_zone_0").name == "Time in zone 0"
    assert metric("time_in_zone_12").unit == "s"


@pytest.mark.parametrize("unknown", ["", "trimp", "time_in_zone_", "time_in_zone_-1", "time_in_zone_007"])
def test_an_unknown_id_is_refused_by_name(unknown: str) -> None:
    with pytest.raises(UnknownMetric) as refused:
        metric(unknown)
    assert refused.value.detail == unknown


def test_every_result_of_a_session_names_a_metric_with_its_unit_and_version() -> None:
    at_ms = np.arange(0, 300_000, 1000)
    results = session_results(
        at_ms, np.full(300, 150), FULLY_TESTED, 0, 300_000, ON, stop_ms=200_000, run_ms=(0, 180_000)
    )
    assert len(results) >= 19
    for it in results:
        assert isinstance(it, Result)
        assert (it.unit, it.version) == (metric(it.metric_id).unit, metric(it.metric_id).version)


def test_the_documentation_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m hub.metric_docs"


def test_the_page_holds_every_formula_with_its_source() -> None:
    text = page()
    assert all(it.formula in text and it.source in text for it in METRICS)


def test_the_table_has_a_line_for_every_metric_and_one_metric_prints_in_full() -> None:
    lines = metrics_text().splitlines()
    assert all(any(line.startswith(f"{it.metric_id} ") for line in lines) for it in METRICS)
    full = metrics_text(["banister_trimp"])
    assert "Banister 1991" in full
    assert "hr_max_bpm (bpm)" in full
    assert max(map(len, full.splitlines())) <= 100


def test_the_catalogue_is_given_to_programs_as_json() -> None:
    rows = json.loads(metrics_json())
    assert [row["metric_id"] for row in rows] == [it.metric_id for it in METRICS]
    assert json.loads(metrics_json(["itrimp"]))[0]["parameters"][-1] == {
        "name": "valid", "unit": "days", "default": 183,
    }  # fmt: skip
