"""Emergencies: somebody's signed word that an alias has to move past its gate, and why.

The predicate is `https://muniment.dev/emergency/v1`. Whether that is possible at all, for whom, and how soon
somebody else has to close it, is for the policy to say.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import EMERGENCY
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest
from muniment.core.names import Alias


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency(Predicate):
    """What an emergency says.

    Attributes:
        version: `namespace/model@number`.
        registry: the verifier key of the log that it is for.
        reason: the digest of the payload that says why.
        nonce: so that two of them never have the same bytes.
        time: when, by the clock of the principal who says so (RFC 3339).
    """

    type: ClassVar[str] = EMERGENCY
    version: str
    alias: Alias
    registry: str
    reason: Digest
    nonce: str
    time: str
