"""Vouching: on whose word a principal is who they are.

Who registers somebody, invites them, enrols a key for them, gives them a token or writes the rule by which
a workload signs in could act in their place. So each of these is on record as a *vouch*, with its
*voucher*. What a person decides counts only if nobody whose own work it concerns stands behind them.
"""

from enum import StrEnum
from typing import Final


class VouchKind(StrEnum):
    """What somebody vouched for, of a principal."""

    PERSON = "person"
    WORKLOAD = "workload"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 - not a secret
    RULE = "rule"
    CONFIRMATION = "confirmation"


# The same in words.
VOUCHED: Final = {
    VouchKind.PERSON: "their registration, as a person",
    VouchKind.WORKLOAD: "its registration, as a workload",
    VouchKind.KEY: "a key",
    VouchKind.TOKEN: "a token",
    VouchKind.RULE: "a rule by which it signs in",
    VouchKind.CONFIRMATION: "who they are: a confirmation",
}
