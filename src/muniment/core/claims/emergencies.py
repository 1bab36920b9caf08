"""Emergencies: signed statements that an alias must move past its gate, and why.

The predicate is `https://muniment.dev/emergency/v1`. The policy says whether anybody may do that, who, and
how soon somebody else must close it.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import EMERGENCY
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest
from muniment.core.names import Alias


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency(Predicate):
    """The content of an emergency.

    Attributes:
        version: `namespace/model@number`.
        registry: the verifier key of the registry's log.
        reason: the digest of the payload with the reason.
        nonce: makes the bytes of every emergency unique.
        time: the time by the signer's clock (RFC 3339).
    """

    type: ClassVar[str] = EMERGENCY
    version: str
    alias: Alias
    registry: str
    reason: Digest
    nonce: str
    time: str
