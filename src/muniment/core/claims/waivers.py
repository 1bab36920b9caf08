"""Waivers: named rules are waived for one version and alias, for a time, by approvals of their own.

The predicate is `https://muniment.dev/waiver/v1`. Whether waivers are possible at all, to which rules,
for how long, and with whose approval, is for the policy to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidAttestation


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """What a waiver says. Attributes as in the schema."""

    version: str
    alias: str
    registry: str
    policy: str
    rules: frozenset[str]
    until: str
    reason: str
    nonce: str
    time: str

    def predicate(self) -> JsonObject:
        """Write the predicate."""
        return {
            "version": self.version,
            "alias": self.alias,
            "registry": self.registry,
            "policy": self.policy,
            "rules": sorted(self.rules),
            "until": self.until,
            "reason": self.reason,
            "nonce": self.nonce,
            "time": self.time,
        }

    @classmethod
    def read(cls, predicate: Mapping[str, object]) -> "Waiver":
        """Read a predicate.

        Raises:
            InvalidAttestation: a member is missing or of another kind.
        """
        rules = predicate.get("rules")
        if not isinstance(rules, list):
            raise InvalidAttestation(reason="not a waiver: rules")
        try:
            texts = {name: str(predicate[name]) for name in _TEXTS}
        except KeyError as error:
            raise InvalidAttestation(reason=f"not a waiver: {error}") from error
        return cls(rules=frozenset(map(str, rules)), **texts)


_TEXTS = ("version", "alias", "registry", "policy", "until", "reason", "nonce", "time")
