"""What the repository promises about itself: documented settings, working targets, no trace of one machine.

It runs none of the targets; that they work is shown by running them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")

VARIABLE = r"TOUCHLINE_[A-Z][A-Z_]*|DATABASE_URL"
# Folders that git ignores or that belong to it; of the hidden ones only `.ci` is the repository's.
NOT_OURS = {"build", "touchline-data", "node_modules", "__pycache__"}
BINARY = {".fit", ".gz", ".ico", ".jpg", ".npz", ".png", ".woff2", ".zip"}
# Split, so that this file does not find itself.
TRACES = (
    "/" + "work/",
    "/" + "root/",
    "/" + "opt/pypi",
    "/" + "opt/wheels",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "deb.debian" + ".org",
)


def repository_files() -> Iterator[Path]:
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [
            name
            for name in inner
            if name not in NOT_OURS
            and not name.endswith(".egg-info")
            and (name == ".ci" or not name.startswith("."))
        ]
        yield from (Path(folder) / name for name in names if not name.startswith(".coverage"))


TEXT_FILES = [path for path in repository_files() if path.suffix not in BINARY]


def variables_in_use() -> set[str]:
    """Names that stand quoted in the code, or are read by Makefile and CI."""
    code = [path for path in TEXT_FILES if path.suffix == ".py" and path != Path(__file__)]
    quoted = {
        name for path in code for name in re.findall(rf"[\"']({VARIABLE})[\"']", path.read_text("utf-8"))
    }
    shell = (ROOT / "Makefile", ROOT / ".ci" / "run")
    return quoted | {name for path in shell for name in re.findall(VARIABLE, path.read_text("utf-8"))}


def variables_in_readme() -> set[str]:
    return set(re.findall(rf"^\| `({VARIABLE})` \|", README, re.MULTILINE))


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make as if from a shell, even when the tests themselves were started by make."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_every_setting_of_the_code_stands_in_the_readme() -> None:
    assert variables_in_use() - variables_in_readme() == set()


def test_the_readme_lists_no_setting_that_nothing_reads() -> None:
    assert variables_in_readme() - variables_in_use() == set()


@pytest.mark.parametrize("target", ["help", "demo", "test", "check", "bench", "screenshots", "lock", "clean"])
def test_make_knows_the_target_and_help_names_it(target: str) -> None:
    rehearsal = make("-n", target)
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert re.search(rf"^  {target} ", make("-s", "help").stdout, re.MULTILINE)


def test_the_demo_hands_its_speed_on() -> None:
    assert make("-n", "demo", "SPEED=20").stdout.rstrip().endswith("touchline-hub demo --speed 20")


def test_no_file_names_the_machine_it_was_written_on_or_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {trace}"
        for path in TEXT_FILES
        for text in [path.read_text("utf-8", errors="replace")]
        for trace in TRACES
        if trace in text
    ]
    assert found == []


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/raspberry-pi/requirements.lock"])
def test_every_locked_package_has_one_version_and_digests(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text("utf-8"))[1:]
    assert len(entries) > 40
    assert [
        entry
        for entry in entries
        if not re.match(r"[\w.-]+==\S+ .*\\\n    --hash=sha256:[0-9a-f]{64}", entry)
    ] == []


def test_the_pi_runs_the_versions_that_were_tested() -> None:
    pins = [
        set(re.findall(r"^[\w.-]+==[^\\]+", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
        for lock in ("deploy/raspberry-pi/requirements.lock", "requirements.lock")
    ]
    assert pins[0] - pins[1] == set()


def test_the_readme_and_the_decisions_link_only_to_files_that_exist() -> None:
    pages = [
        ROOT / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "deploy").rglob("*.md")),
    ]
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem
)
def test_a_decision_has_its_three_parts_in_twenty_lines(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [part for part in ("**Context.**", "**Decision.**", "**Consequences.**") if part not in text] == []
    assert len(text.splitlines()) <= 20


@pytest.mark.parametrize("script", [".ci/run", "deploy/raspberry-pi/install.sh"])
def test_a_script_can_be_run_and_parses(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)
