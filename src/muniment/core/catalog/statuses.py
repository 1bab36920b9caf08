"""Statuses: what became of a version. Nothing that was published is changed by them.

A version is published until it is said to be something else. `superseded` is not said: it follows from the
moves of the aliases.
"""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What became of a version."""

    PUBLISHED = "published"
    # May be used, and should not be for anything new.
    DEPRECATED = "deprecated"
    # Out of service by plan: no alias moves to it.
    RETIRED = "retired"
    # In quarantine: its bytes are for security and auditors only.
    REVOKED = "revoked"
    # Its bytes are gone; the record of them stays.
    PURGED = "purged"


# No alias moves to one of these.
WITHDRAWN: Final = frozenset({Status.RETIRED, Status.REVOKED, Status.PURGED})
