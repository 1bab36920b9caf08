"""The files in deploy/ are valid by the tools that read them: compose, Kubernetes, Docker, systemd."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import muniment
from muniment.server.settings import S3Credentials, ServerSettings

DEPLOY = Path(muniment.__file__).parents[2] / "deploy"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.skipif(not DEPLOY.exists(), reason="deploy/ is in the repository"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        ["kubernetes-validate", "--strict", "kubernetes/muniment.yaml"],
        ["hadolint", "Dockerfile"],
    ],
    ids=lambda command: str(command[0]),
)
def test_the_files_are_what_they_have_to_be(command: list[str]) -> None:
    """Each file is valid by the schema or linter of its kind."""
    program = Path(sys.executable).with_name(command[0])
    result = subprocess.run([program, *command[1:]], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """The unit is valid by the check of systemd itself."""
    unit = tmp_path / "muniment.service"
    text = (DEPLOY / "muniment.service").read_text().replace("/opt/muniment/bin/muniment", sys.executable)
    unit.write_text(text)
    program = shutil.which("systemd-analyze") or ""
    result = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert "muniment.service" not in result.stderr, result.stderr


def test_every_setting_that_is_set_is_one() -> None:
    """The files set only variables that the server reads."""
    known = {f"MUNIMENT_{name.upper()}" for name in ServerSettings.model_fields}
    known |= {f"AWS_{name.upper()}" for name in S3Credentials.model_fields}
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            used = set(re.findall(r"\b(?:MUNIMENT|AWS)_[A-Z_]+", path.read_text()))
            assert used <= known, path
    assert yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
