"""Deployments: which version serves where and when, and which digest the target reports.

The predicate `https://muniment.dev/deployment/v1` is a claim by the deployer or by the target itself. For
each model and target the newest claim counts: it ends the one before it.
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
    """The content of a deployment claim.

    Attributes:
        version: `namespace/model@number`.
        target: the place, such as `prod-eu/api`; its parts follow the grammar of names.
        loaded: the manifest digest that the target reports; None if it reported none.
        time: the time by the signer's clock (RFC 3339).
    """

    type: ClassVar[str] = DEPLOYMENT
    version: str
    target: str
    state: State
    loaded: Digest | None
    time: str

    def __post_init__(self) -> None:
        """Check the grammar of the target."""
        check_target(self.target)


def check_target(target: str) -> None:
    """Check the name of a target.

    Raises:
        InvalidName: a part breaks the grammar of names, or it is longer than 200 characters.
    """
    if len(target) > _MAX_TARGET:
        raise InvalidName(name=target, kind="target")
    for part in target.split("/"):
        check_part(part, "target")
