"""Prepare the directory of a rebuild: check out the code, make the environment, place the data."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import muniment
from muniment.client.bytes.copying import copy as copy_stream
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.reproduction.planning import Data, Plan
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.errors import ContentCorrupt, NotReproducible
from muniment.core.extras import load_extra

_INSTALL_S: Final = 3600


@dataclass
class Log:
    """The log of a rebuild, in order."""

    say: Callable[[str], None]
    text: bytearray

    def note(self, line: str) -> None:
        """Show and log a line."""
        self.say(line)
        self.text += line.encode() + b"\n"

    def keep(self, output: bytes) -> None:
        """Log the output of a program."""
        self.text += output


def fetch_code(plan: Plan, directory: Path, log: Log) -> Path:
    """Check out the recorded commit with the recorded changes; return the checkout.

    Raises:
        NotReproducible: the code cannot be fetched.
    """
    checkout = directory / "code"
    if plan.commit:
        log.note(f"code      {plan.commit} from {plan.code}")
        _git(log, directory, "clone", "--no-checkout", "--quiet", "--", plan.code, str(checkout))
        _git(log, checkout, "checkout", "--quiet", "--detach", plan.commit)
        _git(log, checkout, "submodule", "update", "--init", "--recursive", "--quiet")
    checkout.mkdir(exist_ok=True)
    if plan.diff:
        (directory / "diff").write_bytes(plan.diff)
        _git(log, checkout, "apply", "--whitespace=nowarn", str(directory / "diff"))
    for path, content in plan.scripts.items():
        target = inside(checkout, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return checkout


def _git(log: Log, directory: Path, *arguments: str) -> None:
    """Run git without hooks and filters of the repository."""
    options = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
    _do(log, ["git", *options, *arguments], directory, "the code cannot be fetched")


def make_environment(plan: Plan, directory: Path, log: Log) -> Path:
    """Make a fresh environment with the recorded Python and packages; return its Python."""
    uv = str(load_extra("uv", "uv", "reproduction").find_uv_bin())
    environment, lock = directory / "environment", directory / "lock.txt"
    minor = ".".join(plan.python.split(".")[:2])
    log.note(f"python    {plan.python}")
    base = ("venv", "--quiet", "--no-project", "--no-python-downloads", "--python")
    exact = subprocess.run(
        [uv, *base, plan.python, str(environment)], cwd=directory, capture_output=True, check=False
    )
    if exact.returncode:
        log.note(f"          {plan.python} is not here: using another {minor}")
        _do(log, [uv, *base, minor, str(environment)], directory, f"Python {minor} is not available")
    python = environment / "bin" / "python"
    lock.write_text(plan.lock)
    log.note(f"packages  {plan.lock.count('==')} of the recorded lock")
    install = (
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--python",
        str(python),
        "-r",
        str(lock),
    )
    _do(log, [uv, *install], directory, "its packages cannot be installed")
    if plan.provided:
        _provide(environment)
    return python


def _provide(environment: Path) -> None:
    """Make this package importable in the environment: a training that records itself imports it."""
    (site,) = environment.glob("lib/python*/site-packages")
    source = Path(str(muniment.__file__)).parents[1]
    (site / "muniment-of-this-client.pth").write_text(f"{source}\n")


def _do(log: Log, command: Sequence[str], directory: Path, why: str) -> None:
    result = subprocess.run(
        command,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_S,
        check=False,
    )
    log.keep(result.stdout)
    if result.returncode:
        last = result.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise NotReproducible(
            reference="the version",
            missing=(": ".join((why, *last)),),
            remedy="rebuild it in a directory that stays, and look there: --keep DIRECTORY",
        )


def lay_out(backend: TrustedBackend, data: Data, target: Path) -> None:
    """Put a dataset where the training read it, checking its bytes on the way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if data.given is not None:
        if data.given.is_dir():
            shutil.copytree(data.given, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(data.given, target)
        return
    for file in data.files:
        place = inside(target, file.path) if file.path else target
        place.parent.mkdir(parents=True, exist_ok=True)
        with BackgroundHasher() as hasher, backend.open_blob(file.digest) as blob, place.open("wb") as copy:
            copy_stream(blob, cast("BinaryIO", copy), hasher)
            actual = hasher.finish()
        if actual != file.digest:
            raise ContentCorrupt(path=data.name, expected=str(file.digest), actual=str(actual))


def inside(root: Path, path: str) -> Path:
    """Return a path below a directory; a recorded path may not lead out of it."""
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise NotReproducible(
            reference="the version",
            missing=(f"a path inside the project, in place of {path}",),
            remedy="do not rely on its provenance: it would write elsewhere",
        )
    return target


def translate(command: Sequence[str], python: Path) -> list[str]:
    """Make a command use the fresh environment: its Python, or its program of the same name."""
    program = Path(command[0]).name
    own = python.parent / program
    if program.startswith("python"):
        return [str(python), *command[1:]]
    return [str(own) if own.exists() else command[0], *command[1:]]


def describe_variables(plan: Plan, directory: Path, python: Path) -> dict[str, str]:
    """Return the environment variables of the command: the recorded ones, and none of ours."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    path = os.pathsep.join((str(python.parent), "/usr/local/bin", "/usr/bin", "/bin"))
    return {**plan.variables, "PATH": path, "HOME": str(home), "TMPDIR": str(home)}


def list_readable(python: Path) -> list[Path]:
    """List the paths that a sandbox that hides homes must show: the base Pythons and this package."""
    return [python.resolve().parents[1], Path(str(muniment.__file__)).parents[1]]
