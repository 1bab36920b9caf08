"""Rebuild and compare the registry in a directory."""

from pathlib import Path

from muniment.server.parts import open_parts
from muniment.services.upkeep.rebuild import Difference, compare, rebuild


def rebuild_directory(root: Path) -> int:
    """Rebuild all tables from the log; return the number of entries."""
    with open_parts(root) as parts:
        return parts.units.write(rebuild)


def compare_directory(root: Path) -> list[Difference]:
    """List the rows that differ from the log, without changing anything."""
    with open_parts(root) as parts:
        return parts.units.read(compare)
