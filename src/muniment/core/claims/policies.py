"""Policies in force: signed statements that put a policy, the subject, in force.

The predicate is `https://muniment.dev/policy/v1`; `muniment.core.gates` reads the policies themselves.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import POLICY
from muniment.core.claims.predicates import Predicate
from muniment.core.names import Alias, Models


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce(Predicate):
    """The content of the statement: from now on the policy holds for an alias of some models.

    Attributes:
        registry: the verifier key of the registry's log.
        time: the time by the signer's clock (RFC 3339).
    """

    type: ClassVar[str] = POLICY
    models: Models
    alias: Alias
    registry: str
    time: str
