"""Principals, their keys and their roles."""

from typing import Final

from muniment.answers.recoveries import check_approver, has_key
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidKey,
    InvalidName,
    InvalidOption,
    NameTaken,
    NotIndependent,
    PrincipalNotFound,
    RecoveryNotFound,
    RoleNotHeld,
)
from muniment.core.events import (
    KeyEnrolled,
    PrincipalConfirmed,
    PrincipalRegistered,
    RecoveryBegun,
    RecoveryEnded,
    RecoveryOutcome,
    RoleGranted,
    RoleRevoked,
)
from muniment.core.names import check_part
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import GrantRecord, KeyRecord, PrincipalRecord, RecoveryRecord, Where
from muniment.core.times import read_time, write_time
from muniment.core.verbs.people import (
    ApproveRecovery,
    CancelRecovery,
    ConfirmPrincipal,
    EnrolKey,
    GrantRole,
    RegisterPrincipal,
    RevokeRole,
)
from muniment.ports.unit import Unit
from muniment.services.transaction import Outcome, Transaction
from muniment.signing.keys import Algorithm, PublicKey

_MAX_NAME_CHARACTERS: Final = 200
# The kind of a principal that is no workload.
PERSON: Final = "person"


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
        enrol(tx, principal, command.public_key, command.expires, voucher=tx.actor)
    return Outcome(index)


def enrol_key(tx: Transaction, command: EnrolKey) -> Outcome:
    """Add a key to a principal. Raises as `enrol`.

    Raises:
        InvalidOption: it is the principal's, with another expiry, which cannot be changed.
    """
    principal = get_principal(tx.unit, command.principal)
    key = PublicKey.read(command.public_key).id
    known = tx.unit.projections.find(KeyRecord, (key,))
    asked = None if command.expires is None else write_time(read_time(command.expires))
    if known is not None and known.principal == principal.id and known.expires != asked:
        until = "without an expiry" if known.expires is None else f"until {known.expires}"
        raise InvalidOption(option="expires", reason=f"of a key cannot be changed: it is enrolled {until}")
    assurance = Assurance.KEY
    somebody_else = principal.kind == PERSON and principal.id != tx.actor
    if known is None and somebody_else and has_key(tx.unit, principal.id):
        begin_recovery(tx, principal.id, key)
        assurance = Assurance.RECOVERY
    return enrol(tx, principal.id, command.public_key, command.expires, voucher=tx.actor, assurance=assurance)


def enrol(  # noqa: PLR0913 - the data of a key
    tx: Transaction,
    principal: str,
    public_key: bytes,
    expires: str | None,
    *,
    voucher: str,
    name: Digest | None = None,
    assurance: Assurance = Assurance.KEY,
    in_browser: bool = False,
) -> Outcome:
    """Enrol a key; the principal's own key again changes nothing. The caller MUST have checked permission.

    `voucher` says that it is the principal's.

    Raises:
        NameTaken: the key belongs to somebody else, or was revoked.
        InvalidKey: it is not a key, or is a passkey, which only a browser can enrol.
    """
    key = PublicKey.read(public_key)
    if (key.algorithm is Algorithm.PASSKEY) is not in_browser:
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
        assurance=_find_assurance(key, assurance),
        name=name,
        expires=None if expires is None else write_time(read_time(expires)),
        voucher=voucher,
        starter=tx.caller.starter,
    )
    return Outcome(tx.record(event))


def begin_recovery(tx: Transaction, principal: str, credential: str) -> None:
    """Record that the actor lets a person in anew, by an invitation or a key that the next entries make."""
    opens = write_time(read_time(tx.time) + tx.recovery_wait)
    tx.record(RecoveryBegun(principal=principal, credential=credential, opens=opens))


def approve_recovery(tx: Transaction, command: ApproveRecovery) -> Outcome:
    """Let a recovery be used at once.

    Raises:
        RecoveryNotFound: none that waits has this entry.
        NotPermitted: the actor is no admin.
        NotIndependent: the actor began it, it is for them, or they are there on the word of either.
    """
    tx.require(Act.ENROL, EVERYWHERE)
    recovery = _get_waiting(tx, command.recovery)
    check_approver(tx.unit, recovery, tx.actor, tx.unit.log.size())
    return _end_recovery(tx, recovery, RecoveryOutcome.APPROVED)


def cancel_recovery(tx: Transaction, command: CancelRecovery) -> Outcome:
    """Cancel a recovery of the actor or, for an admin, of anybody.

    Raises:
        RecoveryNotFound: none that waits has this entry, or it is somebody else's.
    """
    recovery = _get_waiting(tx, command.recovery)
    if recovery.principal != tx.actor and not tx.may(Act.ENROL, EVERYWHERE):
        raise RecoveryNotFound(entry=command.recovery)
    return _end_recovery(tx, recovery, RecoveryOutcome.CANCELLED)


def _get_waiting(tx: Transaction, entry: int) -> RecoveryRecord:
    recovery = tx.unit.projections.find(RecoveryRecord, (entry,))
    if recovery is None or recovery.ended is not None or recovery.opens <= tx.time:
        raise RecoveryNotFound(entry=entry)
    return recovery


def _end_recovery(tx: Transaction, recovery: RecoveryRecord, outcome: RecoveryOutcome) -> Outcome:
    event = RecoveryEnded(principal=recovery.principal, recovery=recovery.index, outcome=outcome)
    return Outcome(tx.record(event))


def _find_assurance(key: PublicKey, assurance: Assurance) -> Assurance:
    """Find how the owner of a key is known.

    That of an SSH key is its agent or token, no matter who enrolled it; but a recovery says so.
    """
    is_ssh = key.algorithm is Algorithm.SSH and assurance is not Assurance.RECOVERY
    return Assurance.SSH if is_ssh else assurance


def confirm_principal(tx: Transaction, command: ConfirmPrincipal) -> Outcome:
    """Confirm that a principal is who they are.

    Raises:
        NotIndependent: they are the actor.
        PrincipalNotFound: they do not exist.
    """
    principal = get_principal(tx.unit, command.principal)
    if principal.id == tx.actor:
        raise NotIndependent(principal=tx.actor, act="confirm themselves")
    return Outcome(tx.record(PrincipalConfirmed(principal=principal.id, reason=tx.keep(command.reason))))


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
