"""Users type-check their code: the examples of the pages and a small program, by mypy and by pyright."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import muniment

SOURCE = Path(muniment.__file__).parents[1]
ROOT = SOURCE.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
Check = Callable[[Path, list[Path]], list[str]]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.foreign,
    pytest.mark.skipif(not PAGES[0].exists(), reason="the pages are in the repository"),
]

# What the examples take from the program around them.
AROUND = """\
import muniment

registry = muniment.open()
version = registry.version("acme/readmission@1")
y_true: list[int] = []
y_pred: list[int] = []
y_score: list[float] = []
sex: list[str] = []
queries: list[str] = []
relevance: list[float] = []
scores: list[float] = []


def fit(table: object) -> object:
    return table


"""
PROGRAM = """\
from pathlib import Path
from typing import assert_type

import muniment
from muniment import LoadedModel, MunimentError, Registry, Run, UnguardedAlias, Version

assert issubclass(UnguardedAlias, UserWarning)
with muniment.open("registry", create=True) as registry, muniment.run(params={"depth": 6}) as run:
    assert_type(registry, Registry)
    assert_type(run, Run)
    assert_type(run.save(object(), "model/"), Path)
    try:
        version = registry.push("model/", "acme/x", run=run, alias="staging")
    except MunimentError as error:
        assert_type(error.hint, str)
        assert_type(error.sentence, str)
        raise
    assert_type(version, Version)
    assert_type(version.tags(), dict[str, str])
    assert_type(version.check("production").passed, bool)
    receipt = version.approve("production", "validator", "fine", expires="14d")
    assert_type(receipt.index, int)
    assert_type(registry.promote(version, "production").created, bool)
    assert_type([one.number for one in registry.versions("acme/x", at="2026-12-05")], list[int])
    assert_type([one.name for one in registry.models("acme/")], list[str])
    assert_type([one.record.number for one in registry.history("acme/x")], list[int | None])
    assert_type(registry.load("acme/x@production"), LoadedModel)
    assert_type([person.name for person in registry.people.list()], list[str | None])
    assert_type(registry.diff("acme/x@1", "acme/x@2").same, tuple[str, ...])
    assert_type([one.passed for one in version.verify()], list[bool])
"""
WRONG = """\
import muniment

version = muniment.open().push("model/", "acme/x")
version.aprove("production", "validator", "fine")
muniment.open(creat=True)
"""


def write_examples(directory: Path) -> list[Path]:
    """Write each example of the pages as a program of its own."""
    written = []
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall(page.read_text())):
            path = directory / f"{page.stem.lower().replace('-', '_')}_{number}.py"
            path.write_text(AROUND + block)
            written.append(path)
    return written


@pytest.fixture
def programs(tmp_path: Path) -> list[Path]:
    """Give the examples and the program, as files."""
    (tmp_path / "program.py").write_text(PROGRAM)
    return [tmp_path / "program.py", *write_examples(tmp_path)]


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "MYPYPATH": str(SOURCE), "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=directory, env=given, capture_output=True, text=True, check=False)


def run_mypy(directory: Path, paths: list[Path]) -> list[str]:
    """Give the errors that mypy finds."""
    options = [
        "--strict",
        "--follow-imports=silent",
        "--no-error-summary",
        "--config-file=",
        "--cache-dir=cache",
    ]
    ended = run(directory, "mypy", *options, *map(str, paths))
    assert ended.stderr == ""
    return [line for line in ended.stdout.splitlines() if ": error: " in line]


def run_pyright(directory: Path, paths: list[Path]) -> list[str]:
    """Give the errors that pyright finds; it runs from its wheel, with the node of another one."""
    ended = run(directory, "pyright", "--outputjson", "--pythonpath", sys.executable, *map(str, paths))
    found = json.loads(ended.stdout)
    assert found["summary"]["filesAnalyzed"] == len(paths)
    return [
        f"{Path(one['file']).name}: {one['message']}"
        for one in found["generalDiagnostics"]
        if one["severity"] == "error"
    ]


def test_there_are_examples(tmp_path: Path) -> None:
    """The README and pages below `docs` have examples in Python."""
    assert {path.name for path in write_examples(tmp_path)} >= {
        "readme_0.py",
        "evaluation_0.py",
        "audit_0.py",
    }


@pytest.mark.parametrize("check", [run_mypy, run_pyright])
def test_programs_of_users_type_check(tmp_path: Path, programs: list[Path], check: Check) -> None:
    """The examples and a typed program have no error, and what they get has the type that they expect."""
    assert check(tmp_path, programs) == []


@pytest.mark.parametrize("check", [run_mypy, run_pyright])
def test_mistakes_of_users_are_found(tmp_path: Path, check: Check) -> None:
    """A mistyped method and a mistyped option are found: the public names are not `Any`."""
    (tmp_path / "wrong.py").write_text(WRONG)
    errors = check(tmp_path, [tmp_path / "wrong.py"])
    assert len(errors) == 2
    assert "aprove" in errors[0]
    assert "creat" in errors[1]
