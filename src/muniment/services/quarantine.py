"""Quarantine: the files of a revoked version are for security and auditors only, whichever door one comes to.

A file that another version of the model has too stays readable. Weights in quarantine cannot be published
again under another number or name; a file that holds no model, such as a tokenizer, can.
"""

from collections.abc import Iterator

from muniment.core.backend import Stored
from muniment.core.callers import Caller
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, VersionWithdrawn
from muniment.core.formats import is_weights
from muniment.core.names import ModelName
from muniment.core.records import VersionRecord
from muniment.core.revisions import File, Revision
from muniment.core.roles import Act, may
from muniment.core.statuses import Status
from muniment.ports.holdings import QUARANTINE
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.relying import read_revision
from muniment.services.rights import roles_of
from muniment.services.statuses import find_status, list_revoked


def isolate(unit: Unit, version: VersionRecord, time: str) -> None:
    """Put the files of a version into quarantine."""
    shared = {file.digest for other in _others(unit, version) for file in _files(unit, other)}
    alone = [file for file in _files(unit, version) if file.digest not in shared]
    stored = {file.digest: Stored(digest=file.digest, size_bytes=file.size_bytes) for file in alone}
    unit.holdings.add(QUARANTINE, list(stored.values()), time)


def release(unit: Unit, version: VersionRecord) -> None:
    """Take the files of a version out of quarantine, but for those of other revoked ones."""
    kept = {file.digest for other in list_revoked(unit) if other != version for file in _files(unit, other)}
    free = [file.digest for file in _files(unit, version) if file.digest not in kept]
    unit.holdings.drop(free, QUARANTINE)


def readmit(unit: Unit, revision: Revision) -> None:
    """Let the files of a version that is published be read, though a revoked one has them too.

    Raises:
        VersionWithdrawn: one of them is a revoked model.
    """
    held = unit.holdings.find_sizes([QUARANTINE], [file.digest for file in revision.files])
    for file in revision.files:
        if file.digest in held and is_weights(file.path):
            raise _refusal(unit, file.digest)
    unit.holdings.drop(list(held), QUARANTINE)


def check_free(unit: Unit, caller: Caller, digest: Digest) -> None:
    """Check that a blob is not in quarantine, or that the caller may look into that.

    Raises:
        VersionWithdrawn: it is in quarantine; the reason is told.
    """
    if not unit.holdings.find_sizes([QUARANTINE], [digest]):
        return
    for version in _holders(unit, digest):
        namespace = ModelName.parse(version.name).namespace
        roles = roles_of(unit, caller.principal or "", namespace)
        if may(roles, Act.INSPECT) and caller.reaches(Act.INSPECT, namespace):
            return
    raise _refusal(unit, digest)


def _refusal(unit: Unit, digest: Digest) -> VersionWithdrawn:
    for version in _holders(unit, digest):
        reference = f"{version.name}@{version.number}"
        return VersionWithdrawn(
            reference=reference, status=str(Status.REVOKED), reason=_find_reason(unit, version)
        )
    return VersionWithdrawn(reference=str(digest), status=str(Status.REVOKED), reason="not on record")


def _holders(unit: Unit, digest: Digest) -> Iterator[VersionRecord]:
    """List the revoked versions that have a file of a digest."""
    for version in list_revoked(unit):
        if any(file.digest == digest for file in _files(unit, version)):
            yield version


def _find_reason(unit: Unit, version: VersionRecord) -> str:
    newest = find_status(unit, version)
    reason = None if newest is None or newest.reason is None else unit.payloads.find(newest.reason)
    return reason or "erased"


def _others(unit: Unit, version: VersionRecord) -> Iterator[VersionRecord]:
    """List the other versions of the model that are not revoked."""
    revoked = list(list_revoked(unit))
    for other in unit.projections.select(VersionRecord, Where("name", "=", version.name)):
        if other != version and other not in revoked:
            yield other


def _files(unit: Unit, version: VersionRecord) -> tuple[File, ...]:
    try:
        return read_revision(unit, Digest.parse(version.revision)).files
    except MunimentError:
        # What a damaged manifest names cannot be known; `scrub` names it.
        return ()
