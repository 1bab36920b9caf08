"""Check a version against the log and the bytes: nothing is taken from the registry on its word."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from muniment.answers.bundles import verify_once
from muniment.answers.cases import Bar, Moment, gather
from muniment.answers.replay.moves import compare_cases, without_claims
from muniment.client.bytes.copying import hash_rest
from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, File, Revision, parse_manifest
from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import EVIDENCE, evidence_of
from muniment.core.claims.attestations import (
    APPROVAL,
    CONTENT,
    WITHDRAWAL,
    Attestation,
    kind_of,
)
from muniment.core.claims.evidence import Evidence
from muniment.core.claims.withdrawals import LASTING, Withdrawal, drop_withdrawn
from muniment.core.digests import Digest
from muniment.core.errors import (
    ContentCorrupt,
    EvidenceInconsistent,
    KeyRevoked,
    NotSigned,
    RecordUnproven,
    VerdictInconsistent,
    VersionPurged,
    VersionWithdrawn,
    WrongSubject,
)
from muniment.core.gates.policy import Policy, judge
from muniment.core.gates.rules.case import Case
from muniment.core.gates.verdicts import Content, outcome_of, read_case, write_verdict
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.records import AttestationRecord, VersionRecord
from muniment.core.verbs.gates import JudgeGate, ListMoves
from muniment.core.verbs.people import GetKey
from muniment.core.verbs.versions import DescribeVersion, GetVersion
from muniment.policies.documents import MAX_POLICY_BYTES, check_complete, decode_policy
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle, verify_bundle
from muniment.signing.content import is_about
from muniment.signing.keys import PublicKey


def resolve(backend: TrustedBackend, reference: Reference, at: str | None = None) -> VersionRecord:
    """Resolve a reference, now or at a time.

    Raises:
        VersionNotFound: it points at no version.
        Untrusted: the registry's answer does not follow from its log.
    """
    return backend.ask(GetVersion(reference=reference, at=at))


def read_revision(backend: TrustedBackend, version: VersionRecord) -> Revision:
    """Read a version's manifest and check it against its digest."""
    data = read_document(backend, Digest.parse(version.revision), "the manifest", MAX_MANIFEST_BYTES)
    return parse_manifest(data)


def read_document(backend: TrustedBackend, digest: Digest, name: str, limit: int) -> bytes:
    """Read a small blob whole and check it.

    Raises:
        ContentCorrupt: it was altered; the error names it by `name`.
    """
    with backend.open_blob(digest) as file:
        data = file.read(limit)
    _check_digest(Digest.of(data), digest, name)
    return data


def read_file(backend: TrustedBackend, file: File) -> bytes:
    """Read a file whole and check it: what is used afterwards are the bytes that were checked."""
    with backend.open_blob(file.digest) as blob:
        data = blob.read(file.size_bytes + 1)
    _check_digest(Digest.of(data), file.digest, file.path)
    return data


def check_file(backend: TrustedBackend, file: File) -> None:
    """Hash a stored file in constant memory.

    Raises:
        ContentCorrupt: it was altered.
        BlobNotFound: it is gone.
    """
    with BackgroundHasher() as hasher, backend.open_blob(file.digest) as blob:
        hash_rest(blob, hasher)
        actual = hasher.finish()
    _check_digest(actual, file.digest, file.path)


def check_signature(backend: TrustedBackend, version: VersionRecord, revision: Revision) -> Attestation:
    """Check that the author of a version signed exactly its files.

    Raises:
        NotSigned: there is no such claim.
        MunimentError: there is one, and it does not hold; as `check_claim` says.
    """
    claims = find_content_claims(backend, version)
    if not claims:
        raise NotSigned(reference=f"{version.name}@{version.number}")
    return check_claim(backend, claims[-1], version, revision)


def check_in_service(backend: TrustedBackend, version: VersionRecord, *statuses: Status) -> Status:
    """Check that a version has none of some statuses; return the one that it has.

    Raises:
        VersionPurged, VersionWithdrawn: it has one of them.
    """
    detail = backend.ask(DescribeVersion(reference=_exact(version)))
    status = Status.PUBLISHED if detail.status is None else Status(detail.status.status)
    reference = f"{version.name}@{version.number}"
    if status is Status.PURGED and status in statuses:
        raise VersionPurged(reference=reference)
    if status in statuses:
        raise VersionWithdrawn(reference=reference, status=status, reason=detail.status_reason or "erased")
    return status


def find_content_claims(backend: TrustedBackend, version: VersionRecord) -> list[AttestationRecord]:
    """List the content signatures of a version's author, the newest last; none is checked yet."""
    detail = backend.ask(DescribeVersion(reference=_exact(version)))
    return [
        record
        for record in detail.attestations
        if record.predicate_type == CONTENT and record.signer == version.author
    ]


def check_claim(
    backend: TrustedBackend,
    record: AttestationRecord,
    version: VersionRecord,
    revision: Revision,
    *,
    again: bool = True,
) -> Attestation:
    """Check a claim: on record, by a key that the log gave to its signer, about this version.

    (0) the key is proven to be the signer's, and was not revoked as of that entry
    (1) its bytes have the digest on record, and the key signed them
    (2) it is about this version: the digest of the manifest, or exactly its files

    The caller MUST have `record` and `version` from proven answers, and `revision` from its manifest. Unless
    `again`, a bundle that was verified before is not fetched once more.
    """
    key = backend.ask(GetKey(key_id=record.key_id))
    if key.id != record.key_id or key.principal != record.signer:
        raise RecordUnproven(record=f"keys[{key.id}]", index=key.index)
    if key.revoked is not None and key.revoked <= record.index:
        raise KeyRevoked(key_id=key.id)
    digest = Digest.parse(record.digest)

    def read() -> bytes:
        return read_document(backend, digest, kind_of(record.predicate_type), MAX_BUNDLE_BYTES)

    if again:
        statement = verify_bundle(Bundle.decode(read()), PublicKey.read(key.public_key.encode()))
    else:
        statement = verify_once(digest, key, read)
    about = is_about(statement, Digest.parse(version.revision), revision)
    if not about or (record.name, record.revision) != (version.name, version.revision):
        raise WrongSubject(reference=f"{version.name}@{version.number}", subject=record.digest)
    return Attestation(
        digest=digest,
        predicate_type=statement.predicate_type,
        predicate=statement.predicate,
        signer=record.signer,
        key_id=key.id,
        index=record.index,
        recorded=record.recorded,
        assurance=record.assurance,
    )


def read_claims(
    backend: TrustedBackend,
    version: VersionRecord,
    revision: Revision,
    *types: str,
    at: str | None = None,
) -> list[Attestation]:
    """Read the claims about a version that stand, or stood at a time, oldest first, of some types or of all.

    Raises as `check_claim` and `find_withdrawn`.
    """
    records = backend.ask(DescribeVersion(reference=_exact(version), at=at)).attestations
    withdrawn = find_withdrawn(backend, records, version, revision)
    claims = [
        check_claim(backend, record, version, revision, again=False)
        for record in records
        if not types or record.predicate_type in types
        if record.index not in withdrawn or record.predicate_type == APPROVAL
    ]
    return drop_withdrawn(claims, withdrawn)


def find_withdrawn(
    backend: TrustedBackend,
    records: Sequence[AttestationRecord],
    version: VersionRecord,
    revision: Revision,
) -> dict[int, AttestationRecord]:
    """Find the claims about a version that were withdrawn, by their entries, and what withdrew each.

    The registry marks them. It is not taken at its word: it could hide a claim by a mark, or the lack of one.

    (0) each withdrawal on record is signed, as any claim is, for this version in this registry; those by
    keys that were revoked as of then count for nothing
    (1) a claim is marked if, and only if, one of the same signer names it, and its kind can be withdrawn

    Raises:
        RecordUnproven: a mark does not follow from the withdrawals, or is missing. Others as `check_claim`.
    """
    reference = f"{version.name}@{version.number}"
    made: dict[int, tuple[str, str]] = {}
    revoked = set()
    withdrawals = {record.index: record for record in records if record.predicate_type == WITHDRAWAL}
    for record in withdrawals.values():
        try:
            said = Withdrawal.read(check_claim(backend, record, version, revision).predicate)
        except KeyRevoked:
            revoked.add(record.index)
        else:
            if (said.version, said.registry) == (reference, backend.seen.verifier):
                made[record.index] = (str(said.claim), record.signer)
    withdrawn = {}
    for record in records:
        about = record.digest, record.signer
        mark = None if record.withdrawn in revoked else record.withdrawn
        if mark is not None and made.get(mark) == about and record.predicate_type not in LASTING:
            withdrawn[record.index] = withdrawals[mark]
        elif mark is not None or about in made.values():
            raise RecordUnproven(record=f"{record.table}[{record.digest}]", index=record.index)
    return withdrawn


def find_evidence(backend: TrustedBackend, version: VersionRecord) -> frozenset[str]:
    """Collect the digests of the evidence that an approver has to have seen. Raises as `read_claims`."""
    detail = backend.ask(DescribeVersion(reference=_exact(version)))
    revision = read_revision(backend, version)
    withdrawn = find_withdrawn(backend, detail.attestations, version, revision)
    claims = []
    for record in detail.attestations:
        if record.predicate_type not in EVIDENCE or record.index in withdrawn:
            continue
        # What a revoked key has signed is no evidence; the registry leaves it out too.
        with suppress(KeyRevoked):
            claims.append(check_claim(backend, record, version, revision))
    return evidence_of(claims)


def check_evidence(
    backend: TrustedBackend, record: AttestationRecord, version: VersionRecord, revision: Revision
) -> None:
    """Compute the metrics of an evaluation again from its counts and curves. Raises as `check_claim` too.

    Raises:
        EvidenceInconsistent: a stated number does not follow.
    """
    evidence = Evidence(check_claim(backend, record, version, revision).predicate)
    wrong = evidence.find_contradictions()
    if wrong:
        raise EvidenceInconsistent(digest=record.digest, contradictions=tuple(map(str, wrong)))


def check_verdict(
    backend: TrustedBackend, record: AttestationRecord, version: VersionRecord, revision: Revision
) -> None:
    """Judge again what a verdict judged, from the documents that it names. Raises as `check_claim` too.

    (0) the claims about this version that it states are on record, as it states them
    (1) the policy and every claim have their digests, and every claim verifies with its signer's key
    (2) the same rules over the same case come to the same findings
    (3) the case is what the log had before the move that the verdict was given for: the claims that stood,
    the roles of their signers, authors, holds, baselines and the status

    Raises:
        VerdictInconsistent: one of these does not hold.
    """
    stated = check_claim(backend, record, version, revision).predicate
    if "case" not in stated:
        raise VerdictInconsistent(digest=record.digest, reason="it does not say what it rests on")
    case = read_case(stated, [file.path for file in revision.files], partial(_read_said, backend))
    known = {one.digest: one for one in backend.ask(DescribeVersion(reference=_exact(version))).attestations}
    for claim in case.attestations:
        proven = known.get(str(claim.digest))
        said = (claim.signer, claim.index, claim.recorded, claim.assurance)
        if proven is None or said != (proven.signer, proven.index, proven.recorded, proven.assurance):
            raise VerdictInconsistent(digest=record.digest, reason=f"{claim.digest} is not on record so")
    policy = decode_policy(read_document(backend, Digest.parse(case.policy), "the policy", MAX_POLICY_BYTES))
    check_complete(policy)
    again = write_verdict(judge(policy, case), case, verifier="")
    if case.version != f"{version.name}@{version.number}" or outcome_of(again) != outcome_of(stated):
        raise VerdictInconsistent(digest=record.digest, reason="judged again, it comes out another way")
    _check_case(backend, version, Digest.parse(record.digest), case, policy)


def _check_case(
    backend: TrustedBackend, version: VersionRecord, verdict: Digest, case: Case, policy: Policy
) -> None:
    """Compare the case of a verdict with what the log had. No move rests on a verdict that none names."""
    alias = Alias(case.alias)
    moves = read_all(backend, ListMoves(name=ModelName.parse(version.name), alias=alias))
    move = next((move.record for move in moves if str(verdict) in move.record.verdicts.split()), None)
    if move is None:
        return
    query = JudgeGate(
        reference=_exact(version), alias=alias, policy=Digest.parse(case.policy), at=str(move.index - 1)
    )
    state = backend.read_state(query)
    moment = Moment(backend.seen.verifier, case.now)
    known = gather(state.view, version, Bar(alias, policy, case.policy), moment)
    compare_cases(verdict, without_claims(known, move.verdicts.split()), case)


def _read_said(backend: TrustedBackend, digest: Digest) -> Content:
    """Read what a claim says, and check that its signer's key signed it."""
    bundle = Bundle.decode(read_document(backend, digest, "a claim", MAX_BUNDLE_BYTES))
    key = backend.ask(GetKey(key_id=bundle.key_id))
    statement = verify_bundle(bundle, PublicKey.read(key.public_key.encode()))
    return statement.predicate_type, statement.predicate


def _check_digest(actual: Digest, expected: Digest, name: str) -> None:
    if actual != expected:
        raise ContentCorrupt(path=name, expected=str(expected), actual=str(actual))


def _exact(version: VersionRecord) -> Reference:
    return Reference.parse(f"{version.name}@{version.number}")
