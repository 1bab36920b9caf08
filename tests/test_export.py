"""Exports: one file proves a version years later, and shows any alteration."""

import base64
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.exporting import ExportBackend, verify_export
from muniment.client.versions.version import Version
from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION
from muniment.core.errors import (
    BlobNotFound,
    InvalidExport,
    InvalidOption,
    LogReplaced,
    MunimentError,
    ReadOnlyExport,
)
from muniment.core.names import Alias
from muniment.core.verbs.gates import MoveAlias
from muniment.signing.keys import Identity
from muniment.testing.backends import evaluation


@pytest.fixture
def promoted(registry: Registry, model: Path, settings: Settings) -> Version:
    """Push, evaluate, approve and promote a version under a policy."""
    version = registry.push(model, "acme/x")
    version.attest(EVALUATION, evaluation(0.9))
    rules: list[Json] = [
        {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8},
        {"rule": "approvals", "validator": 1, "max_age": "1d"},
    ]
    registry.policies.set("acme/*", "production", {"vouching": "any", "rules": rules}, reason="agreed")
    vera = Identity.generate()
    registry.people.add("Vera", vera.public)
    registry.people.grant("Vera", "validator", "acme")
    with muniment.open(settings=settings, identity=vera) as theirs:
        theirs.version("acme/x@1").approve("production", "validator", "fine")
    registry.promote(version, "production")
    return version


def failures(path: Path, verifier: str | None = None) -> list[str]:
    return [check.what for check in verify_export(path, verifier=verifier)[1] if not check.passed]


def test_a_verdict_is_judged_again_from_the_file_alone(
    registry: Registry, promoted: Version, tmp_path: Path
) -> None:
    """A verdict is judged again from the export alone, after the registry is gone."""
    path = tmp_path / "x.tar"
    said = registry.export("acme/x@production", path)
    registry.close()
    (tmp_path / "registry").rename(tmp_path / "gone")
    read, checks = verify_export(path, verifier=said.verifier)
    assert read == said
    assert [check.what for check in checks if not check.passed] == []
    assert any("verdict" in check.what and "follows from its policy" in check.what for check in checks)
    assert len(checks) == len({check.what for check in checks})
    del promoted


def test_the_same_export_has_the_same_bytes(registry: Registry, promoted: Version, tmp_path: Path) -> None:
    """Two exports of a version have the same members, and an export never overwrites a file."""
    registry.export("acme/x@1", tmp_path / "a.tar")
    registry.export("acme/x@1", tmp_path / "b.tar")
    with tarfile.open(tmp_path / "a.tar") as first, tarfile.open(tmp_path / "b.tar") as second:
        assert first.getnames() == second.getnames()
        index = json.loads(_read(first, "index.json"))
    assert index["manifests"][0]["digest"] == promoted.record.revision
    before = (tmp_path / "a.tar").read_bytes()
    for there in (tmp_path / "a.tar", tmp_path / "none" / "a.tar"):
        with pytest.raises(InvalidOption):
            registry.export("acme/x@1", there)
    assert (tmp_path / "a.tar").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.tar", "b.tar"]


def test_without_content_the_record_still_proves_itself(
    registry: Registry, promoted: Version, tmp_path: Path
) -> None:
    """An export without content says so, and its files are noted as not checked; all else is checked."""
    assert not registry.export("acme/x@1", tmp_path / "a.tar", content=False).content
    said, checks = verify_export(tmp_path / "a.tar")
    assert (said.content, [check for check in checks if not check.passed]) == (False, [])
    noted = [check.what for check in checks if check.note and check.what.startswith("file ")]
    assert len(noted) == len(promoted.revision().files)
    assert all("left out, and not checked" in what for what in noted)


def test_a_log_that_is_not_the_one_that_is_known(
    registry: Registry, promoted: Version, tmp_path: Path, settings: Settings
) -> None:
    """An export is refused if its log does not have the expected key."""
    registry.export("acme/x@1", tmp_path / "a.tar")
    with (
        muniment.open(tmp_path / "another", settings=settings, create=True) as another,
        pytest.raises(LogReplaced),
    ):
        verify_export(tmp_path / "a.tar", verifier=another._session.backend.seen.verifier)
    del promoted


Alter = Callable[[dict[str, bytes]], None]


def _document(members: dict[str, bytes], change: Callable[[dict[str, Json]], None]) -> None:
    document = json.loads(members["muniment/export.json"])
    change(document)
    members["muniment/export.json"] = json.dumps(document).encode()


def _alter_bases(change: Callable[[dict[str, Any]], object]) -> Alter:
    """Change every basis of an export."""

    def alter(document: dict[str, Json]) -> None:
        answers = document["answers"]
        assert isinstance(answers, dict)
        bases = [answer for answer in answers.values() if isinstance(answer, dict) and "subjects" in answer]
        assert len(bases) > 3
        for basis in bases:
            change(basis)

    return lambda members: _document(members, alter)


def _withhold(basis: dict[str, Any]) -> None:
    """Leave out the last entry about each subject."""
    for listed in basis["subjects"]:
        listed["entries"] = listed["entries"][:-1]


def _strip_index_line(basis: dict[str, Any]) -> None:
    lines = base64.b64decode(basis["head"]).splitlines(keepends=True)
    basis["head"] = base64.b64encode(b"".join(lines[:-1])).decode()


def _alter_blob(members: dict[str, bytes]) -> None:
    name = next(name for name, data in members.items() if b"sigstore" in data and name.startswith("blobs/"))
    members[name] = members[name].replace(b"sig", b"sjg", 1)


def _is_found_out(path: Path) -> bool:
    """Say whether a check fails, or what the checks begin with is not believed."""
    try:
        return bool(failures(path))
    except InvalidExport:
        return False
    except MunimentError:
        return True


@pytest.mark.parametrize(
    "alter",
    [
        _alter_bases(_withhold),
        _alter_bases(_strip_index_line),
        _alter_bases(lambda basis: basis["entries"][-1].update(leaf="AAAA")),
        _alter_bases(lambda basis: basis["subjects"].pop()),
        _alter_bases(lambda basis: basis.update(texts=[])),
        _alter_blob,
        lambda members: members.pop(
            next(name for name, data in members.items() if b"roc_auc" in data and b"rules" in data)
        ),
    ],
)
def test_what_was_altered_is_found(
    registry: Registry, promoted: Version, tmp_path: Path, alter: Alter
) -> None:
    """A withheld entry, an altered leaf or blob, or a missing subject, salt, index or policy is found."""
    registry.export("acme/x@1", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = {name: _read(tar, name) for name in tar.getnames()}
    alter(members)
    _write(tmp_path / "b.tar", members)
    assert _is_found_out(tmp_path / "b.tar")
    del promoted


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"muniment/export.json": b"[]"},
        {"muniment/export.json": b"{"},
        {"muniment/export.json": b"{}"},
        {"muniment/export.json": b'{"format":2,"reference":"a/b@1","verifier":"v","size":1,"answers":{}}'},
        {"muniment/export.json": b'{"format":1,"reference":"a/b@1","verifier":"v","size":"x","answers":{}}'},
        {"../../etc/passwd": b"x"},
        {"blobs/sha256/../../x": b"x"},
        {"muniment/other.json": b"x"},
    ],
)
def test_a_file_that_is_no_export(tmp_path: Path, members: dict[str, bytes]) -> None:
    """A file that is not a well-formed export is refused."""
    _write(tmp_path / "a.tar", members)
    with pytest.raises(InvalidExport):
        ExportBackend(tmp_path / "a.tar")
    (tmp_path / "b").write_bytes(b"not a tar")
    with pytest.raises(InvalidExport):
        ExportBackend(tmp_path / "b")


def test_links_and_devices_do_not_belong_there(tmp_path: Path) -> None:
    """An export that holds a link or a device is refused."""
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("oci-layout")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(InvalidExport, match="unexpected member"):
        ExportBackend(tmp_path / "a.tar")


def test_an_export_does_not_change(registry: Registry, promoted: Version, tmp_path: Path) -> None:
    """An export refuses every write, and reading a file that it left out."""
    registry.export("acme/x@1", tmp_path / "a.tar", content=False)
    with ExportBackend(tmp_path / "a.tar") as backend:
        with pytest.raises(ReadOnlyExport):
            backend.execute(MoveAlias(reference=promoted.reference, alias=Alias("a")))
        with pytest.raises(ReadOnlyExport):
            backend.add_blob(io.BytesIO(b"x"))
        with pytest.raises(ReadOnlyExport):
            backend.add_documents([b"x"])
        with pytest.raises(BlobNotFound):
            backend.open_blob(promoted.revision().files[0].digest)


def test_the_commands(
    promoted: Version, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`export` writes a file that `verify` checks offline with the log key."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    path = str(tmp_path / "x.tar")
    made = CliRunner().invoke(main, ["export", str(promoted), "-o", path, "--json"])
    assert made.exit_code == 0, made.output
    monkeypatch.setenv("MUNIMENT_URL", str(tmp_path / "nowhere"))
    key = json.loads(made.output)["verifier"]
    checked = CliRunner().invoke(main, ["verify", path, "--log-key", key])
    assert checked.exit_code == 0, checked.output
    assert "follows from its policy and claims" in checked.output


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def _write(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_an_export_says_what_became_of_the_version(registry: Registry, model: Path, tmp_path: Path) -> None:
    """Verifying an export says that the version is revoked or superseded, since when, and as of when."""
    registry.people.grant(registry.people.me().record.id, "security")
    first = registry.push(model, "acme/x", alias="production")
    (model / "weights.bin").write_bytes(b"better")
    registry.push(model, "acme/x", alias="production")
    first.set_status("revoked", "it leaks")
    registry.export("acme/x@1", tmp_path / "x.tar", content=False)
    said = [check.what for check in verify_export(tmp_path / "x.tar")[1]]
    (standing,) = [text for text in said if "as of" in text]
    assert re.fullmatch(r"revoked since \S+Z, no longer production since \S+Z, as of \S+Z", standing)
