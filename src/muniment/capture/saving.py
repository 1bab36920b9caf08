"""Save a model in a format that can be loaded without running code, chosen by its type."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from muniment.core.errors import UnknownFormat
from muniment.core.extras import load_extra

SKOPS_FILE = "model.skops"
SAFETENSORS_FILE = "model.safetensors"

_SCHEMA: Final = "schema.json"


def save_model(model: object, directory: Path) -> Path:
    """Save a model to a directory: scikit-learn estimators as skops, named arrays as safetensors.

    The same model gives the same bytes, so trainings can be repeated and compared.

    Raises:
        UnknownFormat: no safe format for it is known.
        MissingExtra: its format needs a package that is not installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(model, Mapping):
        path = directory / SAFETENSORS_FILE
        load_extra("safetensors.numpy", "numpy").save_file(dict(model), str(path))
        return path
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        path = directory / SKOPS_FILE
        load_extra("skops.io", "skops").dump(model, path)
        _make_repeatable(path)
        return path
    raise UnknownFormat(reference=type(model).__name__)


def _make_repeatable(path: Path) -> None:
    """Rewrite a skops file without times and memory addresses.

    skops names objects and files of arrays after their memory addresses; number them in the order of the
    schema instead.
    """
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        contents = {name: archive.read(name) for name in archive.namelist() if name != _SCHEMA}
    numbers: dict[int, int] = {}
    renamed: dict[str, str] = {}
    _number(schema, numbers, renamed)
    with zipfile.ZipFile(path, "w") as archive:
        # A zip entry without a time is dated 1980.
        for name in sorted(contents, key=lambda one: renamed.get(one, one)):
            archive.writestr(zipfile.ZipInfo(renamed.get(name, name)), contents[name])
        archive.writestr(zipfile.ZipInfo(_SCHEMA), json.dumps(schema, indent=2))


def _number(node: Any, numbers: dict[int, int], renamed: dict[str, str]) -> None:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        for one in node:
            _number(one, numbers, renamed)
    elif isinstance(node, dict):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        name = node.get("file")
        if isinstance(name, str):
            node["file"] = renamed.setdefault(name, f"{len(renamed) + 1}{Path(name).suffix}")
        for one in node.values():
            _number(one, numbers, renamed)
