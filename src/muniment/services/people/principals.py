"""Principals, their keys and their roles."""

from typing import Final

from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidKey,
    InvalidName,
    InvalidOption,
    NameTaken,
    PrincipalNotFound,
    RoleNotHeld,
)
from muniment.core.events import KeyEnrolled, PrincipalRegistered, RoleGranted, RoleRevoked
from muniment.core.names import check_part
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import GrantRecord, KeyRecord, PrincipalRecord, Where
from muniment.core.times import read_time, write_time
from muniment.core.verbs.people import EnrolKey, GrantRole, RegisterPrincipal, RevokeRole
from muniment.ports.unit import Unit
from muniment.services.transaction import Outcome, Transaction
from muniment.signing.keys import Algorithm, PublicKey

_MAX_NAME_CHARACTERS: Final = 200


def find_id(unit: Unit, text: str) -> str:
    """Find the id of a principal by name; an unknown name is taken as an id."""
    try:
        return get_principal(unit, text).id
    except PrincipalNotFound:
        return text


def get_principal(unit: Unit, text: str) -> PrincipalRecord:
    """Find a principal by id or by name.

    Raises:
        PrincipalNotFound: it does not exist.
    """
    record = unit.projections.find(PrincipalRecord, (text,))
    if record is not None:
        return record
    for digest in unit.payloads.find_labelled(text):
        records = unit.projections.select(PrincipalRecord, Where("profile", "=", digest))
        if records:
            return records[0]
    raise PrincipalNotFound(principal=text)


def register_principal(tx: Transaction, command: RegisterPrincipal) -> Outcome:
    """Register a principal under a new opaque id, optionally with a first key."""
    return add_principal(tx, tx.nonces(), "workload" if command.workload else "person", command)


def add_principal(tx: Transaction, principal: str, kind: str, command: RegisterPrincipal) -> Outcome:
    """Add a principal and its key, if it has one. The caller MUST have checked permission.

    Raises:
        NameTaken: the name or the key is already registered.
    """
    _check_name(tx, command.name.text)
    name = command.name
    tx.unit.payloads.put(name, label=name.text, principal=principal, personal=True)
    index = tx.record(PrincipalRegistered(principal=principal, kind=kind, profile=name.digest))
    if command.public_key is not None:
        enrol(tx, principal, command.public_key, command.expires)
    return Outcome(index)


def enrol_key(tx: Transaction, command: EnrolKey) -> Outcome:
    """Add a key to a principal. Raises as `enrol`.

    Raises:
        InvalidOption: it is the principal's, with another expiry, which cannot be changed.
    """
    principal = get_principal(tx.unit, command.principal)
    known = tx.unit.projections.find(KeyRecord, (PublicKey.read(command.public_key).id,))
    asked = None if command.expires is None else write_time(read_time(command.expires))
    if known is not None and known.principal == principal.id and known.expires != asked:
        until = "without an expiry" if known.expires is None else f"until {known.expires}"
        raise InvalidOption(option="expires", reason=f"of a key cannot be changed: it is enrolled {until}")
    return enrol(tx, principal.id, command.public_key, command.expires)


def enrol(  # noqa: PLR0913 - the data of a key
    tx: Transaction,
    principal: str,
    public_key: bytes,
    expires: str | None,
    *,
    name: Digest | None = None,
    assurance: Assurance = Assurance.KEY,
) -> Outcome:
    """Enrol a key; the principal's own key again changes nothing. The caller MUST have checked permission.

    Raises:
        NameTaken: the key belongs to somebody else, or was revoked.
        InvalidKey: it is not a key, or is a passkey, which only a browser can enrol.
    """
    key = PublicKey.read(public_key)
    if (key.algorithm is Algorithm.PASSKEY) != (assurance is Assurance.PASSKEY):
        raise InvalidKey(reason="a passkey must be made in a browser, with an invitation")
    known = tx.unit.projections.find(KeyRecord, (key.id,))
    if known is not None and known.principal == principal and known.revoked is None:
        return Outcome(known.index, created=False)
    if known is not None:
        raise NameTaken(name=f"key {key.id:.16}")
    event = KeyEnrolled(
        principal=principal,
        key=key.id,
        algorithm=str(key.algorithm),
        public_key=key.pem.decode(),
        # The assurance of an SSH key is its agent or token, regardless of who enrolled it.
        assurance=Assurance.SSH if key.algorithm is Algorithm.SSH else assurance,
        name=name,
        expires=None if expires is None else write_time(read_time(expires)),
    )
    return Outcome(tx.record(event))


def grant_role(tx: Transaction, command: GrantRole) -> Outcome:
    """Grant a role; a role that is already held changes nothing."""
    _check_namespace(command.namespace)
    principal = get_principal(tx.unit, command.principal).id
    present = _find_grants(tx, principal, command)
    if present:
        return Outcome(present[0].index, created=False)
    event = RoleGranted(principal=principal, namespace=command.namespace, role=command.role)
    return Outcome(tx.record(event))


def revoke_role(tx: Transaction, command: RevokeRole) -> Outcome:
    """End a grant.

    Raises:
        RoleNotHeld: the principal does not hold that role there.
    """
    principal = get_principal(tx.unit, command.principal).id
    present = _find_grants(tx, principal, command)
    if not present:
        raise RoleNotHeld(principal=command.principal, role=str(command.role), namespace=command.namespace)
    event = RoleRevoked(
        principal=principal, namespace=command.namespace, role=command.role, grant=present[0].index
    )
    return Outcome(tx.record(event))


def _check_name(tx: Transaction, name: str) -> None:
    if not name or not name.isprintable() or len(name) > _MAX_NAME_CHARACTERS or name != name.strip():
        remedy = f"write 1 to {_MAX_NAME_CHARACTERS} printable characters, without a space at either end"
        raise InvalidName(name=name, kind="name of a principal", remedy=remedy)
    try:
        get_principal(tx.unit, name)
    except PrincipalNotFound:
        return
    raise NameTaken(name=name)


def _check_namespace(namespace: str) -> None:
    if namespace != EVERYWHERE:
        check_part(namespace, "namespace")


def _find_grants(tx: Transaction, principal: str, command: GrantRole | RevokeRole) -> list[GrantRecord]:
    return tx.unit.projections.select(
        GrantRecord,
        Where("principal", "=", principal),
        Where("namespace", "=", command.namespace),
        Where("role", "=", str(command.role)),
        Where("ended", "=", None),
    )
