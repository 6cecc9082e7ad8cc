"""All formulas loaded at once bring in numpy and the standard library only, and stay under 60 MB."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import hub.analytics

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    it.name for it in pkgutil.walk_packages(hub.analytics.__path__, "hub.analytics.") if not it.ispkg
)
STATUS = Path("/proc/self/status")


def told(imports: str, answer: str) -> str:
    """What a fresh interpreter prints after `imports`."""
    code = f"{imports}\nimport pathlib, sys\nprint({answer})"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=30)
    return out.stdout.decode()


def loaded_after(imports: str) -> set[str]:
    names = told(imports, "*sys.modules").split()
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)


def test_only_numpy_and_the_standard_library_are_loaded() -> None:
    assert len(MODULES) > 30
    bare = loaded_after("pass")  # whatever this environment loads at every start
    assert loaded_after("import " + ", ".join(MODULES)) - bare == {"hub", "numpy"}


@pytest.mark.skipif(not STATUS.exists(), reason="peak memory is read from /proc")
def test_a_process_with_every_formula_stays_under_60_mb() -> None:
    status = told("import " + ", ".join(MODULES), f"pathlib.Path({str(STATUS)!r}).read_text()")
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    assert 10_000 < int(kilobytes) < 60_000
