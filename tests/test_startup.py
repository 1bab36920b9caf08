"""Startup: which modules are loaded when."""

import subprocess
import sys

import pytest

_HEAVY = (
    "alembic",
    "cryptography",
    "fairlearn",
    "httpx2",
    "jsonschema_rs",
    "numpy",
    "rich",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy",
    "yaml",
)


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in result.stdout.splitlines()}


@pytest.mark.parametrize(
    "code",
    [
        "import muniment",
        "import sys; sys.argv[1:] = ['--version']; import muniment.cli.start as s; s.main()",
        "import muniment.cli.main",
    ],
)
def test_the_start_loads_nothing_heavy(code: str) -> None:
    """`import muniment`, `muniment --version` and the list of commands load no slow library."""
    assert modules_after(code).isdisjoint(_HEAVY)


def test_the_version_needs_no_parser() -> None:
    """`--version` does not load the parser of the command line."""
    code = "import sys; sys.argv[1:] = ['--version']; import muniment.cli.start as s; s.main()"
    assert "click" not in modules_after(code)


def test_the_list_of_commands_needs_no_core() -> None:
    """`--help` loads neither the core, whose classes take longer than all else, nor the SDK."""
    script = "import sys, muniment.cli.main\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not [
        name
        for name in result.stdout.split()
        if name.startswith(("muniment.core.", "muniment.client")) and name != "muniment.core.texts"
    ]


def test_showing_loads_no_statistics_and_no_migrations() -> None:
    """`muniment show` on an embedded registry loads only the database library of the slow ones."""
    loaded = modules_after("import muniment.cli.versions.show, muniment.server.embedded")
    assert loaded & set(_HEAVY) == {"cryptography", "jsonschema_rs", "rich", "sqlalchemy"}


def test_the_sdk_is_there_by_name() -> None:
    """Public names load when they are used, and others raise AttributeError."""
    code = "import muniment\nassert all(getattr(muniment, name) for name in muniment.__all__)\n"
    modules_after(code)
    with pytest.raises(subprocess.CalledProcessError):
        modules_after("import muniment; muniment.nothing")
