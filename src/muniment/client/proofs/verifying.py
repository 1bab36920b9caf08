"""Check all that can be checked of a version, each thing by name."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from muniment.client.proofs.aliases import check_move
from muniment.client.proofs.checking import (
    check_claim,
    check_evidence,
    check_file,
    check_signature,
    check_verdict,
    find_withdrawn,
    read_revision,
    resolve,
)
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.revisions import Revision
from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import SigningDecision, last_approvals
from muniment.core.claims.attestations import APPROVAL, EVALUATION, TOMBSTONE, VERDICT, WITHDRAWAL, kind_of
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, NotSigned, ProofInvalid
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.records import AttestationRecord, VersionRecord
from muniment.core.times import write_seconds
from muniment.core.verbs.gates import GetMove
from muniment.core.verbs.versions import DescribeVersion, VersionDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked: what, and the refusal if it failed.

    A `note` is not a fault, but nothing to be content with either: a rejection, or a status.
    """

    what: str
    error: MunimentError | None = None
    note: bool = False

    @property
    def passed(self) -> bool:
        """Say whether it held."""
        return self.error is None


def check_version(
    backend: TrustedBackend, reference: Reference, is_there: Callable[[Digest], bool] | None = None
) -> list[Check]:
    """Check all that can be checked of a version; each by name, none left out after a failure.

    Files that are left out on purpose, as `is_there` tells, are noted.
    """
    version = resolve(backend, reference)
    revision = read_revision(backend, version)
    detail = backend.ask(DescribeVersion(reference=Reference.parse(f"{version.name}@{version.number}")))
    purged = detail.status is not None and detail.status.status == Status.PURGED
    left_out = [
        file for file in revision.files if is_there is not None and not purged and not is_there(file.digest)
    ]
    files = [
        (f"file {file.path} ({file.digest})", partial(check_file, backend, file))
        for file in revision.files
        if not purged and file not in left_out
    ]
    if purged:
        files = [("bytes were purged, by a tombstone", partial(_check_tombstone, detail))]
    signature = ("content signed by the author", partial(check_signature, backend, version, revision))
    moves = [
        (
            f"alias {alias} points here, as the policies in force then allow",
            partial(_check_alias, backend, alias, version, revision),
        )
        for alias in detail.aliases
    ]
    return [
        Check(what=f"entry {version.index} of the log publishes {version.name}@{version.number}"),
        Check(what=f"manifest {version.revision}"),
        Check(
            what=_describe_standing(detail, write_seconds(backend.seen.time)), note=detail.status is not None
        ),
        *[
            Check(what=f"file {file.path} ({file.digest}) is left out, and not checked", note=True)
            for file in left_out
        ],
        *[
            Check(what=said, note=True)
            for said in _list_rejections(backend, version, revision, detail.attestations)
        ],
        *run_all([*files, signature, *moves, *_list_checks(backend, detail.attestations, version, revision)]),
    ]


def _list_rejections(
    backend: TrustedBackend,
    version: VersionRecord,
    revision: Revision,
    records: Sequence[AttestationRecord],
) -> list[str]:
    """Say who has rejected the version, for which alias, and has not decided otherwise since."""
    claims = []
    for record in records:
        # A claim that does not verify is a check of its own.
        with suppress(MunimentError, OSError):
            if record.predicate_type == APPROVAL:
                claims.append(check_claim(backend, record, version, revision))
    aliases = sorted({str(claim.predicate.get("alias")) for claim in claims})
    return [
        f"rejected for {alias} by {signer} since {last.claim.recorded}"
        for alias in aliases
        for signer, last in last_approvals(claims, f"{version.name}@{version.number}", alias).items()
        if last.approval.decision is SigningDecision.REJECT
    ]


def _check_alias(backend: TrustedBackend, alias: str, version: VersionRecord, revision: Revision) -> None:
    move = backend.ask(GetMove(name=ModelName.parse(version.name), alias=Alias(alias)))
    check_move(backend, move, version, revision)


def _list_checks(
    backend: TrustedBackend,
    records: Sequence[AttestationRecord],
    version: VersionRecord,
    revision: Revision,
) -> list[tuple[str, Callable[[], object]]]:
    """List what can be checked of the claims about a version, by name."""
    marked = any(record.withdrawn is not None or record.predicate_type == WITHDRAWAL for record in records)
    try:
        withdrawn = find_withdrawn(backend, records, version, revision) if marked else {}
    except (MunimentError, OSError):
        # A check of its own names this; until then, every evaluation is checked.
        withdrawn = {}
    claims = [
        (_describe_claim(record), partial(check_claim, backend, record, version, revision))
        for record in records
    ]
    evidence = [
        (
            f"metrics of evaluation {record.digest:.19} follow from its counts",
            partial(check_evidence, backend, record, version, revision),
        )
        for record in records
        if record.predicate_type == EVALUATION and record.index not in withdrawn
    ]
    verdicts = [
        (
            f"verdict {record.digest:.19} follows from its policy and claims",
            partial(check_verdict, backend, record, version, revision),
        )
        for record in records
        if record.predicate_type == VERDICT
    ]
    marks = (
        "what is marked as withdrawn was withdrawn by its signer, and nothing else was",
        partial(find_withdrawn, backend, records, version, revision),
    )
    return [*claims, *([marks] if marked else []), *evidence, *verdicts]


def _describe_claim(record: AttestationRecord) -> str:
    withdrawn = "" if record.withdrawn is None else ", withdrawn"
    return f"{kind_of(record.predicate_type)} {record.digest:.19} by {record.signer}{withdrawn}"


def _describe_standing(detail: VersionDetail, time: str) -> str:
    """Say what became of a version, and as of when that is proven."""
    status = detail.status
    again = " again" if status is not None and status.status == Status.PUBLISHED else ""
    state = "published" if status is None else f"{status.status}{again} since {status.set}"
    left = [f"no longer {move.alias} since {move.moved}" for move in detail.superseded]
    return f"{', '.join([state, *left])}, as of {time}"


def _check_tombstone(detail: VersionDetail) -> None:
    """Check that a purge left its claim; what it says is checked as any claim is."""
    if not any(record.predicate_type == TOMBSTONE for record in detail.attestations):
        raise NotSigned(reference=f"the purge of {detail.record.name}@{detail.record.number}")


def run_all(checks: Sequence[tuple[str, Callable[[], object]]]) -> list[Check]:
    """Run named checks, several at once; what one raises is its outcome."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda check: _run(*check), checks))


def _run(what: str, check: Callable[[], object]) -> Check:
    try:
        check()
    except (MunimentError, OSError) as error:
        refusal = error if isinstance(error, MunimentError) else ProofInvalid(what=what)
        return Check(what=what, error=refusal)
    return Check(what=what)
