"""Policies in force: the signed word of the principal who puts a policy, the subject, in force.

The predicate is `https://muniment.dev/policy/v1`; what policies ask for is in `muniment.core.gates`.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import POLICY
from muniment.core.claims.predicates import Predicate
from muniment.core.names import Alias, Models


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce(Predicate):
    """That a policy is in force for an alias of some models from now on.

    Attributes:
        registry: the verifier key of the log that it is for.
        time: when, by the clock of the principal who says so (RFC 3339).
    """

    type: ClassVar[str] = POLICY
    models: Models
    alias: Alias
    registry: str
    time: str
