"""Scanning: search files for code that could run when they are loaded."""

from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from muniment.core.claims.scans import ScanFinding, Scanner


class Scannable(NamedTuple):
    """A file of a version: its path, its size, and a function that opens it."""

    path: str
    size_bytes: int
    open: Callable[[], BinaryIO]


class Scanning(Protocol):
    """A scanner."""

    def describe(self) -> Scanner:
        """Describe the scanner and what it knows; a new answer is a reason to scan again."""

    def scan(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Scan files, in any order. A file that cannot be scanned is itself a finding.

        Raises:
            Unavailable: the bytes cannot be read at the moment, or the scanner was closed.
        """
