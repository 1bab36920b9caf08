"""Exports: a version and its proofs in one file, which can be verified without the registry.

The file is an OCI image layout in a tar, which skopeo and oras can read, plus `muniment/export.json`: the
registry's answers while the version was checked. `ExportBackend` replays them, so an export passes through
the same checks as a registry, and they trust neither.
"""

import io
import json
import os
import re
import secrets
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self, TypeVar, cast

import msgspec

from muniment.client.proofs.checking import read_revision, resolve
from muniment.client.proofs.memory import PinnedKey
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.proofs.verifying import Check, check_version
from muniment.core.backend import Backend, Stored
from muniment.core.basis import Basis, Known
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, parse_with_config
from muniment.core.digests import Digest
from muniment.core.errors import (
    BlobNotFound,
    EventNotFound,
    InvalidExport,
    InvalidOption,
    MunimentError,
    NotProven,
    ReadOnlyExport,
    RegistryBusy,
)
from muniment.core.names import Reference
from muniment.core.receipts import Proof, Receipt
from muniment.core.verbs.log import GetGrowth, Growth, LogIdentity
from muniment.core.verbs.verb import Command, Query, name_of
from muniment.signing.heads import open_head
from muniment.signing.notes import NoteVerifier

A = TypeVar("A")
T = TypeVar("T")

FORMAT: Final = 1
_DOCUMENT: Final = "muniment/export.json"
_MAX_DOCUMENT_BYTES: Final = 256 << 20
_MAX_MEMBERS: Final = 300_000
_MEMBER: Final = re.compile(r"oci-layout|index\.json|muniment/export\.json|blobs/sha256/([0-9a-f]{64})")
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
# If the log grows during an export, the export reads it again.
_TRIES: Final = 5
# The queries that the checks of a version make, and the types of their answers.
_FORMS: Final[Mapping[str, type]] = {
    "GetLogIdentity": LogIdentity,
    "GetGrowth": Growth,
    "GetProof": Proof,
}


class Export(NamedTuple):
    """What an export states: its version, its log, the size of the log, and whether it has the files."""

    reference: str
    verifier: str
    size: int
    content: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """The contents of `muniment/export.json`."""

    format: int
    reference: str
    verifier: str
    size: int
    content: bool
    answers: dict[str, object]


def export(
    backend: TrustedBackend, reference: Reference, destination: Path, *, content: bool = True
) -> Export:
    """Write a version and its proofs to a file; without `content`, leave out the bytes of its files.

    Raises:
        VersionNotFound: the reference resolves to nothing.
        InvalidOption: the file exists already or cannot be made.
        RegistryBusy: the log grew at each attempt.
    """
    recorder = _Recorder(backend)
    known = backend.seen
    trusted = TrustedBackend(recorder, PinnedKey(known.verifier), str(reference), read_only=True)
    version = resolve(trusted, reference)
    exact = Reference.parse(f"{version.name}@{version.number}")
    revision = read_revision(trusted, version)
    check_version(trusted, exact)
    answers, size = _settle(backend, recorder)
    manifest = Digest.parse(version.revision)
    with backend.open_blob(manifest) as file:
        manifest_bytes = file.read(MAX_MANIFEST_BYTES)
    _, config = parse_with_config(manifest_bytes)
    left_out = set() if content else {file.digest for file in revision.files}
    digests = sorted({*recorder.opened, manifest, config} - left_out)
    export = Export(reference=str(exact), verifier=known.verifier, size=size, content=content)
    document = {"format": FORMAT, **export._asdict(), "answers": answers}
    index = _write_index(str(exact), manifest, len(manifest_bytes))
    with (
        _create(destination) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", index)
        _add(tar, _DOCUMENT, json.dumps(document).encode())
        for digest in digests:
            _add_blob(tar, backend, digest)
    return export


def verify_export(path: Path, *, verifier: str | None = None) -> tuple[Export, list[Check]]:
    """Check an export like the version itself; `verifier` is the log's key, if known.

    Files that it says to leave out are noted.

    Without it, the export only proves that all of it comes from one log, whose key is in the answer.

    Raises:
        InvalidExport: the file is not an export.
        LogReplaced: it comes from another log.
    """
    with ExportBackend(path) as backend:
        said = backend.export
        trusted = TrustedBackend(backend, PinnedKey(verifier), str(path), read_only=True)
        is_there = None if said.content else backend.has
        return said, check_version(trusted, Reference.parse(said.reference), is_there)


class ExportBackend:
    """A read-only Backend that replays the answers of an export."""

    def __init__(self, path: Path) -> None:
        """Open an export.

        Raises:
            InvalidExport: the file is no export.
        """
        self._path = path
        self._blobs: dict[Digest, tuple[int, int]] = {}
        try:
            document = msgspec.convert(self._read(), _Document)
        except msgspec.ValidationError as error:
            raise InvalidExport(path=str(path), reason=str(error)) from error
        if document.format != FORMAT:
            raise InvalidExport(path=str(path), reason="its format is not known to this version of muniment")
        self.export = Export(document.reference, document.verifier, document.size, document.content)
        self._answers = document.answers

    def execute(self, command: Command) -> Receipt:  # noqa: ARG002 - the protocol's signature
        """Refuse: an export is read-only."""
        raise ReadOnlyExport(path=str(self._path))

    def ask(self, query: Query[A]) -> A:
        """Return the recorded answer."""
        form = _FORMS.get(type(query).__name__)
        if form is None:
            raise NotProven(query=name_of(type(query)))
        # The form is that of the query's answer.
        return cast("A", self._find(query, form))

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:  # noqa: ARG002 - a backend's
        """Return what the recorded answer follows from, whole."""
        return self._find(query, Basis)

    def _find(self, query: Query[A], form: type[T]) -> T:
        kind = type(query).__name__
        answer = self._answers.get(_key(query))
        if answer is None:
            raise EventNotFound(index=getattr(query, "index", -1))
        try:
            return msgspec.convert(answer, form)
        except msgspec.ValidationError as error:
            raise InvalidExport(path=str(self._path), reason=f"its answer to {kind} is malformed") from error

    def add_blob(self, source: BinaryIO) -> Stored:  # noqa: ARG002 - as above
        """Refuse, like `execute`."""
        raise ReadOnlyExport(path=str(self._path))

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:  # noqa: ARG002 - as above
        """Refuse, like `execute`."""
        raise ReadOnlyExport(path=str(self._path))

    def has(self, digest: Digest) -> bool:
        """Say whether the file has a blob."""
        return digest in self._blobs

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob in the file."""
        if digest not in self._blobs:
            raise BlobNotFound(digest=str(digest))
        return cast("BinaryIO", io.BufferedReader(_Slice(self._path, *self._blobs[digest])))

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def __enter__(self) -> Self:
        """Return the backend itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: no file is kept open."""

    def _read(self) -> Mapping[str, object]:
        """Locate the blobs, and read the document."""
        document: bytes | None = None
        try:
            with self._path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
                for number, member in enumerate(tar):
                    member_name = _MEMBER.fullmatch(member.name)
                    if member_name is None or not member.isreg() or number >= _MAX_MEMBERS:
                        raise InvalidExport(path=str(self._path), reason=f"unexpected member {member.name!r}")
                    if member_name[1]:
                        self._blobs[Digest(member_name[1])] = (member.offset_data, member.size)
                    if member.name == _DOCUMENT and member.size <= _MAX_DOCUMENT_BYTES:
                        document = cast("BinaryIO", tar.extractfile(member)).read()
            decoded = json.loads(document or b"null")
        except OSError as error:
            raise InvalidExport(path=str(self._path), reason=error.strerror or "it is cut off") from error
        except (tarfile.TarError, ValueError, RecursionError) as error:
            raise InvalidExport(
                path=str(self._path), reason="it is not a tar file with JSON in it"
            ) from error
        if not isinstance(decoded, Mapping):
            raise InvalidExport(path=str(self._path), reason=f"it has no {_DOCUMENT}")
        return decoded


class _Recorder:
    """A Backend in front of another that records the queries and the opened blobs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.asked: dict[str, tuple[Query[object], object]] = {}
        self.opened: set[Digest] = set()

    def execute(self, command: Command) -> Receipt:
        return self._backend.execute(command)

    def ask(self, query: Query[A]) -> A:
        answer = self._backend.ask(query)
        self.asked[_key(query)] = (query, answer)
        return answer

    def prove(self, query: Query[A], known: Sequence[Known] = ()) -> Basis:  # noqa: ARG002 - whole
        basis = self._backend.prove(query)
        self.asked[_key(query)] = (query, basis)
        return basis

    def add_blob(self, source: BinaryIO) -> Stored:
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        return self._backend.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        file = self._backend.open_blob(digest)
        self.opened.add(digest)
        return file

    def close(self) -> None:
        """Do nothing: the owner of the other backend closes it."""


class _Slice(io.RawIOBase):
    """A readable part of a file."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._file.seek(start)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)[: self._left]  # type: ignore[arg-type] # what readinto is given
        count = self._file.readinto(view)
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _settle(backend: TrustedBackend, recorder: _Recorder) -> tuple[dict[str, object], int]:
    """Get all proofs against one checkpoint, so no proof of growth is needed; return them and its size."""
    growth = GetGrowth(size=0)
    for _ in range(_TRIES):
        answers = {
            key: _ask_again(backend, query, answer)
            for key, (query, answer) in recorder.asked.items()
            if not isinstance(query, GetGrowth)
        }
        answers[_key(growth)] = backend.ask(growth)
        verifier = NoteVerifier.read(backend.seen.verifier)
        sizes = {open_head(note, verifier).size for note in map(_head_of, answers.values()) if note}
        if len(sizes) == 1:
            return {key: msgspec.to_builtins(one) for key, one in answers.items()}, sizes.pop()
    raise RegistryBusy


def _ask_again(backend: TrustedBackend, query: Query[object], answer: object) -> object:
    if isinstance(answer, Basis):
        return backend.prove(query)
    return backend.ask(query) if isinstance(answer, Proof) else answer


def _head_of(answer: object) -> bytes | None:
    """Return the signed head of an answer, if it has one."""
    match answer:
        case Basis():
            return answer.head
        case Proof() | Growth():
            return answer.checkpoint
        case _:
            return None


@contextmanager
def _create(path: Path) -> Iterator[BinaryIO]:
    """Make a new file, which gets its name once it is complete."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        # Unlike a rename, a link never replaces a file.
        os.link(temporary, path)
    except OSError as error:
        raise InvalidOption(option="output", reason=f"{path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _key(query: Query[A]) -> str:
    return repr(query)


def _write_index(reference: str, manifest: Digest, size_bytes: int) -> bytes:
    descriptor = {
        "mediaType": _MANIFEST,
        "digest": str(manifest),
        "size": size_bytes,
        "annotations": {"org.opencontainers.image.ref.name": reference.replace("@", ":")},
    }
    return json.dumps({"schemaVersion": 2, "manifests": [descriptor]}).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_member(name, len(data)), io.BytesIO(data))


def _add_blob(tar: tarfile.TarFile, backend: Backend, digest: Digest) -> None:
    """Add a blob, whose size is known only after reading it."""
    try:
        with backend.open_blob(digest) as source:
            size = sum(len(chunk) for chunk in _chunks(source))
        with backend.open_blob(digest) as source:
            tar.addfile(_member(f"blobs/sha256/{digest.hex}", size), source)
    except MunimentError:
        # An unavailable blob is left out; the checks of the export report it.
        return


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(1 << 20):
        yield chunk


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a member without time and owner, so exports are reproducible."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info
