"""Scanning: what looks into files for what could run when they are loaded."""

from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from muniment.core.claims.scans import Found, Scanner


class Scannable(NamedTuple):
    """A file of a version: its path, its size, and what opens it."""

    path: str
    size_bytes: int
    open: Callable[[], BinaryIO]


class Scanning(Protocol):
    """A scanner that is at hand."""

    def describe(self) -> Scanner:
        """Say what scans, and what it knows: another answer is reason to scan again."""

    def scan(self, files: Sequence[Scannable]) -> list[Found]:
        """Look into files, in no promised order. What cannot be looked into is a finding itself.

        Raises:
            Unavailable: the bytes cannot be read now, or the scanner was closed.
        """
