"""Quarantine: only security and auditors may read the files of a revoked version, through any door.

It applies only in the version's namespace and is not visible in others. A file that another version of the
namespace shares stays readable. Neither the version nor its weights can be published there again under
another number or name; files that hold no model, such as a tokenizer, can.
"""

from muniment.answers.claims import read_revision
from muniment.answers.people import roles_of
from muniment.answers.statuses import find_status, list_revoked, status_of
from muniment.core.backend import Stored
from muniment.core.bytes.formats import is_weights
from muniment.core.bytes.revisions import File, Revision
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MunimentError, VersionWithdrawn
from muniment.core.names import ModelName
from muniment.core.people.callers import Caller
from muniment.core.people.roles import Act, may
from muniment.core.records import ModelRecord, VersionRecord
from muniment.ports.holdings import QUARANTINE, quarantine_of
from muniment.ports.unit import Unit
from muniment.services.people.reading import Sight
from muniment.services.versions.keeping import is_part_of


def isolate(unit: Unit, version: VersionRecord, time: str) -> None:
    """Put the files of a version into quarantine in its namespace."""

    def shares(other: VersionRecord) -> bool:
        return other != version and status_of(unit, other) is not Status.REVOKED

    alone = [
        file
        for file in _files(unit, version)
        if not is_part_of(unit, _namespace(version), file.digest, shares)
    ]
    stored = {file.digest: Stored(digest=file.digest, size_bytes=file.size_bytes) for file in alone}
    for holder in (quarantine_of(_namespace(version)), QUARANTINE):
        unit.holdings.add(holder, list(stored.values()), time)


def release(unit: Unit, version: VersionRecord) -> None:
    """Take the files of a version out of quarantine, except those of other revoked versions."""
    digests = {file.digest for file in _files(unit, version)}
    others = [other for other in list_revoked(unit) if other != version]
    here = {
        file.digest
        for other in others
        if _namespace(other) == _namespace(version)
        for file in _files(unit, other)
    }
    anywhere = {file.digest for other in others for file in _files(unit, other)}
    unit.holdings.drop(sorted(digests - here), quarantine_of(_namespace(version)))
    unit.holdings.drop(sorted(digests - anywhere), QUARANTINE)


def readmit(unit: Unit, name: ModelName, manifest: Digest, revision: Revision) -> None:
    """Make the files of a new version readable, even if a revoked version of the namespace shares them.

    Raises:
        VersionWithdrawn: the revision was revoked, or a file is a model of a revoked version.
    """
    holder = quarantine_of(name.namespace)
    held = unit.holdings.find_sizes([holder], [file.digest for file in revision.files])
    if not held:
        return
    revoked = [version for version in list_revoked(unit) if _namespace(version) == name.namespace]
    weights = {file.digest for file in revision.files if file.digest in held and is_weights(file.path)}
    for version in revoked:
        if version.revision == str(manifest) or weights & {file.digest for file in _files(unit, version)}:
            raise _refuse(unit, version)
    unit.holdings.drop(sorted(held), holder)


def check_free(unit: Unit, caller: Caller, digest: Digest) -> None:
    """Check that a blob that the caller may read is not in quarantine everywhere they may read it.

    Raises:
        VersionWithdrawn: it is, and the caller may not inspect it; the error gives the reason.
    """
    # Few blobs are in quarantine anywhere, so for most this is the only lookup.
    if not unit.holdings.find_sizes([QUARANTINE], [digest]):
        return
    sight = Sight(unit, caller)
    models = unit.projections.select(ModelRecord)
    namespaces = {namespace for model in models if sight.sees(namespace := _namespace(model))}
    holding = {name for name in namespaces if unit.holdings.find_sizes([name], [digest])}
    isolated = {name for name in holding if unit.holdings.find_sizes([quarantine_of(name)], [digest])}
    if holding - isolated or not isolated:
        return
    for namespace in isolated:
        roles = roles_of(unit, caller.principal or "", namespace)
        if may(roles, Act.INSPECT) and caller.reaches(Act.INSPECT, namespace):
            return
    for version in list_revoked(unit):
        if _namespace(version) in isolated and digest in {file.digest for file in _files(unit, version)}:
            raise _refuse(unit, version)
    raise BlobNotFound(digest=str(digest))


def forget(unit: Unit, version: VersionRecord, digests: list[Digest]) -> None:
    """Take purged files out of quarantine, so that nothing holds them."""
    anywhere = {
        file.digest for other in list_revoked(unit) if other != version for file in _files(unit, other)
    }
    unit.holdings.drop(digests, quarantine_of(_namespace(version)))
    unit.holdings.drop([digest for digest in digests if digest not in anywhere], QUARANTINE)


def _refuse(unit: Unit, version: VersionRecord) -> VersionWithdrawn:
    return VersionWithdrawn(
        reference=f"{version.name}@{version.number}",
        status=str(Status.REVOKED),
        reason=_find_reason(unit, version),
    )


def _namespace(record: VersionRecord | ModelRecord) -> str:
    return ModelName.parse(record.name).namespace


def _find_reason(unit: Unit, version: VersionRecord) -> str:
    newest = find_status(unit, version)
    reason = None if newest is None or newest.reason is None else unit.payloads.find(newest.reason)
    return reason or "erased"


def _files(unit: Unit, version: VersionRecord) -> tuple[File, ...]:
    try:
        return read_revision(unit, Digest.parse(version.revision)).files
    except MunimentError:
        # The files of a damaged manifest are unknown; `scrub` reports it.
        return ()
