"""The paths of files inside a revision.

One rule for all systems: a revision pushed on one machine can be checked out on any other.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from muniment.core.errors import InvalidPath

_MAX_PATH_BYTES: Final = 1024
_MAX_PART_BYTES: Final = 255


def check_path(path: str) -> None:
    """Check one path: relative, `/`-separated, NFC, no `.` `..` or empty part.

    Raises:
        InvalidPath: it breaks one of these rules.
    """
    reason = _find_fault(path)
    if reason:
        raise InvalidPath(path=path, reason=reason)


def check_paths(paths: Iterable[str]) -> None:
    """Check all paths of one revision, and that no two collide on any file system.

    Raises:
        InvalidPath: a path breaks a rule, is a duplicate, differs from another only by case or Unicode
            form, or is also the directory of another.
    """
    seen: dict[str, str] = {}
    for path in paths:
        check_path(path)
        folded = _fold(path)
        if folded in seen:
            raise InvalidPath(path=path, reason=f"collides with {seen[folded]!r}")
        seen[folded] = path
    for folded, path in seen.items():
        parts = folded.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above in seen:
                raise InvalidPath(path=path, reason=f"is below the file {seen[above]!r}")


def _find_fault(path: str) -> str:  # noqa: PLR0911 - one return for each rule
    if not path:
        return "is empty"
    if not path.isprintable() or "\\" in path or ":" in path:
        return "has a character that some systems do not allow"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode normal form NFC"
    parts = path.split("/")
    if not parts[0]:
        return "is absolute"
    if not all(parts):
        return "has an empty part"
    if "." in parts or ".." in parts:
        return "has a . or .. part"
    if any(part != part.rstrip(". ") for part in parts):
        return "has a part that ends in a dot or a space"
    sizes = [len(part.encode()) for part in parts]
    if max(sizes) > _MAX_PART_BYTES or sum(sizes) + len(sizes) - 1 > _MAX_PATH_BYTES:
        return "is too long"
    return ""


def _fold(path: str) -> str:
    # NFKC after the case fold unites all names that any file system in use treats as equal.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
