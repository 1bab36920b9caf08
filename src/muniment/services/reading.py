"""What every answer needs: the unit of work, who asks and what they may see, at what time.

What a caller may not see is answered as if it were not there, so that nobody learns by asking.
"""

from dataclasses import dataclass, fields
from functools import cached_property

from muniment.core.errors import NotFound, NotIdentified, NotPermitted
from muniment.core.names import ModelName, Models, Reference
from muniment.core.people.callers import Caller
from muniment.core.people.roles import EVERYWHERE, Act, may
from muniment.core.verbs.verb import May, Query, Verb, Who, Within
from muniment.ports.unit import Unit
from muniment.services.transaction import list_grants, roles_of
from muniment.signing.notes import NoteSigner


class Sight:
    """What a caller may see, by the grants that stand in one unit of work. Every role may read."""

    def __init__(self, unit: Unit, caller: Caller) -> None:
        """Look through the eyes of a caller."""
        self._unit = unit
        self.caller = caller

    def sees(self, namespace: str) -> bool:
        """Say whether the caller may read in a namespace."""
        if self.caller.direct:
            return True
        granted = not self._namespaces.isdisjoint({namespace, EVERYWHERE})
        return granted and self.caller.reaches(Act.READ, namespace)

    def namespaces(self) -> frozenset[str] | None:
        """Give the namespaces that the caller may read in; None for all of them."""
        if self.sees(EVERYWHERE):
            return None
        scopes = self.caller.scopes or frozenset()
        known = self._namespaces | {scope.namespace for scope in scopes}
        return frozenset(found for found in known - {EVERYWHERE} if self.sees(found))

    def check_may(self, act: Act, namespace: str) -> None:
        """Check that the caller may do an act in a namespace, or everywhere.

        Raises:
            NotPermitted: no role of theirs allows it there.
            NotIdentified: it is nobody here.
        """
        if act is Act.READ:
            allowed = self.sees(namespace)
        else:
            roles = roles_of(self._unit, self.principal, namespace)
            allowed = may(roles, act) and self.caller.reaches(act, namespace)
        if not allowed:
            raise NotPermitted(principal=self.principal, act=str(act), namespace=namespace)

    def check_anything(self) -> None:
        """Check that the caller holds some role: then it may know who the others are.

        Raises:
            NotPermitted: it holds none.
            NotIdentified: it is nobody here.
        """
        if not self.caller.direct and self.namespaces() == frozenset():
            raise NotPermitted(principal=self.principal, act=str(Act.READ), namespace="any namespace")

    @property
    def principal(self) -> str:
        """Who the caller is.

        Raises:
            NotIdentified: it is nobody here.
        """
        if self.caller.principal is None:
            raise NotIdentified
        return self.caller.principal

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        if self.caller.principal is None:
            return frozenset()
        return frozenset(grant.namespace for grant in list_grants(self._unit, self.caller.principal))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One unit of work of somebody who asks."""

    unit: Unit
    sight: Sight
    signer: NoteSigner
    now: str

    @cached_property
    def time(self) -> str:
        """The time of this reading: never before the newest entry, whatever the clock says."""
        return max(self.now, self.unit.log.last_time())

    @property
    def registry(self) -> str:
        """The verifier key of the log."""
        return str(self.signer.verifier)

    def find_text(self, digest: str | None) -> str | None:
        """Find what somebody typed; None if they typed nothing, or it was erased."""
        return None if digest is None else self.unit.payloads.find(digest)

    def check_who(self, query: Query[object]) -> None:
        """Check that the caller is answered, as the query's declaration says.

        Raises:
            NotFound: the caller may not read where it is, in the words that are used if it is not there.
            NotPermitted: the caller may not know it.
        """
        match query.declared.who:
            case Within(on, absent):
                if not self.sight.sees(namespace_of(query, on)):
                    raise _describe_absent(query, on, absent)
            case May(act, on):
                self.sight.check_may(act, namespace_of(query, on))
            case Who.MEMBER:
                self.sight.check_anything()
            case Who.CALLER | Who.ANYBODY:
                return


def namespace_of(verb: Verb, on: str) -> str:
    """Give the namespace that a field of a verb names, or everywhere (`*`)."""
    value = EVERYWHERE if on == EVERYWHERE else getattr(verb, on)
    match value:
        case Reference():
            return value.name.namespace
        case ModelName() | Models():
            return value.namespace
        case _:
            return str(value)


def _describe_absent(verb: Verb, on: str, absent: type[NotFound]) -> NotFound:
    """Say that what a verb is about is not there: what the refusal says of it is a name, or a reference."""
    value, alias = getattr(verb, on), getattr(verb, "alias", None)
    name = value.name if isinstance(value, Reference) else value
    said = {
        "name": str(name),
        "alias": str(alias),
        "reference": str(value) if isinstance(value, Reference) else f"{name}@{alias}",
    }
    return absent(**{field.name: said[field.name] for field in fields(absent)})
