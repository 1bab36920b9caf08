"""What a rule looks at, and what it finds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from muniment.core.claims.approvals import SignedApproval, evidence_of, last_approvals
from muniment.core.claims.attestations import Attestation
from muniment.core.claims.evidence import Evidence, newest_per_dataset
from muniment.core.claims.recomputation import Contradiction
from muniment.core.errors import InvalidTime
from muniment.core.people.roles import Role
from muniment.core.times import read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stretch of time in which an alias pointed at the version; `until` is None while it does."""

    alias: str
    since: str
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The version that an alias points at, and the claims about it."""

    version: str
    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Something that the version was made from.

    Attributes:
        name: what the training calls it.
        kind: dataset, model or code.
        resolved: its bytes are here, by digest; of code, that a commit names it.
        licence: what the card of that version says; empty if nothing does.
    """

    name: str
    kind: str
    resolved: bool
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that a gate looks at: one version, one alias, the claims about it, and who holds what.

    Attributes:
        now: when it is judged (RFC 3339).
        registry: the origin of the log; what was signed for another registry does not count here.
        policy: the digest of the policy that judges.
        authors: who made the version, under whatever name it was published.
        roles: the roles held now in the model's namespace, by principal.
        holds: the aliases that pointed at the version, oldest first.
        baselines: what the aliases that the policy compares with point at; None if at nothing.
        origins: what the version was made from.
        revoked: the version itself and its ancestors, those of them that are revoked.
    """

    version: str
    alias: str
    policy: str
    now: str
    registry: str = ""
    paths: tuple[str, ...]
    authors: frozenset[str]
    attestations: tuple[Attestation, ...]
    roles: Mapping[str, frozenset[Role]]
    holds: tuple[Hold, ...] = ()
    baselines: Mapping[str, Baseline | None] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    revoked: tuple[str, ...] = ()

    @cached_property
    def time(self) -> datetime:
        """When it is judged."""
        return read_time(self.now)

    @cached_property
    def evidence(self) -> tuple["Measured", ...]:
        """The newest evaluation of each dataset, with what is wrong with it. Many rules look at it."""
        return tuple(Measured.of(*found) for found in newest_per_dataset(self.attestations))

    @cached_property
    def by_dataset(self) -> Mapping[tuple[str, str], list[Attestation]]:
        """The claims by predicate type and whatever their dataset goes by, oldest first."""
        found: dict[tuple[str, str], list[Attestation]] = {}
        for kind, claims in self.by_type.items():
            for claim in claims:
                for name in Evidence(claim.predicate).dataset_names:
                    found.setdefault((kind, name), []).append(claim)
        return found

    @cached_property
    def seen(self) -> frozenset[str]:
        """The digests of the evidence that an approver has to have seen."""
        return evidence_of(self.attestations)

    @cached_property
    def approvals(self) -> Mapping[str, SignedApproval]:
        """What each person decided last about this version for this alias."""
        return last_approvals(self.attestations, self.version, self.alias)

    @cached_property
    def by_type(self) -> Mapping[str, list[Attestation]]:
        """The claims by predicate type, oldest first."""
        found: dict[str, list[Attestation]] = {}
        for claim in sorted(self.attestations, key=lambda one: one.index):
            found.setdefault(claim.predicate_type, []).append(claim)
        return found

    def of_type(self, predicate_type: str) -> list[Attestation]:
        """List the claims of a type, oldest first."""
        return self.by_type.get(predicate_type, [])

    def holds_role(self, principal: str, role: Role) -> bool:
        """Say whether a principal holds a role now."""
        return role in self.roles.get(principal, frozenset())

    def excluding(self, principal: str) -> "Case":
        """Give the same case with one more principal whose approval does not count."""
        return replace(self, authors=self.authors | {principal})

    def is_older(self, time: str, age: timedelta) -> bool:
        """Say whether something is older than an age; what has no time that can be read is."""
        try:
            return self.time - read_time(time) > age
        except InvalidTime:
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An evaluation, and the numbers in it that do not follow from its counts."""

    claim: Attestation
    evidence: Evidence
    contradictions: tuple[Contradiction, ...]
    dataset_names: frozenset[str]

    @classmethod
    def of(cls, claim: Attestation, evidence: Evidence) -> "Measured":
        """Compute its metrics again."""
        return cls(
            claim=claim,
            evidence=evidence,
            contradictions=tuple(evidence.find_contradictions()),
            dataset_names=evidence.dataset_names,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule found.

    Attributes:
        rule: what it asks, in a few words.
        passed: met, which is exactly True.
        message: why, or why not.
        attestations: the digests of the claims that it looked at.
        mend: the command that would help; empty if it is met, or if none would.
        id: the rule's name in its policy.
        waived: the digest of the waiver of a rule that is not met; empty if there is none.
    """

    rule: str
    passed: bool
    message: str
    attestations: tuple[str, ...] = ()
    mend: str = ""
    id: str = ""
    waived: str = ""

    @property
    def holds(self) -> bool:
        """Say whether the rule is no obstacle."""
        return self.passed is True or bool(self.waived)


class Rule(Protocol):
    """One boolean, one message."""

    @property
    def label(self) -> str:
        """What it asks, in a few words."""

    def judge(self, case: Case) -> Finding:
        """Judge a case."""


def yes(rule: Rule, message: str, claims: Iterable[Attestation] = ()) -> Finding:
    """Write down that a rule is met."""
    return Finding(rule=rule.label, passed=True, message=message, attestations=_digests(claims))


def no(rule: Rule, message: str, claims: Iterable[Attestation] = (), *, mend: str = "") -> Finding:
    """Write down that a rule is not met, and what would help."""
    return Finding(rule=rule.label, passed=False, message=message, attestations=_digests(claims), mend=mend)


def _digests(claims: Iterable[Attestation]) -> tuple[str, ...]:
    return tuple(str(claim.digest) for claim in claims)


def write_age(age: timedelta) -> str:
    """Write an age as policies do.

    >>> write_age(timedelta(days=90)), write_age(timedelta(hours=36))
    ('90d', '36h')
    """
    hours = age // timedelta(hours=1)
    return f"{hours // 24}d" if hours and hours % 24 == 0 else f"{hours}h"
