"""What a run records, and what it must not."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2

import muniment
from muniment.capture.datasets import read_dataset
from muniment.capture.git import capture_git, describe_git
from muniment.capture.keeping import read_run
from muniment.capture.packages import Package, find_hashes, list_packages, write_lock
from muniment.capture.platforms import describe_container, describe_platform
from muniment.capture.rows import RowDigests
from muniment.capture.run import Run
from muniment.capture.secrets import hide_in_command, hide_in_values
from muniment.client.connection.settings import Settings
from muniment.client.reproduction.planning import plan
from muniment.client.sdk.registry import Registry
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.claims.provenance import Provenance
from muniment.core.digests import Digest
from muniment.core.errors import (
    DigestMismatch,
    FileChanged,
    FileUnusable,
    InvalidDocument,
    InvalidOption,
    MissingExtra,
    RegistryUnreachable,
)
from muniment.core.extras import load_extra
from muniment.signing.schemas import check_predicate

Git = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a git repository with one commit, and work in it."""
    directory = tmp_path / "project"
    directory.mkdir()
    git(directory, "init", "-b", "main")
    (directory / "train.py").write_text("print(1)\n")
    (directory / ".gitignore").write_text("*.csv\n")
    git(directory, "add", ".")
    git(directory, "commit", "-m", "first")
    monkeypatch.chdir(directory)
    return directory


def plain(run: Run) -> Any:  # noqa: ANN401 - a JSON document to look into
    return json.loads(json.dumps(run.provenance(), allow_nan=False))


def test_a_run_records_what_made_the_model(tmp_path: Path) -> None:
    """A run records parameters, seed, datasets, packages, Python, platform, times and resources."""
    (tmp_path / "train.csv").write_text("x\n1\n")
    with muniment.run(params={"depth": 6}, seed=7) as run:
        first = np.random.random()  # noqa: NPY002 - the global generator is what a seed is for
        run.dataset("patients", tmp_path / "train.csv")
    written = plain(run)
    check_predicate(PROVENANCE, written)
    definition, details = written["buildDefinition"], written["runDetails"]
    assert definition["externalParameters"]["parameters"] == {"depth": 6}
    inside = definition["internalParameters"]
    assert inside["seed"] == 7
    assert inside["packages"]["numpy"] == np.__version__
    assert inside["platform"]["python"].startswith("3.")
    assert inside["resources"]["peak_memory_bytes"] > 1 << 20
    (dataset,) = (one for one in Provenance(written).inputs if one.kind == "dataset")
    assert (dataset.name, dataset.digest) == ("patients", Digest.of(b"x\n1\n").hex)
    assert dataset.annotations["rows"] == 1
    assert details["metadata"]["startedOn"] <= details["metadata"]["finishedOn"]
    with muniment.run(seed=7):
        assert first == np.random.random()  # noqa: NPY002 - as above
    run.write(tmp_path / "run.json")
    again = read_run((tmp_path / "run.json").read_bytes())
    assert again.provenance == written
    assert {one.name for one in again.kept} >= {"lock", "rows of patients"}


@pytest.mark.foreign
def test_provenance_is_slsa(project: Path) -> None:
    """The published schema, as in-toto's own protocol buffers, knows every member and type."""
    (project / "train.csv").write_text("x\n1\n")
    with muniment.run(params={"depth": 6}) as run:
        run.dataset("patients", "train.csv")
        run.dataset("far", "https://example.com/a.csv", digest=str(Digest.of(b"")))
    read = json_format.Parse(json.dumps(run.provenance()), provenance_pb2.Provenance())
    assert read.build_definition.build_type == "https://muniment.dev/training/v1"
    assert [one.name for one in read.build_definition.resolved_dependencies] == ["patients", "far", "code"]


def test_tables_directories_and_versions_are_datasets(registry: Registry, tmp_path: Path) -> None:
    """A file, a directory, a table and a version are each recorded under a digest others can compute."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("x,y\n1,2\n")
    frame = pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
    version = registry.push(data, "acme/patients", kind="dataset")
    with muniment.run() as run:
        assert run.dataset("directory", data) == data
        assert run.dataset("table", frame, snapshot=True) is frame
        run.dataset("array", np.arange(3))
        run.dataset("version", version)
    directory, table, array, dataset = Provenance(run.provenance()).inputs[:4]
    assert directory.digest == version.digest.hex == dataset.digest
    assert table.digest == Digest.of(b"x,y\n1,0.5\n2,1.5\n").hex
    assert table.annotations["columns"] == [{"name": "x", "type": "int64"}, {"name": "y", "type": "float64"}]
    assert array.annotations["rows"] == 3
    assert dataset.uri == "muniment:acme/patients@1"
    snapshot = next(one for one in run.record().kept if one.name == "snapshot of table")
    assert snapshot.read() == b"x,y\n1,0.5\n2,1.5\n"
    with muniment.run() as run:
        for source in (tmp_path / "missing", object(), 3):
            with pytest.raises((FileUnusable, InvalidOption), match=r"no such file|cannot be a"):
                run.dataset("x", source)
        with pytest.raises(DigestMismatch):
            run.dataset("x", data / "a.csv", digest=str(Digest.of(b"other")))


def test_a_parquet_file_is_described_once_somebody_reads_it(tmp_path: Path) -> None:
    """Rows and columns of a Parquet file are recorded only if its library is already loaded."""
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": [1, 2, 3]}).to_parquet(path)
    with muniment.run() as run:
        pd.read_parquet(run.dataset("p", path))
    (dataset, *_) = Provenance(run.provenance()).inputs
    assert (dataset.annotations["rows"], dataset.annotations["columns"]) == (
        3,
        [{"name": "x", "type": "int64"}],
    )


@pytest.fixture
def website(tmp_path: Path) -> Iterator[str]:
    """Serve a directory on this machine."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.csv").write_text("x\n1\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:  # noqa: ANN401 - what a server passes
            super().__init__(*args, directory=str(tmp_path / "site"))

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_addresses_are_references_or_snapshots(
    website: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference needs a digest, a snapshot is fetched and checked, and secrets in a URL are left out."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    digest = str(Digest.of(b"x\n1\n"))
    with muniment.run() as run:
        run.dataset("far", "https://ada:pass@example.com/a.csv?token=x", digest=digest)
        path = run.dataset("near", f"{website}/a.csv", digest=digest, snapshot=True)
        assert path.read_text() == "x\n1\n"
        with pytest.raises(InvalidOption, match="missing"):
            run.dataset("x", "https://example.com/a.csv")
        with pytest.raises(DigestMismatch):
            run.dataset("x", f"{website}/a.csv", digest=str(Digest.of(b"")), snapshot=True)
        with pytest.raises(RegistryUnreachable):
            run.dataset("x", f"{website}/missing.csv", snapshot=True)
        with pytest.raises(InvalidOption, match="cannot be fetched"):
            run.dataset("x", "ftp://example.com/a.csv", snapshot=True)
    far, near = Provenance(run.provenance()).inputs[:2]
    assert (far.uri, far.is_reference) == ("https://example.com/a.csv", True)
    assert (near.digest, near.is_reference) == (Digest.of(b"x\n1\n").hex, False)


@pytest.mark.slow
def test_datasets_in_object_stores_are_fetched(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset at an s3:// address is fetched from the server and recorded."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    from obstore.store import from_url  # noqa: PLC0415 - beside the others it loads slowly

    from_url(bucket, client_options={"allow_http": True}).put("a.csv", b"x\n1\n")
    with muniment.run() as run:
        assert run.dataset("s3", f"{bucket}/a.csv", snapshot=True).read_bytes() == b"x\n1\n"
        with pytest.raises(RegistryUnreachable):
            run.dataset("s3", f"{bucket}/b.csv", snapshot=True)


def test_a_dataset_that_changes_while_it_is_hashed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset whose files change while they are hashed is refused."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 100_000)
    real = hashlib.file_digest

    def meddle(file: Any, name: str) -> object:  # noqa: ANN401 - a file
        with path.open("ab") as more:
            more.write(b"more")
        return real(file, name)

    monkeypatch.setattr("hashlib.file_digest", meddle)
    for source in (path, tmp_path):
        with pytest.raises(FileChanged):
            read_dataset("x", source)


def test_git_is_described_without_secrets(tmp_path: Path, git: Git) -> None:
    """Commit, branch and dirtiness are recorded; a token in the URL of the remote is not."""
    assert describe_git(tmp_path) is None
    git(tmp_path, "init", "-b", "main")
    assert describe_git(tmp_path) is None, "before the first commit"
    (tmp_path / "train.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "remote", "add", "origin", "https://ada:hunter2@example.com/repo.git?token=t0ken")
    description = describe_git(tmp_path)
    assert description is not None
    assert len(str(description["commit"])) == 40
    assert (description["branch"], description["dirty"]) == ("main", False)
    assert description["remote"] == "https://example.com/repo.git"
    (tmp_path / "train.py").write_text("2")
    git(tmp_path, "remote", "set-url", "origin", "ada@example.com:repo.git")
    description = describe_git(tmp_path)
    assert description is not None
    assert (description["dirty"], description["remote"]) == (True, "example.com:repo.git")


def test_a_dirty_tree_is_kept_as_a_diff(project: Path, git: Git) -> None:
    """The diff of a dirty tree, applied to its commit, gives back changed, new and binary files."""
    (project / "train.py").write_text("print(2)\n")
    (project / "new.py").write_text("print(3)\n")
    (project / "data.bin").write_bytes(b"\x00" * 10)
    (project / "sub").mkdir()
    (project / "sub" / "b.yaml").write_text("a: 1\n")
    (project / "ignored.csv").write_text("x\n")
    with muniment.run() as run:
        pass
    recorded = run.record()
    described: Any = Provenance(recorded.provenance).internal["git"]
    assert (described["dirty"], described["untracked"]) == (True, 1)
    assert described["untracked_code"] == ["new.py", "sub/b.yaml"]
    (diff,) = (one.read() for one in recorded.kept if one.name == "diff")
    fresh = project.parent / "fresh"
    git(project, "clone", str(project), str(fresh))
    (fresh / "diff").write_bytes(diff)
    git(fresh, "apply", "diff")
    for name in ("train.py", "new.py", "sub/b.yaml"):
        assert (fresh / name).read_text() == (project / name).read_text()


def test_heads_without_a_branch_and_submodules_are_described(project: Path, git: Git) -> None:
    """A detached head has no branch, and the commits of submodules are recorded."""
    inner = project.parent / "inner"
    inner.mkdir()
    git(inner, "init", "-b", "main")
    (inner / "a.py").write_text("1\n")
    git(inner, "add", ".")
    git(inner, "commit", "-m", "inner")
    git(project, "submodule", "add", str(inner), "vendored")
    git(project, "commit", "-m", "with submodule")
    git(project, "checkout", "--detach")
    captured = capture_git(project, frozenset())
    assert captured is not None
    assert (captured.description["branch"], captured.description["dirty"]) == (None, False)
    described: Any = captured.description
    (module,) = described["submodules"]
    assert module["path"] == "vendored"
    within = capture_git(project / "vendored", frozenset())
    assert within is not None
    assert within.description["commit"] == module["commit"]


def test_git_that_is_missing_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on a machine without git records no code and does not fail."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_git(tmp_path) is None
    assert capture_git(tmp_path, frozenset()) is None


SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "DB_PASSWORD": "correct-horse-battery",
    "MY_API_TOKEN": "tok-0123456789abcdef",
    "OPENAI_KEY": "sk-proj-abcdefghijklmnopqrstuv",
}


def test_no_secret_is_stored_anywhere(
    registry: Registry, project: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets in variables, arguments, parameters, addresses, diffs and new files are not stored."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    forms = ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "AKIAIOSFODNN7EXAMPLE"]
    (project / "train.py").write_text(f"password = '{SECRETS['DB_PASSWORD']}'\n")
    (project / "settings.yaml").write_text(f"github: {forms[0]}\naws: {forms[1]}\n")
    command = [
        "train.py",
        "--api-token",
        "s3cret-value",
        f"--url=https://u:{'p' * 9}@example.com",
        "--depth",
        "6",
    ]
    command += [SECRETS["MY_API_TOKEN"], f"--x={SECRETS['OPENAI_KEY']}"]
    run = Run({"depth": 6, "auth": {"password": "in-a-parameter"}, "note": forms[0]}, command=command)
    run = Run(run.params, command=command, variables=("DB_PASSWORD", "HOME"))
    with run:
        run.dataset("far", f"https://ada:{'q' * 9}@example.com/a?token=zzzzzzzz", digest=str(Digest.of(b"")))
    registry.push(model, "acme/x", run=run)
    stored = [path.read_bytes() for path in (project.parent / "registry").rglob("*") if path.is_file()]
    secrets = [*SECRETS.values(), *forms, "s3cret-value", "p" * 9, "q" * 9, "zzzzzzzz", "in-a-parameter"]
    for secret in secrets:
        assert not any(secret.encode() in data for data in stored), secret
    described: Any = Provenance(run.provenance()).internal["git"]
    assert described["diff_left_out"] == "it seems to contain a secret"
    inside: Any = Provenance(run.provenance()).internal
    assert inside["variables"]["DB_PASSWORD"] == "(hidden)"  # noqa: S105 - that it is hidden
    assert inside["variables"]["HOME"] == os.environ["HOME"]
    arguments: Any = Provenance(run.provenance()).external["command"]
    assert arguments[-4:-2] == ["--depth", "6"], "what is none stays"


def test_what_is_no_secret_stays() -> None:
    """Words that only look like secrets are kept."""
    command = ["train.py", "--tokenizer", "bpe", "--max-tokens=512", "--monkey", "x", "--keyword", "a"]
    assert hide_in_command(command, frozenset()) == command
    values = {"tokenizer": "bpe", "max_tokens": 5, "token_budget": 3, "layers": [1, {"name": "x"}]}
    assert hide_in_values(values, frozenset()) == values  # type: ignore[arg-type] # JSON


def test_packages_have_versions_and_hashes_where_known(tmp_path: Path) -> None:
    """Versions come from installed metadata and hashes from the project's lock files."""
    site = tmp_path / "site"
    for name in (
        "good_one-1.2.dist-info",
        "local-0.1.dist-info",
        "archive-3.dist-info",
        "broken-9.dist-info",
    ):
        (site / name).mkdir(parents=True)
        if not name.startswith("broken"):
            (site / name / "METADATA").write_text("")
    (site / "~alf.dist-info").mkdir()
    (site / "local-0.1.dist-info" / "direct_url.json").write_text('{"url": "file:///x", "dir_info": {}}')
    archive = {"url": "https://x", "archive_info": {"hashes": {"sha256": "a" * 64}}}
    (site / "archive-3.dist-info" / "direct_url.json").write_text(json.dumps(archive))
    packages = list_packages([str(site)])
    assert packages == [
        Package(name="archive", version="3", hashes=("a" * 64,)),
        Package(name="good-one", version="1.2"),
        Package(name="local", version="0.1", local=True),
    ]
    (tmp_path / "requirements.txt").write_text(f"good-one==1.2 \\\n    --hash=sha256:{'b' * 64}\nother>=1\n")
    (tmp_path / "uv.lock").write_text(
        f'[[package]]\nname = "archive"\nversion = "3"\nsdist = {{ hash = "sha256:{"c" * 64}" }}\n'
    )
    (tmp_path / "pylock.toml").write_text("packages = 3\n")
    assert find_hashes(tmp_path) == {("good-one", "1.2"): ("b" * 64,), ("archive", "3"): ("c" * 64,)}
    lock = write_lock(packages, find_hashes(tmp_path))
    assert lock.splitlines() == [
        "archive==3 \\",
        f"    --hash=sha256:{'a' * 64}",
        "good-one==1.2 \\",
        f"    --hash=sha256:{'b' * 64}",
        "# local==0.1 was installed from a directory",
    ]
    assert {"sqlalchemy", "muniment"} <= {package.name for package in list_packages()}


def test_the_machine_and_its_container_are_described(tmp_path: Path) -> None:
    """The machine is described from /proc and podman, with the digest of the image if it is given."""
    assert describe_platform()["cpus"] == os.cpu_count()
    assert describe_container({}, tmp_path) is None
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.containerenv").write_text('engine="podman-5"\nimage="docker.io/acme/train:1"\n')
    assert describe_container({}, tmp_path) == {"runtime": "podman", "image": "docker.io/acme/train:1"}
    image = {"MUNIMENT_CONTAINER_IMAGE": "ghcr.io/acme/train@sha256:abc"}
    assert describe_container(image, tmp_path) == {
        "runtime": "podman",
        "image": "ghcr.io/acme/train",
        "digest": "sha256:abc",
    }


TRAIN = """
import sys, muniment
with muniment.run(params={"depth": int(sys.argv[1])}, seed=3) as run:
    run.dataset("patients", "train.csv")
    open("model.bin", "w").write(sys.argv[1])
    run.output("model.bin")
"""


def start(*arguments: str, exits: int = 0) -> Any:  # noqa: ANN401 - a JSON document to look into
    result = subprocess.run(
        [sys.executable, "-m", "muniment", "run", "-o", "run.json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == exits, result.stderr
    return read_run(Path("run.json").read_bytes()).provenance if Path("run.json").exists() else None


def test_a_command_is_recorded_from_outside(project: Path) -> None:
    """`muniment run` records the command, its code, packages, outputs and exit code."""
    (project / "train.csv").write_text("x\n1\n")
    (project / "train.py").write_text(
        "import sys; open('model.bin', 'w').write('1'); sys.exit(int(sys.argv[1]))"
    )
    recorded = start(
        "--dataset", "patients=train.csv", "--output", "model.bin", "--", sys.executable, "train.py", "0"
    )
    inside: Any = Provenance(recorded).internal
    assert Provenance(recorded).external["command"] == [sys.executable, "train.py", "0"]
    assert inside["exit_code"] == 0
    assert inside["packages"]["numpy"] == np.__version__
    assert [one.name for one in Provenance(recorded).inputs] == ["patients", "code"]
    assert inside["outputs"] == [{"path": "model.bin", "digest": str(Digest.of(b"1"))}]
    failed = start("--", sys.executable, "train.py", "7", exits=7)
    assert Provenance(failed).internal["exit_code"] == 7
    start("--", "no-such-program", exits=2)
    other = start("--", "true")
    inside = Provenance(other).internal
    assert "numpy" in inside["packages"], "a command that is not Python has the packages of its starter"


def test_a_run_inside_of_a_command_adds_what_it_knows(project: Path) -> None:
    """A run in a script adds its parameters, seed, datasets and outputs to those of the command, once."""
    (project / "train.csv").write_text("x\n1\n")
    (project / "train.py").write_text(TRAIN)
    recorded = start("--param", "note=outer", "--", sys.executable, "train.py", "6")
    read = Provenance(recorded)
    inside: Any = read.internal
    assert read.parameters == {"depth": 6, "note": "outer"}
    assert (inside["seed"], [one.name for one in read.inputs]) == (3, ["patients", "code"])
    assert set(read.byproducts()) == {"rows of patients", "diff", "lock"}
    assert [one["path"] for one in inside["outputs"]] == ["model.bin"]


def test_what_a_run_keeps_is_in_the_registry(registry: Registry, project: Path, model: Path) -> None:
    """The diff, lock, snapshots and row digests of a run are blobs in the namespace of the version."""
    (project / "train.csv").write_text("x,y\n1,2\n3,4\n")
    (project / "train.py").write_text("print(2)\n")
    with muniment.run() as run:
        run.dataset("patients", "train.csv", snapshot=True)
    version = registry.push(model, "acme/x", run=run)
    (claim,) = version.claims(PROVENANCE)
    kept = Provenance(claim.predicate).byproducts()
    assert set(kept) == {"diff", "lock", "snapshot of patients", "rows of patients"}
    backend = registry._session.backend
    with backend.open_blob(kept["snapshot of patients"]) as snapshot, backend.open_blob(kept["lock"]) as lock:
        assert snapshot.read() == b"x,y\n1,2\n3,4\n"
        assert b"numpy==" in lock.read()


def test_rows_of_parquet_are_the_rows_of_csv(registry: Registry, tmp_path: Path, model: Path) -> None:
    """The same rows have the same digests in Parquet and CSV, whatever the order of columns."""
    days = pd.to_datetime([*["2026-01-01"] * 3, "NaT"])
    who: list[str | None] = ["a", "b", "c", None]
    train = pd.DataFrame({"x": [1, 2, None, 4], "day": days})
    train["who"] = who
    train.to_parquet(tmp_path / "train.parquet")
    tested = train.assign(y=[0, 1, 0, 1], p=[0, 1, 1, 1])
    unseen = tested.assign(x=[7, 8, 9, 10])
    pd.concat([tested, unseen]).to_parquet(tmp_path / "test.parquet")
    with muniment.run() as run:
        run.dataset("patients", tmp_path / "train.parquet", rows=True)
    version = registry.push(model, "acme/x", run=run)
    table = pd.read_parquet(tmp_path / "test.parquet")
    version.evaluate(table["y"].tolist(), table["p"].tolist(), dataset=tmp_path / "test.parquet")
    assert version.evidence()[0].predicate["overlap"] == {
        "rows": 8,
        "rows_in_training": 4,
        "training": ["patients"],
    }
    (tmp_path / "flat.csv").write_text(
        "who,x,day,y,p\na,1,2026-01-01 00:00:00,0,0\nz,1,2026-01-01,1,1\n,4,,0,0\n"
    )
    version.evaluate([0, 1, 0], [0, 1, 0], dataset=tmp_path / "flat.csv")
    overlap = version.evidence()[1].predicate["overlap"]
    assert isinstance(overlap, dict)
    assert overlap["rows_in_training"] == 2


def test_a_parquet_file_that_is_none_is_kept_as_bytes(tmp_path: Path) -> None:
    """A broken Parquet file is recorded by its bytes, without row digests."""
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with muniment.run() as run:
        run.dataset("p", path, rows=True)
    assert not [kept for kept in run.record().kept if kept.name.startswith("rows")]


def test_rows_of_the_training_are_found_in_a_test_set(
    registry: Registry, tmp_path: Path, model: Path
) -> None:
    """Training rows in a test set are counted by salted digests, in any column order or number format."""
    (tmp_path / "train.csv").write_text("x,y\n" + "".join(f"{n},{n % 2}\n" for n in range(20)))
    rows = "".join(f"{n % 2}.0,{n % 2},{n},0.5\n" for n in range(15, 35))
    (tmp_path / "test.csv").write_text("y,p,x,s\n" + rows)
    with muniment.run() as run:
        run.dataset("patients", tmp_path / "train.csv")
    version = registry.push(model, "acme/x", run=run)
    table = pd.read_csv(tmp_path / "test.csv")
    version.evaluate(table["y"].tolist(), table["p"].tolist(), dataset=tmp_path / "test.csv")
    (evidence,) = version.evidence()
    assert evidence.predicate["overlap"] == {"rows": 20, "rows_in_training": 5, "training": ["patients"]}
    assert evidence.metrics["train_test_overlap"] == {"value": 0.25}
    assert all(check.passed for check in version.verify())
    digests = run.record().kept[0].read()
    again = RowDigests.decode(digests)
    assert again.columns == ("x", "y")
    for wrong in (b"", b"{}\n", digests[:-1], b"x\n"):
        with pytest.raises(InvalidDocument):
            RowDigests.decode(wrong)


def test_snapshots_that_changed_since_are_refused(registry: Registry, tmp_path: Path, model: Path) -> None:
    """A push is refused if a snapshot changed after the run read it."""
    (tmp_path / "train.csv").write_text("x\n1\n")
    with muniment.run() as run:
        run.dataset("patients", tmp_path / "train.csv", snapshot=True)
    (tmp_path / "train.csv").write_text("x\n2\n")
    with pytest.raises(FileChanged):
        registry.push(model, "acme/x", run=run)


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """A run file that is cut short, malformed or holds the wrong bytes is refused."""
    with muniment.run() as run:
        pass
    run.write(tmp_path / "run.json")
    document = json.loads((tmp_path / "run.json").read_text())
    document["kept"][0]["base64"] = "AAAA"
    for wrong in (b"", b"[]", b'{"form": "https://muniment.dev/run/v1"}', json.dumps(document).encode()):
        with pytest.raises(InvalidDocument):
            read_run(wrong)
    assert read_run(b'{"buildDefinition": {}}').kept == ()


def test_a_missing_extra_says_how_to_install_it() -> None:
    """The hint of a missing extra is the command that installs it."""
    with pytest.raises(MissingExtra) as refusal:
        load_extra("muniment_no_such_module", "scikit-learn")
    assert refusal.value.hint == "pip install 'muniment[evaluation]'"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that run notebooks
def test_a_notebook_is_recorded_with_its_cells(project: Path, settings: Settings) -> None:
    """A run in a notebook keeps the executed cells, which no commit holds."""
    train = """with muniment.run(params={"depth": depth}) as run:
    open("model.bin", "w").write("1")
    run.output("model.bin")"""
    push = f"""with muniment.open({settings.location!r}, create=True) as registry:
    print(registry.push("model.bin", "acme/notebook", run=run))"""
    v4: Any = nbformat.v4
    cells = ["import muniment", "depth = 3", train, push]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(project)}}).execute()
    assert notebook.cells[-1].outputs[0].text == "acme/notebook@1\n"
    with muniment.open(settings=settings) as registry:
        version = registry.version("acme/notebook@1")
        (claim,) = version.claims(PROVENANCE)
        provenance = Provenance(claim.predicate)
        assert provenance.parameters == {"depth": 3}
        kept = provenance.find_byproduct("cells")
        assert kept is not None
        with registry._session.backend.open_blob(kept) as blob:
            text = blob.read().decode()
        assert "depth = 3" in text
        assert plan(version).missing == ("a command: the training ran in a notebook",)
