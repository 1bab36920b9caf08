"""Verdicts on record: a SLSA verification summary with everything that the verdict depends on.

It names the policy and every claim by digest, and holds the case as the log had it. So anyone with these
documents can judge again, years later, and must reach the same findings (`read_case`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core import forms
from muniment.core.canonical import JsonObject, object_in
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import Attestation
from muniment.core.clock import Jump
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation, InvalidDigest, InvalidDocument
from muniment.core.gates.policy import Verdict
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.people.roles import Role

# The version of the rules' semantics. Any change that can give another finding for the same case gets a new
# number: a verdict is judged again only by the rules that made it.
SEMANTICS: Final = 4

# The content of a claim: its type and its predicate.
Content = tuple[str, JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedClaim:
    """A claim as the log had it; its content is the document of that digest."""

    digest: Digest
    signer: str
    key: str
    entry: int
    recorded: str
    assurance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBaseline:
    """The version that an alias pointed at, and the claims about it."""

    version: str
    attestations: tuple[StatedClaim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCase:
    """The case in a verdict. Its members are those of `Case`; the others are elsewhere in the predicate."""

    version: str
    alias: str
    registry: str
    since: int
    authors: frozenset[str]
    attestations: tuple[StatedClaim, ...]
    roles: Mapping[str, frozenset[Role]]
    own_roles: Mapping[str, frozenset[Role]]
    workloads: frozenset[str]
    guarantors: Mapping[str, tuple[frozenset[str], ...]] | None
    holds: tuple[Hold, ...]
    jumps: tuple[Jump, ...]
    baselines: Mapping[str, StatedBaseline | None]
    origins: tuple[Origin, ...]
    revoked: tuple[str, ...]
    status: Status
    emergencies: tuple[int, ...]


def write_verdict(verdict: Verdict, case: Case, *, verifier: str) -> JsonObject:
    """Write the predicate (https://slsa.dev/verification_summary/v1), with the case and findings."""
    name = case.version.partition("@")[0]
    inputs = sorted({str(claim.digest) for claim in _all_claims(case)})
    return {
        "verifier": {"id": verifier},
        "timeVerified": case.now,
        "resourceUri": case.version,
        "policy": {"uri": f"{name}@{case.alias}", "digest": _digest_set(verdict.policy)},
        "inputAttestations": [{"digest": _digest_set(digest)} for digest in inputs],
        "verificationResult": "PASSED" if verdict.passed else "FAILED",
        "verifiedLevels": [],
        "mode": str(verdict.mode),
        "semantics": SEMANTICS,
        "case": forms.write(_state(case)),
        "findings": [
            {
                "id": finding.id,
                "rule": finding.rule,
                "passed": finding.passed,
                "message": finding.message,
                "attestations": list(finding.attestations),
                "waived": finding.waived,
            }
            for finding in verdict.findings
        ],
    }


def read_case(predicate: JsonObject, paths: Sequence[str], read_claim: Callable[[Digest], Content]) -> Case:
    """Read the case of a verdict; `read_claim` returns the content of a claim by its digest.

    Raises:
        InvalidAttestation: the verdict lacks its case, or follows another version of the rules.
    """
    semantics = predicate.get("semantics")
    if semantics != SEMANTICS:
        raise InvalidAttestation(
            reason=f"the verdict follows version {semantics} of the rules, expected {SEMANTICS}:"
            " judge it with the version of Muniment that made it"
        )
    try:
        stated = forms.read(StatedCase, predicate.get("case"))
        policy = policy_of(predicate)
    except (InvalidDigest, InvalidDocument) as error:
        raise InvalidAttestation(reason=f"the verdict lacks its case: {error.sentence}") from error
    return Case(
        version=stated.version,
        alias=stated.alias,
        policy=policy,
        now=str(predicate.get("timeVerified")),
        registry=stated.registry,
        since=stated.since,
        paths=tuple(paths),
        authors=stated.authors,
        attestations=_read_claims(stated.attestations, read_claim),
        roles=stated.roles,
        own_roles=stated.own_roles,
        workloads=stated.workloads,
        guarantors=stated.guarantors,
        holds=stated.holds,
        jumps=stated.jumps,
        baselines={
            alias: None
            if baseline is None
            else Baseline(
                version=baseline.version, attestations=_read_claims(baseline.attestations, read_claim)
            )
            for alias, baseline in stated.baselines.items()
        },
        origins=stated.origins,
        revoked=stated.revoked,
        status=stated.status,
        emergencies=stated.emergencies,
    )


def policy_of(predicate: JsonObject) -> str:
    """Give the digest of the policy of a verdict.

    Raises:
        InvalidDigest: it names none.
    """
    digests = object_in(object_in(predicate.get("policy")).get("digest"))
    return str(Digest.parse(f"sha256:{digests.get('sha256')}"))


def outcome_of(predicate: JsonObject) -> object:
    """Give what has to be the same again: the result and what each rule came to; words may be put anew."""
    findings = predicate["findings"]
    listed = findings if isinstance(findings, list) else []
    return (
        predicate["verificationResult"],
        predicate["mode"],
        [(one["id"], one["passed"], one["waived"]) for one in listed if isinstance(one, Mapping)],
    )


def _state(case: Case) -> StatedCase:
    return StatedCase(
        version=case.version,
        alias=case.alias,
        registry=case.registry,
        since=case.since,
        authors=case.authors,
        attestations=tuple(map(_state_claim, case.attestations)),
        roles=case.roles,
        own_roles=case.own_roles,
        workloads=case.workloads,
        guarantors=case.guarantors,
        holds=case.holds,
        jumps=case.jumps,
        baselines={
            alias: None
            if baseline is None
            else StatedBaseline(
                version=baseline.version, attestations=tuple(map(_state_claim, baseline.attestations))
            )
            for alias, baseline in case.baselines.items()
        },
        origins=case.origins,
        revoked=case.revoked,
        status=case.status,
        emergencies=case.emergencies,
    )


def _state_claim(claim: Attestation) -> StatedClaim:
    return StatedClaim(
        digest=claim.digest,
        signer=claim.signer,
        key=claim.key_id,
        entry=claim.index,
        recorded=claim.recorded,
        assurance=claim.assurance,
    )


def _read_claims(
    stated: Sequence[StatedClaim], read_claim: Callable[[Digest], Content]
) -> tuple[Attestation, ...]:
    contents = [(one, *read_claim(one.digest)) for one in stated]
    return tuple(
        Attestation(
            digest=one.digest,
            predicate_type=predicate_type,
            predicate=predicate,
            signer=one.signer,
            key_id=one.key,
            index=one.entry,
            recorded=one.recorded,
            assurance=one.assurance,
        )
        for one, predicate_type, predicate in contents
    )


def _all_claims(case: Case) -> list[Attestation]:
    others = [claim for baseline in case.baselines.values() if baseline for claim in baseline.attestations]
    return [*case.attestations, *others]


def _digest_set(digest: str) -> JsonObject:
    return {"sha256": Digest.parse(digest).hex}
