"""Scans: what a scanner found in the files of a version.

The predicate `https://muniment.dev/scan/v1` holds each thing that was found, with its severity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import JsonObject

SEVERITIES: Final = ("none", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Scan:
    """A view of one scan predicate."""

    predicate: JsonObject

    @property
    def tool(self) -> str:
        """What scanned."""
        tool = self.predicate.get("tool")
        return str(tool.get("name", "")) if isinstance(tool, Mapping) else ""

    @property
    def worst(self) -> str:
        """The highest severity among what was found. One that we do not know is the highest there is."""
        found = self.predicate["findings"]
        listed = found if isinstance(found, list) else []
        severities = [str(one["severity"]) if isinstance(one, Mapping) else "" for one in listed]
        ranks = [SEVERITIES.index(one) if one in SEVERITIES else len(SEVERITIES) - 1 for one in severities]
        return SEVERITIES[max(ranks, default=0)]
