"""What a run records, and what it must not."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import muniment
from muniment.capture.environment import describe_git, list_packages
from muniment.core.attestations import PROVENANCE
from muniment.core.errors import MissingExtra, NotAFile
from muniment.core.extras import load_extra
from muniment.signing.schemas import check_predicate


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)  # noqa: S607 - the user's git


def test_a_run_records_what_made_the_model(tmp_path: Path) -> None:
    """Parameters, seed, datasets by digest, packages, Python, platform, times: as SLSA provenance."""
    (tmp_path / "train.csv").write_text("x\n")
    with muniment.run(params={"depth": 6}, seed=7) as run:
        first = np.random.random()  # noqa: NPY002 - the global generator is what a seed is for
        run.dataset("patients", tmp_path / "train.csv")
    provenance = json.loads(json.dumps(run.provenance()))
    check_predicate(PROVENANCE, provenance)
    definition, details = provenance["buildDefinition"], provenance["runDetails"]
    assert definition["externalParameters"] == {"parameters": {"depth": 6}}
    assert definition["internalParameters"]["seed"] == 7
    assert definition["internalParameters"]["packages"]["numpy"] == np.__version__
    assert definition["internalParameters"]["platform"]["python"].startswith("3.")
    datasets = [one for one in definition["resolvedDependencies"] if "annotations" in one]
    assert [one["name"] for one in datasets] == ["patients"]
    assert details["metadata"]["startedOn"] <= details["metadata"]["finishedOn"]
    with muniment.run(seed=7):
        assert first == np.random.random()  # noqa: NPY002 - as above
    run.write(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["buildDefinition"] == definition


def test_a_dataset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A directory or a missing file is no dataset."""
    with muniment.run() as run:
        for path in (tmp_path, tmp_path / "missing"):
            with pytest.raises(NotAFile):
                run.dataset("x", path)


def test_git_is_described_without_secrets(tmp_path: Path) -> None:
    """Commit, branch, whether it is dirty; a token in the remote's URL is left out."""
    assert describe_git(tmp_path) is None
    git(tmp_path, "init", "-b", "main")
    assert describe_git(tmp_path) is None, "before the first commit"
    (tmp_path / "train.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "remote", "add", "origin", "https://ada:hunter2@example.com/repo.git?token=t0ken")
    found = describe_git(tmp_path)
    assert found is not None
    assert len(str(found["commit"])) == 40
    assert (found["branch"], found["dirty"]) == ("main", False)
    assert found["remote"] == "https://example.com/repo.git"
    (tmp_path / "train.py").write_text("2")
    git(tmp_path, "remote", "set-url", "origin", "ada@example.com:repo.git")
    found = describe_git(tmp_path)
    assert found is not None
    assert (found["dirty"], found["remote"]) == (True, "example.com:repo.git")


def test_git_that_is_missing_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is simply nothing to say."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_git(tmp_path) is None


def test_packages_have_versions() -> None:
    """What is installed is listed by name."""
    assert list_packages()["sqlalchemy"].startswith("2.")


def test_a_missing_extra_says_how_to_install_it() -> None:
    """The hint is the command."""
    with pytest.raises(MissingExtra) as refusal:
        load_extra("muniment_no_such_module", "scikit-learn")
    assert refusal.value.hint == "pip install 'muniment[evaluation]'"
