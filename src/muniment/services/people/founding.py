"""Create a registry: its first entries and its first principal."""

from dataclasses import replace

from muniment.core.events import RegistryCreated, RoleGranted
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY, Caller
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.verbs.people import RegisterPrincipal
from muniment.services.people.principals import add_principal
from muniment.services.transaction import Outcome, Transaction


def found_registry(tx: Transaction, founder: RegisterPrincipal, registry_name: Payload) -> Outcome:
    """Write the first entries; if another process has, return the first entry.

    `tx.actor` is the id of the founder, who becomes admin and contributor everywhere.
    """
    if tx.unit.log.size():
        return Outcome(0, created=False)
    verifier = str(tx.keys.log.verifier)
    salt = tx.make_salt(EVERYWHERE)
    first = tx.record(RegistryCreated(origin=tx.keys.log.name, log_key=verifier, salt=salt))
    itself = RegisterPrincipal(name=registry_name, public_key=tx.keys.verdicts.public.pem)
    add_principal(tx, REGISTRY, REGISTRY, itself)
    add_principal(tx, tx.actor, "person", founder)
    # Nobody gives roles to themselves: those of the founder come from the registry.
    itself_acting = replace(tx, caller=Caller(principal=REGISTRY, direct=True))
    for role in (Role.ADMIN, Role.CONTRIBUTOR):
        itself_acting.record(RoleGranted(principal=tx.actor, namespace=EVERYWHERE, role=role))
    return Outcome(first)
