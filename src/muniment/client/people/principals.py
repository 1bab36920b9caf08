"""The people and workloads of a registry, with their keys and roles."""

from collections.abc import Sequence

from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import find_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.receipts import Receipt
from muniment.core.records import RecoveryRecord
from muniment.core.verbs.people import (
    ApproveRecovery,
    CancelRecovery,
    ConfirmPrincipal,
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
from muniment.views.principals import view_keys, view_people, view_person, view_recoveries
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
        person = self.get(principal, at=at)
        return view_person(person, self._name_vouchers(person, at), self._backend.time())

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
        """Enrol another key for a principal.

        If it is for somebody else who has a key already, it cannot be used for a day, unless another admin
        approves it: see `recoveries`.
        """
        end = self._backend.until(expires)
        return self._backend.execute(EnrolKey(principal=principal, public_key=key.pem, expires=end))

    def confirm(self, principal: str, reason: str = "") -> Receipt:
        """Confirm, as another admin, that a person or workload is who they are, and say how you know.

        Until then, their approvals of a version do not count if one of its authors vouched for them.
        """
        return self._backend.execute(ConfirmPrincipal(principal=principal, reason=write_reason(reason)))

    def recoveries(self, principal: str | None = None) -> Sequence[RecoveryRecord]:
        """List who let a person in anew, by an invitation or a key, oldest first; ourselves by default."""
        person = self.me() if principal is None else self.get(principal)
        return person.recoveries

    def view_recoveries(self, principal: str | None = None) -> View:
        """Show who let a person in anew, as `muniment user recovery list` does; ourselves by default."""
        person = self.me() if principal is None else self.get(principal)
        return view_recoveries(person, self._name_vouchers(person), self._backend.time())

    def approve_recovery(self, recovery: int) -> Receipt:
        """Let a recovery, by its entry, be used at once; it takes another admin than who began it."""
        return self._backend.execute(ApproveRecovery(recovery=recovery))

    def cancel_recovery(self, recovery: int) -> Receipt:
        """Cancel a recovery, by its entry, before it can be used: our own or, as an admin, anybody's."""
        return self._backend.execute(CancelRecovery(recovery=recovery))

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

    def _name_vouchers(self, person: Person, at: str | None = None) -> dict[str, str]:
        """Find the names of who vouched for a person, or let them in anew."""
        vouchers = {vouch.voucher for vouch in person.vouches} | {one.actor for one in person.recoveries}
        return find_names(self._backend, vouchers - {REGISTRY}, self._backend.past(at))


def write_reason(text: str) -> Payload | None:
    """Salt a reason; None for an empty one."""
    return Payload.of(text) if text else None
