"""Waivers: temporary exceptions from named rules for one version and alias, with their own approvals.

The predicate is `https://muniment.dev/waiver/v1`. The policy says which rules can be waived, for how long,
and with whose approval.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import WAIVER
from muniment.core.claims.predicates import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Predicate):
    """The content of a waiver.

    Attributes:
        version: `namespace/model@number`.
        registry: the verifier key of the registry's log.
        policy: the digest of the policy.
        rules: the ids of the rules.
        until: when it ends (RFC 3339).
        reason: the digest of the payload with the reason.
        nonce: makes the bytes of every waiver unique.
    """

    type: ClassVar[str] = WAIVER
    version: str
    alias: str
    registry: str
    policy: str
    rules: frozenset[str]
    until: str
    reason: str
    nonce: str
    time: str
