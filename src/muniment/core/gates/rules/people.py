"""Rules about who signed: the content, and the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from muniment.core.claims.approvals import Meaning, SignedApproval, SigningDecision
from muniment.core.claims.attestations import CONTENT, Attestation
from muniment.core.gates.rules.case import Case, Finding, no, write_age, yes
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import Role

ANY_ASSURANCE: Final = frozenset(Assurance)
# Whoever signs that they wrote it does not say that it may be used.
DECIDING: Final = frozenset(Meaning) - {Meaning.AUTHORSHIP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The content is signed by a principal who holds a role now, and was known in one of some ways.

    `signers`, if there are any, are the only principals whose signature counts.
    """

    role: Role = Role.CONTRIBUTOR
    assurance: frozenset[Assurance] = ANY_ASSURANCE
    signers: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """What it asks."""
        who = f" or {' or '.join(sorted(self.signers))}" if self.signers else ""
        return f"content signed by a {self.role}{who}{_known_by(self.assurance)}"

    def judge(self, case: Case) -> Finding:
        """Look for one."""
        found = [
            claim
            for claim in case.of_type(CONTENT)
            if case.holds_role(claim.signer, self.role)
            and claim.assurance in self.assurance
            and (not self.signers or claim.signer in self.signers)
        ]
        if not found:
            return no(self, f"there is no content signature by a {self.role}{_known_by(self.assurance)}")
        return yes(self, f"signed with key {found[-1].key_id:.16}", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Enough people approved, each counted once, in a role that is asked for, none of them an author.

    `counts` are asked for each on its own; with `total`, so many in any of `roles`.
    """

    counts: Mapping[Role, int] = field(default_factory=dict)
    total: int = 0
    roles: frozenset[Role] = frozenset()
    assurance: frozenset[Assurance] = ANY_ASSURANCE
    meanings: frozenset[Meaning] = DECIDING
    max_age: timedelta | None = None

    @property
    def label(self) -> str:
        """What it asks."""
        asked = [f"{count} {role}" for role, count in self.counts.items()]
        if self.total:
            asked.append(f"{self.total} of {' or '.join(sorted(self.roles))}")
        age = "" if self.max_age is None else f", within {write_age(self.max_age)}"
        return f"approved by {', '.join(asked)}{_known_by(self.assurance)}{age}"

    def judge(self, case: Case) -> Finding:
        """Count what people decided about the version."""
        return self.count(case, case.approvals)

    def count(self, case: Case, approvals: Mapping[str, SignedApproval]) -> Finding:
        """Count some approvals."""
        standing: list[SignedApproval] = []
        passed_over: list[str] = []
        for one in approvals.values():
            if one.approval.decision is SigningDecision.WITHDRAW:
                continue
            if one.approval.decision is SigningDecision.REJECT:
                return no(self, f"{one.claim.signer} rejected it as {one.approval.role}", [one.claim])
            fault = self._find_fault(one, case)
            if fault:
                passed_over.append(fault)
            else:
                standing.append(one)
        have = {role: sum(one.approval.role is role for one in standing) for role in Role}
        missing = [
            f"{count - have[role]} {role} missing"
            for role, count in self.counts.items()
            if have[role] < count
        ]
        some = [one.claim for one in standing if one.approval.role in self.roles]
        if len(some) < self.total:
            missing.append(f"{self.total - len(some)} of {' or '.join(sorted(self.roles))} missing")
        counted = [one.claim for one in standing if one.approval.role in {*self.counts, *self.roles}]
        if missing:
            return no(self, "; ".join(missing + passed_over), counted, mend=self._mend(case, have))
        return yes(self, _list_names(standing), counted)

    def _find_fault(self, signed: SignedApproval, case: Case) -> str:
        """Say why an approval does not count; nothing if it does."""
        claim, approval = signed
        signer = claim.signer
        stale = approval.find_staleness(case.policy, case.seen)
        faults = {
            f"{signer} made the version": signer in case.authors,
            f"{signer} is no {approval.role}": not case.holds_role(signer, approval.role),
            f"{signer} signed {approval.meaning} only": approval.meaning not in self.meanings,
            f"{signer} is known by {claim.assurance} only": claim.assurance not in self.assurance,
            f"the approval by {signer} is for another registry": approval.registry != case.registry,
            f"the approval by {signer} was over another {stale}": bool(stale),
            f"the approval by {signer} has expired": _has_expired(approval.expires, case),
            f"the approval by {signer} is too old": self.max_age is not None
            and case.is_older(claim.recorded, self.max_age),
        }
        return next((fault for fault, found in faults.items() if found), "")

    def _mend(self, case: Case, have: Mapping[Role, int]) -> str:
        lacking = [role for role, count in self.counts.items() if have[role] < count]
        role = lacking[0] if lacking else min(self.roles)
        return f"muniment approve {case.version} --for {case.alias} --as {role} --reason TEXT"


def _list_names(approvals: list[SignedApproval]) -> str:
    return ", ".join(f"{one.claim.signer} as {one.approval.role}" for one in approvals)


def _has_expired(expires: str | None, case: Case) -> bool:
    return expires is not None and case.is_older(expires, timedelta(0))


def _known_by(assurance: frozenset[Assurance]) -> str:
    if assurance == ANY_ASSURANCE:
        return ""
    return f", known by {' or '.join(sorted(assurance))}"


def find_role_holders(case: Case, claims: list[Attestation], role: Role | None) -> list[Attestation]:
    """Pick the claims whose signer holds a role now; all of them if none is asked for."""
    return [claim for claim in claims if role is None or case.holds_role(claim.signer, role)]
