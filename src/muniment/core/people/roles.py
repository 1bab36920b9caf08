"""Roles and the acts that each allows. Default deny."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

EVERYWHERE: Final = "*"


class Role(StrEnum):
    """The role of a principal in a namespace."""

    READER = "reader"
    CONTRIBUTOR = "contributor"
    VALIDATOR = "validator"
    APPROVER = "approver"
    SECURITY = "security"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Act(StrEnum):
    """An act that a role can allow; the text completes "may not ..."."""

    READ = "read"
    COMMENT = "comment"
    PUBLISH = "publish"
    ATTEST = "attest"
    APPROVE = "approve"
    MOVE_ALIAS = "move an alias"
    RETIRE = "deprecate or retire a version"
    REVOKE = "revoke a version"
    INSPECT = "read quarantined files"
    RETAIN = "set the retention of a version"
    PURGE = "purge a version"
    ERASE = "erase personal data"
    HOOK = "set webhooks"
    ASSIGN = "set the owner of a model"
    SET_POLICY = "set a policy"
    GRANT = "grant roles"
    ENROL = "register principals and keys"
    CONFIRM_TIME = "confirm the time"
    SEE_READS = "see who read"
    RECORD_READS = "record who reads"


_EVERYONE: Final = frozenset({Act.READ, Act.COMMENT})
_READS: Final = frozenset({Act.SEE_READS, Act.RECORD_READS})
_MAY: Final = {
    Role.READER: _EVERYONE,
    Role.CONTRIBUTOR: _EVERYONE | {Act.PUBLISH, Act.ATTEST, Act.MOVE_ALIAS, Act.RETIRE},
    Role.VALIDATOR: _EVERYONE | {Act.ATTEST, Act.APPROVE},
    Role.APPROVER: _EVERYONE | {Act.APPROVE, Act.MOVE_ALIAS, Act.RETIRE},
    Role.SECURITY: _EVERYONE | {Act.ATTEST, Act.APPROVE, Act.REVOKE, Act.INSPECT, *_READS},
    Role.AUDITOR: _EVERYONE | {Act.INSPECT, Act.RETAIN, Act.SEE_READS},
    Role.ADMIN: (
        _EVERYONE
        | {Act.ASSIGN, Act.SET_POLICY, Act.GRANT, Act.ENROL, Act.PURGE, Act.ERASE, Act.HOOK}
        | {Act.CONFIRM_TIME, *_READS}
    ),
}


def may(roles: Iterable[Role], act: Act) -> bool:
    """Return whether any of the roles allows the act."""
    return any(act in _MAY[role] for role in roles)
