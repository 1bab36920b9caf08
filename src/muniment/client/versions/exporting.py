"""Exports: a version with all that proves it, in one file, to be verified without the registry.

The file is an OCI image layout in a tar, which skopeo and oras can read, with one document more,
`muniment/export.json`: what the registry answered when the version was checked. `ExportBackend` gives the
same answers again, so that the same checks are done over an export as over a registry: none of them takes an
answer on its word.
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

from muniment.client.proofs.checking import Check, check_version, read_revision, resolve_proven
from muniment.client.proofs.memory import Memory, Remembered
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.backend import Backend, Stored
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, parse_with_config
from muniment.core.digests import Digest
from muniment.core.errors import (
    BlobNotFound,
    EventNotFound,
    InvalidExport,
    InvalidOption,
    MunimentError,
    ReadOnlyExport,
    RegistryBusy,
)
from muniment.core.names import Reference
from muniment.core.receipts import Proof, Receipt
from muniment.core.records import KeyRecord, MoveRecord, VersionRecord
from muniment.core.verbs.log import GetGrowth, GetProof, Growth, LogIdentity
from muniment.core.verbs.verb import Command, Query
from muniment.core.verbs.versions import VersionDetail
from muniment.log.checkpoint import Checkpoint
from muniment.log.tree import EMPTY_ROOT
from muniment.signing.notes import NoteVerifier, open_note

A = TypeVar("A")

FORMAT: Final = 1
_DOCUMENT: Final = "muniment/export.json"
_MAX_DOCUMENT_BYTES: Final = 256 << 20
_MAX_MEMBERS: Final = 300_000
_MEMBER: Final = re.compile(r"oci-layout|index\.json|muniment/export\.json|blobs/sha256/([0-9a-f]{64})")
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
# The log may grow while it is read: then it is read again.
_TRIES: Final = 5
# The questions that the checks of a version ask, and the form of each answer.
_FORMS: Final[Mapping[str, type]] = {
    "GetLogIdentity": LogIdentity,
    "GetGrowth": Growth,
    "GetProof": Proof,
    "GetVersion": VersionRecord,
    "DescribeVersion": VersionDetail,
    "GetMove": MoveRecord,
    "GetKey": KeyRecord,
}


class Export(NamedTuple):
    """What an export says that it is: which version, of which log, at which size."""

    reference: str
    verifier: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """What the document of an export holds."""

    format: int
    reference: str
    verifier: str
    size: int
    answers: dict[str, object]


def export(
    backend: TrustedBackend, reference: Reference, destination: Path, *, content: bool = True
) -> Export:
    """Write a version and all that proves it into a file; without `content`, all but the bytes of its files.

    Raises:
        VersionNotFound: the reference resolves to nothing.
        InvalidOption: the file is there already, or cannot be made.
        RegistryBusy: the log grew at each try.
    """
    recorder = _Recorder(backend)
    known = backend.seen
    trusted = TrustedBackend(recorder, _Pinned(known.verifier), str(reference))
    version = resolve_proven(trusted, reference)
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
    export = Export(reference=str(exact), verifier=known.verifier, size=size)
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
    """Check an export as the version itself would be checked; `verifier` is the log's key, if it is known.

    Without it, the export proves that all of it is of one log, whose key is in the answer.

    Raises:
        InvalidExport: the file is no export.
        LogReplaced: it is of another log.
    """
    with ExportBackend(path) as backend:
        said = backend.export
        trusted = TrustedBackend(backend, _Pinned(verifier), str(path))
        return said, check_version(trusted, Reference.parse(said.reference))


class ExportBackend:
    """A Backend over an export: it answers what was asked when that was made, and changes nothing."""

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
            raise InvalidExport(path=str(path), reason="it is of a format that is not known here")
        self.export = Export(document.reference, document.verifier, document.size)
        self._answers = document.answers

    def execute(self, command: Command) -> Receipt:  # noqa: ARG002 - the protocol's signature
        """Refuse: an export does not change."""
        raise ReadOnlyExport(path=str(self._path))

    def ask(self, query: Query[A]) -> A:
        """Return the answer that was given."""
        kind = type(query).__name__
        found = self._answers.get(_key(query))
        if found is None:
            raise EventNotFound(index=getattr(query, "index", -1))
        try:
            return cast("A", msgspec.convert(found, _FORMS[kind]))
        except (KeyError, msgspec.ValidationError) as error:
            raise InvalidExport(path=str(self._path), reason=f"an answer to {kind} is none") from error

    def add_blob(self, source: BinaryIO) -> Stored:  # noqa: ARG002 - as above
        """Refuse, as `execute`."""
        raise ReadOnlyExport(path=str(self._path))

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:  # noqa: ARG002 - as above
        """Refuse, as `execute`."""
        raise ReadOnlyExport(path=str(self._path))

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob in the file."""
        if digest not in self._blobs:
            raise BlobNotFound(digest=str(digest))
        return cast("BinaryIO", io.BufferedReader(_Slice(self._path, *self._blobs[digest])))

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        """Return the backend."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def _read(self) -> Mapping[str, object]:
        """Note where the blobs are, and read the document."""
        document: bytes | None = None
        try:
            with self._path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
                for number, member in enumerate(tar):
                    found = _MEMBER.fullmatch(member.name)
                    if found is None or not member.isreg() or number >= _MAX_MEMBERS:
                        raise InvalidExport(
                            path=str(self._path), reason=f"{member.name!r} does not belong there"
                        )
                    if found[1]:
                        self._blobs[Digest(found[1])] = (member.offset_data, member.size)
                    if member.name == _DOCUMENT and member.size <= _MAX_DOCUMENT_BYTES:
                        document = cast("BinaryIO", tar.extractfile(member)).read()
            decoded = json.loads(document or b"null")
        except (OSError, tarfile.TarError, ValueError, RecursionError) as error:
            raise InvalidExport(path=str(self._path), reason=str(error)[:200]) from error
        if not isinstance(decoded, Mapping):
            raise InvalidExport(path=str(self._path), reason=f"there is no {_DOCUMENT}")
        return decoded


class _Recorder:
    """A Backend in front of another that notes what is asked and which blobs are opened."""

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

    def add_blob(self, source: BinaryIO) -> Stored:
        return self._backend.add_blob(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        return self._backend.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        file = self._backend.open_blob(digest)
        self.opened.add(digest)
        return file

    def close(self) -> None:
        """Whoever made the other one closes it."""


class _Pinned(Memory):
    """A memory that knows a log's key at most, and keeps nothing."""

    def __init__(self, verifier: str | None) -> None:
        self._verifier = verifier

    def recall(self) -> Remembered | None:
        if self._verifier is None:
            return None
        return Remembered(verifier=self._verifier, size=0, root=EMPTY_ROOT)

    def keep(self, seen: Remembered) -> None:
        """Whoever reads an export takes nothing from it for a registry."""


class _Slice(io.RawIOBase):
    """A part of a file, to be read."""

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
    """Have every proof against one checkpoint, so that an export needs no proof of growth; give its size."""
    proofs = {key: query for key, (query, _) in recorder.asked.items() if isinstance(query, GetProof)}
    growth = GetGrowth(size=0)
    for _ in range(_TRIES):
        answers = {
            key: answer
            for key, (query, answer) in recorder.asked.items()
            if not isinstance(query, GetProof | GetGrowth)
        }
        now = backend.ask(growth)
        answers[_key(growth)] = now
        found = {key: backend.ask(query) for key, query in proofs.items()}
        verifier = NoteVerifier.read(backend.seen.verifier)
        notes = [now.checkpoint or b"", *(proof.checkpoint for proof in found.values())]
        sizes = {Checkpoint.decode(open_note(note, verifier)).size for note in notes}
        if len(sizes) == 1:
            return {key: msgspec.to_builtins(one) for key, one in {**answers, **found}.items()}, sizes.pop()
    raise RegistryBusy


@contextmanager
def _create(path: Path) -> Iterator[BinaryIO]:
    """Make a file that is not there yet: it has its name once it is whole."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        # Unlike a rename, a link takes nothing's place.
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
    """Add a blob; its size is known once it was read."""
    try:
        with backend.open_blob(digest) as source:
            size = sum(len(chunk) for chunk in _chunks(source))
        with backend.open_blob(digest) as source:
            tar.addfile(_member(f"blobs/sha256/{digest.hex}", size), source)
    except MunimentError:
        # What cannot be had is not in the export: the checks over it say so.
        return


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(1 << 20):
        yield chunk


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a member: no time, no owner, so that the same export has the same bytes."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info
