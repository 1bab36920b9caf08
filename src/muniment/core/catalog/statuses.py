"""Statuses of versions. A status changes nothing that was published.

A version is `published` until somebody sets another status. `superseded` is never set: it follows from the
moves of aliases.
"""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """The status of a version."""

    PUBLISHED = "published"
    # Usable, but not for anything new.
    DEPRECATED = "deprecated"
    # Out of service as planned: no alias moves to it.
    RETIRED = "retired"
    # In quarantine: only security and auditors may read its bytes.
    REVOKED = "revoked"
    # Its bytes are deleted; its record stays.
    PURGED = "purged"


# No alias moves to a version with one of these.
WITHDRAWN: Final = frozenset({Status.RETIRED, Status.REVOKED, Status.PURGED})
