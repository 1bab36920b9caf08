"""Check what an alias serves: by the verdicts with which it moved, and by its policies now."""

from functools import partial

from muniment.answers.gates import Judged, judge_all
from muniment.answers.policies import load_policy
from muniment.answers.view import State
from muniment.client.proofs.checking import check_claim, resolve
from muniment.client.proofs.owners import find_owners
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.revisions import Revision
from muniment.core.canonical import JsonObject, object_in
from muniment.core.claims.attestations import VERDICT
from muniment.core.errors import GateFailed, MoveUnfounded, PolicyNotFound
from muniment.core.gates.policy import Mode, Policy
from muniment.core.gates.rules.content import Formats
from muniment.core.gates.rules.evidence import Scans
from muniment.core.gates.rules.history import Window
from muniment.core.gates.verdicts import policy_of
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.people.callers import REGISTRY
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.verbs.gates import GetMove, GetPolicies, JudgeGate
from muniment.core.verbs.versions import DescribeVersion


def resolve_move(
    backend: TrustedBackend, reference: Reference, at: str | None = None
) -> tuple[VersionRecord, MoveRecord | None]:
    """Resolve a reference, now or at a time; by an alias, give the move that points it there, too.

    Who uses the version MUST check the move (`check_alias`).
    """
    version = resolve(backend, reference, at)
    if not isinstance(reference.selector, Alias):
        return version, None
    move = backend.ask(GetMove(name=reference.name, alias=reference.selector, at=at))
    # The alias may have moved between the two questions.
    return (version, move) if move.number == version.number else resolve_move(backend, reference, at)


def check_alias(
    backend: TrustedBackend, move: MoveRecord, version: VersionRecord, revision: Revision
) -> None:
    """Check that an alias moved to a version rightly, and that it may still serve it.

    (0) the move rests on the policies in force then (`check_move`)
    (1) the version meets the format and scan rules of the policies that are enforced now, and every rule of
    those that are continuous, except for when to move; a rule that cannot be judged here is not met

    Raises:
        MoveUnfounded: it moved without the verdicts of its policies.
        GateFailed: the version does not meet them now.
    """
    check_move(backend, move, version, revision)
    reference = Reference(ModelName.parse(version.name), version.number)
    query = JudgeGate(reference=reference, alias=Alias(move.alias))
    state = backend.read_state(query)
    try:
        failures = _list_failures(state, judge_all(state, query))
        if failures:
            # The registry has to be asked where inputs are that the provenance names by digest alone.
            failures = _list_failures(state, judge_all(state, query, partial(find_owners, backend)))
    except PolicyNotFound:
        return
    if failures:
        raise GateFailed(reference=str(reference), alias=move.alias, failures=failures)


def _list_failures(state: State, judged: list[Judged]) -> tuple[str, ...]:
    """List the failures that stop a load."""
    return tuple(
        f"{finding.rule}: {finding.message}"
        for verdict, _ in judged
        if verdict.mode is Mode.ENFORCE and verdict.policy
        for finding in verdict.findings
        if finding.id in _list_checked_on_load(load_policy(state.view, verdict.policy)) and not finding.holds
    )


def check_move(backend: TrustedBackend, move: MoveRecord, version: VersionRecord, revision: Revision) -> None:
    """Check that an alias moved to a version by the verdicts of exactly the policies in force then.

    Whether each verdict follows from its case is checked apart (`check_verdict`).

    Raises:
        MoveUnfounded: a verdict is missing, is of another policy, or blocks a move that was no emergency.
    """
    name, alias = ModelName.parse(move.name), Alias(move.alias)
    try:
        records = backend.ask(GetPolicies(name=name, alias=alias, at=str(move.index)))
    except PolicyNotFound:
        return
    claims = backend.ask(DescribeVersion(reference=Reference(name, version.number))).attestations
    stated = {}
    for digest in move.verdicts.split():
        record = next((claim for claim in claims if claim.digest == digest), None)
        if record is None or (record.signer, record.predicate_type) != (REGISTRY, VERDICT):
            raise _unfounded(move, version, f"{digest} is no verdict about this version")
        predicate = check_claim(backend, record, version, revision).predicate
        if object_in(predicate.get("policy")).get("uri") != f"{name}@{alias}":
            raise _unfounded(move, version, f"the verdict {digest} is about another alias")
        stated[policy_of(predicate)] = predicate
    # A policy without a document counts only while no other is in force.
    expected = {str(record.digest) for record in records if record.digest is not None}
    different = expected ^ stated.keys()
    if different or not expected:
        asked = min(different, default="it is guarded, and no policy is in force")
        raise _unfounded(move, version, f"the verdicts are not those of its policies: {asked}")
    if not move.emergency and any(map(_blocks, stated.values())):
        raise _unfounded(move, version, "a policy was not met")


def _blocks(verdict: JsonObject) -> bool:
    return verdict.get("mode") == Mode.ENFORCE and verdict.get("verificationResult") != "PASSED"


def _list_checked_on_load(policy: Policy) -> set[str]:
    """List the ids of the rules of a policy that a version must meet whenever it is used."""
    return {
        named.id
        for named in policy.rules
        if isinstance(named.rule, Formats | Scans)
        or (policy.continuous and not isinstance(named.rule, Window))
    }


def _unfounded(move: MoveRecord, version: VersionRecord, reason: str) -> MoveUnfounded:
    reference = f"{version.name}@{version.number}"
    return MoveUnfounded(reference=reference, alias=move.alias, index=move.index, reason=reason)
