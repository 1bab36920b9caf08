"""Start a training and record it: `muniment run -- python train.py`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from muniment.capture.keeping import read_run
from muniment.capture.packages import list_packages
from muniment.capture.platforms import describe_platform
from muniment.capture.run import HANDOVER, Run
from muniment.core import canonical
from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import InvalidDocument, InvalidOption

_ASK: Final = (
    "import json, platform, sys;"
    "print(json.dumps({'python': platform.python_version(),"
    "'implementation': platform.python_implementation(), 'path': sys.path[1:]}))"
)
_ASK_S: Final = 30


def launch(run: Run, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a command, wait for it, and record what it used; return its exit code.

    A run inside the command (`with muniment.run()`) adds its record: parameters, datasets, environment.

    Raises:
        InvalidOption: the command cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="muniment-run-") as name, run:
        inner = Path(name) / "run.json"
        try:
            process = subprocess.Popen(list(command), env={**environment, HANDOVER: str(inner)})
        except OSError as error:
            reason = f"{command[0]!r} cannot be started: {error.strerror}"
            raise InvalidOption(option="COMMAND", reason=reason) from error
        run.exit_code = _wait(process)
        if inner.is_file():
            run.absorb(read_run(inner.read_bytes()))
        else:
            _look_around(run, command[0], environment)
    return run.exit_code


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for the process despite interrupts from the keyboard, which reach the process too."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _look_around(run: Run, program: str, environment: Mapping[str, str]) -> None:
    """Record the Python environment of a program, if it runs in Python."""
    interpreter = _find_interpreter(program, environment)
    if interpreter is None:
        return
    answer = _ask(interpreter, environment)
    if answer is None:
        return
    paths = answer.pop("path")
    platform: JsonObject = {**describe_platform(), **answer}
    run.surround(platform, list_packages([str(path) for path in paths] if isinstance(paths, list) else []))


def _ask(interpreter: str, environment: Mapping[str, str]) -> dict[str, Json] | None:
    try:
        result = subprocess.run(
            [interpreter, "-c", _ASK], env=environment, capture_output=True, timeout=_ASK_S, check=True
        )
        return dict(canonical.decode(result.stdout))
    except (OSError, subprocess.SubprocessError, InvalidDocument):
        return None


def _find_interpreter(program: str, environment: Mapping[str, str]) -> str | None:
    """Find the Python of a program: the program itself, or the one in its first line."""
    place = shutil.which(program, path=environment.get("PATH", os.defpath))
    if place is None:
        return None
    if Path(place).name.startswith("python"):
        return place
    with Path(place).open("rb") as file:
        first = file.read(500).partition(b"\n")[0]
    if not first.startswith(b"#!"):
        return None
    words = first[2:].decode(errors="replace").split()
    words = words[1:] if words and Path(words[0]).name == "env" else words
    interpreter = shutil.which(words[0], path=environment.get("PATH", os.defpath)) if words else None
    return interpreter if interpreter and Path(interpreter).name.startswith("python") else None
