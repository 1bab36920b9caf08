"""Verdicts on record: a SLSA verification summary that holds all that it rests on.

It names the policy and every claim by digest, and holds the case as the log had it: so that whoever
has these documents can judge again, years later, and has to come to the same findings (`read_case`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import Attestation
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation, MunimentError
from muniment.core.gates.policy import Verdict
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.people.roles import Role

# What a claim says: its type and its predicate.
Said = tuple[str, JsonObject]


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
        "case": _write_case(case),
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
        InvalidAttestation: the verdict does not hold them, as those of before this form do not.
    """
    try:
        stated = _object(predicate["case"])
        baselines = _object(stated["baselines"])
        return Case(
            version=str(stated["version"]),
            alias=str(stated["alias"]),
            policy=f"sha256:{_object(_object(predicate['policy'])['digest'])['sha256']}",
            now=str(predicate["timeVerified"]),
            registry=str(stated["registry"]),
            paths=tuple(paths),
            authors=frozenset(_texts(stated["authors"])),
            attestations=_read_claims(stated["attestations"], read_claim),
            roles={
                who: frozenset(map(Role, _texts(roles))) for who, roles in _object(stated["roles"]).items()
            },
            holds=tuple(map(_read_hold, map(_object, _list(stated["holds"])))),
            baselines={
                alias: None
                if found is None
                else Baseline(
                    version=str(_object(found)["version"]),
                    attestations=_read_claims(_object(found)["attestations"], read_claim),
                )
                for alias, found in baselines.items()
            },
            origins=tuple(map(_read_origin, map(_object, _list(stated["origins"])))),
            revoked=tuple(_texts(stated["revoked"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, MunimentError):
            raise
        raise InvalidAttestation(reason=f"the verdict does not hold what it rests on: {error}") from error


def _write_case(case: Case) -> JsonObject:
    return {
        "version": case.version,
        "alias": case.alias,
        "registry": case.registry,
        "authors": sorted(case.authors),
        "attestations": [_write_claim(claim) for claim in case.attestations],
        "roles": {who: sorted(map(str, roles)) for who, roles in case.roles.items()},
        "holds": [asdict(hold) for hold in case.holds],
        "baselines": {
            alias: None
            if found is None
            else {
                "version": found.version,
                "attestations": [_write_claim(claim) for claim in found.attestations],
            }
            for alias, found in case.baselines.items()
        },
        "origins": [asdict(origin) for origin in case.origins],
        "revoked": list(case.revoked),
    }


def _write_claim(claim: Attestation) -> JsonObject:
    return {
        "digest": str(claim.digest),
        "signer": claim.signer,
        "key": claim.key_id,
        "entry": claim.index,
        "recorded": claim.recorded,
        "assurance": claim.assurance,
    }


def _read_claims(stated: Json, read_claim: Callable[[Digest], Said]) -> tuple[Attestation, ...]:
    found = []
    for one in map(_object, _list(stated)):
        digest = Digest.parse(str(one["digest"]))
        predicate_type, predicate = read_claim(digest)
        found.append(
            Attestation(
                digest=digest,
                predicate_type=predicate_type,
                predicate=predicate,
                signer=str(one["signer"]),
                key_id=str(one["key"]),
                index=int(str(one["entry"])),
                recorded=str(one["recorded"]),
                assurance=str(one["assurance"]),
            )
        )
    return tuple(found)


def _all_claims(case: Case) -> list[Attestation]:
    others = [claim for found in case.baselines.values() if found for claim in found.attestations]
    return [*case.attestations, *others]


def _digest_set(digest: str) -> JsonObject:
    return {"sha256": Digest.parse(digest).hex}


def _read_hold(stated: JsonObject) -> Hold:
    until = stated["until"]
    return Hold(
        alias=str(stated["alias"]), since=str(stated["since"]), until=None if until is None else str(until)
    )


def _read_origin(stated: JsonObject) -> Origin:
    return Origin(
        name=str(stated["name"]),
        kind=str(stated["kind"]),
        resolved=stated["resolved"] is True,
        licence=str(stated["licence"]),
    )


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError("an object is missing")  # noqa: EM101, TRY003 - named in the caller's refusal
    return value


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise TypeError("a list is missing")  # noqa: EM101, TRY003 - as above
    return value


def _texts(value: Json) -> list[str]:
    return [str(one) for one in _list(value)]
