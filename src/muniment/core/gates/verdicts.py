"""Verdicts on record: a SLSA verification summary that holds all that it rests on.

It names the policy and every claim by digest, and holds the case as the log had it: so that whoever
has these documents can judge again, years later, and has to come to the same findings (`read_case`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core import forms
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import Attestation
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation, InvalidDigest, InvalidDocument
from muniment.core.gates.policy import Verdict
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.people.roles import Role

# What the rules mean. A change by which any rule may find something else over the same case is a new number:
# a verdict is judged again by the rules that made it, or not at all.
SEMANTICS: Final = 1

# What a claim says: its type and its predicate.
Said = tuple[str, JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedClaim:
    """A claim as the log had it; what it says is in the document of that digest."""

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
    """The case as a verdict holds it. Members as those of `Case`; the rest is elsewhere in the predicate."""

    version: str
    alias: str
    registry: str
    authors: frozenset[str]
    attestations: tuple[StatedClaim, ...]
    roles: Mapping[str, frozenset[Role]]
    holds: tuple[Hold, ...]
    baselines: Mapping[str, StatedBaseline | None]
    origins: tuple[Origin, ...]
    revoked: tuple[str, ...]


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
                "id": found.id,
                "rule": found.rule,
                "passed": found.passed,
                "message": found.message,
                "attestations": list(found.attestations),
                "waived": found.waived,
            }
            for found in verdict.findings
        ],
    }


def read_case(predicate: JsonObject, paths: Sequence[str], read_claim: Callable[[Digest], Said]) -> Case:
    """Read the case of a verdict again; `read_claim` gives what a claim says, by its digest.

    Raises:
        InvalidAttestation: the verdict does not hold it, or was made by rules that mean something else.
    """
    semantics = predicate.get("semantics")
    if semantics != SEMANTICS:
        raise InvalidAttestation(
            reason=f"the verdict follows version {semantics} of the rules, and this is version {SEMANTICS}:"
            " judge it again with the Muniment that made it"
        )
    try:
        stated = forms.read(StatedCase, predicate.get("case"))
        policy = _read_digest(predicate.get("policy"))
    except (InvalidDigest, InvalidDocument) as error:
        raise InvalidAttestation(reason=f"the verdict does not hold its case: {error}") from error
    return Case(
        version=stated.version,
        alias=stated.alias,
        policy=str(policy),
        now=str(predicate.get("timeVerified")),
        registry=stated.registry,
        paths=tuple(paths),
        authors=stated.authors,
        attestations=_read_claims(stated.attestations, read_claim),
        roles=stated.roles,
        holds=stated.holds,
        baselines={
            alias: None
            if found is None
            else Baseline(version=found.version, attestations=_read_claims(found.attestations, read_claim))
            for alias, found in stated.baselines.items()
        },
        origins=stated.origins,
        revoked=stated.revoked,
    )


def _state(case: Case) -> StatedCase:
    return StatedCase(
        version=case.version,
        alias=case.alias,
        registry=case.registry,
        authors=case.authors,
        attestations=tuple(map(_state_claim, case.attestations)),
        roles=case.roles,
        holds=case.holds,
        baselines={
            alias: None
            if found is None
            else StatedBaseline(
                version=found.version, attestations=tuple(map(_state_claim, found.attestations))
            )
            for alias, found in case.baselines.items()
        },
        origins=case.origins,
        revoked=case.revoked,
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
    stated: Sequence[StatedClaim], read_claim: Callable[[Digest], Said]
) -> tuple[Attestation, ...]:
    said = [(one, *read_claim(one.digest)) for one in stated]
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
        for one, predicate_type, predicate in said
    )


def _all_claims(case: Case) -> list[Attestation]:
    others = [claim for found in case.baselines.values() if found for claim in found.attestations]
    return [*case.attestations, *others]


def _digest_set(digest: str) -> JsonObject:
    return {"sha256": Digest.parse(digest).hex}


def _read_digest(policy: Json) -> Digest:
    digests = policy.get("digest") if isinstance(policy, Mapping) else None
    found = digests.get("sha256") if isinstance(digests, Mapping) else None
    return Digest.parse(f"sha256:{found}")
