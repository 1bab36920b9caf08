"""A registry in a directory, looked at from behind."""

from pathlib import Path

from muniment.server.parts import open_parts
from muniment.services.upkeep.rebuild import Difference, compare, rebuild


def rebuild_directory(root: Path) -> int:
    """Replay its log into fresh tables; give the number of entries."""
    with open_parts(root) as parts:
        return parts.units.write(rebuild)


def compare_directory(root: Path) -> list[Difference]:
    """Name each row that is not what its log says; change nothing."""
    with open_parts(root) as parts:
        return parts.units.read(compare)
