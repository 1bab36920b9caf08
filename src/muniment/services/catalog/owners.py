"""Owners: the principals who answer for models."""

from muniment.answers.catalog import find_model
from muniment.core.events import OwnerSet
from muniment.core.people.roles import Act
from muniment.core.records import OwnerRecord, Where
from muniment.core.verbs.catalog import SetOwner
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction


def set_owner(tx: Transaction, command: SetOwner) -> Outcome:
    """Set the owner of a model; setting the present one again changes nothing.

    Raises:
        ModelNotFound, PrincipalNotFound: the model or the principal does not exist.
        NotPermitted: the actor is neither an admin nor the present owner.
    """
    name = command.name
    tx.require(Act.READ, name.namespace)
    model = find_model(tx.unit, name)
    # A credential without the act cannot set the owner, not even for the owner.
    if model.owner != tx.actor or not tx.caller.reaches(Act.ASSIGN, name.namespace):
        tx.require(Act.ASSIGN, name.namespace)
    owner = get_principal(tx.unit, command.principal).id
    if model.owner == owner:
        newest = tx.unit.projections.select(
            OwnerRecord, Where("name", "=", str(name)), descending=True, limit=1
        )
        return Outcome(newest[0].index, created=False)
    return Outcome(tx.record(OwnerSet(name=name, owner=owner)))
