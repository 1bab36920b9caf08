"""Directories of policies, as a repository keeps them: `NAMESPACE/MODEL@ALIAS.yaml`.

The policy of all models of a namespace is `NAMESPACE/@ALIAS.yaml`, since not every system allows `*` in names
of files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from muniment.core.errors import InvalidName, InvalidPolicy
from muniment.core.names import EVERY, Alias, Models
from muniment.policies.documents import PolicyFile
from muniment.policies.files import load_policy

_EXPECTED: Final = "expected NAMESPACE/MODEL@ALIAS.yaml, or NAMESPACE/@ALIAS.yaml for all models"


def load_policies(directory: Path) -> list[PolicyFile]:
    """Read the policies of a directory, in the order of their names.

    Fixtures (`*.fixtures.yaml`), hidden files and files other than YAML are passed over.

    Raises:
        InvalidPolicy: a file is no policy or has another name, or there is none.
        FileUnusable: a file cannot be read.
        MissingExtra: one has expressions, and the `policies` extra is not installed.
    """
    files = [_load(directory, path) for path in _list_files(directory)]
    if not files:
        raise InvalidPolicy(reason=f"there is none in {directory}: {_EXPECTED}")
    return files


def _list_files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        is_fixture = path.name.endswith((".fixtures.yaml", ".fixtures.yml"))
        if path.suffix in {".yaml", ".yml"} and path.is_file() and not is_hidden and not is_fixture:
            yield inside


def _load(directory: Path, inside: Path) -> PolicyFile:
    model, at, alias = inside.stem.rpartition("@")
    if len(inside.parts) != 2 or inside.suffix != ".yaml" or not at:  # noqa: PLR2004 - a namespace and a file
        raise InvalidPolicy(reason=f"{inside}: {_EXPECTED}")
    try:
        models, which = Models(inside.parent.name, model or EVERY), Alias(alias)
        return PolicyFile(models, which, load_policy(directory / inside))
    except InvalidName as error:
        raise InvalidPolicy(reason=f"{inside}: {error.sentence}") from error
    except InvalidPolicy as error:
        raise InvalidPolicy(reason=f"{inside}: {error.place}{error.reason}") from error
