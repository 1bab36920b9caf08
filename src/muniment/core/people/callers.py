"""Callers: their principal, the scopes of their credential, and their assurance.

>>> Scope.parse("write:acme").permits(Act.PUBLISH, "acme")
True
>>> Scope.parse("write:acme").permits(Act.GRANT, "acme")
False
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from muniment.core.errors import InvalidScope
from muniment.core.names import check_part
from muniment.core.people.roles import EVERYWHERE, Act

# The principal of the registry itself, which signs verdicts, scans and tombstones.
REGISTRY: Final = "registry"


class Assurance(StrEnum):
    """How the owner of a key was identified when it was enrolled."""

    KEY = "key"
    PASSKEY = "passkey"
    WORKLOAD = "workload"
    SESSION = "session"
    SSH = "ssh"
    # An admin let them in anew, or enrolled the key for them.
    RECOVERY = "recovery"


class Reach(StrEnum):
    """The reach of a credential; each level includes the ones before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_READING: Final = frozenset({Act.READ, Act.INSPECT})
_ADMINISTRATION: Final = frozenset(
    {
        *(Act.SET_POLICY, Act.GRANT, Act.ENROL, Act.PURGE, Act.ERASE, Act.HOOK, Act.ASSIGN),
        Act.CONFIRM_TIME,
    }
)
_REACHES: Final = {
    Reach.READ: _READING,
    Reach.WRITE: frozenset(Act) - _ADMINISTRATION,
    Reach.ADMIN: frozenset(Act),
}


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """The allowed use of a token in a namespace, or everywhere; never more than its owner may do."""

    reach: Reach
    namespace: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `read:acme`, `write:*`, `admin:*`.

        Raises:
            InvalidScope: any other form.
        """
        reach, colon, namespace = text.partition(":")
        if not colon or reach not in set(Reach):
            raise InvalidScope(scope=text)
        if namespace != EVERYWHERE:
            check_part(namespace, "namespace")
        return cls(Reach(reach), namespace)

    def permits(self, act: Act, namespace: str) -> bool:
        """Return whether it covers an act in a namespace."""
        return self.namespace in {EVERYWHERE, namespace} and act in _REACHES[self.reach]

    def __str__(self) -> str:
        """Write it in its usual form."""
        return f"{self.reach}:{self.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a verb.

    Attributes:
        principal: the owner of the credential; None if the registry knows nobody with it.
        scopes: the scopes of the credential; None if it covers all that the principal may do.
        token: the id of the token; None if the caller uses a local key.
        assurance: how the caller was identified.
        voucher: on whose word, if the caller may sign in with it: who invited them, or wrote the rule.
        starter: the person who started the job that calls, if its platform said so.
        direct: whether the caller opened the stores itself, so that nothing can be hidden from it.
    """

    principal: str | None
    scopes: frozenset[Scope] | None = None
    token: str | None = None
    assurance: Assurance = Assurance.KEY
    voucher: str | None = None
    starter: str | None = None
    direct: bool = False

    def reaches(self, act: Act, namespace: str) -> bool:
        """Return whether the credential covers an act in a namespace; roles are checked separately."""
        return self.scopes is None or any(scope.permits(act, namespace) for scope in self.scopes)


NOBODY: Final = Caller(principal=None)


def parse_scopes(texts: Iterable[str]) -> frozenset[Scope]:
    """Read scopes.

    Raises:
        InvalidScope: one is malformed.
    """
    return frozenset(Scope.parse(text) for text in texts)
