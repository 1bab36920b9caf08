"""Push, pull and load, and every bad file that users may have."""

import os
import pickle
import unicodedata
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import muniment
from muniment.capture.tree import Source, collect, watch
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.errors import (
    ContentCorrupt,
    DestinationNotEmpty,
    EmptyRevision,
    FileChanged,
    FileUnusable,
    InvalidName,
    InvalidPath,
    InvalidReference,
    MunimentError,
    NotAFile,
    NotIdentified,
    SymlinkRefused,
    UnknownFormat,
    UnsafeFormat,
    UntrustedTypes,
    VersionExists,
    VersionNotFound,
)
from muniment.signing.keys import Identity
from muniment.testing.audits import check_audit


def blob_of(settings: Settings, hex_digest: str) -> Path:
    return Path(settings.location) / "blobs" / "sha256" / hex_digest


def flip(path: Path) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_directory_comes_back_as_it_was(registry: Registry, model: Path, tmp_path: Path) -> None:
    """Push and pull keep every path and byte, and a second pull writes nothing."""
    version = registry.push(model, "acme/x", message="first")
    assert version.receipt is not None
    assert version.receipt.created
    registry.pull("acme/x", tmp_path / "out")
    for path in ("weights.bin", "config/model.json"):
        assert (model / path).read_bytes() == (tmp_path / "out" / path).read_bytes()
    before = (tmp_path / "out" / "weights.bin").stat().st_mtime_ns
    registry.pull("acme/x@1", tmp_path / "out")
    assert before == (tmp_path / "out" / "weights.bin").stat().st_mtime_ns
    assert version.describe().message == "first"
    assert all(check.passed for check in version.verify())


def test_a_file_is_a_revision_too(registry: Registry, model: Path) -> None:
    """A single file is pushed under its name."""
    version = registry.push(model / "weights.bin", "acme/x")
    assert [file.path for file in version.revision().files] == ["weights.bin"]


def test_the_same_bytes_again_are_the_version_that_exists(registry: Registry, model: Path) -> None:
    """Pushing the same bytes again gives the existing version and adds no event."""
    registry.push(model, "acme/x")
    size = check_audit(registry)
    for name in ("acme/x", "acme/x@1"):
        again = registry.push(model, name)
        assert again.receipt is not None
        assert (again.record.number, again.receipt.created) == (1, False)
    assert size == check_audit(registry)


def test_a_number_with_other_bytes_is_refused(registry: Registry, model: Path) -> None:
    """Pushing other bytes under a taken number is refused with what the version holds."""
    registry.push(model, "acme/x")
    (model / "weights.bin").write_bytes(b"other")
    with pytest.raises(VersionExists, match="acme/x@1"):
        registry.push(model, "acme/x@1")
    assert [version.number for version in registry.versions("acme/x")] == [1]


@pytest.mark.parametrize("name", ["x", "Acme/x", "acme/x/y"])
def test_a_name_that_breaks_the_rules_is_refused(registry: Registry, model: Path, name: str) -> None:
    """A push under an invalid name is refused and stores nothing."""
    with pytest.raises(InvalidName):
        registry.push(model, name)


def test_a_push_goes_to_no_alias(registry: Registry, model: Path) -> None:
    """A push to `model@alias` is refused."""
    with pytest.raises(InvalidReference):
        registry.push(model, "acme/x@production")


@pytest.mark.parametrize(
    "names",
    [
        ["a:b"],
        ["a\\b"],
        [unicodedata.normalize("NFD", "é")],
        ["Model.bin", "model.bin"],
        ["straße", "STRASSE"],
        ["new\nline"],
    ],
)
def test_file_names_that_differ_elsewhere_are_refused(
    registry: Registry, tmp_path: Path, names: list[str]
) -> None:
    """File names that another file system cannot hold or would merge are refused."""
    directory = tmp_path / "odd"
    directory.mkdir()
    for name in names:
        (directory / name).write_text("x")
    size = check_audit(registry)
    with pytest.raises(InvalidPath):
        registry.push(directory, "acme/x")
    assert size == check_audit(registry)


def test_a_file_name_that_is_no_text_is_refused(registry: Registry, tmp_path: Path) -> None:
    """A file name that is not UTF-8 is refused."""
    directory = tmp_path / "odd"
    directory.mkdir()
    (Path(os.fsdecode(os.fsencode(directory) + b"/\xff"))).write_text("x")
    with pytest.raises(InvalidPath):
        registry.push(directory, "acme/x")


def test_an_empty_directory_is_refused(registry: Registry, tmp_path: Path) -> None:
    """A directory without files, also with empty subdirectories, is refused."""
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(EmptyRevision):
        registry.push(tmp_path / "empty", "acme/x")
    with pytest.raises(FileUnusable, match="no such file"):
        registry.push(tmp_path / "missing", "acme/x")


def test_a_link_that_leaves_the_tree_is_refused(registry: Registry, model: Path, tmp_path: Path) -> None:
    """Links out of the tree, to directories and to nothing are refused; links inside are followed."""
    secret = tmp_path / "secret"
    secret.write_text("key")
    (model / "inside").symlink_to("weights.bin")
    assert len(collect(model)) == 3
    for target in (secret, model / "config", tmp_path / "nothing", Path("/etc")):
        link = model / "link"
        link.symlink_to(target)
        with pytest.raises(SymlinkRefused):
            registry.push(model, "acme/x")
        link.unlink()


def test_a_pipe_is_not_pushed(registry: Registry, model: Path) -> None:
    """A named pipe is refused and not read."""
    os.mkfifo(model / "pipe")
    with pytest.raises(NotAFile):
        registry.push(model, "acme/x")


def test_a_file_that_changes_while_it_is_read_is_refused(registry: Registry, model: Path) -> None:
    """A file that grows, changes or disappears while it is read is refused, and nothing is published."""
    size = check_audit(registry)

    def grow(_count: int) -> None:
        with (model / "weights.bin").open("ab") as file:
            file.write(b"more")

    with pytest.raises(FileChanged):
        registry.push(model / "weights.bin", "acme/x", on_bytes=grow)
    assert size == check_audit(registry)
    for change in (_remove, _replace):
        (model / "weights.bin").write_bytes(b"1")
        with pytest.raises(FileChanged):
            _read_while(Source("weights.bin", model / "weights.bin"), change)


def _read_while(source: Source, change: Callable[[Path], None]) -> None:
    with watch(source) as file:
        file.read()
        change(source.place)


def _remove(place: Path) -> None:
    place.unlink()


def _replace(place: Path) -> None:
    other = place.with_name("other")
    other.write_bytes(b"1")
    other.rename(place)


def test_a_destination_with_other_files_is_refused(registry: Registry, model: Path, tmp_path: Path) -> None:
    """A pull into a directory with other files is refused."""
    registry.push(model, "acme/x")
    out = tmp_path / "out"
    out.mkdir()
    (out / "evil.py").write_text("x")
    with pytest.raises(DestinationNotEmpty):
        registry.pull("acme/x", out)
    (out / "evil.py").unlink()
    (out / "weights.bin").symlink_to("/etc/passwd")
    with pytest.raises(DestinationNotEmpty):
        registry.pull("acme/x", out)


def test_a_wrong_file_in_the_destination_is_replaced(registry: Registry, model: Path, tmp_path: Path) -> None:
    """A pull replaces a damaged file of an earlier pull."""
    registry.push(model, "acme/x")
    registry.pull("acme/x", tmp_path / "out")
    (tmp_path / "out" / "weights.bin").write_bytes(b"damaged")
    registry.pull("acme/x", tmp_path / "out")
    assert (tmp_path / "out" / "weights.bin").read_bytes() == (model / "weights.bin").read_bytes()


def test_an_altered_blob_is_refused_by_name(
    registry: Registry, model: Path, settings: Settings, tmp_path: Path
) -> None:
    """After one flipped byte, verify, pull and load name the file, and no wrong byte is given out."""
    save_file({"w": np.arange(4.0)}, model / "model.safetensors")
    version = registry.push(model, "acme/x")
    file = next(f for f in version.revision().files if f.path == "model.safetensors")
    flip(blob_of(settings, file.digest.hex))
    failed = [check for check in version.verify() if not check.passed]
    assert [check.error.code for check in failed if check.error] == ["content_corrupt"]
    assert "model.safetensors" in failed[0].what
    with pytest.raises(ContentCorrupt, match=r"model\.safetensors"):
        registry.load("acme/x")
    with pytest.raises(ContentCorrupt, match=r"model\.safetensors"):
        registry.pull("acme/x", tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_an_altered_manifest_or_claim_is_refused(registry: Registry, model: Path, settings: Settings) -> None:
    """An altered manifest or claim is refused."""
    version = registry.push(model, "acme/x")
    claim = version.describe().attestations[0]
    flip(blob_of(settings, claim.digest.removeprefix("sha256:")))
    assert [check.passed for check in version.verify()].count(False) == 2
    flip(blob_of(settings, version.digest.hex))
    with pytest.raises(ContentCorrupt, match="manifest"):
        registry.version("acme/x").revision()


def test_nobody_pushes_without_a_key(registry: Registry, model: Path, settings: Settings) -> None:
    """A key that is not enrolled can read but not push."""
    registry.push(model, "acme/x")
    with muniment.open(settings=settings, identity=Identity.generate()) as other:
        assert other.version("acme/x").record.number == 1
        (model / "weights.bin").write_bytes(b"other")
        with pytest.raises(MunimentError) as refusal:
            other.push(model, "acme/x")
    assert refusal.value.code == "not_identified"


def test_a_registry_without_an_owner_key_is_readable(
    registry: Registry, model: Path, settings: Settings
) -> None:
    """Without any key, reading works and pushing says what is missing."""
    registry.push(model, "acme/x")
    (Path(settings.location) / "keys" / "identity.pem").unlink()
    with muniment.open(settings=settings) as other:
        assert other.version("acme/x").record.number == 1
        with pytest.raises(NotIdentified):
            other.push(model, "acme/y")


# ---- loading


def test_arrays_are_loaded_as_they_were(registry: Registry, tmp_path: Path) -> None:
    """Named arrays are saved as safetensors and loaded unchanged."""
    tensors = {"w": np.arange(6.0).reshape(2, 3), "b": np.zeros(2, dtype=np.int32)}
    with muniment.run() as run:
        run.save(tensors, tmp_path / "m")
    registry.push(tmp_path / "m", "acme/x", run=run)
    loaded = registry.load("acme/x").value
    assert isinstance(loaded, dict)
    assert all(np.array_equal(tensors[name], loaded[name]) for name in tensors)


def test_an_estimator_predicts_as_it_did(registry: Registry, tmp_path: Path) -> None:
    """A scikit-learn model is saved by skops, predicts as before, and knows its version."""
    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]
    model = LogisticRegression().fit(x, y)
    with muniment.run() as run:
        run.save(model, tmp_path / "m")
    registry.push(tmp_path / "m", "acme/x", run=run)
    loaded = registry.load("acme/x@1")
    assert list(model.predict(x)) == list(loaded.predict(x))  # type: ignore[operator] # the estimator's
    assert loaded.version.number == 1
    assert "acme/x@1" in repr(loaded)


def test_types_that_skops_does_not_trust_have_to_be_named(registry: Registry, tmp_path: Path) -> None:
    """Types that skops does not trust are loaded only if the caller names them."""
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    with muniment.run() as run:
        run.save(forest, tmp_path / "m")
    registry.push(tmp_path / "m", "acme/x", run=run)
    with pytest.raises(UntrustedTypes) as refusal:
        registry.load("acme/x")
    loaded = registry.load("acme/x", trusted=refusal.value.types)
    assert list(loaded.predict([[0.0], [1.0]])) == [0, 1]  # type: ignore[operator] # the estimator's


class Bomb:
    """A pickle that leaves a trace when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        """Tell pickle to make a directory."""
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.safetensors"])
def test_a_pickle_is_refused_and_not_run(registry: Registry, tmp_path: Path, name: str) -> None:
    """A pickle is refused before any of it runs, whatever its name."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / name).write_bytes(pickle.dumps(Bomb(tmp_path / "trace")))
    registry.push(tmp_path / "m", "acme/x", alias="staging")
    for reference in ("acme/x", "acme/x@1", "acme/x@staging"):
        with pytest.raises(UnsafeFormat) as refusal:
            registry.load(reference)
        assert "pickle" in refusal.value.hint
    assert not (tmp_path / "trace").exists()


def test_a_pickle_is_loaded_by_an_alias_whose_policy_allows_it(registry: Registry, tmp_path: Path) -> None:
    """A pickle is loaded only through an alias whose policy allows pickles."""
    (tmp_path / "m").mkdir()
    joblib.dump({"depth": 6}, tmp_path / "m" / "model.joblib")
    registry.push(tmp_path / "m", "acme/x")
    registry.policies.set(
        "acme/x", "legacy", {"rules": [{"rule": "format", "allow": ["pickle"]}]}, reason="agreed"
    )
    registry.promote("acme/x@1", "legacy")
    assert registry.load("acme/x@legacy").value == {"depth": 6}
    with pytest.raises(UnsafeFormat):
        registry.load("acme/x@1")


def test_files_that_no_loader_knows_are_refused(registry: Registry, model: Path) -> None:
    """Loading an unknown format is refused with a hint on how to get the files."""
    registry.push(model, "acme/x")
    with pytest.raises(UnknownFormat) as refusal:
        registry.load("acme/x")
    assert "pull" in refusal.value.hint
    with pytest.raises(VersionNotFound):
        registry.load("acme/y")


def test_an_object_without_a_safe_format_is_not_saved(tmp_path: Path) -> None:
    """Saving an object without a safe format is refused, and pickle is never used instead."""
    with muniment.run() as run, pytest.raises(UnknownFormat):
        run.save(object(), tmp_path / "m")
