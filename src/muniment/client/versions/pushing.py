"""Push: collect -> store -> describe -> sign -> publish."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from muniment.capture.keeping import Recorded
from muniment.capture.tree import OnBytes, Source, collect, watch
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, FileChanged, NotShown, RecordUnproven, VersionNotFound
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.receipts import Receipt
from muniment.core.records import Put, VersionRecord
from muniment.core.verbs.versions import GetVersion, PublishVersion
from muniment.signing.content import sign_content
from muniment.signing.keys import Identity
from muniment.signing.statements import attest


class Trained(Protocol):
    """A run of the SDK. Its module is loaded only by those who use one."""

    def record(self) -> Recorded:
        """Return what it recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Stored content with its author's claims, ready to be published."""

    name: ModelName
    manifest: Digest
    attestations: tuple[Digest, ...]


def prepare(  # noqa: PLR0913 - the options of a push
    backend: TrustedBackend,
    identity: Identity,
    path: Path,
    name: ModelName,
    *,
    run: Recorded | None = None,
    on_bytes: OnBytes | None = None,
) -> Prepared:
    """Store files, and sign them and their provenance; each is read once and hashed while it is stored."""
    revision = Revision.of(store(backend, collect(path), on_bytes))
    manifest = Digest.of(revision.manifest())
    documents = [revision.config(), revision.manifest()]
    claims = []
    if not _is_known(backend, name, manifest):
        _keep(backend, run)
        claims = _sign(revision, manifest, name, run, identity)
    digests = backend.add_documents([*documents, *claims])
    return Prepared(name=name, manifest=manifest, attestations=tuple(digests[len(documents) :]))


def deliver(  # noqa: PLR0913 - the options of a push
    backend: TrustedBackend,
    identity: Identity,
    path: Path,
    name: ModelName,
    finish: Callable[[Prepared], Receipt],
    *,
    run: Recorded | None = None,
    on_bytes: OnBytes | None = None,
) -> Receipt:
    """Prepare the content, then finish it with `finish`."""

    def attempt() -> Receipt:
        return finish(prepare(backend, identity, path, name, run=run, on_bytes=on_bytes))

    try:
        return attempt()
    except BlobNotFound:
        # A concurrent push of ours may have given the same bytes to another namespace.
        return attempt()


def publish(
    backend: TrustedBackend,
    prepared: Prepared,
    *,
    number: int | None = None,
    message: Payload | None = None,
    kind: Kind | None = None,
) -> Receipt:
    """Publish prepared content as the next version."""
    return backend.execute(
        PublishVersion(
            name=prepared.name,
            manifest=prepared.manifest,
            number=number,
            attestations=prepared.attestations,
            message=message,
            kind=kind,
        )
    )


def read_published(receipt: Receipt) -> VersionRecord:
    """Read the record of a version from the receipt that proves its publication.

    Raises:
        RecordUnproven: the receipt is for something else.
    """
    for change in receipt.entry.fold():
        if isinstance(change, Put) and isinstance(change.record, VersionRecord):
            return change.record
    raise RecordUnproven(record="the version", index=receipt.index)


def read_run(run: Trained | Recorded | JsonObject | None) -> Recorded | None:
    """Return the record of a run, which may be a Run, its record, or bare SLSA provenance."""
    if run is None or isinstance(run, Recorded):
        return run
    return Recorded(provenance=run) if isinstance(run, Mapping) else run.record()


def store(backend: TrustedBackend, sources: Sequence[Source], on_bytes: OnBytes | None = None) -> list[File]:
    """Store several files in parallel: hashing and writing release the interpreter."""
    if len(sources) == 1:
        return [_store_one(backend, sources[0], on_bytes)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda source: _store_one(backend, source, on_bytes), sources))


def _store_one(backend: TrustedBackend, source: Source, on_bytes: OnBytes | None) -> File:
    with watch(source, on_bytes) as file:
        # FileIO has the methods of BinaryIO that are used: read, readinto, close.
        stored = backend.add_blob(cast("BinaryIO", file))
    return File(path=source.path, digest=stored.digest, size_bytes=stored.size_bytes)


def _keep(backend: TrustedBackend, run: Recorded | None) -> None:
    """Store the documents and snapshots of a run; files are read once.

    Raises:
        FileChanged: a file has changed since the run.
    """
    kept = () if run is None else run.kept
    backend.add_documents([one.content for one in kept if isinstance(one.content, bytes)])
    for one in kept:
        if isinstance(one.content, Path):
            (source,) = collect(one.content)
            if _store_one(backend, source, None).digest != one.digest:
                raise FileChanged(path=str(one.content))


def _is_known(backend: TrustedBackend, name: ModelName, manifest: Digest) -> bool:
    query = GetVersion(reference=Reference(name, manifest))
    try:
        # That it is new needs no proof: if it is not, too much is sent. What is known is not signed again.
        backend.ask_unproven(query)
        backend.ask(query)
    except (NotShown, VersionNotFound):
        return False
    return True


def _sign(
    revision: Revision,
    manifest: Digest,
    name: ModelName,
    run: Recorded | None,
    identity: Identity,
) -> list[bytes]:
    bundles = [sign_content(revision, str(name), identity)]
    if run is not None:
        bundles.append(attest(manifest, str(name), PROVENANCE, run.provenance, identity))
    return [bundle.encode() for bundle in bundles]
