"""The shape of the code (CONTRIBUTING, Shape)."""

import ast
from pathlib import Path

import pytest

import muniment

ROOT = Path(muniment.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file has at most 600 lines, a function 60, and no function imports."""
    text = path.read_text()
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(text.splitlines()) <= 600
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
    """A module has the name of what it is about."""
    assert not {path.stem for path in SOURCES} & {"utils", "helpers", "common", "base", "manager", "misc"}
