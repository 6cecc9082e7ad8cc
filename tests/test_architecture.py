"""The import table as a test: who may lean on whom, and which one door each library comes in by.

It judges the source text alone and runs no feature; the tables below are the architecture's only list.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = ("hub", "sync", "cloud")

# A unit is a module or a package with all below it; a module belongs to the longest unit that holds it. It
# may import its own unit, the units named here, and its own package's bare name. A module in no unit fails.
ALLOWED: dict[str, tuple[str, ...]] = {
    "hub.analytics": (),
    **dict.fromkeys(
        ("hub.commands", "hub.replaying", "hub.results", "hub.syncing", "hub.wearing"), ()
    ),  # bare names
    "hub.domain": ("hub.analytics.profile",),
    "hub.errors": (),
    "hub.config": ("hub.domain", "hub.errors"),
    "hub.clock": ("hub.domain", "hub.errors", "hub.store", "sync.true_time", "sync.wire"),
    "hub.tablet_time": ("hub.clock", "sync.wire"),
    "hub.rebasing": ("hub.store", "sync.true_time", "sync.wire"),
    "hub.time_watch": ("hub.clock", "hub.rebasing", "hub.store", "hub.tablet_time", "sync.wire"),
    "hub.learnt_time": ("hub.clock", "hub.imports", "hub.rebasing", "hub.store"),
    "hub.devices": ("hub.analytics.doubt", "hub.domain", "hub.errors"),
    "hub.store": (
        "hub.domain",
        "hub.errors",
        "sync.bounds",
        "sync.chain",
        "sync.cut",
        "sync.motion",
        "sync.outbox",
        "sync.record_fields",
        "sync.refused_edits",
        "sync.segments",
        "sync.true_time",
        "sync.two_edits",
        "sync.wire",
    ),
    "hub.results.profiles": ("hub.domain", "hub.errors", "hub.store", "hub.analytics"),
    "hub.results.kept": ("hub.domain", "hub.results.profiles", "hub.store", "hub.analytics"),
    "hub.metric_docs": ("hub.analytics",),
    "hub.results.heart": ("hub.domain", "hub.results.kept", "hub.store", "hub.analytics"),
    "hub.results.loads": ("hub.domain", "hub.errors", "hub.results.kept", "hub.store", "hub.analytics"),
    "hub.results.preview": (
        "hub.domain",
        "hub.results.profiles",
        "hub.results.kept",
        "hub.store",
        "hub.analytics",
    ),
    "hub.wearing.judgement": (
        "hub.analytics.doubt",
        "hub.devices.quality",
        "hub.domain",
        "hub.results.kept",
        "hub.store",
        "sync.segments",
    ),
    "hub.results.recalculation": ("hub.errors", "hub.wearing.judgement", "hub.results.kept", "hub.store"),
    "hub.results.external": ("hub.domain", "hub.results.loads", "hub.store", "hub.analytics", "sync.motion"),
    "hub.results.grounds": ("hub.store", "hub.analytics"),
    "hub.results.speeds": ("hub.store", "hub.analytics"),
    "hub.results.days": ("hub.domain", "hub.results.kept", "hub.store", "hub.analytics"),
    "hub.board": ("hub.domain", "hub.analytics"),
    "hub.wearing.labels": (),
    "hub.wearing.attribution": ("hub.domain", "hub.errors", "hub.store", "hub.wearing.labels"),
    "hub.folding": ("hub.analytics", "hub.domain", "hub.store", "sync.segments"),
    "hub.wearing.stretches": ("hub.domain",),
    "hub.wearing.reassignment": ("hub.domain", "hub.errors", "hub.store", "hub.wearing.stretches"),
    "hub.wearing.spares": ("hub.domain",),
    "hub.wearing.hold_to_hub": (),
    "hub.wearing.desk": (
        "hub.domain",
        "hub.errors",
        "hub.wearing.hold_to_hub",
        "hub.wearing.reassignment",
        "hub.recorder",
        "hub.store",
        "hub.wearing.stretches",
    ),
    "hub.wearing.unassigned": ("hub.domain", "hub.store", "hub.wearing.stretches", "sync.segments"),
    "hub.refolding": (
        "hub.analytics",
        "hub.domain",
        "hub.folding",
        "hub.results.profiles",
        "hub.store",
        "hub.wearing.judgement",
    ),
    "hub.resuming": ("hub.domain", "hub.folding", "hub.store", "hub.wearing.attribution"),
    "hub.recorder": (
        "hub.analytics",
        "hub.wearing.attribution",
        "hub.board",
        "hub.domain",
        "hub.errors",
        "hub.folding",
        "hub.refolding",
        "hub.results.profiles",
        "hub.resuming",
        "hub.wearing.reassignment",
        "hub.wearing.spares",
        "hub.store",
        "sync.segments",
    ),
    "hub.imports": (
        "hub.analytics",
        "hub.devices.exports",
        "hub.domain",
        "hub.errors",
        "hub.results.loads",
        "hub.results.profiles",
        "hub.store",
        "sync.motion",
        "sync.segments",
    ),
    "hub.import_desk": ("hub.devices.exports", "hub.errors", "hub.imports", "hub.store"),
    "hub.commands.import_files": (
        "hub.clock",
        "hub.config",
        "hub.control",
        "hub.devices.exports",
        "hub.errors",
        "hub.import_desk",
        "hub.imports",
        "hub.serving",
        "hub.store",
    ),
    "hub.syncing.cloud_line": ("hub.clock", "hub.store", "sync.client_tls", "sync.trust"),
    "hub.syncing.edit_watch": ("hub.errors", "hub.store"),
    "hub.syncing.enrolment": (
        "hub.syncing.cloud_line",
        "hub.errors",
        "hub.store",
        "sync.claim",
        "sync.client",
        "sync.errors",
        "sync.files",
        "sync.keys",
    ),
    "hub.syncing.verify": ("hub.store", "hub.syncing.words", "sync.client", "sync.proof", "sync.wire"),
    "hub.syncing.words": ("hub.store",),
    "hub.syncing.clock_words": ("hub.store", "hub.syncing.words", "sync.true_time", "sync.wire"),
    "hub.commands.sync": (
        "hub.config",
        "hub.control",
        "hub.errors",
        "hub.store",
        "hub.syncing.alone",
        "hub.syncing.clock_words",
        "hub.syncing.words",
    ),
    "hub.commands.verify": (
        "hub.commands.sync",
        "hub.config",
        "hub.control",
        "hub.errors",
        "hub.syncing.alone",
        "hub.syncing.verify",
    ),
    "hub.syncing.alone": (
        "hub.clock",
        "hub.config",
        "hub.errors",
        "hub.imports",
        "hub.serving",
        "hub.store",
        "hub.syncing.desk",
        "hub.syncing.uplink",
        "hub.syncing.verify",
    ),
    "hub.syncing.desk": ("hub.errors", "hub.store", "hub.syncing.verify", "sync.wire"),
    "hub.syncing.bundle_write": (
        "hub.errors",
        "hub.store",
        "sync.bounds",
        "sync.bundle",
        "sync.bundle_keys",
        "sync.bundle_wire",
        "sync.errors",
        "sync.files",
        "sync.outbox",
        "sync.reconcile",
        "sync.segments",
        "sync.wire",
    ),
    "hub.syncing.bundle_take": (
        "hub.syncing.bundle_write",
        "hub.errors",
        "hub.store",
        "sync.bundle",
        "sync.bundle_keys",
        "sync.bundle_wire",
        "sync.errors",
        "sync.outbox",
        "sync.reconcile",
        "sync.wire",
    ),
    "hub.syncing.bundle_desk": (
        "hub.syncing.bundle_take",
        "hub.syncing.bundle_write",
        "hub.syncing.enrolment",
        "hub.errors",
        "hub.store",
        "sync.bundle",
        "sync.bundle_keys",
        "sync.errors",
        "sync.outbox",
    ),
    "hub.commands.bundle": (
        "hub.syncing.bundle_desk",
        "hub.clock",
        "hub.config",
        "hub.control",
        "hub.errors",
        "hub.imports",
        "hub.serving",
        "hub.store",
    ),
    "hub.control": ("hub.errors",),
    "hub.seed": (
        "hub.analytics",
        "hub.devices.virtual",
        "hub.domain",
        "hub.errors",
        "hub.store",
        "sync.segments",
    ),
    "hub.schedule": ("hub.errors",),
    "hub.web": (
        "hub.domain",
        "hub.wearing.hold_to_hub",
        "hub.wearing.judgement",
        "hub.wearing.reassignment",
        "hub.wearing.unassigned",
        "hub.wearing.stretches",
        "hub.errors",
        "hub.board",
        "hub.store",
        "hub.results.days",
        "hub.results.external",
        "hub.results.heart",
        "hub.results.grounds",
        "hub.results.loads",
        "hub.results.preview",
        "hub.results.profiles",
        "hub.radio_check",
        "hub.results.recalculation",
        "hub.results.kept",
        "hub.results.speeds",
        "hub.analytics",
        "hub.imports",
        "hub.import_desk",
        "hub.syncing.clock_words",
        "hub.syncing.desk",
        "hub.syncing.words",
        "hub.syncing.bundle_desk",
    ),
    "hub.memory": (),
    "hub.serving": ("hub.config", "hub.errors"),
    "hub.wearing.admission": ("hub.domain",),
    "hub.pods": (
        "hub.domain",
        "hub.errors",
        "hub.store",
        "hub.wearing.labels",
        "sync.motion",
        "sync.segments",
    ),
    "hub.radio_check": ("hub.domain",),
    "hub.commands.scan": (
        "hub.clock",
        "hub.config",
        "hub.control",
        "hub.devices",
        "hub.domain",
        "hub.errors",
        "hub.radio",
    ),
    "hub.strap_wishes": ("hub.devices", "hub.domain", "hub.store"),
    "hub.radio": ("hub.config", "hub.devices", "hub.errors"),
    "hub.replaying.recording": ("hub.devices.recording", "hub.errors"),
    "hub.commands.record": (
        "hub.clock",
        "hub.config",
        "hub.control",
        "hub.devices",
        "hub.domain",
        "hub.errors",
        "hub.radio",
        "hub.replaying.recording",
    ),
    "hub.commands.radio_test": (
        "hub.clock",
        "hub.config",
        "hub.control",
        "hub.devices",
        "hub.errors",
        "hub.radio",
    ),
    "hub.replaying.clock": ("hub.clock", "hub.devices.replay", "sync.wire"),
    "hub.replaying.squad": ("hub.devices.virtual.squad", "hub.domain", "hub.seed", "hub.store"),
    "hub.replaying.generated_session": ("hub.devices.virtual", "hub.errors"),
    "hub.commands.replay": (
        "hub.config",
        "hub.devices",
        "hub.domain",
        "hub.errors",
        "hub.replaying.generated_session",
        "hub.replaying.squad",
        "hub.replaying.clock",
        "hub.store",
        "hub.web.auth",
    ),
    "hub.syncing.networks": (),
    "hub.syncing.time_left": (),
    "hub.syncing.uplink": (
        "hub.clock",
        "hub.syncing.cloud_line",
        "hub.syncing.edit_watch",
        "hub.syncing.enrolment",
        "hub.errors",
        "hub.syncing.networks",
        "hub.syncing.time_left",
        "hub.store",
        "hub.syncing.verify",
        "sync.client",
        "sync.errors",
        "sync.outbox",
        "sync.relay",
        "sync.throttle",
        "sync.wire",
    ),
    "hub.app": ("hub", "sync"),
    "hub.demo": ("hub", "sync"),
    "hub.cli": ("hub", "sync"),
    "sync": (),
    "cloud": ("sync", "hub.analytics"),
}

# Only these may import a composition root; the demo is one that starts the other parts' processes.
ROOTS = {"hub.app": ("hub.cli", "hub.demo"), "hub.demo": ("hub.cli",), "cloud.app": ("cloud.cli",)}

DOORS: dict[str, tuple[str, ...]] = {
    "aioesphomeapi": ("hub.devices.relays",),
    "apscheduler": ("hub.schedule", "cloud.schedule"),
    "bleak": ("hub.devices",),
    "bleak_esphome": ("hub.devices.relays",),
    "bumble": ("hub.devices.virtual",),
    "fitdecode": (),  # the tests' oracle: no module of the product imports it
    "habluetooth": ("hub.devices.relays", "hub.devices.relay_manager"),
    "httpx": ("sync.client", "cloud.connectors"),
    "pandas": ("hub.devices.exports", "cloud.history"),
    "psycopg": ("cloud.store",),
    "sqlite_utils": ("hub.store",),
}

# Units that must stay thin: beside the standard library they may import these packages and no others.
THIRD_PARTY: dict[str, tuple[str, ...]] = {
    "hub.analytics": ("numpy",),
    "hub.domain": (),
    "hub.errors": (),
    "hub.board": ("numpy",),
    "sync": ("cryptography", "httpx", "msgspec", "numpy"),
}

EMPTY_NAMES = {"utils", "helpers", "common", "base", "manager", "service", "core"}


def modules() -> dict[str, Path]:
    """Every module of the three packages by dotted name."""
    found: dict[str, Path] = {}
    for path in sorted(path for package in PROJECT for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def within(name: str, unit: str) -> bool:
    return name == unit or name.startswith(unit + ".")


def unit_of(module: str) -> str | None:
    return max((unit for unit in ALLOWED if within(module, unit)), key=len, default=None)


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Each imported dotted name with its line; an import inside a function counts like any other."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                home = module.split(".")[: len(module.split(".")) - node.level + is_package]
                origin = ".".join([*home, origin]).rstrip(".")
            for alias in node.names:
                full = f"{origin}.{alias.name}"
                yield node.lineno, full if full in MODULES else origin


def imports_of(module: str) -> Iterator[tuple[int, str]]:
    path = MODULES[module]
    return imports(path.read_text("utf-8"), module, is_package=path.name == "__init__.py")


def is_allowed(module: str, imported: str) -> bool:
    """Whether the table lets the module import another one of the project."""
    unit = unit_of(module)
    if unit is None:
        return False
    if imported in ROOTS:
        return module in ROOTS[imported]
    return imported == module.split(".")[0] or any(within(imported, it) for it in (unit, *ALLOWED[unit]))


@pytest.mark.parametrize("module", [module for module in MODULES if module not in PROJECT])
def test_a_module_imports_only_what_the_table_allows(module: str) -> None:
    assert unit_of(module), f"{module} has no row in the import table"
    wrong = [
        f"line {line}: {module} imports {imported}"
        for line, imported in imports_of(module)
        if imported.split(".")[0] in PROJECT and not is_allowed(module, imported)
    ]
    assert not wrong


def test_the_table_holds_no_row_for_a_module_that_is_gone() -> None:
    assert set(ALLOWED) - set(MODULES) == set()


@pytest.mark.parametrize("package", PROJECT)
def test_a_bare_package_imports_nothing(package: str) -> None:
    assert not list(imports_of(package))


@pytest.mark.parametrize("library", DOORS)
def test_each_library_comes_in_by_its_one_door(library: str) -> None:
    wrong = [
        f"line {line}: {module} imports {imported}"
        for module in MODULES
        for line, imported in imports_of(module)
        if within(imported, library) and not is_door(library, module)
    ]
    assert not wrong


def is_door(library: str, module: str) -> bool:
    """`cloud.history` also opens for `cloud.history_weeks`: the door may be a family of files."""
    return any(within(module, door) or module.startswith(f"{door}_") for door in DOORS[library])


@pytest.mark.parametrize("unit", THIRD_PARTY)
def test_a_thin_unit_needs_no_other_library(unit: str) -> None:
    known = {*sys.stdlib_module_names, *PROJECT, *THIRD_PARTY[unit]}
    wrong = [
        f"line {line}: {module} imports {imported}"
        for module in MODULES
        if within(module, unit)
        for line, imported in imports_of(module)
        if imported.split(".")[0] not in known
    ]
    assert not wrong


def test_a_fresh_interpreter_reading_the_formulas_loads_no_radio_web_or_store() -> None:
    formulas = ", ".join(module for module in MODULES if within(module, "hub.analytics"))
    question = f"import sys, {formulas}; print(*sorted(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(answer.stdout.split())
    assert "hub.analytics" in loaded
    assert not {"bleak", "litestar", "sqlite_utils", "sqlite3", "httpx"} & loaded


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8")))


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    wrong = [module for module in MODULES if EMPTY_NAMES & set(module.split("."))]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("hub.board", "hub.store.loads"),
        ("hub.web.pages", "hub.devices.fleet"),
        ("hub.web.pages", "hub.recorder"),
        ("hub.devices.gatt", "hub.store.straps"),
        ("hub.domain", "hub.analytics.load"),
        ("hub.store.sessions", "hub.analytics.load"),
        ("hub.results.loads", "hub.app"),
        ("hub.somewhere_new", "hub.domain"),
        ("sync.client", "hub.domain"),
        ("cloud.ingest", "hub.domain"),
        ("cloud.web.pages", "cloud.app"),
        ("hub.app", "cloud.api"),
    ],
)
def test_the_table_refuses_what_would_undo_the_layering(module: str, imported: str) -> None:
    assert not is_allowed(module, imported)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from . import domain", "hub.domain"),
        ("from .errors import HubError", "hub.errors"),
        ("from hub import domain", "hub.domain"),
        ("def late():\n    import bleak.backends", "bleak.backends"),
    ],
)
def test_no_way_of_writing_an_import_escapes_the_test(line: str, expected: str) -> None:
    assert [name for _, name in imports(line, "hub.recorder")] == [expected]
