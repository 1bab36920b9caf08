"""Rights: what a caller may see.

What a caller may not see is answered as if it were not there, so that nobody learns by asking.
"""

from functools import cached_property

from muniment.core.errors import NotIdentified, NotPermitted, PrincipalNotFound
from muniment.core.people.callers import Caller
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import PrincipalRecord
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.transaction import list_grants


def get_principal(unit: Unit, text: str) -> PrincipalRecord:
    """Find a principal by id or by name.

    Raises:
        PrincipalNotFound: there is none.
    """
    record = unit.projections.find(PrincipalRecord, (text,))
    if record is not None:
        return record
    for digest in unit.payloads.find_labelled(text):
        found = unit.projections.select(PrincipalRecord, Where("profile", "=", digest))
        if found:
            return found[0]
    raise PrincipalNotFound(principal=text)


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

    def check_everything(self) -> None:
        """Check that the caller may read everywhere.

        Raises:
            NotPermitted: it is a reader of some namespaces only.
            NotIdentified: it is nobody here.
        """
        if not self.sees(EVERYWHERE):
            raise NotPermitted(principal=self.principal, act=str(Act.READ), namespace=EVERYWHERE)

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
