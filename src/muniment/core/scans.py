"""Scans: what a scanner found in the files of a version.

The predicate `https://muniment.dev/scan/v1` holds each thing that was found, with its severity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from muniment.core.canonical import Json, JsonObject

NOTHING: Final = "none"
SEVERITIES: Final = (NOTHING, "low", "medium", "high", "critical")
# The tool of the registry's own scans; nobody else's claims may go by its name.
OWN_TOOL: Final = "muniment"
# Of a version that holds more, the worst are enough to refuse it.
MAX_FINDINGS: Final = 200
MAX_MESSAGE_CHARACTERS: Final = 500


class Scanner(NamedTuple):
    """What scans: its name and version, and the versions of what it knows."""

    name: str
    version: str
    database: str


class Found(NamedTuple):
    """Something in a file: how severe (one of `SEVERITIES`), by which rule, in words, and where."""

    severity: str
    rule: str
    message: str
    path: str


def write_scan(scanner: Scanner, time: str, found: Sequence[Found]) -> JsonObject:
    """Write a predicate: the worst that was found, each thing once, in an order of its own."""
    ranked = sorted(set(found), key=lambda one: (-SEVERITIES.index(one.severity), *one))
    listed: list[Json] = [
        {
            "severity": one.severity,
            "rule": one.rule,
            "message": one.message[:MAX_MESSAGE_CHARACTERS],
            "path": one.path,
        }
        for one in ranked[:MAX_FINDINGS]
    ]
    return {"tool": {**scanner._asdict()}, "time": time, "findings": listed}


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
    def time(self) -> str:
        """When it scanned."""
        return str(self.predicate.get("time", ""))

    @property
    def lines(self) -> list[str]:
        """What was found that matters, in a line each: severity, path, message."""
        names = ("severity", "path", "message")
        return [
            " ".join(str(one[name]) for name in names if one.get(name))
            for one in self._found
            if isinstance(one, Mapping) and one.get("severity") != NOTHING
        ]

    @property
    def pickles(self) -> frozenset[str]:
        """The files in which there are pickles, whatever they are called; archives by their own names."""
        found = [one for one in self._found if isinstance(one, Mapping)]
        pickles = [one for one in found if str(one.get("rule", "")).startswith("pickle")]
        return frozenset(str(one.get("path", "")).partition("!")[0] for one in pickles)

    @property
    def _found(self) -> list[Json]:
        found = self.predicate["findings"]
        return found if isinstance(found, list) else []

    @property
    def worst(self) -> str:
        """The highest severity among what was found. One that we do not know is the highest there is."""
        severities = [str(one["severity"]) if isinstance(one, Mapping) else "" for one in self._found]
        ranks = [SEVERITIES.index(one) if one in SEVERITIES else len(SEVERITIES) - 1 for one in severities]
        return SEVERITIES[max(ranks, default=0)]
