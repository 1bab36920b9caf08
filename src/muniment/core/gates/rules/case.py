"""Cases, which rules judge, and findings, which they return."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import SignedApproval, evidence_of, last_approvals
from muniment.core.claims.attestations import EVALUATION, Attestation
from muniment.core.claims.consistency import Fault
from muniment.core.claims.evidence import Evidence, newest_per_dataset
from muniment.core.clock import NOW, Jump, Timeline
from muniment.core.errors import InvalidTime
from muniment.core.people.roles import Role
from muniment.core.times import read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A period in which an alias pointed at the version, by the clock; `until` is None if it still does.

    `begun` and `ended` are the entries of the moves.
    """

    alias: str
    since: str
    until: str | None = None
    begun: int = 0
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The version that an alias points at, and the claims about it."""

    version: str
    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An input of the version.

    Attributes:
        name: its name in the training.
        kind: dataset, model or code.
        resolved: whether its bytes are here, by digest; for code, whether a commit names it.
        licence: the licence on its card; empty if there is none.
    """

    name: str
    kind: str
    resolved: bool
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """The input of a gate: a version, an alias, the claims about the version, and who holds which role.

    Attributes:
        now: the time of judgement by the clock (RFC 3339).
        jumps: the jumps of the clock, with who confirmed each.
        registry: the origin of the log; signatures for another registry do not count.
        policy: the digest of the policy.
        since: the entry that put it in force; what was decided before was decided under another.
        authors: the makers of the version, under any name that it was published under.
        roles: the present roles in the model's namespace, by principal, as far as they count.
        own_roles: those that a principal only gave themselves, which do not.
        workloads: those who signed a decision and are no person.
        guarantors: by the id of a key that signed a decision, on whose word it counts: the people behind the
            key, or behind an admin who confirmed its owner since. One of these has to be free of authors.
            None if the policy takes anybody's word.
        holds: the periods in which aliases pointed at the version, oldest first.
        baselines: the versions of the aliases that the policy compares with; None if an alias has none.
        origins: the inputs of the version.
        unseen: the places of those of which others may know more than who judges. No verdict states them.
        revoked: the version and its ancestors, as far as they are revoked.
        status: the status of the version.
        emergencies: the proposals by which a protected policy of the alias was changed in an emergency, at
        which nobody has looked yet. No rule looks at them.
    """

    version: str
    alias: str
    policy: str
    since: int = 0
    now: str
    registry: str = ""
    paths: tuple[str, ...]
    authors: frozenset[str]
    attestations: tuple[Attestation, ...]
    roles: Mapping[str, frozenset[Role]]
    own_roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    workloads: frozenset[str] = frozenset()
    guarantors: Mapping[str, tuple[frozenset[str], ...]] | None = None
    jumps: tuple[Jump, ...] = ()
    holds: tuple[Hold, ...] = ()
    baselines: Mapping[str, Baseline | None] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    unseen: frozenset[int] = frozenset()
    revoked: tuple[str, ...] = ()
    status: Status = Status.PUBLISHED
    emergencies: tuple[int, ...] = ()
    is_supposed: bool = False

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.version.partition("@")[0]

    @cached_property
    def timeline(self) -> Timeline:
        """The clock, as far as it is relied on for this version."""
        return Timeline(self.jumps, lambda confirmation: confirmation.counts(self.authors))

    @cached_property
    def time(self) -> datetime:
        """The time of judgement. A clock that was set back makes nothing valid that had ended before."""
        return read_time(max(self.now, self.timeline.anchor))

    @property
    def is_timed(self) -> bool:
        """Whether the time of judgement can be relied on."""
        return self.timeline.is_credible(self.now)

    def measure(self, hold: Hold) -> timedelta:
        """Return how long an alias certainly pointed at the version."""
        until = (NOW, self.now) if hold.until is None else (hold.ended or 0, hold.until)
        return self.timeline.measure((hold.begun, hold.since), until)

    @cached_property
    def evidence(self) -> tuple["Measured", ...]:
        """The newest evaluation of each dataset that our tool made over all of its rows."""
        whole = [
            claim
            for claim in self.of_type(EVALUATION)
            for evidence in [Evidence(claim.predicate)]
            if not evidence.is_subset and (self.is_supposed or not evidence.is_foreign)
        ]
        return tuple(Measured.of(*newest) for newest in newest_per_dataset(tuple(whole)))

    @cached_property
    def by_dataset(self) -> Mapping[tuple[str, str], list[Attestation]]:
        """The claims by predicate type and by each name of their dataset, oldest first."""
        claims_of: dict[tuple[str, str], list[Attestation]] = {}
        for kind, claims in self.by_type.items():
            for claim in claims:
                for name in Evidence(claim.predicate).dataset_names:
                    claims_of.setdefault((kind, name), []).append(claim)
        return claims_of

    @cached_property
    def seen(self) -> frozenset[str]:
        """The digests of the evidence that an approver must have seen."""
        return evidence_of(self.attestations)

    @cached_property
    def approvals(self) -> Mapping[str, SignedApproval]:
        """The last signing decision of each person on this version for this alias."""
        return last_approvals(self.attestations, self.version, self.alias)

    @cached_property
    def by_type(self) -> Mapping[str, list[Attestation]]:
        """The claims by predicate type, oldest first."""
        claims_of: dict[str, list[Attestation]] = {}
        for claim in sorted(self.attestations, key=lambda claim: claim.index):
            claims_of.setdefault(claim.predicate_type, []).append(claim)
        return claims_of

    def of_type(self, predicate_type: str) -> list[Attestation]:
        """List the claims of a type, oldest first."""
        return self.by_type.get(predicate_type, [])

    def holds_role(self, principal: str, role: Role) -> bool:
        """Return whether a principal holds a role now."""
        return role in self.roles.get(principal, frozenset())

    def find_roles(self, principal: str) -> frozenset[Role]:
        """Return all roles of a principal, also those that they gave themselves."""
        return self.roles.get(principal, frozenset()) | self.own_roles.get(principal, frozenset())

    def find_guarantor(self, key_id: str) -> str:
        """Find an author without whose word the owner of a key would be nobody; empty if there is none."""
        if self.guarantors is None:
            return ""
        guarantors = self.guarantors[key_id]
        if any(behind.isdisjoint(self.authors) for behind in guarantors):
            return ""
        return min(guarantors[0] & self.authors)

    def excluding(self, principal: str) -> "Case":
        """Return the same case with one more principal whose approval does not count."""
        return replace(self, authors=self.authors | {principal})

    def is_older(self, time: str, age: timedelta) -> bool:
        """Return whether a time is longer ago than an age; an unreadable time is."""
        try:
            return self.time - read_time(time) > age
        except InvalidTime:
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An evaluation, and what in it does not follow from its counts."""

    claim: Attestation
    evidence: Evidence
    contradictions: tuple[Fault, ...]
    dataset_names: frozenset[str]

    @classmethod
    def of(cls, claim: Attestation, evidence: Evidence) -> "Measured":
        """Recompute the metrics of an evaluation."""
        return cls(
            claim=claim,
            evidence=evidence,
            contradictions=tuple(evidence.find_contradictions()),
            dataset_names=evidence.dataset_names,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one rule.

    Attributes:
        rule: the requirement, in a few words.
        passed: whether it is met: exactly True.
        message: why, or why not.
        attestations: the digests of the claims that the rule used.
        remedy: what to type next; empty if the rule is met.
        id: the id of the rule in its policy.
        waived: the digest of the waiver of a rule that is not met; empty if there is none.
    """

    rule: str
    passed: bool
    message: str
    attestations: tuple[str, ...] = ()
    remedy: str = ""
    id: str = ""
    waived: str = ""

    @property
    def holds(self) -> bool:
        """Whether the rule is met or waived."""
        return self.passed is True or bool(self.waived)


class Rule(Protocol):
    """One boolean, one message."""

    @property
    def label(self) -> str:
        """The requirement, in a few words."""

    def judge(self, case: Case) -> Finding:
        """Judge a case."""


def yes(rule: Rule, message: str, claims: Iterable[Attestation] = ()) -> Finding:
    """Return the finding of a rule that is met."""
    return Finding(rule=rule.label, passed=True, message=message, attestations=_digests(claims))


def no(rule: Rule, message: str, claims: Iterable[Attestation] = (), *, remedy: str = "") -> Finding:
    """Return the finding of a rule that is not met, with a remedy."""
    return Finding(
        rule=rule.label, passed=False, message=message, attestations=_digests(claims), remedy=remedy
    )


def mistimed(rule: Rule, case: Case) -> Finding:
    """Return the finding of a rule that depends on a time that cannot be relied on."""
    remedy = "muniment admin confirm-time DATE --reason TEXT"
    return no(rule, case.timeline.explain(case.now), remedy=remedy)


def _digests(claims: Iterable[Attestation]) -> tuple[str, ...]:
    return tuple(str(claim.digest) for claim in claims)


def write_age(age: timedelta) -> str:
    """Write an age as policies do.

    >>> write_age(timedelta(days=90)), write_age(timedelta(hours=36))
    ('90d', '36h')
    """
    hours = age // timedelta(hours=1)
    return f"{hours // 24}d" if hours and hours % 24 == 0 else f"{hours}h"
