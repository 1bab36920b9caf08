"""Plan how to rebuild a version from its record, and list what is missing."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from muniment import __version__
from muniment.capture.datasets import read_dataset
from muniment.capture.git import has_commit, is_commit
from muniment.capture.platforms import describe_container, describe_platform
from muniment.capture.run import SCRIPT
from muniment.capture.secrets import HIDDEN
from muniment.client.proofs.checking import read_document, read_revision, resolve
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.version import Version
from muniment.core.bytes.revisions import File
from muniment.core.canonical import Json, JsonObject, object_in
from muniment.core.claims.attestations import EVALUATION, PROVENANCE, Attestation
from muniment.core.claims.evidence import Evidence, newest_per_dataset
from muniment.core.claims.lineage import Direction
from muniment.core.claims.provenance import Input, Provenance
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import NotReproducible
from muniment.core.names import Reference
from muniment.core.verbs.catalog import GetLineage

MAX_KEPT_BYTES: Final = 64 << 20
# The package that this client runs and can provide itself.
_OWN: Final = "muniment"
_PYTHON: Final = re.compile(r"\d+\.\d+(\.\d+)?\w*")
_PIN: Final = re.compile(r"[\w.-]+==[\w.!+-]+(?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A dataset that the training read.

    Attributes:
        name, digest: as recorded.
        path: its path relative to the directory of the command.
        files: its blobs; one with an empty path is the dataset itself.
        given: the path that the user gave instead.
        why: why its bytes are unavailable, if they are.
    """

    name: str
    digest: str
    path: str
    files: tuple[File, ...] = ()
    given: Path | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to rebuild a version.

    Attributes:
        claim: the provenance to replay.
        command: the command to run.
        directory: its directory in the checkout.
        code: where to fetch the commit; empty if nowhere.
        commit: the commit.
        diff: the changes to apply to it.
        scripts: files of code that no commit has, by path.
        python: the version of Python.
        lock: the requirements with hashes.
        provided: packages that this client provides.
        data: the datasets.
        outputs: the files of the version, by the path at which the training wrote them.
        evaluations: the evaluations that can be repeated, with their data.
        missing: what is unavailable; if there is anything, nothing is run.
        notes: differences of this machine, and what is not replayed.
    """

    reference: str
    claim: Attestation
    command: tuple[str, ...]
    directory: str
    code: str
    commit: str
    diff: bytes
    scripts: Mapping[str, bytes]
    python: str
    lock: str
    provided: tuple[str, ...]
    variables: Mapping[str, str]
    data: tuple[Data, ...]
    outputs: Mapping[str, File]
    evaluations: tuple[tuple[Evidence, Data], ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the version, and count what is missing."""
        return f"<Plan to rebuild {self.reference}, {len(self.missing)} missing>"

    def refuse(self) -> NotReproducible:
        """Say what is missing, and where to see the rest."""
        remedy = f"see what is there and what is missing: muniment reproduce {self.reference} --plan"
        return NotReproducible(reference=self.reference, missing=self.missing, remedy=remedy)

    def describe(self) -> list[str]:
        """Describe the plan in lines of text."""
        pinned = self.lock.count("==")
        hashed = self.lock.count("--hash=")
        lines = [f"rebuild {self.reference} from provenance {self.claim.digest}"]
        if self.commit:
            lines.append(f"code      commit {self.commit} of {self.code or 'nowhere'}")
        if self.diff:
            lines.append(f"          with the recorded diff of {count(len(self.diff), 'byte')}")
        lines += [f"          and {path}, which no commit has" for path in self.scripts]
        lines.append(
            f"python    {self.python}, {count(pinned, 'pinned package')}, {count(hashed, 'hash')} to check"
        )
        lines += [f"          {package} of this client" for package in self.provided]
        for one in self.data:
            source = one.given or ("the registry" if one.files else "nowhere")
            lines.append(f"data      {one.name} (sha256:{one.digest[:12]}) from {source}, at {one.path}")
        lines.append(f"command   {' '.join(self.command)}")
        lines += [f"compare   {path}" for path in self.outputs]
        lines += [
            f"evaluate  {evidence.task} on {evidence.dataset_name} again" for evidence, _ in self.evaluations
        ]
        lines += [f"note      {note}" for note in self.notes]
        lines += [f"MISSING   {what}" for what in self.missing]
        return lines


def plan(version: Version, *, data: Mapping[str, Path] | None = None, code: Path | None = None) -> Plan:
    """Plan how to rebuild a version. This runs nothing, and fetches only small documents.

    `data` has the paths of datasets that are not in the registry, by name; `code` is a checkout with the
    commit.

    Raises:
        NotReproducible: its provenance was not recorded.
    """
    backend, given = version.session.backend, data or {}
    claim = _get_provenance(version)
    provenance = Provenance(claim.predicate)
    documents = _read_kept(backend, provenance)
    lock, provided, local = _split_lock(documents.get("lock", b"").decode())
    git = object_in(provenance.internal.get("git"))
    source = _find_code(git, code or Path.cwd())
    datasets = _find_datasets(backend, provenance, given)
    outputs, lost = _find_outputs(version, provenance)
    evaluations, skipped = _find_evaluations(backend, version, given)
    scripts = _read_scripts(documents)
    command = [str(word) for word in _list(provenance.external.get("command"))]
    missing = [
        *_miss_command(command, provenance),
        *_miss_code(git, source, documents, scripts),
        *_miss_environment(provenance, lock),
        *_miss_inputs(local, datasets),
        *([] if outputs else ["the record of which files the training wrote"]),
        *_miss_hardware(provenance),
    ]
    return Plan(
        reference=str(version),
        claim=claim,
        command=tuple(command),
        directory=str(git.get("directory") or ""),
        code=source,
        commit=str(git.get("commit") or ""),
        diff=documents.get("diff", b""),
        scripts=scripts,
        python=str(object_in(provenance.internal.get("platform")).get("python") or ""),
        lock=lock,
        provided=provided,
        variables=_read_variables(provenance),
        data=tuple(datasets),
        outputs=outputs,
        evaluations=tuple(evaluations),
        missing=tuple(missing),
        notes=(*_find_notes(provenance), *lost, *skipped),
    )


def _get_provenance(version: Version) -> Attestation:
    claims = version.claims(PROVENANCE)
    if not claims:
        raise NotReproducible(reference=str(version), missing=("provenance",))
    return claims[-1]


def _read_scripts(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name.removeprefix(SCRIPT): content for name, content in documents.items() if name.startswith(SCRIPT)
    }


def _read_kept(backend: TrustedBackend, provenance: Provenance) -> dict[str, bytes]:
    return {
        name: read_document(backend, digest, name, MAX_KEPT_BYTES)
        for name, digest in provenance.byproducts().items()
        if name in {"cells", "diff", "lock"} or name.startswith(SCRIPT)
    }


def _split_lock(text: str) -> tuple[str, tuple[str, ...], list[str]]:
    """Return the lock without this package, the provided packages, and those that no index has."""
    entries = re.split(r"\n(?=\S)", text.strip())
    kept = [entry for entry in entries if entry and not entry.startswith(("#", f"{_OWN}=="))]
    versions = dict(re.findall(r"^#? ?([\w.-]+)==(\S+)", text, re.MULTILINE))
    local = re.findall(r"^# ([\w.-]+)==", text, re.MULTILINE)
    own = versions.get(_OWN)
    provided = (f"{_OWN} {__version__}",) if own is not None else ()
    lost = [name for name in local if name != _OWN]
    if own not in {None, __version__}:
        lost.append(f"{_OWN} {own}")
    return "\n".join(kept) + "\n" if kept else "", provided, lost


def _find_code(git: JsonObject, here: Path) -> str:
    commit = git.get("commit")
    if not is_commit(str(commit)):
        return ""
    return str(here) if has_commit(here, str(commit)) else str(git.get("remote") or "")


def _find_datasets(backend: TrustedBackend, provenance: Provenance, given: Mapping[str, Path]) -> list[Data]:
    """Find the bytes of the datasets that the training read from paths."""
    return [
        _find_data(backend, source, provenance.find_byproduct(f"snapshot of {source.name}"), given)
        for source in provenance.inputs
        if source.kind == "dataset" and source.annotations.get("source") != "table"
    ]


def _find_data(
    backend: TrustedBackend, source: Input, snapshot: Digest | None, given: Mapping[str, Path]
) -> Data:
    path = str(source.annotations.get("path") or "")
    wanted = Data(name=source.name, digest=source.digest, path=path)
    if source.annotations.get("source") not in {"file", "directory"}:
        return replace(wanted, why="the training read it from the network, which is not available")
    if not path:
        return replace(wanted, why="it was outside the project")
    if source.name in given:
        return _take_given(wanted, given[source.name])
    files = _find_files(backend, source, snapshot)
    return replace(wanted, files=files, why="" if files else f"use --data {source.name}=PATH if you have it")


def _take_given(wanted: Data, path: Path) -> Data:
    actual = read_dataset(wanted.name, path, rows=False).digest.hex
    if actual != wanted.digest:
        return replace(wanted, why=f"{path} has other bytes: sha256:{actual}")
    return replace(wanted, given=path)


def _find_files(backend: TrustedBackend, source: Input, snapshot: Digest | None) -> tuple[File, ...]:
    """Find a dataset by its digest: a snapshot, a version, or a file of a version."""
    if snapshot is not None and snapshot.hex == source.digest:
        return (File(path="", digest=snapshot, size_bytes=0),)
    graph = backend.ask(GetLineage(node=source.digest, direction=Direction.UP, depth=1))
    for node in graph.nodes:
        for name in node.versions:
            revision = read_revision(backend, resolve(backend, Reference.parse(name)))
            if node.digest == source.digest:
                return revision.files
            held = [file for file in revision.files if file.digest.hex == source.digest]
            if held:
                return (replace(held[0], path=""),)
    return ()


def _find_outputs(version: Version, provenance: Provenance) -> tuple[dict[str, File], list[str]]:
    """Match the files of a version by digest with the paths at which the training wrote them."""
    written = {
        str(one.get("digest")): str(one.get("path"))
        for one in _list(provenance.internal.get("outputs"))
        if isinstance(one, Mapping)
    }
    files = version.revision().files
    paired = {written[str(file.digest)]: file for file in files if str(file.digest) in written}
    lost = [
        f"{file.path} is not compared: the training did not write it"
        for file in files
        if str(file.digest) not in written
    ]
    return paired, lost


def _find_evaluations(
    backend: TrustedBackend, version: Version, given: Mapping[str, Path]
) -> tuple[list[tuple[Evidence, Data]], list[str]]:
    """Find the evaluations with a recorded procedure and available data."""
    repeatable: list[tuple[Evidence, Data]] = []
    skipped: list[str] = []
    for _, evidence in newest_per_dataset(tuple(version.claims(EVALUATION))):
        name = evidence.dataset_name.partition(":")[0]
        if not evidence.predicate.get("procedure"):
            skipped.append(f"the evaluation on {name} is not repeated: its predictions came from a file")
            continue
        digest = Digest.parse(evidence.dataset).hex
        wanted = Data(name=name, digest=digest, path=name)
        data = _take_given(wanted, given[name]) if name in given else wanted
        if name not in given:
            source = Input(name=name, kind="dataset", digest=digest, uri="", annotations={})
            data = replace(wanted, files=_find_files(backend, source, None))
        if data.given or data.files:
            repeatable.append((evidence, data))
        else:
            why = data.why or f"use --data {name}=PATH if you have it"
            skipped.append(f"the evaluation on {name} is not repeated: {why}")
    return repeatable, skipped


def _miss_inputs(local: Sequence[str], datasets: Sequence[Data]) -> Iterator[str]:
    yield from (f"the package {name}, which was installed from a directory" for name in local)
    yield from (f"the dataset {data.name} ({data.why})" for data in datasets if data.why)


def _miss_command(command: Sequence[str], provenance: Provenance) -> Iterator[str]:
    if "cells" in provenance.byproducts():
        yield "a command: the training ran in a notebook"
    elif not command or command[0] == "-c" or "-c" in command[1:2]:
        yield "a command that can be run again"
    if any(HIDDEN in word for word in command):
        yield "a secret on the command line, which was not recorded"
    if provenance.internal.get("exit_code", 0) != 0:
        yield "a training that succeeded"


def _miss_environment(provenance: Provenance, lock: str) -> Iterator[str]:
    """A foreign lock could name another index or a path to install from, so it may only pin versions."""
    python = str(object_in(provenance.internal.get("platform")).get("python"))
    if not _PYTHON.fullmatch(python):
        yield "the version of its Python"
    if not lock:
        yield "the lock of its environment"
    elif not all(_PIN.fullmatch(entry) for entry in re.split(r"\n(?=\S)", lock.strip())):
        yield "a lock of its environment with only versions and hashes"


def _miss_code(
    git: JsonObject, source: str, documents: Mapping[str, bytes], scripts: Mapping[str, bytes]
) -> Iterator[str]:
    if not git and not scripts:
        yield "the code: it was not in a git checkout"
    elif git and not source:
        yield f"the code: commit {git.get('commit')} is not here and has no remote (use --code PATH)"
    if git.get("dirty") and "diff" not in documents:
        yield f"the changes to the code since its commit ({git.get('diff_left_out') or 'no diff was kept'})"


def _miss_hardware(provenance: Provenance) -> Iterator[str]:
    then = object_in(provenance.internal.get("platform"))
    now = describe_platform()
    gpus = _list(then.get("gpus"))
    if gpus and not _list(now.get("gpus")):
        yield f"a graphics card ({gpus[0]})"
    if then.get("machine") not in {None, now["machine"]}:
        yield f"a machine of its kind ({then['machine']})"


def _find_notes(provenance: Provenance) -> Iterator[str]:
    then, now = object_in(provenance.internal.get("platform")), describe_platform()
    for name in ("system", "release", "cpu", "gpu_driver"):
        if then.get(name) != now.get(name):
            yield f"{name} was {then.get(name)} and is {now.get(name)} here"
    container = object_in(provenance.internal.get("container"))
    if container and container != describe_container(os.environ):
        yield f"it ran in a container ({container.get('image', 'unknown image')}), and this rebuild does not"
    if provenance.internal.get("seed") is None:
        yield "no seed is on record"


def _read_variables(provenance: Provenance) -> dict[str, str]:
    variables = object_in(provenance.internal.get("variables"))
    return {name: str(value) for name, value in variables.items() if value != HIDDEN}


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []
