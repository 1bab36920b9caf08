"""Deployments: which version serves where, from when to when, and what the target says it has loaded.

The predicate `https://muniment.dev/deployment/v1` is a claim of whoever deploys, or of the target itself.
For each model and target the newest claim counts: it ends the one before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidAttestation, InvalidName
from muniment.core.names import check_part

_MAX_TARGET: Final = 200


class State(StrEnum):
    """Whether a version serves at a target."""

    SERVING = "serving"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment claim says.

    Attributes:
        version: `namespace/model@number`.
        target: where: `prod-eu/api`, parts as those of names.
        loaded: the manifest digest that the target says it has loaded; None if it did not say.
        time: when, by the clock of whoever says so (RFC 3339).
    """

    version: str
    target: str
    state: State
    loaded: str | None
    time: str

    def predicate(self) -> JsonObject:
        """Write the predicate."""
        return {
            "version": self.version,
            "target": self.target,
            "state": str(self.state),
            "loaded": self.loaded,
            "time": self.time,
        }

    @classmethod
    def read(cls, predicate: Mapping[str, object]) -> "Deployment":
        """Read a predicate.

        Raises:
            InvalidAttestation: a member is missing or of another kind.
            InvalidName: the target breaks the grammar.
        """
        loaded = predicate.get("loaded")
        try:
            found = cls(
                version=str(predicate["version"]),
                target=str(predicate["target"]),
                state=State(str(predicate["state"])),
                loaded=None if loaded is None else str(loaded),
                time=str(predicate["time"]),
            )
        except (KeyError, ValueError) as error:
            raise InvalidAttestation(reason=f"not a deployment: {error}") from error
        check_target(found.target)
        return found


def check_target(target: str) -> None:
    """Check the name of a target.

    Raises:
        InvalidName: a part of it is no part of a name, or it is longer than 200 characters.
    """
    if len(target) > _MAX_TARGET:
        raise InvalidName(name=target, kind="target")
    for part in target.split("/"):
        check_part(part, "target")
