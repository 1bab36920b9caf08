"""The moves of aliases: a guarded alias moves with the verdicts of exactly the policies in force then.

(0) the version is in service, and the alias pointed where the entry says
(1) there is a verdict for each policy in force, signed by the registry and on record, and no other
(2) each verdict is about this version and alias, at this time, and rests on what the log had then: the claims
    that stood, the roles of their signers, the authors, the holds, and the status
(3) the same rules over the same case come to the same findings
(4) none blocks, or the policies let the actor move it in an emergency, which the actor signed
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from muniment.answers.cases import UNKNOWN_ANCESTRY, Bar, Moment, gather
from muniment.answers.claims import list_standing, read_said
from muniment.answers.clock import settle_time
from muniment.answers.emergencies import due_of, find_terms
from muniment.answers.policies import InForce, find_policies
from muniment.answers.replay.facts import check_previous
from muniment.answers.resolve import resolve
from muniment.answers.statuses import check_in_service
from muniment.answers.view import View
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import EMERGENCY, VERDICT, Attestation
from muniment.core.claims.emergencies import Emergency
from muniment.core.digests import Digest
from muniment.core.errors import GateFailed, LogInconsistent, VerdictInconsistent
from muniment.core.events import AliasMoved, Entry
from muniment.core.gates.policy import Gate, Verdict, judge
from muniment.core.gates.rules.case import Baseline, Case, Finding
from muniment.core.gates.rules.history import Clean
from muniment.core.gates.verdicts import SEMANTICS, Content, outcome_of, policy_of, read_case, write_verdict
from muniment.core.names import Reference
from muniment.core.people.callers import REGISTRY
from muniment.core.records import AttestationRecord, VersionRecord, Where
from muniment.policies.documents import check_complete


class MoveJudge:
    """Judges moves again, in the state before each."""

    def __init__(self, view: View, registry: str, unchecked: list[str]) -> None:
        """Look into a view; add to `unchecked` what cannot be checked."""
        self._view = view
        self._registry = registry
        self._unchecked = unchecked

    def check(self, entry: Entry) -> int:
        """Check a move; return how many verdicts it has.

        Raises:
            MunimentError: a rule of this module does not hold.
        """
        event = entry.event
        if not isinstance(event, AliasMoved):
            raise TypeError(event)
        version = resolve(self._view, Reference(event.name, event.number))
        check_in_service(self._view, version)
        check_previous(self._view, event.name, event.alias, event.previous)
        if event.previous == event.number and not event.emergency:
            raise LogInconsistent(reason=f"{event.name}@{event.alias} points at {event.number} already")
        policies = find_policies(self._view, event.name, event.alias)
        if policies:
            self._check_verdicts(entry, event, version, policies)
        elif event.verdicts:
            raise LogInconsistent(reason="it has verdicts, and the alias is not guarded")
        if event.emergency:
            self._check_emergency(entry, event, version)
        elif event.due is not None:
            raise LogInconsistent(reason="it is due, and is no emergency")
        return len(event.verdicts)

    def _check_verdicts(
        self, entry: Entry, event: AliasMoved, version: VersionRecord, policies: list[InForce]
    ) -> None:
        stated = [self._read_verdict(version, digest) for digest in event.verdicts]
        in_force = {str(one.record.digest): one.policy for one in policies if one.policy is not None}
        named = [policy_of(predicate) for predicate in stated]
        if sorted(named) != sorted(in_force) or not in_force:
            asked = ", ".join(sorted(in_force)) or "none that could be met"
            raise LogInconsistent(
                reason=f"it has verdicts of {', '.join(sorted(named)) or 'no policy'}; in force then: {asked}"
            )
        verdicts = []
        for digest, name, predicate in zip(event.verdicts, named, stated, strict=True):
            bar = Bar(event.alias, in_force[name], name)
            verdicts.append(self._judge_again(entry, version, digest, predicate, bar))
        gate = Gate(version=verdicts[0].version, alias=str(event.alias), verdicts=tuple(verdicts))
        if not gate.passed and not event.emergency:
            raise GateFailed(reference=gate.version, alias=gate.alias, failures=gate.failures)

    def _read_verdict(self, version: VersionRecord, digest: Digest) -> JsonObject:
        """Read a verdict; its signature was verified when its own entry was replayed."""
        key = (version.name, version.revision, str(digest))
        record = self._view.projections.find(AttestationRecord, key)
        if record is None or (record.predicate_type, record.signer) != (VERDICT, REGISTRY):
            raise LogInconsistent(reason=f"{digest} is no verdict of the registry about {_name(version)}")
        return read_said(self._view, str(digest)).predicate

    def _judge_again(
        self, entry: Entry, version: VersionRecord, digest: Digest, predicate: JsonObject, bar: Bar
    ) -> Verdict:
        semantics = predicate.get("semantics")
        if semantics != SEMANTICS:
            self._unchecked.append(
                f"entry {entry.index}: its verdict follows version {semantics} of the rules, not {SEMANTICS}"
            )
            return _take_as_stated(predicate, version, bar)
        event = entry.event
        moved_by = {str(one) for one in event.verdicts} if isinstance(event, AliasMoved) else set()
        moment = Moment(self._registry, entry.when)
        known = without_claims(gather(self._view, version, bar, moment), moved_by)
        if any(isinstance(named.rule, Clean) for named in bar.policy.rules):
            self._unchecked.append(
                f"entry {entry.index}: what the rule over the provenance found in the lineage"
            )
        check_complete(bar.policy)
        case = read_case(predicate, known.paths, lambda claim: _find_content(known, claim, digest))
        compare_cases(digest, known, case)
        verdict = judge(bar.policy, case)
        if outcome_of(write_verdict(verdict, case, verifier="")) != outcome_of(predicate):
            raise VerdictInconsistent(digest=str(digest), reason="judged again, it comes out another way")
        return verdict

    def _check_emergency(self, entry: Entry, event: AliasMoved, version: VersionRecord) -> None:
        due = due_of(
            find_terms(self._view, version, event.alias, entry.actor), settle_time(self._view, entry.when)
        )
        if event.due != due:
            raise LogInconsistent(reason=f"it is to be closed by {event.due}, and the policies say {due}")
        signed = [
            record
            for record in list_standing(self._view, version, Where("predicate_type", "=", EMERGENCY))
            if (record.signer, record.recorded) == (entry.actor, entry.when)
            and Emergency.read(read_said(self._view, record.digest).predicate).alias == event.alias
        ]
        if not signed:
            raise LogInconsistent(reason="its actor has not signed this emergency")


def _name(version: VersionRecord) -> str:
    return f"{version.name}@{version.number}"


def _take_as_stated(predicate: JsonObject, version: VersionRecord, bar: Bar) -> Verdict:
    """Take a verdict that cannot be judged again by its word."""
    passed = predicate.get("verificationResult") == "PASSED"
    stated = Finding(rule="as stated", passed=passed, message="the verdict was not judged again")
    return Verdict(
        version=_name(version),
        alias=str(bar.alias),
        policy=bar.digest,
        findings=(stated,),
        mode=bar.policy.mode,
    )


def without_claims(case: Case, verdicts: Iterable[str]) -> Case:
    """Leave out of a case the verdicts that were recorded with the move, after it was judged."""
    dropped = {*verdicts}

    def keep(claims: tuple[Attestation, ...]) -> tuple[Attestation, ...]:
        return tuple(claim for claim in claims if str(claim.digest) not in dropped)

    attestations = keep(case.attestations)
    baselines = {
        alias: None
        if baseline is None
        else Baseline(version=baseline.version, attestations=keep(baseline.attestations))
        for alias, baseline in case.baselines.items()
    }
    signers = {claim.signer for claim in attestations}
    signers |= {claim.signer for one in baselines.values() if one for claim in one.attestations}
    roles = {signer: held for signer, held in case.roles.items() if signer in signers}
    return replace(case, attestations=attestations, baselines=baselines, roles=roles)


def _find_content(known: Case, digest: Digest, verdict: Digest) -> Content:
    others = [claim for one in known.baselines.values() if one for claim in one.attestations]
    for claim in (*known.attestations, *others):
        if claim.digest == digest:
            return claim.predicate_type, claim.predicate
    raise VerdictInconsistent(digest=str(verdict), reason=f"{digest} did not stand then")


# What the log has of a case, whole.
_SAME: Final = (
    *("version", "alias", "policy", "since", "now", "registry", "attestations", "holds"),
    *("roles", "own_roles", "workloads", "guarantors", "jumps", "emergencies"),
)


def compare_cases(digest: Digest, known: Case, stated: Case) -> None:
    """Compare what a verdict rests on with what the log had.

    The lineage is not in the log, and who else published the same bytes is found in all of the registry:
    there the verdict may know of more.

    Raises:
        VerdictInconsistent: they differ.
    """
    for name in _SAME:
        if getattr(known, name) != getattr(stated, name):
            raise VerdictInconsistent(digest=str(digest), reason=f"the log says otherwise: {name}")
    if known.baselines != stated.baselines or known.status != stated.status:
        raise VerdictInconsistent(digest=str(digest), reason="the log says otherwise: baselines or status")
    revoked = {one for one in known.revoked if one not in UNKNOWN_ANCESTRY}
    if not (known.authors <= stated.authors and revoked <= {*stated.revoked}):
        raise VerdictInconsistent(digest=str(digest), reason="the log says otherwise: authors or ancestors")
