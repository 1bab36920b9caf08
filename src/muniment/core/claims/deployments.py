"""Deployments: which version serves where, from when to when, and what the target says it has loaded.

The predicate `https://muniment.dev/deployment/v1` is a claim of whoever deploys, or of the target itself.
For each model and target the newest claim counts: it ends the one before it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from muniment.core.claims.attestations import DEPLOYMENT
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest
from muniment.core.errors import InvalidName
from muniment.core.names import check_part

_MAX_TARGET: Final = 200


class State(StrEnum):
    """Whether a version serves at a target."""

    SERVING = "serving"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Predicate):
    """What a deployment claim says.

    Attributes:
        version: `namespace/model@number`.
        target: where: `prod-eu/api`, parts as those of names.
        loaded: the manifest digest that the target says it has loaded; None if it did not say.
        time: when, by the clock of the principal who says so (RFC 3339).
    """

    type: ClassVar[str] = DEPLOYMENT
    version: str
    target: str
    state: State
    loaded: Digest | None
    time: str

    def __post_init__(self) -> None:
        """Hold the grammar of targets."""
        check_target(self.target)


def check_target(target: str) -> None:
    """Check the name of a target.

    Raises:
        InvalidName: a part of it is no part of a name, or it is longer than 200 characters.
    """
    if len(target) > _MAX_TARGET:
        raise InvalidName(name=target, kind="target")
    for part in target.split("/"):
        check_part(part, "target")
