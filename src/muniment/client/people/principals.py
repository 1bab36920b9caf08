"""The people and workloads of a registry, with their keys and roles."""

from collections.abc import Sequence

from muniment.client.proofs.paging import find_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.receipts import Receipt
from muniment.core.verbs.people import (
    EnrolKey,
    ErasePrincipal,
    GrantRole,
    ListPeople,
    Person,
    RegisterPrincipal,
    RevokeKey,
    RevokeRole,
)
from muniment.signing.keys import PublicKey
from muniment.views.principals import view_keys, view_people, view_person
from muniment.views.view import View


class People:
    """`registry.people`. Most methods require the role admin."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Use a backend."""
        self._backend = backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<People of {self._backend.location}>"

    def me(self) -> Person:
        """Return our principal, as the log says. Raises as `TrustedBackend.find_self`.

        Raises:
            NotIdentified: our key is not enrolled.
        """
        return self._backend.find_self()

    def list(self, *, at: str | None = None) -> Sequence[Person]:
        """List people and workloads, now or at a time, oldest first, each proven; there may be more."""
        at = self._backend.past(at)
        found = find_all(self._backend, ListPeople(at=at))
        return [self._backend.prove_person(person, at) for person in found]

    def view(self, *, at: str | None = None) -> View:
        """Show people and workloads with their roles, as `muniment user list` does."""
        empty = "nobody is found: muniment user add NAME registers somebody"
        return view_people("People", self.list(at=at), self._backend.time(), empty=empty, found=True)

    def view_person(self, principal: str, *, at: str | None = None) -> View:
        """Show a person or workload, by id or name, as `muniment user show` does. Raises as `get`."""
        return view_person(self.get(principal, at=at), self._backend.time())

    def view_keys(self, *, at: str | None = None) -> View:
        """Show the keys of people and workloads, as `muniment key list` does."""
        return view_keys(self.list(at=at), self._backend.time())

    def get(self, principal: str, *, at: str | None = None) -> Person:
        """Return a principal, by id or name, now or at a time, with the roles that the registry shows us.

        Raises:
            NotShown: there is none, as the registry says.
        """
        return self._backend.find_person(principal, self._backend.past(at))

    def add(
        self, name: str, key: PublicKey | None = None, *, expires: str | None = None, workload: bool = False
    ) -> Receipt:
        """Register a person or workload under a name, with their public key, if known."""
        pem, end = None if key is None else key.pem, self._backend.until(expires)
        return self._backend.execute(
            RegisterPrincipal(name=Payload.of(name), public_key=pem, expires=end, workload=workload)
        )

    def enrol(self, principal: str, key: PublicKey, *, expires: str | None = None) -> Receipt:
        """Enrol another key for a principal."""
        end = self._backend.until(expires)
        return self._backend.execute(EnrolKey(principal=principal, public_key=key.pem, expires=end))

    def erase(self, principal: str, *, typed: bool = False) -> Receipt:
        """Erase a person's name, logins, and the names of their keys and tokens.

        With `typed`, also erase all texts that they typed: reasons, messages, comments, tags. The log stays
        valid.
        """
        return self._backend.execute(ErasePrincipal(principal=principal, typed=typed))

    def revoke(self, key_id: str, *, effective: int | None = None) -> Receipt:
        """Revoke a key from now on, or as of an earlier entry of the log."""
        return self._backend.execute(RevokeKey(key_id=key_id, effective=effective))

    def grant(self, principal: str, role: Role | str, namespace: str = EVERYWHERE) -> Receipt:
        """Grant a role."""
        return self._backend.execute(GrantRole(principal=principal, role=Role(role), namespace=namespace))

    def withdraw(self, principal: str, role: Role | str, namespace: str = EVERYWHERE) -> Receipt:
        """End a grant."""
        return self._backend.execute(RevokeRole(principal=principal, role=Role(role), namespace=namespace))


def write_reason(text: str) -> Payload | None:
    """Salt a reason; None for an empty one."""
    return Payload.of(text) if text else None
