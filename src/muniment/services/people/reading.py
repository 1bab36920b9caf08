"""The context of every answer: the unit of work, the caller, what they may see, and the time.

Things that a caller may not see are answered as missing, so that nobody learns by asking.
"""

from dataclasses import dataclass
from functools import cached_property

from muniment.answers.people import list_grants, roles_of
from muniment.answers.view import State
from muniment.core.errors import NotFound, NotIdentified, NotPermitted
from muniment.core.names import ModelName, Models, Reference
from muniment.core.people.callers import Caller
from muniment.core.people.roles import EVERYWHERE, Act, may
from muniment.core.records import GrantRecord, Where
from muniment.core.verbs.verb import May, Members, Own, Query, Verb, Who, Within
from muniment.ports.unit import Unit
from muniment.signing.heads import HeadSigner


class Sight:
    """What a caller may see, by the grants in one unit of work. Every role may read."""

    def __init__(self, unit: Unit, caller: Caller) -> None:
        """Take the view of a caller."""
        self._unit = unit
        self.caller = caller

    def sees(self, namespace: str) -> bool:
        """Return whether the caller may read in a namespace."""
        if self.caller.direct:
            return True
        granted = not self._namespaces.isdisjoint({namespace, EVERYWHERE})
        return granted and self.caller.reaches(Act.READ, namespace)

    def namespaces(self) -> frozenset[str] | None:
        """Return the namespaces that the caller may read in; None means all."""
        if self.sees(EVERYWHERE):
            return None
        scopes = self.caller.scopes or frozenset()
        known = self._namespaces | {scope.namespace for scope in scopes}
        return frozenset(namespace for namespace in known - {EVERYWHERE} if self.sees(namespace))

    def check_may(self, act: Act, namespace: str) -> None:
        """Check that the caller may do an act in a namespace, or everywhere.

        Raises:
            NotPermitted: no role of the caller allows it there.
            NotIdentified: the caller has no principal.
        """
        if act is Act.READ:
            allowed = self.sees(namespace)
        else:
            roles = roles_of(self._unit, self.principal, namespace)
            allowed = may(roles, act) and self.caller.reaches(act, namespace)
        if not allowed:
            raise NotPermitted(principal=self.principal, act=str(act), namespace=namespace)

    def check_member(self) -> None:
        """Check that the caller holds a role, and so may know who the others are.

        Raises:
            NotPermitted: the caller holds no role.
            NotIdentified: the caller has no principal.
        """
        if not self.caller.direct and self.namespaces() == frozenset():
            raise NotPermitted(principal=self.principal, act=str(Act.READ), namespace="any namespace")

    def acquaintances(self) -> frozenset[str] | None:
        """Return the principals that the caller may find; None means all.

        They are those who have or had a role where the caller may read. Who grants roles finds everybody.
        """
        namespaces = self.namespaces()
        if namespaces is None or any(self._may_grant(namespace) for namespace in namespaces):
            return None
        grants = (
            grant
            for namespace in {*namespaces, EVERYWHERE}
            for grant in self._unit.projections.select(GrantRecord, Where("namespace", "=", namespace))
        )
        return frozenset({self.principal, *(grant.principal for grant in grants)})

    @property
    def principal(self) -> str:
        """The principal of the caller.

        Raises:
            NotIdentified: the caller has no principal.
        """
        if self.caller.principal is None:
            raise NotIdentified
        return self.caller.principal

    def _may_grant(self, namespace: str) -> bool:
        roles = roles_of(self._unit, self.principal, namespace)
        return may(roles, Act.GRANT) and self.caller.reaches(Act.GRANT, namespace)

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        if self.caller.principal is None:
            return frozenset()
        return frozenset(grant.namespace for grant in list_grants(self._unit, self.caller.principal))


@dataclass(frozen=True, kw_only=True)
class Reading(State):
    """One unit of work that answers a query, which is also its view."""

    unit: Unit
    sight: Sight
    signer: HeadSigner

    def check_who(self, query: Query[object]) -> None:
        """Check that the query's declaration lets the caller have an answer.

        Raises:
            NotFound: the caller may not read there; the error is the same as for a missing thing.
            NotPermitted: the caller may not ask this.
        """
        match query.declared.who:
            case Within() as within:
                self._check_within(query, within)
            case Own() as own:
                self._check_own(query, own)
            case May(act, on):
                self.sight.check_may(act, namespace_of(query, on))
            case Members(on, themselves):
                if getattr(query, themselves) != self.sight.caller.principal:
                    self.sight.check_member()
                for namespace in getattr(query, on):
                    self.sight.check_may(Act.READ, namespace)
            case Who.MEMBER:
                self.sight.check_member()
            case Who.CALLER | Who.ANYBODY:
                return

    def _check_within(self, query: Query[object], within: Within) -> None:
        namespace = namespace_of(query, within.on)
        if not (within.registry and namespace == EVERYWHERE) and not self.sight.sees(namespace):
            raise _describe_absent(query, within.on, within.absent)

    def _check_own(self, query: Query[object], own: Own) -> None:
        if getattr(query, own.on) != self.sight.principal:
            act = "read what is somebody else's"
            raise NotPermitted(principal=self.sight.principal, act=act, namespace=EVERYWHERE)
        if own.within is not None:
            self._check_within(query, own.within)


def namespace_of(verb: Verb, on: str) -> str:
    """Return the namespace that a field of a verb names, or everywhere (`*`)."""
    value = EVERYWHERE if on == EVERYWHERE else getattr(verb, on)
    match value:
        case Reference():
            return value.name.namespace
        case ModelName() | Models():
            return value.namespace
        case _:
            return str(value)


def _describe_absent(verb: Verb, on: str, absent: type[NotFound]) -> NotFound:
    """Make the error for a missing thing: its data is the name or reference in the verb."""
    value, alias = getattr(verb, on), getattr(verb, "alias", None)
    name = value.name if isinstance(value, Reference) else value
    data = {
        "namespace": str(value),
        "name": str(name),
        "alias": str(alias),
        "reference": str(value) if isinstance(value, Reference) else f"{name}@{alias}",
    }
    return absent(**{name: data[name] for name in absent.fields})
