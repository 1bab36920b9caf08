"""Diff: what changed between two versions."""

import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

import muniment
from muniment.capture.run import Run
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.comparison import Comparison, Difference

Git = Callable[..., None]


def changes_in(comparison: Comparison, section: str) -> dict[str, Difference]:
    return {one.name: one for one in comparison.differences if one.section.startswith(section)}


def push_arrays(
    registry: Registry, path: Path, name: str, **arrays: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"
) -> Version:
    path.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path / "model.safetensors")
    return registry.push(path, name)


def test_files_that_moved_were_renamed(registry: Registry, tmp_path: Path) -> None:
    """A file with the same digest at another path is renamed; others are added, removed or changed."""
    for number, files in enumerate(({"a": "1", "b": "2", "c": "3"}, {"x": "1", "b": "4", "d": "5"})):
        directory = tmp_path / str(number)
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_text(text)
        registry.push(directory, "acme/x")
    differences = changes_in(registry.diff("acme/x@1", "acme/x@2"), "files")
    assert {name: one.kind for name, one in differences.items()} == {
        "a -> x": "renamed",
        "b": "changed",
        "c": "removed",
        "d": "added",
    }


def test_tensors_are_compared_by_header_and_digest(registry: Registry, tmp_path: Path) -> None:
    """Tensors are added, removed, reshaped, retyped or changed, and changes have a norm on request."""
    base = np.arange(6, dtype=np.float32)
    push_arrays(registry, tmp_path / "1", "acme/x", same=base, gone=base, w=base, shape=base, kind=base)
    other = {"same": base, "new": base, "w": base * 1.5, "shape": base.reshape(2, 3)}
    push_arrays(registry, tmp_path / "2", "acme/y", **other, kind=base.astype(ml_dtypes.bfloat16))
    tensors = changes_in(registry.diff("acme/x@1", "acme/y@1"), "tensors")
    assert {name: one.kind for name, one in tensors.items()} == {
        "gone": "removed",
        "kind": "retyped",
        "new": "added",
        "shape": "reshaped",
        "w": "changed",
    }
    assert (tensors["shape"].before, tensors["shape"].after) == ("F32 [6]", "F32 [2, 3]")
    assert (tensors["kind"].after, tensors["w"].norm) == ("BF16 [6]", None)
    assert str(tensors["w"].before).startswith("sha256:")
    exact = changes_in(registry.diff("acme/x@1", "acme/y@1", norms=True), "tensors")
    assert exact["w"].norm == pytest.approx(0.5)


def test_a_fine_tune_of_a_real_model_names_its_tensors(
    registry: Registry, minilm: Path, tmp_path: Path
) -> None:
    """Two changed tensors of MiniLM are the only ones named, and sharding its weights changes none."""
    tensors = load_file(minilm)
    changed = sorted(name for name in tensors if name.endswith("dense.weight"))[:2]
    registry.push(minilm, "acme/minilm")
    save_file(
        {name: array * np.float32(1.01) if name in changed else array for name, array in tensors.items()},
        tmp_path / "model.safetensors",
    )
    registry.push(tmp_path / "model.safetensors", "acme/tuned")
    differences = changes_in(registry.diff("acme/minilm@1", "acme/tuned@1", norms=True), "tensors")
    assert sorted(differences) == changed
    assert all(one.norm == pytest.approx(0.01, rel=1e-3) for one in differences.values())
    shards = tmp_path / "shards"
    shards.mkdir()
    names = sorted(tensors)
    for number, some in enumerate((names[:50], names[50:])):
        save_file({name: tensors[name] for name in some}, shards / f"model-{number}.safetensors")
    registry.push(shards, "acme/minilm")
    comparison = registry.diff("acme/minilm@1", "acme/minilm@2")
    assert "tensors" in comparison.same
    assert len(changes_in(comparison, "files")) == 3


def test_a_real_onnx_model_is_compared_by_its_initializers(
    registry: Registry, magika: Path, tmp_path: Path
) -> None:
    """A changed initializer of an ONNX model is the only tensor named."""
    model = onnx.load(str(magika))
    target = next(one for one in model.graph.initializer if len(one.raw_data) > 1000)
    target.raw_data = bytes([target.raw_data[0] ^ 1]) + target.raw_data[1:]
    onnx.save(model, str(tmp_path / "model.onnx"))
    registry.push(magika, "acme/magika")
    registry.push(tmp_path / "model.onnx", "acme/magika")
    assert list(changes_in(registry.diff("acme/magika@1", "acme/magika@2"), "tensors")) == [target.name]


def test_how_they_were_made_is_compared(
    registry: Registry, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters, seed, data, commits, packages, card and metrics are compared."""
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-b", "main")
    monkeypatch.chdir(project)
    (project / ".gitignore").write_text("*.csv\n*.bin\n")
    for number in (1, 2):
        (project / "train.csv").write_text("x,y\n" + "1,2\n" * number if number == 1 else "x,z\n1,2\n1,2\n")
        (project / "train.py").write_text(str(number))
        git(project, "add", ".")
        git(project, "commit", "-m", "one")
        (project / "model.bin").write_text(str(number))
        with Run({"depth": number, "same": 1}, seed=number) as run:
            run.dataset("patients", "train.csv")
        version = registry.push(project / "model.bin", "acme/x", run=run)
        version.set_card(muniment.Card(title="X", limitations=f"limit {number}"))
        right = [n % (2 + 3 * number) > 0 for n in range(400)]
        version.evaluate([1] * 400, [int(one) for one in right], dataset=__file__)
    comparison = registry.diff("acme/x@1", "acme/x@2")
    parameters = changes_in(comparison, "parameters")
    assert {name: (one.before, one.after) for name, one in parameters.items()} == {
        "(seed)": (1, 2),
        "depth": (1, 2),
    }
    data = changes_in(comparison, "data")
    assert data["patients (rows)"].delta == 1
    assert data["patients (columns)"].after == "x, z"
    code = changes_in(comparison, "code")
    assert code["commits between"].after == 1
    assert changes_in(comparison, "card")["limitations"].after == "limit 2"
    accuracy = changes_in(comparison, "metrics")["accuracy"]
    assert accuracy.delta == pytest.approx(350 / 400 - 320 / 400)
    assert accuracy.real is True
    assert {"packages", "platform", "signers"} <= set(comparison.same)


def test_changes_within_the_intervals_are_said_to_be(registry: Registry, tmp_path: Path) -> None:
    """A metric that changes within its intervals is marked as such."""
    for number in (1, 2):
        (tmp_path / "m.bin").write_text(str(number))
        version = registry.push(tmp_path / "m.bin", "acme/x")
        version.evaluate([1] * 20, [1] * (15 + number) + [0] * (5 - number), dataset=__file__)
    accuracy = changes_in(registry.diff("acme/x@1", "acme/x@2"), "metrics")["accuracy"]
    assert (accuracy.kind, accuracy.real) == ("changed", False)


def test_the_command_says_the_same(
    registry: Registry, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`diff` prints a table or JSON, and refuses a damaged file by name."""
    base = np.ones(4, np.float32)
    push_arrays(registry, tmp_path / "1", "acme/x", w=base)
    push_arrays(registry, tmp_path / "2", "acme/x", w=base * 2)
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    table = CliRunner().invoke(main, ["diff", "acme/x@1", "acme/x@2", "--norms"])
    assert "changed, relative norm 1" in " ".join(table.output.split())
    document = json.loads(CliRunner().invoke(main, ["diff", "acme/x@1", "acme/x@2", "--json"]).output)
    kinds = {section: [one["kind"] for one in rows] for section, rows in document["differences"].items()}
    assert kinds == {"files": ["changed"], "tensors": ["changed"]}
    (tmp_path / "2" / "model.safetensors").write_bytes(b"\xff" * 100)
    registry.push(tmp_path / "2", "acme/x")
    refused = CliRunner().invoke(main, ["diff", "acme/x@1", "acme/x@3"])
    assert (refused.exit_code, "invalid_model_file" in refused.stderr) == (2, True)
