"""The files of a push: collect them, check their names, and watch them while they are read."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from muniment.core.bytes.paths import check_paths
from muniment.core.errors import EmptyRevision, FileChanged, FileUnusable, NotAFile, SymlinkRefused

OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A local file, and its path in the revision."""

    path: str
    place: Path

    @property
    def size_bytes(self) -> int:
        """The current size of the file."""
        return self.place.stat().st_size


def collect(root: Path) -> list[Source]:
    """List the files of a directory, or a single file, sorted by path.

    Empty directories are ignored: a revision is a set of files.

    Raises:
        FileUnusable: `root` does not exist.
        NotAFile: it, or something below it, is neither a file nor a directory.
        SymlinkRefused: a link leads out of the directory, or to another directory.
        InvalidPath: a name breaks the rules of `muniment.core.bytes.paths`.
        EmptyRevision: there is no file.
    """
    if root.is_file():
        sources = [Source(root.name, root)]
    elif root.is_dir():
        base = root.resolve()
        sources = sorted(Source(place.relative_to(root).as_posix(), place) for place in _walk(root, base))
    else:
        check_exists(root)
        raise NotAFile(path=str(root))
    if not sources:
        raise EmptyRevision(path=str(root))
    check_paths(source.path for source in sources)
    return sources


def check_exists(path: Path) -> None:
    """Check that there is something at a path.

    Raises:
        FileUnusable: there is not.
    """
    if not path.exists():
        raise FileUnusable(path=str(path), reason="there is no such file")


@contextmanager
def watch(source: Source, on_bytes: OnBytes | None = None) -> Iterator[FileIO]:
    """Open a file to read it, and check at the end that it did not change meanwhile.

    Raises:
        FileChanged: it did.
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
    """A file that reports how many bytes were read, and refuses more than its size at opening."""

    def __init__(self, source: Source, on_bytes: OnBytes | None) -> None:
        """Open it."""
        super().__init__(source.place)
        self._path = source.path
        self._on_bytes = on_bytes
        self._size = os.fstat(self.fileno()).st_size
        self._told = 0

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override] # hashing passes a memoryview
        """Read, and count bytes that were not read before; a retry reads some again."""
        count = super().readinto(buffer) or 0
        place = self.tell()
        # A file that keeps growing would be read forever.
        if place > self._size:
            raise FileChanged(path=self._path)
        if place > self._told:
            self.count(place - self._told)
        return count

    def count(self, count: int) -> None:
        """Count bytes that were read, at any position."""
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
