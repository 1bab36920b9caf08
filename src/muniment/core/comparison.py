"""What is different between two versions."""

from dataclasses import dataclass

from muniment.core.canonical import Json
from muniment.core.counting import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference. A side without the thing is None.

    Attributes:
        kind: added, removed, changed, renamed, reshaped or retyped.
        real: for a metric, whether the change is real, that is, the confidence intervals do not overlap; None
            without intervals.
        norm: for a tensor, the norm of the change relative to its old norm, if requested.
    """

    section: str
    name: str
    before: Json
    after: Json
    kind: str = "changed"
    real: bool | None = None
    norm: float | None = None

    @property
    def delta(self) -> float | None:
        """The change, if both sides are numbers."""
        if is_number(self.before) and is_number(self.after):
            return float(str(self.after)) - float(str(self.before))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """What was not recorded of a version or of both, so that sections could not be compared.

    >>> print(Unrecorded(what="card", versions=("acme/x@1",), sections=("card",)))
    not compared: card, since acme/x@1 has no card on record
    """

    what: str
    versions: tuple[str, ...]
    sections: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        have = "has" if len(self.versions) == 1 else "have"
        who = " and ".join(self.versions)
        return f"not compared: {', '.join(self.sections)}, since {who} {have} no {self.what} on record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences of two versions by section.

    Attributes:
        same: the sections that both have without a difference.
        unrecorded: what was not recorded of one, so that sections could not be compared.
    """

    before: str
    after: str
    differences: tuple[Difference, ...]
    same: tuple[str, ...]
    unrecorded: tuple[Unrecorded, ...] = ()

    def __repr__(self) -> str:
        """Count the differences."""
        return f"<Comparison of {self.before} and {self.after}: {count(len(self.differences), 'difference')}>"


def is_number(value: Json) -> bool:
    """Return whether a value is a number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
