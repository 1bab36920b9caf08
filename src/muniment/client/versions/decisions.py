"""The signing decisions on a version, each checked, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from muniment.client.proofs.checking import check_claim, find_withdrawn, read_revision
from muniment.client.proofs.judging import find_faults
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.showing import make_seal
from muniment.core.bytes.revisions import Revision
from muniment.core.claims.approvals import EVIDENCE, Approval, SignedApproval, SigningDecision, evidence_of
from muniment.core.claims.attestations import APPROVAL, VERDICT, Attestation
from muniment.core.counting import count
from muniment.core.errors import KeyRevoked, PolicyNotFound
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.naming import find_ids
from muniment.core.records import AttestationRecord, VersionRecord
from muniment.core.times import read_time
from muniment.core.verbs.gates import GetPolicies, JudgeGate, ListMoves
from muniment.core.verbs.versions import DescribeVersion
from muniment.views.approvals import STANDS, Decided, view_approvals
from muniment.views.story import find_counted
from muniment.views.values import read_text
from muniment.views.view import View

_READ: Final = frozenset({APPROVAL, VERDICT, *EVIDENCE})


class _Present(NamedTuple):
    """What decisions stand over, or do not: what was withdrawn, and the evidence.

    `policies` are those in force by alias, by digest, with the entries that put them in force.
    """

    withdrawn: Mapping[int, AttestationRecord]
    evidence: frozenset[str]
    policies: Mapping[str, Mapping[str, int]]
    time: str


def show_approvals(
    backend: TrustedBackend, version: VersionRecord, alias: str | None = None, at: str | None = None
) -> View:
    """Show the signing decisions on a version, for an alias or for all.

    Raises:
        Untrusted: the registry's answers do not follow from its log.
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    name, reference = ModelName.parse(version.name), f"{version.name}@{version.number}"
    detail = backend.ask(DescribeVersion(reference=Reference.parse(reference), at=at))
    revision = read_revision(backend, version)
    withdrawn = find_withdrawn(backend, detail.attestations, version, revision)
    claims, revoked = _check_claims(backend, version, detail.attestations, revision)
    decisions = [one for one in _read(claims, reference) if alias in {None, one[1].alias}]
    counted = find_counted(claims, [move.record for move in read_all(backend, ListMoves(name=name, at=at))])
    present = _Present(
        withdrawn=withdrawn,
        evidence=evidence_of(claim for claim in claims if claim.index not in withdrawn),
        policies={
            which: _find_policies(backend, name, which, at)
            for which in {approval.alias for _, approval in decisions}
        },
        time=backend.time(),
    )
    reasons = {record.digest: record.reason for record in detail.attestations}
    faults: dict[str, str] = {}
    for which in sorted(present.policies):
        query = JudgeGate(reference=Reference.parse(reference), alias=Alias(which), at=at)
        faults |= find_faults(backend, query)
    standings = [_find_standing(claim, approval, decisions, present) for claim, approval in decisions]
    shown = [
        Decided(
            claim=claim,
            approval=approval,
            reason=read_text(reasons[str(claim.digest)], detail.reasons.get(str(claim.digest))),
            standing=standing,
            fault=faults.get(str(claim.digest), "") if standing == STANDS else "",
            counted=tuple(counted.get(str(claim.digest), ())),
        )
        for (claim, approval), standing in zip(decisions, standings, strict=True)
    ]
    people = {*(one.claim.signer for one in shown), *find_ids(one.fault for one in shown)}
    names = find_names(backend, people, at)
    left = [f"whether they suffice: muniment check {reference} ALIAS"]
    if revoked:
        left.append(
            f"{count(revoked, 'decision')} by revoked keys, which count for nothing and are not shown"
        )
    checked = ("signatures of the decisions, each with the key of its signer", "that these are all")
    seal = make_seal(backend, checked, tuple(left))
    return view_approvals(reference, shown, names, seal, present.time)


def _check_claims(
    backend: TrustedBackend,
    version: VersionRecord,
    records: Sequence[AttestationRecord],
    revision: Revision,
) -> tuple[list[Attestation], int]:
    """Check decisions and what they rest on; count the decisions by keys that were revoked as of then."""
    claims, revoked = [], 0
    for record in records:
        if record.predicate_type in _READ:
            try:
                claims.append(check_claim(backend, record, version, revision, again=False))
            except KeyRevoked:
                revoked += record.predicate_type == APPROVAL
    return claims, revoked


def _read(claims: Sequence[Attestation], reference: str) -> Iterator[tuple[Attestation, Approval]]:
    for claim in claims:
        if claim.predicate_type == APPROVAL:
            approval = Approval.read(claim.predicate)
            # The same bytes may be another version, too.
            if approval.version == reference:
                yield claim, approval


def _find_policies(backend: TrustedBackend, name: ModelName, alias: str, at: str | None) -> dict[str, int]:
    try:
        records = backend.ask(GetPolicies(name=name, alias=Alias(alias), at=at))
    except PolicyNotFound:
        return {}
    return {record.digest: record.index for record in records if record.digest is not None}


def _find_standing(
    claim: Attestation,
    approval: Approval,
    decisions: Sequence[tuple[Attestation, Approval]],
    present: _Present,
) -> str:
    """Say whether a decision stands, or why not; that it counts is for the gate to say."""
    about = claim.signer, approval.alias, approval.waiver
    later = [
        other.index
        for other, said in decisions
        if (other.signer, said.alias, said.waiver) == about and other.index > claim.index
    ]
    if claim.index in present.withdrawn:
        return f"withdrawn, entry {present.withdrawn[claim.index].index}"
    if later:
        return f"replaced, entry {later[0]}"
    if approval.decision is not SigningDecision.APPROVE:
        return STANDS
    if approval.expires is not None and read_time(approval.expires) <= read_time(present.time):
        return "expired"
    signed = SignedApproval(claim, approval)
    in_force = present.policies[approval.alias].items()
    stale = {signed.find_staleness(policy, since, present.evidence) for policy, since in in_force}
    return next((f"stale: there is another {what}" for what in sorted(stale) if what), STANDS)
