"""Waivers: named rules are waived for one version and alias, for a time, by approvals of their own.

The predicate is `https://muniment.dev/waiver/v1`. Whether waivers are possible at all, to which rules,
for how long, and with whose approval, is for the policy to say.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import WAIVER
from muniment.core.claims.predicates import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(Predicate):
    """What a waiver says.

    Attributes:
        version: `namespace/model@number`.
        registry: the verifier key of the log that it is for.
        policy: the digest of the policy.
        rules: the ids of the rules.
        until: when it ends (RFC 3339).
        reason: the digest of the payload that says why.
        nonce: so that two of them never have the same bytes.
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
