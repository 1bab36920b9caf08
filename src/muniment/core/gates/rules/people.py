"""Rules about signers: of the content, and of approvals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from muniment.core.claims.approvals import Meaning, SignedApproval, SigningDecision
from muniment.core.claims.attestations import CONTENT, Attestation
from muniment.core.gates.rules.case import Case, Finding, no, write_age, yes
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import Role


class Vouching(StrEnum):
    """Whose word a policy takes that an approver is who they are.

    That of people who did not make the version (`independent`), or anybody's (`any`).
    """

    INDEPENDENT = "independent"
    ANY = "any"


ANY_ASSURANCE: Final = frozenset(Assurance)
# A signature of authorship does not approve.
DECIDING: Final = frozenset(Meaning) - {Meaning.AUTHORSHIP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The content is signed by a principal with a role and an allowed assurance.

    If `signers` is not empty, only their signatures count.
    """

    role: Role = Role.CONTRIBUTOR
    assurance: frozenset[Assurance] = ANY_ASSURANCE
    signers: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The requirement."""
        who = f" or {' or '.join(sorted(self.signers))}" if self.signers else ""
        return f"content signed by a {self.role}{who}{_known_by(self.assurance)}"

    def judge(self, case: Case) -> Finding:
        """Look for such a signature."""
        signatures = [
            claim
            for claim in case.of_type(CONTENT)
            if case.holds_role(claim.signer, self.role)
            and claim.assurance in self.assurance
            and (not self.signers or claim.signer in self.signers)
        ]
        if not signatures:
            message = f"there is no content signature by a {self.role}{_known_by(self.assurance)}"
            return no(self, message, remedy=f"muniment push PATH {case.name}")
        return yes(self, f"signed by {signatures[-1].signer}", signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Enough people approved in the required roles; each counts once, and authors do not count.

    `counts` sets a number for each role; `total` sets a number for any of `roles`. `vouching` is that of the
    policy.
    """

    counts: Mapping[Role, int] = field(default_factory=dict)
    total: int = 0
    roles: frozenset[Role] = frozenset()
    assurance: frozenset[Assurance] = ANY_ASSURANCE
    meanings: frozenset[Meaning] = DECIDING
    max_age: timedelta | None = None
    vouching: Vouching = Vouching.INDEPENDENT

    @property
    def label(self) -> str:
        """The requirement."""
        asked = [f"{count} {role}" for role, count in self.counts.items()]
        if self.total:
            asked.append(f"{self.total} of {' or '.join(sorted(self.roles))}")
        age = "" if self.max_age is None else f", within {write_age(self.max_age)}"
        vouched = "" if self.vouching is Vouching.INDEPENDENT else ", on anybody's word"
        return f"approved by {', '.join(asked)}{_known_by(self.assurance)}{age}{vouched}"

    def judge(self, case: Case) -> Finding:
        """Count the signing decisions on the version."""
        return self.count(case, case.approvals)

    def count(self, case: Case, approvals: Mapping[str, SignedApproval]) -> Finding:
        """Count some approvals."""
        standing: list[SignedApproval] = []
        passed_over: list[str] = []
        unconfirmed = ""
        for signed in approvals.values():
            if signed.approval.decision is SigningDecision.WITHDRAW:
                continue
            if signed.is_rejection:
                return no(
                    self,
                    describe_rejection(signed),
                    [signed.claim],
                    remedy=f"muniment withdraw {case.version} --for {case.alias} --reason TEXT",
                )
            fault = self.find_fault(signed, case)
            if fault:
                passed_over.append(fault)
                unconfirmed = unconfirmed or self._find_unconfirmed(signed, case)
            else:
                standing.append(signed)
        have = {role: sum(one.approval.role is role for one in standing) for role in Role}
        missing = [
            f"{count - have[role]} {role} missing"
            for role, count in self.counts.items()
            if have[role] < count
        ]
        some = [one.claim for one in standing if one.approval.role in self.roles]
        if len(some) < self.total:
            missing.append(f"{self.total - len(some)} of {' or '.join(sorted(self.roles))} missing")
        counted = [one.claim for one in standing if one.approval.role in self.counted_roles]
        if missing:
            remedy = f"muniment user confirm {unconfirmed}" if unconfirmed else self._find_remedy(case, have)
            return no(self, "; ".join(missing + passed_over), counted, remedy=remedy)
        return yes(self, _list_names(standing), counted)

    @property
    def counted_roles(self) -> frozenset[Role]:
        """The roles in which approvals are counted."""
        return frozenset({*self.counts, *self.roles})

    def find_fault(self, signed: SignedApproval, case: Case) -> str:
        """Name the reason why an approval does not count; empty if it does."""
        claim, approval = signed
        signer = claim.signer
        stale = signed.find_staleness(case.policy, case.since, case.seen)
        author = case.find_guarantor(claim.key_id)
        unconfirmed = "whom no other admin confirmed"
        faults = {
            f"{signer} made the version": signer in case.authors,
            f"{signer} is a workload": signer in case.workloads,
            f"{signer} made themselves {approval.role}, which no other admin confirmed": self._is_own(
                signed, case
            ),
            f"{signer} is not a {approval.role}": not case.holds_role(signer, approval.role),
            f"{signer} signed only for {approval.meaning}": approval.meaning not in self.meanings,
            f"{signer} is known only by {claim.assurance}": claim.assurance not in self.assurance,
            f"the approval by {signer} is for another registry": approval.registry != case.registry,
            f"the approval by {signer} covers another {stale}": bool(stale),
            f"the approval by {signer} has expired": _has_expired(approval.expires, case),
            f"the approval by {signer} is too old": self.max_age is not None
            and case.is_older(claim.recorded, self.max_age),
            f"{author} made the version and vouches for {signer}, {unconfirmed}": bool(author),
        }
        return next((fault for fault, applies in faults.items() if applies), "")

    def _find_unconfirmed(self, signed: SignedApproval, case: Case) -> str:
        """Name the signer if all that an approval lacks is another admin's word for them; empty otherwise."""
        claim = signed.claim
        believed = replace(
            case,
            guarantors=None,
            roles={**case.roles, claim.signer: case.find_roles(claim.signer)},
            own_roles={},
        )
        return "" if self.find_fault(signed, believed) else claim.signer

    @staticmethod
    def _is_own(signed: SignedApproval, case: Case) -> bool:
        own = case.own_roles.get(signed.claim.signer, frozenset())
        return signed.approval.role in own

    def _find_remedy(self, case: Case, have: Mapping[Role, int]) -> str:
        lacking = [role for role, count in self.counts.items() if have[role] < count]
        role = lacking[0] if lacking else min(self.roles)
        return f"muniment approve {case.version} --for {case.alias} --as {role} --reason TEXT"


def describe_rejection(signed: SignedApproval) -> str:
    """Say who rejected a version, and in which role."""
    return f"{signed.claim.signer} rejected it as {signed.approval.role}, which only they can withdraw"


def _list_names(approvals: list[SignedApproval]) -> str:
    return ", ".join(f"{one.claim.signer} as {one.approval.role}" for one in approvals)


def _has_expired(expires: str | None, case: Case) -> bool:
    return expires is not None and case.is_older(expires, timedelta(0))


def _known_by(assurance: frozenset[Assurance]) -> str:
    if assurance == ANY_ASSURANCE:
        return ""
    return f", known by {' or '.join(sorted(assurance))}"


def find_role_holders(case: Case, claims: list[Attestation], role: Role | None) -> list[Attestation]:
    """Pick the claims whose signer holds a role now; all claims if `role` is None."""
    return [claim for claim in claims if role is None or case.holds_role(claim.signer, role)]
