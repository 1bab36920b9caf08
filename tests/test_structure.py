"""The shape of the code (CONTRIBUTING, Shape)."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

import muniment
from muniment.client.connection.settings import Settings

ROOT = Path(muniment.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file has at most 500 lines, a function 60, and no function imports."""
    text = path.read_text()
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(text.splitlines()) <= 500
    for function in functions:
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 60, f"{function.name} has {length} lines"
        imports = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not imports, f"{function.name} imports"


def test_most_functions_are_short() -> None:
    """At most one function in fourteen is longer than 30 lines."""
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    assert sum(length > 30 for length in lengths) <= len(lengths) / 14


def test_no_module_is_called_after_nothing() -> None:
    """No module is called utils, helpers, common, base, manager or misc."""
    assert not {path.stem for path in SOURCES} & {"utils", "helpers", "common", "base", "manager", "misc"}


def test_time_comes_from_one_clock() -> None:
    """Only `capture/clock.py` reads the time of the machine."""
    asks = re.compile(r"datetime\.now\(|date\.today\(|utcnow\(|time\.time\(|time\.time_ns\(")
    assert [path.relative_to(ROOT) for path in SOURCES if asks.search(path.read_text())] == [
        Path("capture/clock.py")
    ]


def test_the_clock_that_is_handed_in_is_asked(tmp_path: Path) -> None:
    """A registry opened with a clock records the times of that clock."""
    then = datetime(2031, 5, 17, tzinfo=UTC)
    (tmp_path / "w.bin").write_bytes(b"weights")
    settings = Settings.read({"MUNIMENT_STATE": str(tmp_path / "state")})
    with muniment.open(tmp_path / "registry", settings=settings, clock=lambda: then) as registry:
        version = registry.push(tmp_path / "w.bin", "acme/x")
    assert version.record.published.startswith("2031-05-17")


def test_every_test_says_the_behaviour() -> None:
    """Each test has a docstring."""
    tests = [
        (path.name, node)
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert not [(name, test.name) for name, test in tests if not ast.get_docstring(test)]


def test_the_median_function_is_short() -> None:
    """Half of all functions have six lines or fewer."""
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert median(lengths) <= 6
