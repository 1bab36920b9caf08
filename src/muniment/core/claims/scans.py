"""Scans: what a scanner found in the files of a version.

The predicate `https://muniment.dev/scan/v1` holds each thing that was found, with its severity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from muniment.core.canonical import Json, JsonObject

NOTHING: Final = "none"
SEVERITIES: Final = (NOTHING, "low", "medium", "high", "critical")
# The tool of the registry's own scans; nobody else's claims may go by its name.
OWN_TOOL: Final = "muniment"
# Of a version that holds more, the worst are enough to refuse it.
MAX_FINDINGS: Final = 200
_MAX_CHARACTERS: Final = {"rule": 100, "message": 500, "path": 2_000}
# Between the path of an archive and what is in it: no path of a version has one.
INSIDE: Final = ":"


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

    def bounded(self) -> "Found":
        """Give it with texts that are short, and that anything can show: names in files can hold anything."""
        texts = {name: getattr(self, name)[:most] for name, most in _MAX_CHARACTERS.items()}
        return self._replace(**{name: _write_plain(text) for name, text in texts.items()})


def write_scan(scanner: Scanner, time: str, found: Iterable[Found]) -> JsonObject:
    """Write a predicate: the worst that was found, each thing once, in an order of its own."""
    listed: list[Json] = [{**one._asdict()} for one in keep_worst(found)]
    return {"tool": {**scanner._asdict()}, "time": time, "findings": listed}


def keep_worst(found: Iterable[Found]) -> list[Found]:
    """Keep the worst, each once and bounded, and no more of them than a scan holds."""
    kept: set[Found] = set()
    for one in found:
        kept.add(one.bounded())
        if len(kept) > 2 * MAX_FINDINGS:
            kept = set(sorted(kept, key=_badness)[:MAX_FINDINGS])
    return sorted(kept, key=_badness)[:MAX_FINDINGS]


def _badness(found: Found) -> tuple[int, Found]:
    return -SEVERITIES.index(found.severity), found


def _write_plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


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
        return frozenset(str(one.get("path", "")).partition(INSIDE)[0] for one in pickles)

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
