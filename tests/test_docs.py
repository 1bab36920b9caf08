"""What is written is so: the demo tells its story, and the pages name what there is."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import muniment
from muniment.cli.demo.story import DemoFailed, check
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
    """A claim of the demo that is not so ends it."""
    with pytest.raises(DemoFailed, match="not so: water is dry"):
        check("water is dry", False)  # noqa: FBT003 - the claim


def test_every_setting_is_documented() -> None:
    """Each attribute of the settings names its variable, and the page has that variable."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    words = (Settings.__doc__ or "").replace(":", " ").replace(",", " ").split()
    variables = {word for word in words if word.startswith("MUNIMENT_")}
    assert len(variables) == len(fields(Settings)) - 1
    assert all(f"`{variable}`" in page for variable in variables)


def test_every_rule_of_scans_is_documented() -> None:
    """The page has each rule with each severity that it can have, and no others."""
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
    """The page has each code, with its status and exit code."""
    page = (ROOT / "docs/reference/refusals.md").read_text()
    for kind in list_errors():
        if kind.message:
            line = next(line for line in page.splitlines() if line.startswith(f"| `{kind.code}` |"))
            assert f"| {status_of(kind.__new__(kind))} |" in line


def test_every_setting_of_the_server_is_documented() -> None:
    """The page has each variable, what it says and its default."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    for name, found in ServerSettings.model_fields.items():
        assert f"| `MUNIMENT_{name.upper()}` | {found.description} |" in page


def test_every_rule_and_format_is_documented() -> None:
    """The page on policies names them all, and its example is a policy."""
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
    """By the schemas of the platforms. `test_logins` runs what is in them."""
    page = (ROOT / "docs/how-to/ci.md").read_text()
    (tmp_path / "ci.yml").write_text(page.split("```yaml\n")[1 + number].partition("```")[0])
    program = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [program, "--builtin-schema", schema, str(tmp_path / "ci.yml")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_lock_names_a_host() -> None:
    """Locks hold hashes and no addresses."""
    for lock in (ROOT / "requirements").iterdir():
        assert "://" not in lock.read_text()
        assert "--hash=sha256:" in lock.read_text()
