"""The shape of the code (CONTRIBUTING, Shape)."""

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

import muniment
from muniment.client.connection.settings import Settings

ROOT = Path(muniment.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
REPOSITORY = Path(__file__).parents[1]
LOADERS = {"importlib.import_module", "load_extra"}


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
    with muniment.open(tmp_path / "registry", settings=settings, clock=lambda: then, create=True) as registry:
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


def find_late_imports() -> Iterator[tuple[str, str]]:
    """Yield each file that loads a module late, with the beginning of its name, if it is a literal."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in LOADERS:
                yield path.relative_to(ROOT).as_posix(), literal_of(node.args[0])


def literal_of(target: ast.expr) -> str:
    """Return a text, or the beginning of an f-string."""
    if isinstance(target, ast.JoinedStr):
        target = target.values[0]
    return target.value if isinstance(target, ast.Constant) and isinstance(target.value, str) else ""


def list_permitted() -> set[str]:
    """List the files that the ADR names, in the rows of its table and in its list."""
    page = (REPOSITORY / "docs/decisions/0004-late-imports.md").read_text()
    permitted = set(re.findall(r"^\| `(\S+\.py)` ", page, re.MULTILINE))
    for folder, files in re.findall(r"^\* (?:`(\S+/)`: )?(.*)$", page, re.MULTILINE):
        permitted |= {folder + file for file in re.findall(r"`(\S+\.py)`", files)}
    return permitted


def rank_floors() -> dict[str, int]:
    """Rank the folders by the import-linter contract of the floors; 0 is the lowest."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (floors,) = (contract["layers"] for contract in contracts if contract["name"].startswith("Floors"))
    return {name: rank for rank, floor in enumerate(reversed(floors)) for name in floor.split(" | ")}


def test_modules_load_late_only_where_the_decision_says() -> None:
    """The files with late imports are exactly those that ADR 0004 names."""
    assert list_permitted() == {path for path, _ in find_late_imports()}


def test_late_imports_do_not_climb() -> None:
    """A late import stays on its floor or goes below; only opening a directory loads the server."""
    ranks = rank_floors()
    climbs = [
        (path, target)
        for path, target in find_late_imports()
        if target.startswith("muniment.") and ranks[target.split(".")[1]] > ranks[path.partition("/")[0]]
    ]
    assert climbs == [("client/sdk/opening.py", "muniment.server.embedded")]


def test_no_import_is_for_types_only() -> None:
    """A type that would make a circle moves down a floor instead."""
    assert not [path for path in SOURCES if "TYPE_CHECKING" in path.read_text()]
