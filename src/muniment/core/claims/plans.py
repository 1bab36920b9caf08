"""Change plans: what a retrain may change, decided in advance (FDA: predetermined change control plan).

The predicate `https://muniment.dev/change-plan/v1` is a claim about the version to be retrained.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from muniment.core.canonical import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a value: a range of numbers, or a list of choices."""

    document: JsonObject

    def allow(self, value: Json) -> bool:
        """Return whether a value is within the bounds."""
        if "one_of" in self.document:
            choices = self.document["one_of"]
            return isinstance(choices, list) and any(
                type(value) is type(choice) and value == choice for choice in choices
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        low, high = self.document.get("minimum", -math.inf), self.document.get("maximum", math.inf)
        return isinstance(low, int | float) and isinstance(high, int | float) and low <= value <= high

    def __str__(self) -> str:
        """Write the bounds."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.document.items())


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A view of one change plan. Anything that it does not name must not change."""

    predicate: JsonObject

    @property
    def parameters(self) -> dict[str, Bounds]:
        """The parameters that may change, and their bounds."""
        return self._bounds("parameters")

    @property
    def metrics(self) -> dict[str, Bounds]:
        """The metrics that the retrained version must reach."""
        return self._bounds("metrics")

    @property
    def datasets(self) -> frozenset[str]:
        """The names of datasets that may be replaced."""
        return self._names("datasets")

    @property
    def models(self) -> frozenset[str]:
        """The names of base models that may be replaced."""
        return self._names("models")

    @property
    def code(self) -> bool:
        """Whether the code may change."""
        return self.predicate.get("code") is True

    @property
    def packages(self) -> bool:
        """Whether the packages may change."""
        return self.predicate.get("packages") is True

    @property
    def expires(self) -> str | None:
        """When it ends (RFC 3339)."""
        end = self.predicate.get("expires")
        return None if end is None else str(end)

    def _bounds(self, name: str) -> dict[str, Bounds]:
        bounds = self.predicate.get(name)
        return {
            key: Bounds(value)
            for key, value in (bounds.items() if isinstance(bounds, Mapping) else ())
            if isinstance(value, Mapping)
        }

    def _names(self, name: str) -> frozenset[str]:
        names = self.predicate.get(name)
        return frozenset(map(str, names)) if isinstance(names, list) else frozenset()
