"""Change plans: what a retrain may change, decided beforehand (FDA: predetermined change control plan).

The predicate `https://muniment.dev/change-plan/v1` is a claim about the version that is to be retrained.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from muniment.core.canonical import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a value may be: within numbers, or one of some."""

    document: JsonObject

    def allow(self, value: Json) -> bool:
        """Say whether a value is within."""
        if "one_of" in self.document:
            choices = self.document["one_of"]
            return isinstance(choices, list) and any(
                type(value) is type(one) and value == one for one in choices
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        low, high = self.document.get("minimum", -math.inf), self.document.get("maximum", math.inf)
        return isinstance(low, int | float) and isinstance(high, int | float) and low <= value <= high

    def __str__(self) -> str:
        """Write them."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.document.items())


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A view of one change plan. What it does not name must not change."""

    predicate: JsonObject

    @property
    def parameters(self) -> dict[str, Bounds]:
        """The parameters that may change, and how far."""
        return self._bounds("parameters")

    @property
    def metrics(self) -> dict[str, Bounds]:
        """The metrics that the retrained version has to show."""
        return self._bounds("metrics")

    @property
    def datasets(self) -> frozenset[str]:
        """The datasets, by name, that may be other ones."""
        return self._names("datasets")

    @property
    def models(self) -> frozenset[str]:
        """The base models, by name, that may be other ones."""
        return self._names("models")

    @property
    def code(self) -> bool:
        """Say whether the code may change."""
        return self.predicate.get("code") is True

    @property
    def packages(self) -> bool:
        """Say whether the packages may change."""
        return self.predicate.get("packages") is True

    @property
    def expires(self) -> str | None:
        """When it ends (RFC 3339)."""
        found = self.predicate.get("expires")
        return None if found is None else str(found)

    def _bounds(self, name: str) -> dict[str, Bounds]:
        found = self.predicate.get(name)
        return {
            key: Bounds(value)
            for key, value in (found.items() if isinstance(found, Mapping) else ())
            if isinstance(value, Mapping)
        }

    def _names(self, name: str) -> frozenset[str]:
        found = self.predicate.get(name)
        return frozenset(map(str, found)) if isinstance(found, list) else frozenset()
