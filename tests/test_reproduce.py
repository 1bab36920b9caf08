"""Reproduction: a version is rebuilt from its record, and only what was replayed is claimed."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uv
from click.testing import CliRunner
from sklearn.datasets import load_breast_cancer

import muniment
from muniment.capture.keeping import Kept, Recorded, read_run
from muniment.capture.run import Run
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.reproduction.matching import compare_file
from muniment.client.reproduction.planning import plan
from muniment.client.reproduction.reproducing import reproduce
from muniment.client.reproduction.sandbox import Limits, Sandbox, find_sandbox, run_in
from muniment.client.reproduction.workplace import inside, lay_out
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.bytes.revisions import File
from muniment.core.claims.attestations import REPRODUCTION
from muniment.core.errors import NotReproducible

Git = Callable[..., None]

PACKAGES = {
    "cloudpickle", "joblib", "loky", "narwhals", "numpy", "packaging", "prettytable", "psutil", "safetensors",
    "scikit-learn", "scipy", "skops", "threadpoolctl", "typing-extensions", "uuid-utils", "wcwidth",
}  # fmt: skip
LOCK = Path(__file__).parents[1] / "requirements" / "dev.txt"

TRAIN = """
import sys
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
import muniment

with muniment.run(seed=7) as run:
    table = np.genfromtxt(run.dataset("rows", "rows.csv", snapshot=True), delimiter=",", skip_header=1)
    if sys.argv[1] == "forest":
        np.random.seed()
        model = RandomForestClassifier(15)
    else:
        model = LogisticRegression(C=0.5, solver="newton-cholesky")
    model.fit(table[:, :-1], table[:, -1].astype(int))
    run.save(model, "model")
"""
WEIGHTS = """
import os, sys, time
import numpy as np
import muniment

with muniment.run(params={"step": float(sys.argv[1])}) as run:
    noise = np.random.default_rng().normal(size=1000) * float(sys.argv[1])
    run.save({"w": (np.arange(1000) + noise).astype(np.float32)}, "model")
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment of its own with what a training needs; give its Python."""
    directory = tmp_path_factory.mktemp("environment")
    entries = re.split(r"\n(?=\S)", LOCK.read_text())
    wanted = [one for one in entries if (re.match(r"[\w.-]+", one) or [""])[0] in PACKAGES]
    (directory / "lock.txt").write_text("\n".join(wanted))
    target = directory / "python"
    run_uv("venv", "--quiet", "--python", sys.executable, str(target))
    interpreter = target / "bin" / "python"
    run_uv(
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        str(interpreter),
        "-r",
        str(directory / "lock.txt"),
    )
    (site,) = target.glob("lib/python*/site-packages")
    (site / "muniment.pth").write_text(str(Path(muniment.__file__).parents[1]))
    return interpreter


def run_uv(*arguments: str) -> None:
    subprocess.run([uv.find_uv_bin(), *arguments], check=True)


@pytest.fixture
def project(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project with code, data and a lock, and work in it."""
    directory = tmp_path / "project"
    directory.mkdir()
    frame = load_breast_cancer(as_frame=True).frame
    frame.columns = [name.replace(" ", "_") for name in frame.columns]
    frame[::2].to_csv(directory / "rows.csv", index=False)
    frame[1::2].to_csv(directory / "holdout.csv", index=False)
    (directory / "train.py").write_text(TRAIN)
    (directory / "weights.py").write_text(WEIGHTS)
    (directory / ".gitignore").write_text("*.csv\nmodel/\nrun.json\n")
    git(directory, "init", "-b", "main")
    git(directory, "add", ".")
    git(directory, "commit", "-m", "first")
    monkeypatch.chdir(directory)
    return directory


def train(registry: Registry, name: str, *command: str) -> Version:
    """Train by a command, recorded, and push what it saved."""
    subprocess.run(
        [sys.executable, "-m", "muniment", "run", "-o", "run.json", "--", *command],
        check=True,
        capture_output=True,
    )
    recorded = read_run(Path("run.json").read_bytes())
    return registry.push("model", name, run=recorded)


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_scikit_learn_training_is_rebuilt_bit_by_bit(registry: Registry, python: Path) -> None:
    """A recorded training is rebuilt bit-identically in a fresh environment and evaluated again."""
    version = train(registry, "acme/logistic", str(python), "train.py", "logistic")
    version.evaluate_model("holdout.csv", "target")
    made = plan(version, data={"holdout.csv": Path("holdout.csv")})
    assert made.missing == ()
    assert [one.name for one in made.data] == ["rows"]
    said: list[str] = []
    rebuilt = reproduce(version, made, say=said.append)
    assert rebuilt.verdict == "bit-identical", "\n".join(said)
    metrics: Any = rebuilt.predicate["metrics"]
    assert len(metrics) > 8
    assert all(one["held"] and one["recorded"] == one["rebuilt"] for one in metrics)
    (claim,) = version.claims(REPRODUCTION)
    assert claim.predicate["verdict"] == "bit-identical"
    log: Any = claim.predicate["byproducts"]
    assert log[0]["name"] == "log"
    sandbox: Any = claim.predicate["sandbox"]
    assert sandbox["kind"] == find_sandbox().kind
    assert all(check.passed for check in version.verify())


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_an_unseeded_forest_is_not_said_to_be_identical(registry: Registry, python: Path) -> None:
    """An unseeded training is judged by the tolerance of its metrics, and fails without any."""
    version = train(registry, "acme/forest", str(python), "train.py", "forest")
    alone = reproduce(version, plan(version), record=False)
    assert alone.verdict == "failed"
    version.evaluate_model("holdout.csv", "target", trusted=["sklearn.tree._tree.Tree"])
    made = plan(version, data={"holdout.csv": Path("holdout.csv")})
    wide = reproduce(version, made, tolerance=0.9, trusted=["sklearn.tree._tree.Tree"])
    narrow = reproduce(version, made, tolerance=1e-9, trusted=["sklearn.tree._tree.Tree"])
    assert (wide.verdict, narrow.verdict) == ("within-tolerance", "failed")
    assert len(version.claims(REPRODUCTION)) == 2


@pytest.mark.slow
def test_tensors_within_tolerance_are_said_to_be(registry: Registry, python: Path, project: Path) -> None:
    """Tensors within the relative tolerance pass, and a dirty tree is replayed from its diff."""
    (project / "weights.py").write_text(WEIGHTS.replace("arange(1000)", "arange(1, 1001)"))
    version = train(registry, "acme/weights", str(python), "weights.py", "0.001")
    made = plan(version)
    assert made.diff
    close = reproduce(version, made, tolerance=0.01)
    files: Any = close.predicate["files"]
    assert (close.verdict, files[0]["outcome"]) == ("within-tolerance", "within-tolerance")
    assert reproduce(version, made, tolerance=1e-12, record=False).verdict == "failed"


@pytest.mark.slow
def test_the_command_asks_before_it_runs(
    registry: Registry, python: Path, project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`reproduce` runs nothing with `--plan` or without a yes, and its exit code gives the outcome."""
    train(registry, "acme/weights", str(python), "weights.py", "0")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    planned = CliRunner().invoke(main, ["reproduce", "acme/weights@1", "--plan"])
    assert planned.exit_code == 0
    assert "command   " in planned.output
    refused = CliRunner().invoke(main, ["reproduce", "acme/weights@1"])
    assert (refused.exit_code, "not_confirmed" in refused.stderr) == (3, True)
    done = CliRunner().invoke(main, ["reproduce", "acme/weights@1", "--yes", "--keep", str(project / "kept")])
    assert (done.exit_code, "verdict   bit-identical" in done.output) == (0, True), done.output
    assert (project / "kept" / "code" / "weights.py").is_file()
    failed = CliRunner().invoke(
        main, ["reproduce", "acme/weights@1", "--yes", "--json", "--no-record", "--code", str(project)]
    )
    assert json.loads(failed.output)["verdict"] == "bit-identical"


def record_run(path: Path, **changes: object) -> Recorded:
    """Record a run that wrote a file, changed as a record from elsewhere could be."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("weights")
    with Run(command=["python", "train.py"]) as run:
        run.output(path)
    recorded = run.record()
    document = json.loads(json.dumps(recorded.provenance))
    for where, value in changes.items():
        section, _, name = where.partition("__")
        document["buildDefinition"][section][name] = value
    return Recorded(provenance=document, kept=recorded.kept)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"externalParameters__command": []}, "a command that can be run again"),
        ({"externalParameters__command": ["python", "-c", "1"]}, "a command that can be run again"),
        ({"externalParameters__command": ["python", "t.py", "(hidden)"]}, "a secret on the command line"),
        ({"internalParameters__exit_code": 3}, "a training that succeeded"),
        ({"internalParameters__outputs": []}, "the record of which files the training wrote"),
        ({"internalParameters__platform": {"gpus": ["H100"]}}, "a graphics card (H100)"),
        ({"internalParameters__platform": {"machine": "s390x"}}, "a machine of its kind (s390x)"),
        ({"internalParameters__git": {"commit": "a" * 40, "remote": None}}, "the code: commit aaaa"),
        (
            {"internalParameters__git": {"commit": "a" * 40, "remote": "https://x", "dirty": True}},
            "the changes to the code since its commit",
        ),
        ({"internalParameters__git": None}, "the code: it was not in a git checkout"),
        (
            {"internalParameters__git": {"commit": "--upload-pack=x", "remote": "https://x"}},
            "the code: commit --up",
        ),
        ({"internalParameters__platform": {"python": "/evil/python"}}, "the version of its Python"),
    ],
)
def test_what_cannot_be_replayed_is_listed_before_anything_runs(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], missing: str
) -> None:
    """The plan lists by name what cannot be replayed, and then nothing runs."""
    monkeypatch.chdir(tmp_path)
    version = registry.push("model", "acme/x", run=record_run(tmp_path / "model" / "w.bin", **changes))
    made = plan(version)
    assert any(one.startswith(missing) for one in made.missing), made.missing
    with pytest.raises(NotReproducible):
        reproduce(version, made)
    assert any(line.startswith("MISSING   ") for line in made.describe())


def test_data_that_is_not_there_is_named(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing data is named, unless a copy with the same digest is given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("1")
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "w.bin").write_text("w")
    outside = tmp_path.parent / f"{tmp_path.name}.csv"
    outside.write_text("x\n2\n")
    with Run(command=["python", "train.py"]) as run:
        run.dataset("inside", "a.csv")
        run.dataset("outside", outside)
        run.dataset("far", "https://example.com/x", digest="sha256:" + "0" * 64)
        run.output("model")
    version = registry.push("model", "acme/x", run=run)
    why = {one.name: one.why for one in plan(version).data}
    assert why == {
        "inside": "use --data inside=PATH if you have it",
        "outside": "it was outside the project",
        "far": "the training read it from the network, which is not available",
    }
    assert plan(version, data={"inside": tmp_path / "a.csv"}).data[0].why == ""
    assert "other bytes" in plan(version, data={"inside": outside}).data[0].why
    registry.push(tmp_path / "a.csv", "data/a", kind="dataset")
    data = plan(version).data[0]
    assert (data.why, [file.path for file in data.files]) == ("", [""])
    assert plan(version).scripts == {"train.py": b"1"}
    with pytest.raises(NotReproducible, match="provenance"):
        plan(registry.push(outside, "acme/none"))


def test_what_is_on_record_does_not_choose_where_it_goes(registry: Registry, tmp_path: Path) -> None:
    """A recorded path that leaves the directory is refused."""
    backend = registry._session.backend
    digest = backend.add_documents([b"x"])[0]
    (file,) = (File(path="../../evil", digest=digest, size_bytes=1),)
    with pytest.raises(NotReproducible, match="a path inside the project"):
        lay_out(backend, plan_data(file), tmp_path / "a" / "b")
    assert not (tmp_path / "evil").exists()
    for path in ("..", "/etc", "a/../../b"):
        with pytest.raises(NotReproducible):
            inside(tmp_path / "a", path)


def plan_data(*files: File) -> Any:  # noqa: ANN401 - a Data
    from muniment.client.reproduction.planning import Data  # noqa: PLC0415 - beside its maker

    return Data(name="x", digest="0" * 64, path="x", files=files)


LOOK = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)
    print("connected")
except OSError:
    print("no network")
"""


def test_the_sandbox_has_no_network_and_limits(tmp_path: Path) -> None:
    """The sandbox has no network and limited resources, and states what it cannot prevent."""
    import socket  # noqa: PLC0415 - only here

    sandbox = find_sandbox()
    common: dict[str, Any] = {
        "root": tmp_path,
        "directory": tmp_path,
        "readable": [Path(sys.prefix)],
        "environment": {"PATH": "/usr/bin:/bin"},
    }
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        code, output = run_in(sandbox, [sys.executable, "-c", LOOK, port], limits=Limits(), **common)
        open_code, reached = run_in(
            Sandbox(kind="none", network=True, files=True),
            [sys.executable, "-c", LOOK, port],
            limits=Limits(),
            **common,
        )
    assert (code, output) == (0, b"connected\n" if sandbox.network else b"no network\n")
    assert (open_code, reached) == (0, b"connected\n")
    tight = Limits(memory_bytes=200 << 20, cpu_s=1, file_bytes=1000, wall_s=20)
    code, output = run_in(sandbox, [sys.executable, "-c", "bytearray(1 << 30)"], limits=tight, **common)
    assert (code != 0, b"MemoryError" in output) == (True, True)
    code, _ = run_in(sandbox, [sys.executable, "-c", "while True: pass"], limits=tight, **common)
    assert code != 0
    run_in(sandbox, [sys.executable, "-c", "open('f', 'wb').write(bytes(5000))"], limits=tight, **common)
    assert (tmp_path / "f").stat().st_size <= 1000
    code, _ = run_in(
        sandbox, [sys.executable, "-c", "import time; time.sleep(60)"], limits=Limits(wall_s=1), **common
    )
    assert code == -1


@pytest.mark.parametrize(
    "line", ["-r /etc/passwd", "--index-url https://x", "x @ https://x/x.whl", "./x", "a==1 -e ."]
)
def test_a_lock_may_only_pin(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """A recorded lock with an index or an install location is refused."""
    monkeypatch.chdir(tmp_path)
    recorded = record_run(tmp_path / "model" / "w.bin")
    lock = next(one for one in recorded.kept if one.name == "lock")
    assert isinstance(lock.content, bytes)
    bad = Kept.of("lock", lock.content + line.encode() + b"\n", "text/plain")
    document = json.loads(json.dumps(recorded.provenance).replace(lock.digest.hex, bad.digest.hex))
    honest, crafted = (
        registry.push("model", name, run=one)
        for name, one in (("acme/a", recorded), ("acme/b", Recorded(provenance=document, kept=(bad,))))
    )
    words = "a lock of its environment with only versions and hashes"
    assert (words in plan(honest).missing, words in plan(crafted).missing) == (False, True)


def test_variables_reach_the_command_and_not_the_sandbox(tmp_path: Path) -> None:
    """Recorded variables reach the command but not the tool that builds the sandbox."""
    script = tmp_path / "bin" / "unshare"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nenv > "$0.env"\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    script.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
        code, output = run_in(
            Sandbox(kind="unshare", network=False, files=True),
            [sys.executable, "-c", "import os; print(os.environ['PLANTED'])"],
            root=tmp_path,
            directory=tmp_path,
            readable=[],
            environment={"PATH": "/usr/bin:/bin", "PLANTED": "inside"},
            limits=Limits(),
        )
    assert (code, output) == (0, b"inside\n")
    assert "PLANTED" not in (script.parent / "unshare.env").read_text()


def test_files_are_compared_by_digest_and_by_tensor(registry: Registry, tmp_path: Path) -> None:
    """Rebuilt files are identical, missing, damaged, of another format, or beyond the tolerance."""
    from safetensors.numpy import save  # noqa: PLC0415 - only here

    backend = registry._session.backend
    base = {"w": np.ones(10, np.float32)}
    digest = backend.add_documents([save(base)])[0]
    file = File(path="model.safetensors", digest=digest, size_bytes=len(save(base)))
    target = tmp_path / "model.safetensors"

    def outcome(data: bytes | None) -> object:
        target.unlink(missing_ok=True)
        if data is not None:
            target.write_bytes(data)
        return compare_file(backend, "model.safetensors", file, target, 0.01).outcome

    assert outcome(None) == "missing"
    assert outcome(save(base)) == "identical"
    assert outcome(save({"w": base["w"] * np.float32(1.001)})) == "within-tolerance"
    assert outcome(save({"w": base["w"] * 2})) == "differs"
    assert outcome(save({"w": np.ones(11, np.float32)})) == "differs"
    assert outcome(save({"v": base["w"]})) == "differs"
    assert outcome(b"nothing") == "differs"
