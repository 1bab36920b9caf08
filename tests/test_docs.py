"""The documentation: the demo tells its story, and the pages name everything that exists."""

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import muniment
from muniment.cli.demo.story import DemoFailed, check
from muniment.cli.refusals import exit_code
from muniment.client.connection.settings import Settings
from muniment.core.bytes.formats import Format
from muniment.core.errors import list_errors
from muniment.core.gates.rules.reading import KINDS
from muniment.edge.refusals import status_of
from muniment.policies.documents import read_policy
from muniment.server.settings import ServerSettings

ROOT = Path(muniment.__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="the pages are in the repository")


def test_the_demo_fails_loudly() -> None:
    """The demo stops at the first claim that does not hold."""
    with pytest.raises(DemoFailed, match="this is untrue: water is dry"):
        check("water is dry", False)  # noqa: FBT003 - the claim


def test_the_threat_model_names_tests_that_exist() -> None:
    """Each defence that the threat model lists names a test, and each test that it names exists."""
    page = (ROOT / "docs/explanation/threat-model.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| -")][1:]
    named = [re.findall(r"`(tests/\w+\.py)::(\w+)`", row) for row in rows]
    assert len(rows) > 20
    assert all(named)
    for path, test in [one for tests in named for one in tests]:
        nodes = ast.parse((ROOT / path).read_text()).body
        assert test in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}, f"{path}::{test}"


def test_every_setting_is_documented() -> None:
    """The page on settings has the variable of each client setting."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    words = (Settings.__doc__ or "").replace(":", " ").replace(",", " ").split()
    variables = {word for word in words if word.startswith("MUNIMENT_")}
    assert len(variables) == len(fields(Settings)) - 1
    assert all(f"`{variable}`" in page for variable in variables)


def test_every_rule_of_scans_is_documented() -> None:
    """The page on scans lists each rule with each of its severities, and no others."""
    page = (ROOT / "docs/reference/scans.md").read_text()
    made: set[tuple[str, str]] = set()
    for path in (
        *(ROOT / "src/muniment/scanning").glob("*.py"),
        ROOT / "src/muniment/services/upkeep/scans.py",
    ):
        made |= set(re.findall(r'ScanFinding\(\s*"([a-z]+)", "([a-z0-9/]+)"', path.read_text()))
    rows = re.findall(r"^\| (`[^|]+`) \| ([a-z]+) \|", page, re.MULTILINE)
    written = {(severity, rule) for names, severity in rows for rule in re.findall(r"`([^`]+)`", names)}
    assert written == made


def test_every_refusal_is_documented() -> None:
    """The page on refusals has each code with its HTTP status and exit code."""
    page = (ROOT / "docs/reference/refusals.md").read_text()
    for kind in list_errors():
        if kind.message:
            line = next(line for line in page.splitlines() if line.startswith(f"| `{kind.code}` |"))
            refusal = kind.__new__(kind)
            assert line.endswith(f"| {status_of(refusal)} | {exit_code(kind)} |")


def test_every_setting_of_the_server_is_documented() -> None:
    """The page on settings has each variable of the server with its description."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    for name, field in ServerSettings.model_fields.items():
        assert f"| `MUNIMENT_{name.upper()}` | {field.description} |" in page


def test_every_rule_and_format_is_documented() -> None:
    """The page on policies names every rule and format, and its example is a valid policy."""
    page = (ROOT / "docs/reference/policy.md").read_text()
    assert all(f"| `{rule}` |" in page for rule in KINDS)
    assert all(f"`{name}`" in page for name in Format)
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert len(read_policy(yaml.safe_load(example)).rules) == 6


@pytest.mark.foreign
@pytest.mark.parametrize(
    ("number", "schema"), [(0, "vendor.github-workflows"), (1, "vendor.gitlab-ci")], ids=["GitHub", "GitLab"]
)
def test_the_examples_for_ci_are_what_the_platforms_read(number: int, schema: str, tmp_path: Path) -> None:
    """The CI examples are valid by the schemas of GitHub and GitLab."""
    page = (ROOT / "docs/how-to/ci.md").read_text()
    (tmp_path / "ci.yml").write_text(page.split("```yaml\n")[1 + number].partition("```")[0])
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [program, "--builtin-schema", schema, str(tmp_path / "ci.yml")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_lock_names_a_host() -> None:
    """Lock files hold hashes and no addresses."""
    for lock in (ROOT / "requirements").iterdir():
        assert "://" not in lock.read_text()
        assert "--hash=sha256:" in lock.read_text()
