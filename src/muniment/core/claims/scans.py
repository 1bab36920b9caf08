"""Scans: what a scanner found in the files of a version.

The predicate `https://muniment.dev/scan/v1` holds each finding with its severity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from muniment.core.canonical import Json, JsonObject
from muniment.core.texts import in_line

NOTHING: Final = "none"
SEVERITIES: Final = (NOTHING, "low", "medium", "high", "critical")
# The tool name of the registry's own scans; other claims must not use it.
OWN_TOOL: Final = "muniment"
# If there are more, the worst are enough to refuse a version.
MAX_FINDINGS: Final = 200
_MAX_CHARACTERS: Final = {"rule": 100, "message": 500, "path": 2_000}
# Separates the path of an archive from its member; paths of versions cannot contain it.
INSIDE: Final = ":"


class Scanner(NamedTuple):
    """A scanner: its name and version, and the version of its database."""

    name: str
    version: str
    database: str


class ScanFinding(NamedTuple):
    """A finding in a file: its severity (one of `SEVERITIES`), rule, message and path."""

    severity: str
    rule: str
    message: str
    path: str

    def bounded(self) -> "ScanFinding":
        """Return it with short, printable texts: names in files can hold anything."""
        texts = {name: getattr(self, name)[:most] for name, most in _MAX_CHARACTERS.items()}
        return self._replace(**{name: _write_plain(text) for name, text in texts.items()})


def write_scan(scanner: Scanner, time: str, findings: Iterable[ScanFinding]) -> JsonObject:
    """Write a predicate with the worst findings, each once, the worst first."""
    listed: list[Json] = [{**finding._asdict()} for finding in keep_worst(findings)]
    return {"tool": {**scanner._asdict()}, "time": time, "findings": listed}


def keep_worst(findings: Iterable[ScanFinding]) -> list[ScanFinding]:
    """Keep the worst findings, each once and bounded, at most as many as a scan holds."""
    kept: set[ScanFinding] = set()
    for finding in findings:
        kept.add(finding.bounded())
        if len(kept) > 2 * MAX_FINDINGS:
            kept = set(sorted(kept, key=_badness)[:MAX_FINDINGS])
    return sorted(kept, key=_badness)[:MAX_FINDINGS]


def _badness(finding: ScanFinding) -> tuple[int, ScanFinding]:
    return -SEVERITIES.index(finding.severity), finding


def _write_plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True, slots=True)
class Scan:
    """A view of one scan predicate."""

    predicate: JsonObject

    @property
    def tool(self) -> str:
        """The scanner."""
        tool = self.predicate.get("tool")
        return str(tool.get("name", "")) if isinstance(tool, Mapping) else ""

    @property
    def result(self) -> frozenset[tuple[str, ...]]:
        """What it found; a scan that is repeated with the same result says nothing new."""
        findings = self.predicate.get("findings")
        listed = findings if isinstance(findings, Sequence) and not isinstance(findings, str) else ()
        return frozenset(
            tuple(str(one.get(name, "")) for name in ScanFinding._fields)
            for one in listed
            if isinstance(one, Mapping)
        )

    @property
    def time(self) -> str:
        """When it scanned."""
        return str(self.predicate.get("time", ""))

    @property
    def lines(self) -> list[str]:
        """The findings with a severity, one per line: severity, path, message."""
        names = ("severity", "path", "message")
        return [
            in_line(" ".join(str(one[name]) for name in names if one.get(name)))
            for one in self._findings
            if isinstance(one, Mapping) and one.get("severity") != NOTHING
        ]

    @property
    def pickles(self) -> frozenset[str]:
        """The files that contain pickles, regardless of their names; archives by their own names."""
        findings = [one for one in self._findings if isinstance(one, Mapping)]
        pickles = [one for one in findings if str(one.get("rule", "")).startswith("pickle")]
        return frozenset(str(one.get("path", "")).partition(INSIDE)[0] for one in pickles)

    @property
    def _findings(self) -> list[Json]:
        findings = self.predicate["findings"]
        return findings if isinstance(findings, list) else []

    @property
    def worst(self) -> str:
        """The highest severity of the findings; an unknown severity counts as the highest."""
        severities = [str(one["severity"]) if isinstance(one, Mapping) else "" for one in self._findings]
        ranks = [SEVERITIES.index(one) if one in SEVERITIES else len(SEVERITIES) - 1 for one in severities]
        return SEVERITIES[max(ranks, default=0)]
