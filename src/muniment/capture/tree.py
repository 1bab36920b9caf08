"""The files that a push takes: walked, checked by name, and watched while they are read."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from muniment.core.bytes.paths import check_paths
from muniment.core.errors import EmptyRevision, FileChanged, NotAFile, SymlinkRefused

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A file on this machine, and its path inside the revision."""

    path: str
    place: Path

    @property
    def size_bytes(self) -> int:
        """Its size now."""
        return self.place.stat().st_size


def collect(root: Path) -> list[Source]:
    """List the files of a directory, or the one file, sorted by path.

    Empty directories are passed over: a revision is a set of files.

    Raises:
        NotAFile: there is nothing at `root`, or something that is no file or directory below it.
        SymlinkRefused: a link leaves the directory, or leads to another one.
        InvalidPath: a name breaks the rules of `muniment.core.bytes.paths`.
        EmptyRevision: there is no file.
    """
    if root.is_file():
        sources = [Source(root.name, root)]
    elif root.is_dir():
        base = root.resolve()
        sources = sorted(Source(place.relative_to(root).as_posix(), place) for place in _walk(root, base))
    else:
        raise NotAFile(path=str(root))
    if not sources:
        raise EmptyRevision(path=str(root))
    check_paths(source.path for source in sources)
    return sources


@contextmanager
def watch(source: Source, on_bytes: OnBytes | None = None) -> Iterator[FileIO]:
    """Open a file for one reading, and check at the end that nobody wrote to it meanwhile.

    Raises:
        FileChanged: somebody did.
    """
    with WatchedFile(source, on_bytes) as file:
        before = os.fstat(file.fileno())
        yield file
        after = os.fstat(file.fileno())
        try:
            named = source.place.stat()
        except FileNotFoundError as error:
            raise FileChanged(path=source.path) from error
    if not _state(before) == _state(after) == _state(named):
        raise FileChanged(path=source.path)


class WatchedFile(FileIO):
    """A file that tells how many bytes were read, and ends when more come than it had when opened."""

    def __init__(self, source: Source, on_bytes: OnBytes | None) -> None:
        """Open it."""
        super().__init__(source.place)
        self._path = source.path
        self._on_bytes = on_bytes
        self._size = os.fstat(self.fileno()).st_size
        self._told = 0

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override] # what hashes hands us a memoryview
        """Read, and count what was not read before: whoever sends it again reads it again."""
        count = super().readinto(buffer) or 0
        place = self.tell()
        # A file that is written to for ever would be read for ever.
        if place > self._size:
            raise FileChanged(path=self._path)
        if place > self._told:
            self.count(place - self._told)
        return count

    def count(self, count: int) -> None:
        """Count bytes that were read, wherever."""
        self._told += count
        if self._on_bytes is not None:
            self._on_bytes(count)


def _walk(root: Path, base: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise NotAFile(path=str(error.filename)) from error

    for directory, names, files in os.walk(root, onerror=fail):
        for name in [*names, *files]:
            place = Path(directory) / name
            if place.is_symlink():
                target = place.resolve()
                if not (target.is_file() and target.is_relative_to(base)):
                    raise SymlinkRefused(path=place.relative_to(root).as_posix())
            if name in files:
                if not place.is_file():
                    raise NotAFile(path=str(place))
                yield place


def _state(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
