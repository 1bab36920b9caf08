"""The source trees of Muniment to compare: this checkout and a revision.

Code moves between revisions, so a tree is only used from outside: through its command line, a process that
imports its SDK, and HTTP.
"""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, run_child
from peers import Peer, run_muniment

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A source tree, and the directory for its files."""

    source: Path
    directory: Path

    @property
    def command(self) -> list[str]:
        """The command line of this tree."""
        return [sys.executable, "-m", "muniment"]

    @property
    def registry(self) -> str:
        """The registry for its commands."""
        return str(self.directory / "data")

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which Python imports this tree and ignores the caller's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
        return {
            **kept,
            # PYTHONPATH precedes the editable install of this checkout.
            "PYTHONPATH": str(self.source),
            "MUNIMENT_STATE": str(self.directory / "state"),
            "MUNIMENT_URL": self.registry,
        }

    def run(self, *arguments: str) -> Cost:
        """Run a command of this tree, and return its cost."""
        return run_child([*self.command, *arguments], self.environment)

    def ask(self, *arguments: str) -> str:
        """Run a command of this tree, and return its output."""
        return _capture([*self.command, *arguments], self.environment)

    @contextmanager
    def serve(self, directory: Path, **settings: str) -> Iterator[Peer]:
        """Run the server of this tree on `directory / "data"`."""
        with run_muniment(self.command, directory, {**self.environment, **settings}) as peer:
            yield peer


def prepare_trees(directory: Path, revision: str) -> tuple[Tree, Tree]:
    """Return this checkout, as it is on disk, and a revision written to a directory."""
    trees = []
    for name, source in (("new", _ROOT / "src"), ("old", _write_out(revision, directory / "revision"))):
        tree = Tree(source=source, directory=directory / name)
        tree.directory.mkdir()
        # Without bytecode, the first start would also measure compilation.
        compileall.compile_dir(source, quiet=2)
        _check_import(tree)
        trees.append(tree)
    return trees[0], trees[1]


def _write_out(revision: str, directory: Path) -> Path:
    """Write the source of a revision to a directory, without changing the repository."""
    archive = directory.with_suffix(".tar")
    _capture(["git", "-C", str(_ROOT), "archive", f"--output={archive}", revision, "src"])
    shutil.unpack_archive(archive, directory, filter="data")
    return directory / "src"


def _check_import(tree: Tree) -> None:
    """End the benchmark if this interpreter imports another tree, or cannot run this one."""
    printed = _capture([sys.executable, "-c", "import muniment; print(muniment.__file__)"], tree.environment)
    if not Path(printed.strip()).is_relative_to(tree.source):
        sys.exit(f"{tree.source} is not imported: Python imports {printed.strip()}")
    # The help of `serve` fails if the libraries are too new or too old for it.
    tree.ask("serve", "--help")


def _capture(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr}")
    return done.stdout
