"""Set a policy for an alias, and find the one in force."""

from typing import Final

from muniment.core import canonical
from muniment.core.commands import SetPolicy
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDocument, InvalidPolicy, PolicyNotFound
from muniment.core.events import EventType
from muniment.core.names import Alias, ModelName
from muniment.core.policy import Policy
from muniment.core.records import PolicyRecord
from muniment.core.roles import Act
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.custody import take
from muniment.services.documents import read_document
from muniment.services.transaction import Outcome, Transaction

MAX_POLICY_BYTES: Final = 1 << 20


def set_policy(tx: Transaction, command: SetPolicy) -> Outcome:
    """Put a stored policy document in force. The same one again changes nothing."""
    tx.require(Act.SET_POLICY, command.name.namespace)
    take(tx, command.name.namespace, [command.policy])
    load_policy(tx.unit, str(command.policy))
    present = find_policy(tx.unit, command.name, command.alias)
    if present is not None and present.digest == str(command.policy):
        return Outcome(present.index, created=False)
    data = {"name": str(command.name), "alias": str(command.alias), "policy": str(command.policy)}
    return Outcome(tx.record(EventType.POLICY_SET, data))


def find_policy(
    unit: Unit, name: ModelName, alias: Alias, until: tuple[Where, ...] = ()
) -> PolicyRecord | None:
    """Find the policy in force for an alias; with `until`, the newest that meets the conditions."""
    found = unit.projections.select(
        PolicyRecord,
        Where("name", "=", str(name)),
        Where("alias", "=", str(alias)),
        *until,
        descending=True,
        limit=1,
    )
    return found[0] if found else None


def get_policy(unit: Unit, name: ModelName, alias: Alias, until: tuple[Where, ...] = ()) -> PolicyRecord:
    """Get the policy in force for an alias; `until` as in `find_policy`.

    Raises:
        PolicyNotFound: there is none.
    """
    found = find_policy(unit, name, alias, until)
    if found is None:
        raise PolicyNotFound(name=str(name), alias=str(alias))
    return found


def load_policy(unit: Unit, digest: str) -> Policy:
    """Read a stored policy.

    Raises:
        InvalidPolicy: the document is not a policy.
        BlobNotFound, ContentCorrupt: it is missing, too large, or was altered.
    """
    data = read_document(unit, Digest.parse(digest), MAX_POLICY_BYTES)
    try:
        return Policy.read(canonical.decode(data))
    except InvalidDocument as error:
        raise InvalidPolicy(reason=error.reason) from error
