"""Tokens and sessions: how callers are identified, and how keys of machines are enrolled.

A token is a random text that its owner keeps. The registry gets only its sha256, which is the token's id, and
sees the text when it is first used.
"""

import re
from datetime import timedelta
from typing import Final

from muniment.answers.recoveries import check_open, find_recovery, has_signed_in
from muniment.core.errors import (
    BadToken,
    InvalidTime,
    LoginRefused,
    NameTaken,
    NotPermitted,
    TokenExpired,
    TokenNotFound,
)
from muniment.core.events import TokenIssued, TokenRevoked
from muniment.core.payloads import Payload
from muniment.core.people.callers import Assurance, Caller, parse_scopes
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import TokenRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.people import BeginSession, IssueToken, RevokeToken
from muniment.ports.unit import Unit
from muniment.services.people.principals import PERSON, begin_recovery, enrol, get_principal
from muniment.services.transaction import Outcome, Transaction
from muniment.signing.keys import PublicKey

LONGEST_TOKEN: Final = timedelta(days=366)
LONGEST_SESSION: Final = timedelta(days=90)
LONGEST_WORKLOAD: Final = timedelta(hours=1)
_TOKEN_ID: Final = re.compile(r"[0-9a-f]{64}")


def identify(unit: Unit, token: str, now: str) -> Caller:
    """Identify the owner of a token, by its id.

    Raises:
        BadToken: it is unknown or revoked.
        TokenExpired: it has expired.
        RecoveryWaiting, RecoveryCancelled: it lets somebody in anew, and cannot be used.
    """
    record = unit.projections.find(TokenRecord, (token,))
    if record is None or record.revoked is not None:
        raise BadToken
    if record.expires <= now:
        raise TokenExpired(expires=record.expires)
    recovery = find_recovery(unit, record.principal, record.id) if record.once else None
    if recovery is not None:
        check_open(recovery, now)
    # An invitation is only good for signing in.
    bounded = record.once or record.scopes
    scopes = parse_scopes(record.scopes.split()) if bounded else None
    return Caller(
        principal=record.principal,
        scopes=scopes,
        token=record.id,
        assurance=Assurance.SESSION if recovery is None else Assurance.RECOVERY,
        voucher=record.voucher if record.once else None,
        starter=record.starter,
    )


def issue_token(tx: Transaction, command: IssueToken) -> Outcome:
    """Issue a token: the actor's own, a workload's or, for another person, an invitation.

    Raises:
        NotPermitted: it is for another person and not an invitation, or the caller's own token has scopes.
    """
    principal = get_principal(tx.unit, command.principal)
    # A token with scopes must not issue one that reaches further.
    if tx.caller.scopes is not None and not tx.caller.reaches(Act.ENROL, EVERYWHERE):
        raise NotPermitted(principal=tx.actor, act="issue tokens", namespace=EVERYWHERE)
    if principal.id != tx.actor:
        tx.require(Act.ENROL, EVERYWHERE)
        if principal.kind == "person" and not command.once:
            # Nobody else may hold a person's lasting credential.
            raise NotPermitted(principal=tx.actor, act="hold another's token", namespace=EVERYWHERE)
    _check_id(command.token)
    somebody_else = principal.kind == PERSON and principal.id != tx.actor
    if somebody_else and has_signed_in(tx.unit, principal.id):
        begin_recovery(tx, principal.id, command.token)
    return _issue(tx, principal.id, command, LONGEST_TOKEN, voucher=tx.actor)


def revoke_token(tx: Transaction, command: RevokeToken) -> Outcome:
    """Revoke a token: the actor's own or, for an admin, anybody's; a revoked one stays revoked.

    Raises:
        TokenNotFound: it does not exist, or belongs to somebody else.
    """
    record = tx.unit.projections.find(TokenRecord, (command.token,))
    if record is None:
        raise TokenNotFound(token=command.token)
    if record.principal != tx.actor:
        try:
            tx.require(Act.ENROL, EVERYWHERE)
        except NotPermitted as error:
            raise TokenNotFound(token=command.token) from error
    if record.revoked is not None:
        return Outcome(record.revoked, created=False)
    return Outcome(tx.record(TokenRevoked(principal=record.principal, token=record.id)))


def begin_session(tx: Transaction, command: BeginSession) -> Outcome:
    """Sign in on a machine: enrol the caller's key and issue its token.

    Raises:
        LoginRefused: the caller has no invitation and is not a workload.
    """
    workload = tx.caller.assurance is Assurance.WORKLOAD
    invitation = _find_invitation(tx)
    if invitation is None and not workload:
        raise LoginRefused(reason="this needs an invitation, a login or a workload's identity")
    _check_id(command.token)
    longest = LONGEST_WORKLOAD if workload else LONGEST_SESSION
    if invitation is not None:
        tx.record(TokenRevoked(principal=invitation.principal, token=invitation.id))
    issue = IssueToken(
        principal=tx.actor, token=command.token, name=command.name, scopes=(), expires=command.expires
    )
    voucher = _get_voucher(tx)
    key = PublicKey.read(command.public_key).id
    outcome = _issue(tx, tx.actor, issue, longest, voucher=voucher, key=key)
    tx.unit.payloads.put(command.name, principal=tx.actor, personal=True)
    enrol(
        tx,
        tx.actor,
        command.public_key,
        command.expires if workload else None,
        voucher=voucher,
        name=command.name.digest,
        assurance=tx.caller.assurance,
    )
    return outcome


def enrol_passkey(tx: Transaction, public_key: bytes, name: Payload) -> Outcome:
    """Enrol a passkey, by its line, for the caller, and use up their invitation.

    The caller MUST have verified that the passkey was made for that invitation.

    Raises:
        LoginRefused: the caller has no invitation, or made it with a session, which must not gain more
            assurance.
    """
    invitation = _find_invitation(tx)
    if invitation is None:
        raise LoginRefused(reason="a passkey needs an invitation, or a login")
    if invitation.voucher == tx.actor and has_signed_in(tx.unit, tx.actor):
        raise LoginRefused(reason="a passkey needs an invitation by somebody else, or a login")
    tx.record(TokenRevoked(principal=invitation.principal, token=invitation.id))
    tx.unit.payloads.put(name, principal=tx.actor, personal=True)
    voucher, label = _get_voucher(tx), name.digest
    is_recovered = tx.caller.assurance is Assurance.RECOVERY
    return enrol(
        tx,
        tx.actor,
        public_key,
        None,
        voucher=voucher,
        name=label,
        assurance=Assurance.RECOVERY if is_recovered else Assurance.PASSKEY,
        in_browser=True,
    )


def invite(tx: Transaction, principal: str, token: str, name: Payload, expires: str) -> Outcome:
    """Issue an invitation. The caller MUST have checked permission."""
    command = IssueToken(principal=principal, token=token, name=name, scopes=(), expires=expires, once=True)
    return _issue(tx, principal, command, LONGEST_TOKEN, voucher=tx.actor)


def _get_voucher(tx: Transaction) -> str:
    """Return on whose word the caller signs in."""
    if tx.caller.voucher is None:
        raise LoginRefused(reason="nobody vouches for this caller")
    return tx.caller.voucher


def _find_invitation(tx: Transaction) -> TokenRecord | None:
    if tx.caller.token is None:
        return None
    record = tx.unit.projections.find(TokenRecord, (tx.caller.token,))
    # Checked again inside the transaction: if two callers show it at once, only one signs in.
    if record is None or record.revoked is not None:
        raise BadToken
    return record if record.once else None


def _issue(  # noqa: PLR0913 - the data of a token
    tx: Transaction,
    principal: str,
    command: IssueToken,
    longest: timedelta,
    *,
    voucher: str,
    key: str | None = None,
) -> Outcome:
    if tx.unit.projections.find(TokenRecord, (command.token,)) is not None:
        raise NameTaken(name=f"token {command.token:.16}")
    expires = read_time(command.expires)
    if not read_time(tx.time) < expires <= read_time(tx.time) + longest:
        raise InvalidTime(text=command.expires)
    tx.unit.payloads.put(command.name, principal=principal, personal=True)
    event = TokenIssued(
        principal=principal,
        token=command.token,
        label=command.name.digest,
        scopes=tuple(sorted(set(command.scopes))),
        expires=write_time(expires),
        once=command.once,
        key=key,
        voucher=voucher,
        starter=tx.caller.starter,
    )
    return Outcome(tx.record(event))


def _check_id(token: str) -> None:
    if _TOKEN_ID.fullmatch(token) is None:
        raise BadToken
